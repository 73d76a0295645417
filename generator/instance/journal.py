"""What an import has done so far, line by line, so that it can go on after a crash.

`<env>/.import/<D>.jsonl`: one JSON object a line, flushed and synced before the next step begins.
It holds sys_ids, states and times, never a secret. It is a memory, never a proof: what it says is
held against the instance before anything follows from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from generator.clock import Clock
from generator.errors import Fault, InternalError
from generator.update_set.store import locked

DIRECTORY = ".import"
_MAX_BYTES = 16 << 20

Mark = TypeVar("Mark", bound=StrEnum)


class Event(StrEnum):
    """What is written down."""

    STARTED = "started"
    UPLOADING = "uploading"
    LOADED = "loaded"
    PREVIEWING = "previewing"
    PREVIEWED = "previewed"
    COMMITTING = "committing"
    COMMITTED = "committed"
    CONFIRMED = "confirmed"
    REMOVED = "removed"
    DELIVERING = "delivering"
    """A secret is about to be sent: what was proven of the one before says nothing any more."""

    DELIVERED = "delivered"
    PROVEN = "proven"
    """The instance got a token with the secret that was delivered."""

    BACKED_OUT = "backed_out"
    EMPTIED = "emptied"
    """The secret that was delivered is no longer on the instance."""


_ANOTHER_SECRET = (Event.BACKED_OUT, Event.EMPTIED, Event.DELIVERING, Event.DELIVERED)
"""After these what was proven before is no longer what is there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    at: datetime
    event: Event
    unit: str
    """sys_id of the set that it is about (the base of a batch); empty where it is about none."""

    facts: Mapping[str, str]


@dataclass(slots=True)
class Journal:
    """The journal of one package on one machine."""

    path: Path
    clock: Clock
    instance: str
    """The address that requests go to: what was done elsewhere says nothing about this one."""

    entries: list[Entry] = field(default_factory=list)

    def write(self, event: Event, *, unit: str = "", **facts: str) -> None:
        """Add a line and sync it.

        Raises:
            InternalError: The file system said no.
        """
        entry = Entry(self.clock.now(), event, unit, facts)
        body = {
            "at": entry.at.isoformat(),
            "event": event.value,
            "instance": self.instance,
            "unit": unit,
            **facts,
        }
        append_line(self.path, body)
        self.entries.append(entry)

    def last(self, unit: str) -> Entry | None:
        """The last line about a set."""
        for entry in reversed(self.entries):
            if entry.unit == unit:
                return entry
        return None

    def had_secret(self) -> bool:
        """Whether a commit of this package began when the entity had a secret."""
        return any(
            entry.event is Event.COMMITTING and entry.facts.get("had_secret") == "true"
            for entry in self.entries
        )

    def left_out(self, unit: str) -> Mapping[str, str]:
        """Name and reason of the updates that somebody left out of the last commit of a set."""
        for entry in reversed(self.entries):
            if entry.event is Event.BACKED_OUT:
                break
            if entry.event is Event.COMMITTING and entry.unit == unit:
                return _names(entry.facts.get("left_out", ""))
        return {}

    def delivered(self) -> bool:
        """Whether the secret was delivered for this package and is not known to be lost since."""
        for entry in reversed(self.entries):
            # One whose delivery was cut is sent again: the same secret twice changes nothing.
            if entry.event in (Event.BACKED_OUT, Event.EMPTIED, Event.DELIVERING):
                return False
            if entry.event is Event.DELIVERED:
                return True
        return False

    def proven(self) -> bool:
        """Whether the secret that was delivered last was proven, and is not known to be lost."""
        for entry in reversed(self.entries):
            if entry.event in _ANOTHER_SECRET:
                return False
            if entry.event is Event.PROVEN:
                return True
        return False


def open_journal(directory: Path, *, digest: str, clock: Clock, instance: str) -> Journal:
    """The journal of a package, with the lines that are about this instance.

    Raises:
        InternalError: It is there and cannot be read.
    """
    path = directory / DIRECTORY / f"{digest}.jsonl"
    lines = read_lines(path, instance=instance, events=Event, about="unit")
    return Journal(path, clock, instance, [Entry(*line) for line in lines])


def append_line(path: Path, body: Mapping[str, str]) -> None:
    """Add one JSON object as a line to a journal and sync it, before the next step begins.

    Raises:
        InternalError: The file system said no.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as stream:
            # A crash in the middle of a line leaves it without its end: begin a new one.
            if stream.tell() and not _ends_a_line(path):
                stream.write("\n")
            stream.write(json.dumps(body, ensure_ascii=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise _said_no(path, error) from None


def read_lines(
    path: Path, *, instance: str, events: type[Mark], about: str
) -> Iterator[tuple[datetime, Mark, str, dict[str, str]]]:
    """The lines of a journal that are about an instance; none if it is not there.

    Args:
        path: The journal.
        instance: The address that requests go to.
        events: What its lines say happened.
        about: The key that says what a line is about.

    Yields:
        When, aware; what happened; to what; and the rest of the line. What is cut or not ours is
        left out.

    Raises:
        InternalError: It is there and cannot be read.
    """
    try:
        lines = path.read_bytes()[-_MAX_BYTES:].splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _said_no(path, error) from None
    for line in lines:
        try:
            body = json.loads(line)
            if body.pop("instance") != instance:
                continue
            at = datetime.fromisoformat(body.pop("at"))
            event, name = events(body.pop("event")), str(body.pop(about))
            facts = {key: str(value) for key, value in body.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if at.tzinfo is not None:
            yield at, event, name, facts


@contextmanager
def import_lock(directory: Path) -> Iterator[None]:
    """Keep two imports of one environment on this machine apart.

    Raises:
        Refused: Another one is at work.
        InternalError: The file system said no.
    """
    place = directory / DIRECTORY
    try:
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _said_no(place, error) from None
    with locked(place):
        yield


def _names(text: str) -> Mapping[str, str]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in body.items()} if isinstance(body, dict) else {}


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def _said_no(path: Path, error: OSError) -> InternalError:
    return InternalError(
        Fault(
            "journal",
            f"The import's journal cannot be kept: {error.strerror or type(error).__name__}.",
            file=str(path),
            next="check free space and permissions of that directory, then run again",
        )
    )
