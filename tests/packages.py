"""What the tests of the chain share: rendering, and reading back what was rendered."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from lxml import etree

from generator.config.environment import Environment
from generator.packaging import Mode, Package, render_package
from generator.rendering import PackageRenderer, Rendering
from generator.update_set.model import Update, UpdateSet
from generator.update_set.reader import Export
from generator.update_set.templates import Templates

TEMPLATES = Templates()
START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
LATER = START + timedelta(days=3)
MUCH_LATER = START + timedelta(days=30)


def render(
    environment: Environment,
    now: datetime = START,
    *,
    mode: Mode = Mode.WRITE,
    again: Collection[str] = (),
) -> Package:
    """Render as one call of the command does."""
    renderer = PackageRenderer(TEMPLATES, now=now)
    return render_package(environment, renderer, mode=mode, again=again)


def in_memory(environment: Environment, now: datetime = START) -> Rendering:
    """A first render that touches no disk."""
    renderer = PackageRenderer(TEMPLATES, now=now)
    return renderer.render(environment, previous=None, last_rows=dict)


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def manifest(directory: Path) -> dict[str, object]:
    """The manifest as plain JSON."""
    return json.loads((directory / "manifest.json").read_bytes())


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a record: text and attributes."""

    text: str
    attributes: Mapping[str, str]


def record_fields(data: bytes) -> dict[str, Field]:
    """The fields of the first record of a payload, in order."""
    record = etree.fromstring(data)[0]
    names = [child.tag for child in record]
    assert len(names) == len(set(names))
    return {child.tag: Field(child.text or "", dict(child.attrib)) for child in record}


def texts(data: bytes) -> dict[str, str]:
    """The fields' texts only."""
    return {name: field.text for name, field in record_fields(data).items()}


def set_files(files: Mapping[str, bytes]) -> list[str]:
    """Names of the update set files."""
    return sorted(name for name in files if name.startswith("sys_remote_update_set_"))


@dataclass(frozen=True, slots=True)
class Shipped:
    """What update set files hold."""

    sets: tuple[UpdateSet, ...]
    updates: tuple[Update, ...]

    def update(self, name: str) -> Update:
        """The one row of that update name."""
        (found,) = [update for update in self.updates if update.name == name]
        return found


def shipped(files: Mapping[str, bytes]) -> Shipped:
    """Read the update sets of a package with the streaming reader."""
    sets: list[UpdateSet] = []
    updates: list[Update] = []
    for name in set_files(files):
        export = Export(BytesIO(files[name]), name)
        updates += export.updates()
        sets += export.sets
        assert not export.strangers
    return Shipped(tuple(sets), tuple(updates))


def record_file(files: Mapping[str, bytes], table: str) -> bytes:
    """The one file below `records/<table>/`."""
    (name,) = [name for name in files if name.startswith(f"records/{table}/")]
    return files[name]


def moved_records(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """Logical names of the records whose stamps differ between two manifests."""
    return {logical for logical, pair in _stamps(before, after).items() if pair[0] != pair[1]}


def _stamps(*both: Mapping[str, object]) -> dict[str, tuple[object, ...]]:
    tables = [dict(_of(found)) for found in both]
    return {name: tuple(t.get(name) for t in tables) for name in {*tables[0], *tables[1]}}


def _of(found: Mapping[str, object]) -> Iterator[tuple[str, tuple[object, ...]]]:
    records = found["records"]
    assert isinstance(records, dict)
    for entry in records.values():
        stamps = ("sys_created_on", "sys_updated_on", "sys_mod_count")
        yield entry["logical_name"], tuple(entry[stamp] for stamp in stamps)
