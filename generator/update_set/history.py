"""Time moves only when content does (`docs/decisions.md`, 4).

A package remembers when it last changed (B) and, per record, its content digest and its three
stamps. Everything here is pure: the clock is read elsewhere, once, and passed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from generator.update_set.records import Stamps

BEFORE_BUILD = timedelta(seconds=60)
"""A changed record is older than the build by this, so that no stamp lies after the export."""

AFTER_LAST = timedelta(seconds=61)
"""A build is later than the last by at least this, so that changed records are newer, too."""

EVERYTHING = "*"
"""For `again`: every record."""


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """What the package remembers of one record that it ships."""

    name: str
    """Update name."""

    logical_name: str
    digest: str
    """SHA-256 of the payload without its stamps."""

    stamps: Stamps


@dataclass(frozen=True, slots=True)
class Retired:
    """A record that a former render had and the last one did not."""

    name: str
    logical_name: str
    label: str
    """Display value, for people."""

    type: str
    """Label of its table, as in its row."""

    row_table: str
    """The `table` child of its row."""

    application: str
    """sys_id of its application, `global` for the mail chain."""

    payload: str
    """Its last payload, whole, with action INSERT_OR_UPDATE; empty where no set may delete it."""

    acknowledged: bool
    """Whether `deletions: true` has been rendered with it."""


@dataclass(frozen=True, slots=True)
class History:
    """What a package remembers of its last change."""

    build_time: datetime
    """B: aware, UTC, whole seconds."""

    content: str
    """Content digest of the package: everything but stamps."""

    records: Mapping[str, RecordHistory]
    """By update name."""

    retired: Mapping[str, Retired]
    """By update name."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One record as it is now, before its stamps are decided."""

    name: str
    logical_name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What the history decided."""

    build_time: datetime
    changed: bool
    """Whether anything moved; if not, every stamp is the old one."""

    records: Mapping[str, RecordHistory]


def advance(
    previous: History | None,
    drafts: Collection[Draft],
    *,
    content: str,
    now: datetime,
    again: Collection[str] = (),
) -> Moved:
    """Decide the build time and every record's stamps.

    Args:
        previous: The last change, None for a first render.
        drafts: All records as they are now, the account included where no set holds it.
        content: Content digest of the package as it is now.
        now: The clock, aware.
        again: Logical or update names whose time is moved without a change, or `EVERYTHING`.

    Returns:
        The build time and the records' histories.
    """
    moment = now.astimezone(UTC).replace(microsecond=0)
    if again:
        # No stamp may be older than the local change that a repeated import must replace.
        moment += BEFORE_BUILD
    if previous is None:
        return Moved(moment, True, {draft.name: _new(draft, moment) for draft in drafts})
    if content == previous.content and not again:
        return Moved(previous.build_time, False, previous.records)
    build = max(moment, previous.build_time + AFTER_LAST)
    records = {}
    for draft in drafts:
        known = previous.records.get(draft.name)
        if known is None:
            records[draft.name] = _new(draft, build)
        elif known.digest != draft.digest or _named(draft, again):
            records[draft.name] = _moved(draft, known.stamps, build)
        else:
            records[draft.name] = known
    return Moved(build, True, records)


@lru_cache(maxsize=256)
def timestamp(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC, as the platform writes times."""
    # Not strftime: the C library decides whether its %Y is padded to four digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def recorded_at(build: datetime, *, position: int, count: int) -> str:
    """`sys_recorded_at` of row `position` (from 1) of `count`, in dependency order (section 9)."""
    milliseconds = round(build.timestamp()) * 1000 - (count - position)
    return f"{milliseconds:011x}0000001"


def _named(draft: Draft, again: Collection[str]) -> bool:
    return EVERYTHING in again or draft.logical_name in again or draft.name in again


def _new(draft: Draft, build: datetime) -> RecordHistory:
    stamp = timestamp(build - BEFORE_BUILD)
    return RecordHistory(draft.name, draft.logical_name, draft.digest, Stamps(stamp, stamp, 0))


def _moved(draft: Draft, stamps: Stamps, build: datetime) -> RecordHistory:
    moved = Stamps(stamps.created_on, timestamp(build - BEFORE_BUILD), stamps.mod_count + 1)
    return RecordHistory(draft.name, draft.logical_name, draft.digest, moved)
