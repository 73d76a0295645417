"""The rows: children, constants, identity, stamps and hash (format sections 4, 8 and 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from generator.checks.envelope import SLACK, SYS_ID, layout_faults, moment
from generator.checks.interface import Context, Hit, Rule, Severity, at, rule, shown
from generator.checks.row import Row, field
from generator.checks.seen import Seen
from generator.update_set.model import UPDATE_ELEMENTS, UPDATE_REFERENCES, UpdateSet
from generator.update_set.payload_hash import payload_hash

_ANEW = "render the set anew, or export it again from the instance"

R1 = rule(
    "rows",
    "R1",
    Severity.ERROR,
    "A row has its 24 children in order, its references with display_value.",
    _ANEW,
)
R2 = rule(
    "rows",
    "R2",
    Severity.ERROR,
    "remote_update_set is a set of the file, with its name.",
    "write the sys_id and name of the set in this file; else the row is an orphan that no preview"
    " or commit touches",
)
R3 = rule(
    "rows",
    "R3",
    Severity.ERROR,
    "Constant elements have their value; action is INSERT_OR_UPDATE or DELETE.",
    "write category customer, update_domain global, replace_on_upgrade false, sys_mod_count 0, an"
    " empty update_set (a row with a value there counts as a local change) and, but in the rows of"
    " layouts, an empty view",
)
R3B = rule(
    "rows",
    "R3b",
    Severity.WARNING,
    "comments of a row is empty.",
    "leave it empty; describe the change in the set",
)
R4 = rule(
    "rows",
    "R4",
    Severity.ERROR,
    "The sys_id of a row is a sys_id, unique in the file, and not its record's.",
    "give each row an identity of its own",
)
R5 = rule(
    "rows",
    "R5",
    Severity.ERROR,
    "A set has one row per update name.",
    "keep the newest row of the record: which of two wins is unknown",
    foreign=Severity.WARNING,
)
R8 = rule(
    "rows",
    "R8",
    Severity.WARNING,
    "The row was created when (within 60 s) and by whom its set was, and updated when and by whom"
    " it was created; sys_recorded_at is 18 hex digits and not later than unload_date.",
    "render the set anew: its rows take their stamps from the build time",
)
R9 = rule(
    "rows",
    "R9",
    Severity.NOTE,
    "Rows are grouped by set and sorted by sys_id within it.",
    "nothing to do: the order carries no meaning",
)
R11 = rule(
    "rows",
    "R11",
    Severity.WARNING,
    "update_guid is not filled without update_guid_history.",
    "leave both empty, as exports of whole applications do",
)
R11B = rule(
    "rows",
    "R11b",
    Severity.WARNING,
    "update_guid_history is not filled without update_guid.",
    "leave both empty, as exports of whole applications do",
    foreign=Severity.NOTE,
)
P10 = rule(
    "rows",
    "P10",
    Severity.WARNING,
    "payload_hash recomputes from the payload.",
    "was the payload edited after the export? Then render or export it again",
)
P10B = rule(
    "rows",
    "P10b",
    Severity.NOTE,
    "payload_hash is filled.",
    "nothing to do: preview computes the hash itself",
    foreign=Severity.NOTE,
)
P10C = rule(
    "rows",
    "P10c",
    Severity.ERROR,
    "payload_hash is a signed decimal number.",
    "write Java's String.hashCode() of the payload without its stamps, or leave it empty",
)

_CONSTANTS = {
    "category": "customer",
    "replace_on_upgrade": "false",
    "sys_mod_count": "0",
    "update_domain": "global",
    "update_set": "",
}
_REPEATED = {"sys_updated_by": "sys_created_by", "sys_updated_on": "sys_created_on"}
_SINCE_2018 = ("payload_hash", "sys_recorded_at", "update_guid", "update_guid_history")
_OLD = tuple(name for name in UPDATE_ELEMENTS if name not in _SINCE_2018)
_RECORDED = re.compile(r"[0-9a-f]{18}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,9})")
_EPOCH = datetime(1970, 1, 1)  # naive like all moments here: UTC


def recorded_ms(text: str) -> int | None:
    """Milliseconds since 1970 of a `sys_recorded_at`; None if it is none (format section 9)."""
    return int(text[:11], 16) if _RECORDED.fullmatch(text) else None


def milliseconds(timestamp: str) -> int | None:
    """Milliseconds since 1970 of a timestamp; None if it is none."""
    found = moment(timestamp)
    return None if found is None else int((found - _EPOCH).total_seconds()) * 1000


class Rows:
    """Rules R1 to R5, R8, R9, R11 and P10."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *(R1, R2, R3, R3B, R4, R5, R8, R9, R11, R11B, P10, P10B, P10C),
    )

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._context = context
        self._ids = Seen()
        self._names = Seen()
        self._finished_sets: set[str] = set()
        self._last: tuple[str, str] = ("", "")
        self._unsorted = 0
        unloaded = milliseconds(context.unload_date)
        self._unloaded = None if unloaded is None else unloaded + 999
        self._created = {
            sys_id: milliseconds(update_set.value("sys_created_on"))
            for sys_id, update_set in context.by_sys_id.items()
        }

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one row."""
        if row.names != UPDATE_ELEMENTS or not _all_displayed(row):
            yield from self._layout(row)
        update_set = self._context.by_sys_id.get(row.update.set_sys_id)
        if update_set is None or row.update.display("remote_update_set") != update_set.name:
            yield from self._orphan(row, update_set)
        yield from self._constants(row)
        yield from self._identity(row)
        yield from self._stamps(row)
        yield from self._hash(row)

    def finish(self) -> Iterator[Hit]:
        """Say whether rows were grouped and sorted."""
        if self._unsorted:
            yield Hit(R9, f"{self._unsorted} rows stand out of the order of set and sys_id.")

    def _layout(self, row: Row) -> Iterator[Hit]:
        if self._context.old_format and row.names == _OLD:
            return
        bare = [
            element.name
            for element in row.update.elements
            if element.name in UPDATE_REFERENCES and element.display_value is None
        ]
        for fault in layout_faults(row.names, UPDATE_ELEMENTS, bare):
            yield at(row, R1, fault)

    def _orphan(self, row: Row, update_set: UpdateSet | None) -> Iterator[Hit]:
        if update_set is not None:
            message = f"remote_update_set is not shown as {shown(update_set.name)}."
        elif row.update.set_sys_id:
            message = "remote_update_set names no set of this file: the row would be an orphan."
        else:
            message = "The row has no remote_update_set: it would be an orphan."
        yield at(row, R2, message, "remote_update_set")

    def _constants(self, row: Row) -> Iterator[Hit]:
        values = row.values
        for name, constant in _CONSTANTS.items():
            value = values.get(name, constant)
            if value != constant:
                expected = shown(constant) if constant else "empty"
                yield at(row, R3, f"{name} is {shown(value)}, expected {expected}.", name)
        if values.get("action") not in ("INSERT_OR_UPDATE", "DELETE"):
            yield at(row, R3, f"action is {shown(row.value('action'))}.", "action")
        if values.get("comments"):
            yield at(row, R3B, "comments is filled.", "comments")
        if values.get("view") and row.root is not None and not row.special:
            yield at(row, R3, f"view is {shown(row.value('view'))}, expected empty.", "view")
        guid, history = values.get("update_guid"), values.get("update_guid_history")
        if guid and not history:
            message = "update_guid is filled, update_guid_history is empty."
            yield at(row, R11, message, "update_guid")
        if history and not guid:
            message = "update_guid_history is filled, update_guid is empty."
            yield at(row, R11B, message, "update_guid_history")

    def _identity(self, row: Row) -> Iterator[Hit]:
        sys_id = row.value("sys_id")
        if SYS_ID.fullmatch(sys_id) is None:
            yield at(row, R4, f"sys_id is {shown(sys_id)}, which is no sys_id.", "sys_id")
        elif not self._ids.add(sys_id):
            yield at(row, R4, "Another row of the file has this sys_id.", "sys_id")
        record = row.record
        if record is not None and sys_id and field(record.element, "sys_id") == sys_id:
            yield at(row, R4, "The row's sys_id is its record's.", "sys_id")
        set_sys_id = row.update.set_sys_id
        if not self._names.add(f"{set_sys_id}/{row.name}"):
            yield at(row, R5, "Another row of the set has this update name.", "name")
        last_set, last_id = self._last
        if set_sys_id != last_set:
            self._unsorted += set_sys_id in self._finished_sets
            if len(self._finished_sets) <= len(self._context.by_sys_id):
                self._finished_sets.add(last_set)
        elif sys_id < last_id:
            self._unsorted += 1
        self._last = (set_sys_id, sys_id)

    def _stamps(self, row: Row) -> Iterator[Hit]:
        created = milliseconds(row.value("sys_created_on"))
        of_set = self._created.get(row.update.set_sys_id)
        if created is None:
            yield at(row, R8, "sys_created_on is no timestamp.", "sys_created_on")
        elif of_set is not None and abs(created - of_set) > SLACK * 1000:
            yield at(row, R8, "sys_created_on is more than 60 s from the set's.", "sys_created_on")
        yield from self._others_stamps(row)
        recorded = row.values.get("sys_recorded_at")
        if recorded is None:
            return
        moment_ms = recorded_ms(recorded)
        if moment_ms is None:
            said = "empty" if not recorded else f"{shown(recorded)}, not 18 hex digits"
            yield at(row, R8, f"sys_recorded_at is {said}.", "sys_recorded_at")
        elif self._unloaded is not None and moment_ms > self._unloaded:
            yield at(row, R8, "sys_recorded_at is later than unload_date.", "sys_recorded_at")

    def _others_stamps(self, row: Row) -> Iterator[Hit]:
        """The stamps that repeat another; one that is missing is R1's."""
        values = row.values
        update_set = self._context.by_sys_id.get(row.update.set_sys_id)
        author = "" if update_set is None else update_set.value("sys_created_by")
        if author and values.get("sys_created_by", author) != author:
            yield at(row, R8, "sys_created_by is not the set's.", "sys_created_by")
        for updated, created in _REPEATED.items():
            if updated in values and values[updated] != values.get(created):
                yield at(row, R8, f"{updated} is not {created}.", updated)

    def _hash(self, row: Row) -> Iterator[Hit]:
        stored = row.values.get("payload_hash")
        if stored is None:
            return
        if not stored:
            yield at(row, P10B, "payload_hash is empty.", "payload_hash")
        elif _NUMBER.fullmatch(stored) is None:
            yield at(
                row,
                P10C,
                f"payload_hash is {shown(stored)}, not a signed decimal number.",
                "payload_hash",
            )
        elif row.payload:
            computed = payload_hash(row.payload)
            if computed != stored:
                yield at(
                    row,
                    P10,
                    f"payload_hash says {stored}, the payload gives {computed}.",
                    "payload_hash",
                )


def _all_displayed(row: Row) -> bool:
    """Whether the three references of a complete row carry `display_value`."""
    elements = row.update.elements
    return all(elements[place].display_value is not None for place in _PLACES)


_PLACES = tuple(UPDATE_ELEMENTS.index(name) for name in sorted(UPDATE_REFERENCES))
