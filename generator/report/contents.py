"""What an update set file holds: its sets and updates, without the payloads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from generator.update_set.model import Update, UpdateSet
from generator.update_set.reader import open_export

_UNIT = 1024


@dataclass(frozen=True, slots=True)
class SetSummary:
    """One set."""

    name: str
    sys_id: str
    application_name: str
    application_scope: str
    application_version: str
    """Empty for global."""

    state: str
    role: str
    """`single`, `batch base` or `batch child`."""

    updates: int
    """Number of its updates."""

    size: int
    """Bytes of their payloads."""


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """One update."""

    name: str
    type: str
    """Label of its table."""

    target_name: str
    action: str
    set_sys_id: str
    """The set that it names."""

    size: int
    """Bytes of its payload."""


@dataclass(frozen=True, slots=True)
class Contents:
    """One file."""

    file: str
    """As the user named it."""

    bytes: int
    """Size of the file."""

    unload_date: str
    sets: tuple[SetSummary, ...]
    """Each once, also the base of a batch."""

    updates: tuple[UpdateSummary, ...]
    """In file order."""

    def holds(self, set_sys_id: str) -> bool:
        """Whether a set is in the file."""
        return any(found.sys_id == set_sys_id for found in self.sets)

    def as_json(self) -> dict[str, object]:
        """The same, JSON-ready (`docs/json/show.schema.json`)."""
        return asdict(self)


def read_contents(path: Path) -> Contents:
    """Read a file as a stream; only what is shown is kept.

    Raises:
        UnreadableError: It cannot be opened, or is no update set export.
    """
    with open_export(path) as export:
        updates = tuple(_update(update) for update in export.updates())
        sets = {found.sys_id: found for found in export.sets}
        return Contents(
            file=str(path),
            bytes=path.stat().st_size,
            unload_date=export.unload_date,
            sets=tuple(_set(found, updates) for found in sets.values()),
            updates=updates,
        )


def size(count: int) -> str:
    """A number of bytes for people: `812 B`, `1.4 kB`, `3.0 MB`."""
    if count < _UNIT:
        return f"{count} B"
    if count < _UNIT * _UNIT:
        return f"{count / _UNIT:.1f} kB"
    return f"{count / _UNIT / _UNIT:.1f} MB"


def _update(update: Update) -> UpdateSummary:
    return UpdateSummary(
        name=update.name,
        type=update.value("type"),
        target_name=update.value("target_name"),
        action=update.value("action"),
        set_sys_id=update.set_sys_id,
        size=len(update.payload.encode()),
    )


def _set(found: UpdateSet, updates: tuple[UpdateSummary, ...]) -> SetSummary:
    own = [update for update in updates if update.set_sys_id == found.sys_id]
    base = found.value("remote_base_update_set")
    role = "single" if not base else "batch base" if base == found.sys_id else "batch child"
    return SetSummary(
        name=found.name,
        sys_id=found.sys_id,
        application_name=found.value("application_name"),
        application_scope=found.value("application_scope"),
        application_version=found.value("application_version"),
        state=found.value("state"),
        role=role,
        updates=len(own),
        size=sum(update.size for update in own),
    )
