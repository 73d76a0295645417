"""What a rotation has done so far: `<env>/.import/rotate.jsonl`, one JSON object a line.

It holds key ids, dates, names of sources and versions of a vault, never a value. As the journal of
an import it is a memory and no proof: what it says is held against Graph, vault and instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from generator.clock import Clock
from generator.instance.journal import DIRECTORY, append_line, read_lines

FILE = "rotate.jsonl"


class Mark(StrEnum):
    """How far a rotation is; each is written before or after one change, as its name says."""

    STARTED = "started"
    ADDING = "adding"
    """A new secret is about to be asked of Graph: if nothing follows, its value is lost."""

    ADDED = "added"
    STORING = "storing"
    """The new value is about to be written to the vault."""

    STORED = "stored"
    DELIVERING = "delivering"
    """It is about to be written to the instance."""

    VERIFIED = "verified"
    """The instance got a token with it; the old one waits for `--finish`."""

    PUTTING_BACK = "putting_back"
    """The rotation failed, and everything is about to be put back."""

    UNDONE = "undone"
    REMOVING = "removing"
    """The old secret is about to be removed from the application."""

    FINISHED = "finished"


ENDED = (Mark.UNDONE, Mark.FINISHED)


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation, as its lines tell it."""

    name: str
    """Display name of the new secret at Azure; unique, so that a lost one is found again."""

    mark: Mark
    at: datetime
    """When that was written, aware."""

    facts: Mapping[str, str] = field(default_factory=dict)
    """Everything that its lines say; later ones win."""

    verified_at: datetime | None = None

    def fact(self, name: str) -> str:
        """One fact; empty if no line says it."""
        return self.facts.get(name, "")

    @property
    def by_graph(self) -> bool:
        """Whether the new secret is made by Graph; else it was handed in."""
        return self.fact("via") == "graph"

    @property
    def is_open(self) -> bool:
        """Whether it neither ended nor was put back."""
        return self.mark not in ENDED

    @property
    def may_be_on_instance(self) -> bool:
        """Whether the new secret may have been written to the instance."""
        return self.fact("delivering") == "true"


@dataclass(slots=True)
class RotationJournal:
    """The journal of the rotations of one environment, on one instance."""

    path: Path
    clock: Clock
    instance: str
    """The address that requests go to: what was done elsewhere says nothing about this one."""

    rotations: list[Rotation] = field(default_factory=list)

    @property
    def last(self) -> Rotation | None:
        """The last rotation."""
        return self.rotations[-1] if self.rotations else None

    @property
    def in_use(self) -> str:
        """Key id of the secret that the last rotation delivered and proved; empty if none did."""
        return self._of_last("new_key_id")

    @property
    def in_use_version(self) -> str:
        """Version of the vault that holds that secret; empty if none does."""
        return self._of_last("new_version")

    def start(self, name: str, **facts: str) -> Rotation:
        """Begin a rotation.

        Raises:
            InternalError: The file system said no.
        """
        return self._write(Rotation(name, Mark.STARTED, self.clock.now(), dict(facts)), facts)

    def write(self, rotation: Rotation, mark: Mark, **facts: str) -> Rotation:
        """Add a line about a rotation and sync it; the rotation as it is then.

        Raises:
            InternalError: The file system said no.
        """
        return self._write(_moved(rotation, mark, self.clock.now(), facts), facts)

    def _of_last(self, fact: str) -> str:
        for rotation in reversed(self.rotations):
            if rotation.verified_at is not None and rotation.mark is not Mark.UNDONE:
                return rotation.fact(fact)
        return ""

    def _write(self, rotation: Rotation, facts: Mapping[str, str]) -> Rotation:
        append_line(
            self.path,
            {
                "at": rotation.at.isoformat(),
                "event": rotation.mark.value,
                "instance": self.instance,
                "rotation": rotation.name,
                **facts,
            },
        )
        _take(self.rotations, rotation)
        return rotation


def open_rotations(directory: Path, *, clock: Clock, instance: str) -> RotationJournal:
    """The rotations of an environment that are about this instance.

    Args:
        directory: The environment's.
        clock: For what is written.
        instance: The address that requests go to.

    Raises:
        InternalError: The file is there and cannot be read.
    """
    path = directory / DIRECTORY / FILE
    found: list[Rotation] = []
    lines = read_lines(path, instance=instance, events=Mark, about="rotation")
    for at, mark, name, facts in lines:
        known = next((one for one in found if one.name == name), None)
        if mark is Mark.STARTED:
            _take(found, Rotation(name, mark, at, facts))
        elif known is not None:
            _take(found, _moved(known, mark, at, facts))
    return RotationJournal(path, clock, instance, found)


def note_delivery(directory: Path, *, clock: Clock, instance: str) -> None:
    """Somebody delivers what the source yields: an open rotation's new secret may be that.

    Raises:
        InternalError: The file system said no.
    """
    journal = open_rotations(directory, clock=clock, instance=instance)
    last = journal.last
    if last is None or not last.is_open or last.may_be_on_instance:
        return
    if not last.by_graph or last.mark is Mark.STORING or last.fact("new_version"):
        journal.write(last, last.mark, delivering="true")


def _moved(rotation: Rotation, mark: Mark, at: datetime, facts: Mapping[str, str]) -> Rotation:
    told = {**rotation.facts, **facts}
    if mark is Mark.DELIVERING:
        told["delivering"] = "true"
    verified = at if mark is Mark.VERIFIED else rotation.verified_at
    return replace(rotation, mark=mark, at=at, facts=told, verified_at=verified)


def _take(rotations: list[Rotation], rotation: Rotation) -> None:
    """The newest stand at the end; a rotation stands once."""
    rotations[:] = [one for one in rotations if one.name != rotation.name] + [rotation]
