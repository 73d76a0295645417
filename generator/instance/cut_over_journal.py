"""What a cut-over found and has done so far: `<env>/.import/activate.jsonl`, a JSON object a line.

The first line of each says which accounts were active, and the mail properties, before anything
was written; it is synced first. As every journal here it is a memory and no proof: what it says is
held against the instance before anything follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from generator.clock import Clock
from generator.instance.journal import DIRECTORY, append_line, read_lines
from generator.update_set.store import sync_directory

FILE = "activate.jsonl"

_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Kind(StrEnum):
    """Which way mail is moved."""

    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"


class Mark(StrEnum):
    """How far a cut-over is; each is written before what it names, or after it was proven."""

    BEGUN = "begun"
    """Nothing was written yet; the accounts are about to be."""

    SWITCHED = "switched"
    """The accounts read as they should."""

    TESTING = "testing"
    """A test message is about to be asked for."""

    PUTTING_BACK = "putting_back"
    """It failed, and everything is about to be put back."""

    UNDONE = "undone"
    """Everything read as before."""

    PROVEN = "proven"


_ENDED = (Mark.UNDONE, Mark.PROVEN)


@dataclass(frozen=True, slots=True)
class CutOver:
    """One cut-over, as its lines tell it."""

    id: str
    kind: Kind
    mark: Mark
    account: str
    """sys_id of our account."""

    before: frozenset[str]
    """sys_ids of the SMTP accounts that were active before the first write."""

    wanted: frozenset[str]
    """Those that shall be active after it."""

    since: str
    """The instance's time before the first write, `YYYY-MM-DD HH:MM:SS`, UTC."""

    marker: str = ""
    """Of the last test message that was asked for."""

    @property
    def is_open(self) -> bool:
        """Whether it neither ended nor was put back."""
        return self.mark not in _ENDED


@dataclass(slots=True)
class CutOverJournal:
    """The cut-overs of one environment on one instance."""

    path: Path
    clock: Clock
    instance: str
    """The address that requests go to: what was done elsewhere says nothing about this one."""

    cut_overs: list[CutOver] = field(default_factory=list)

    @property
    def unfinished(self) -> CutOver | None:
        """The last one, if nothing says that it ended.

        One that was undone left everything as the one before it did, and that may be unfinished.
        """
        stand = (cut for cut in reversed(self.cut_overs) if cut.mark is not Mark.UNDONE)
        last = next(stand, None)
        return last if last is not None and last.is_open else None

    def noted(self, account: str) -> frozenset[str]:
        """The accounts that were active before ours, by the last activation that stood.

        None if none was active then: what an older one noted was switched off since.
        """
        for found in reversed(self.cut_overs):
            if found.kind is Kind.ACTIVATE and found.account == account:
                if found.mark is not Mark.UNDONE:
                    return found.before - {account}
        return frozenset()

    def begin(self, cut: CutOver, *, facts: Mapping[str, str]) -> CutOver:
        """Note how it was, before the first write.

        Args:
            cut: What is about to be done.
            facts: What people should find beside it: names, mail properties.

        Raises:
            InternalError: The file system said no.
        """
        told = {
            "kind": cut.kind.value,
            "account": cut.account,
            "before": ",".join(sorted(cut.before)),
            "wanted": ",".join(sorted(cut.wanted)),
            "since": cut.since,
        }
        begun = self._write(cut, {**facts, **told})
        # A file that is new must be found again after the machine lost its power, too; where a
        # file system cannot sync a directory, the file's own sync has to do.
        with suppress(OSError):
            sync_directory(self.path.parent)
            sync_directory(self.path.parent.parent)
        return begun

    def write(self, cut: CutOver, mark: Mark, *, marker: str = "") -> CutOver:
        """Add a line about a cut-over and sync it; the cut-over as it is then.

        Raises:
            InternalError: The file system said no.
        """
        moved = replace(cut, mark=mark, marker=marker or cut.marker)
        return self._write(moved, {"marker": marker} if marker else {})

    def _write(self, cut: CutOver, facts: Mapping[str, str]) -> CutOver:
        body = {
            **facts,
            "at": self.clock.now().isoformat(),
            "event": cut.mark.value,
            "instance": self.instance,
            "cut_over": cut.id,
        }
        append_line(self.path, body)
        _take(self.cut_overs, cut)
        return cut


def open_cut_overs(directory: Path, *, clock: Clock, instance: str) -> CutOverJournal:
    """The cut-overs of an environment that are about this instance.

    Args:
        directory: The environment's.
        clock: For what is written.
        instance: The address that requests go to.

    Raises:
        InternalError: The file is there and cannot be read.
    """
    path = directory / DIRECTORY / FILE
    found: list[CutOver] = []
    lines = read_lines(path, instance=instance, events=Mark, about="cut_over")
    for _, mark, name, facts in lines:
        known = next((one for one in found if one.id == name), None)
        if mark is Mark.BEGUN:
            begun = _begun(name, facts)
            if begun is not None:
                _take(found, begun)
        elif known is not None:
            marker = facts.get("marker") or known.marker
            _take(found, replace(known, mark=mark, marker=marker))
    return CutOverJournal(path, clock, instance, found)


def _take(cut_overs: list[CutOver], cut: CutOver) -> None:
    """The newest stand at the end; each stands once."""
    cut_overs[:] = [one for one in cut_overs if one.id != cut.id] + [cut]


def _begun(name: str, facts: Mapping[str, str]) -> CutOver | None:
    """A cut-over from its first line; None where that cannot be used."""
    before, wanted = _sys_ids(facts.get("before")), _sys_ids(facts.get("wanted"))
    account = facts.get("account", "")
    if before is None or wanted is None or not _SYS_ID.fullmatch(account):
        return None
    try:
        kind = Kind(facts.get("kind", ""))
    except ValueError:
        return None
    return CutOver(name, kind, Mark.BEGUN, account, before, wanted, facts.get("since", ""))


def _sys_ids(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    found = frozenset(part for part in text.split(",") if part)
    return found if all(_SYS_ID.fullmatch(part) for part in found) else None
