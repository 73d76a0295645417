"""The package that is imported, taken apart: its sets, and the record of every row.

What a row would write is read from the files that are sent, not from what once was rendered, so
that what is proven afterwards is what left this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import Fault, Refused
from generator.instance.next_step import call_in
from generator.update_set.manifest import Manifest, ManifestSet
from generator.update_set.model import Update
from generator.update_set.reader import read_unload

if TYPE_CHECKING:
    from lxml import etree

ACCOUNT_TABLE = "sys_email_account"
ENTITY_TABLE = "oauth_entity"
ACTION_TABLE = "sys_hub_action_type_definition"
PROPERTY_TABLE = "sys_properties"

DELETE = "DELETE"

STAMPS = frozenset(
    {"sys_created_by", "sys_created_on", "sys_updated_by", "sys_updated_on", "sys_mod_count"}
)
"""Written by the platform anew where it wants to: who and when are not what a record says."""


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """The first record of one payload, and what else the payload brings."""

    update_name: str
    """Name of the row, `<table>_<sys_id>`."""

    row_sys_id: str
    """sys_id of the row (`sys_update_xml`); empty for a record that no set holds."""

    role: str
    """Role of the set that holds it; empty if none does."""

    action: str
    """`INSERT_OR_UPDATE` or `DELETE`."""

    table: str
    sys_id: str
    label: str
    """Name for people (`target_name` of the row)."""

    type: str
    """What the table calls its records (`type` of the row)."""

    fields: Mapping[str, str]
    """Stored value by column, stamps included; references as sys_ids."""

    children: Mapping[str, tuple[str, ...]]
    """Table to the sys_ids of the further records that the payload writes."""

    @property
    def deletes(self) -> bool:
        """Whether the row deletes the record."""
        return self.action == DELETE


@dataclass(frozen=True, slots=True)
class PackageSet:
    """One update set of the package."""

    role: str
    name: str
    sys_id: str
    updates: int
    """Number of rows."""

    signature: str
    """Last line of its description, by which it is recognised as ours."""

    application: str
    """sys_id of its application, or `global`."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is uploaded, previewed and committed at once: one file with its sets."""

    path: Path
    sets: tuple[PackageSet, ...]
    """The base of a batch first."""

    @property
    def base(self) -> PackageSet:
        """The set whose preview and commit take the others along."""
        return self.sets[0]

    @property
    def batch(self) -> bool:
        """Whether the file holds a batch."""
        return len(self.sets) > 1

    @property
    def name(self) -> str:
        """Roles, for messages: `global + app`."""
        return " + ".join(entry.role for entry in self.sets)


@dataclass(frozen=True, slots=True)
class Package:
    """A whole package."""

    digest: str
    """D of `docs/decisions.md`, 3."""

    live: bool
    """Whether it was rendered after the cut-over, so that no set holds the account."""

    units: tuple[Unit, ...]
    """In the order of import."""

    records: tuple[PackageRecord, ...]
    """One for each row of its sets."""

    account: PackageRecord
    """The email account, wherever it stands."""

    @property
    def sets(self) -> tuple[PackageSet, ...]:
        """All sets in the order of import."""
        return tuple(entry for unit in self.units for entry in unit.sets)

    def of(self, unit: Unit) -> tuple[PackageRecord, ...]:
        """The records of the sets of one unit."""
        roles = {entry.role for entry in unit.sets}
        return tuple(record for record in self.records if record.role in roles)

    def first(self, table: str) -> PackageRecord | None:
        """The first record of a table, deletions apart."""
        for record in self.records:
            if record.table == table and not record.deletes:
                return record
        return None


def load_package(directory: Path, manifest: Manifest) -> Package:
    """Read the sets and rows of a package that is whole.

    Args:
        directory: The environment's directory.
        manifest: Of the package in place (`package_state.require_whole`).

    Raises:
        UnreadableError: A file is no update set export.
        Refused: A file does not hold what the manifest says.
    """
    units: list[Unit] = []
    records: list[PackageRecord] = []
    for file in dict.fromkeys(entry.file for entry in manifest.sets):
        path = directory / file
        unload = read_unload(path)
        found = {entry.sys_id: entry for entry in unload.sets}
        entries = [entry for entry in manifest.sets if entry.file == file]
        roles = {entry.sys_id: entry.role for entry in entries}
        sets: list[PackageSet] = []
        for entry in entries:
            there = found.get(entry.sys_id)
            rows = sum(update.set_sys_id == entry.sys_id for update in unload.updates)
            if there is None or rows != entry.updates:
                raise _contradicts(path, entry, rows)
            sets.append(
                PackageSet(
                    role=entry.role,
                    name=there.name,
                    sys_id=entry.sys_id,
                    updates=rows,
                    signature=there.value("description").strip().rpartition("\n")[2].strip(),
                    application=there.value("application"),
                )
            )
        units.append(Unit(path, tuple(sets)))
        records += [_record(update, roles[update.set_sys_id]) for update in unload.updates]
    return Package(
        digest=manifest.digest,
        live=manifest.live,
        units=tuple(units),
        records=tuple(records),
        account=_account(directory, manifest, records),
    )


def _record(update: Update, role: str) -> PackageRecord:
    head, children = _taken_apart(update.payload)
    fields = _fields(head)
    return PackageRecord(
        update_name=update.name,
        row_sys_id=update.value("sys_id"),
        role=role,
        action=update.value("action"),
        table=str(head.tag),
        sys_id=fields["sys_id"],
        label=update.value("target_name"),
        type=update.value("type"),
        fields=fields,
        children=children,
    )


def _account(directory: Path, manifest: Manifest, records: list[PackageRecord]) -> PackageRecord:
    for record in records:
        if record.table == ACCOUNT_TABLE:
            return record
    prefix = f"records/{ACCOUNT_TABLE}/"
    names = [name for name in manifest.files if name.startswith(prefix)]
    if len(names) != 1:
        raise Refused(
            Fault(
                "no-account",
                "The package holds no email account.",
                file=str(directory),
                next=f"run {call_in(directory, 'render')}",
            )
        )
    head, children = _taken_apart((directory / names[0]).read_text(encoding="utf-8"))
    fields = _fields(head)
    return PackageRecord(
        update_name=f"{ACCOUNT_TABLE}_{fields['sys_id']}",
        row_sys_id="",
        role="",
        action="INSERT_OR_UPDATE",
        table=ACCOUNT_TABLE,
        sys_id=fields["sys_id"],
        label=fields.get("name", ""),
        type="Email Account",
        fields=fields,
        children=children,
    )


def _taken_apart(payload: str) -> tuple[etree._Element, Mapping[str, tuple[str, ...]]]:
    from lxml import etree

    from generator.update_set.payload import xml_parser

    root = etree.fromstring(payload.encode(), xml_parser())
    head, *others = root.iterchildren("*")
    children: dict[str, list[str]] = {}
    for child in others:
        sys_id = child.findtext("sys_id")
        if child.get("action") == "INSERT_OR_UPDATE" and sys_id:
            children.setdefault(str(child.tag), []).append(sys_id)
    return head, {table: tuple(found) for table, found in children.items()}


def _fields(head: etree._Element) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, text in _texts(head):
        # An action's `outputs` stands twice, empty (`spec/flow-action.md`).
        fields.setdefault(name, text)
    return fields


def _texts(head: etree._Element) -> Iterator[tuple[str, str]]:
    return ((str(child.tag), child.text or "") for child in head.iterchildren("*"))


def _contradicts(path: Path, entry: ManifestSet, rows: int) -> Refused:
    return Refused(
        Fault(
            "package-contradicts",
            f"The file does not hold the {entry.role} set with {entry.updates} updates that the "
            f"manifest names; {rows} updates belong to it.",
            file=str(path),
            next="render the package anew, or restore the directory from version control",
        )
    )
