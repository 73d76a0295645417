"""Envelope of the file and of its sets (format sections 2 and 3)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from generator.checks.interface import Context, Hit, Rule, Severity, listed, rule, shown
from generator.checks.row import Row
from generator.checks.seen import Seen
from generator.update_set.model import SET_ELEMENTS, SET_REFERENCES, UpdateSet

_ANEW = "render the set anew, or export it again from the instance"

F0 = rule(
    "envelope",
    "F0",
    Severity.NOTE,
    "The file was exported before 2018, in the layout of that time.",
    "nothing to do for an import; such a file cannot be held against S1, R1 and P10",
)
F3 = rule(
    "envelope",
    "F3",
    Severity.ERROR,
    "The root is <unload> with the one attribute unload_date, a UTC timestamp.",
    "write unload_date as YYYY-MM-DD HH:MM:SS, in UTC, and nothing else",
)
F4 = rule(
    "envelope",
    "F4",
    Severity.ERROR,
    "The file holds sets, then rows, at least one of each, and nothing else.",
    _ANEW,
)
S1 = rule(
    "envelope",
    "S1",
    Severity.ERROR,
    "A set has its 28 children in order, its references with display_value.",
    _ANEW,
)
S2 = rule(
    "envelope",
    "S2",
    Severity.ERROR,
    "sys_id and remote_sys_id of a set are sys_ids and differ.",
    "give the set a sys_id of its own; remote_sys_id is the local set's on the source",
)
S4 = rule(
    "envelope",
    "S4",
    Severity.ERROR,
    "The elements of a set that only the target fills are empty; sys_class_name is the table.",
    "empty them: the target writes them at preview and commit",
)
S5 = rule(
    "envelope",
    "S5",
    Severity.ERROR,
    "application is global or a sys_id, shown as application_name; global in application and"
    " scope together, and only then without version.",
    "write the application's sys_id (or global), its name, scope and version",
)
S6 = rule(
    "envelope",
    "S6",
    Severity.WARNING,
    "A set was updated when and by whom it was created, at most 120 s before unload_date.",
    "render the set anew: all its stamps are the build time, in UTC",
)
S6B = rule(
    "envelope",
    "S6b",
    Severity.ERROR,
    "unload_date is not before the set's sys_created_on.",
    "write both in UTC: a local time shifts the dates that collisions are found by",
)
S7 = rule(
    "envelope",
    "S7",
    Severity.ERROR,
    "A set has rows; only the base of a batch may have none.",
    "put the set's rows into the file, or leave the set out",
    foreign=Severity.WARNING,
)
S8 = rule("envelope", "S8", Severity.ERROR, "A set has a name.", "name the set")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
SYS_ID = re.compile(r"[0-9a-f]{32}")

_EMPTY = (
    "collisions",
    "commit_date",
    "deleted",
    "inserted",
    "origin_sys_id",
    "remote_parent_id",
    "summary",
    "update_set",
    "update_source",
    "updated",
)
SLACK = 60
"""Seconds within which stamps of one export lie (58 s is the most that was measured)."""

_AGE = 120
"""Most seconds between a set's creation and `unload_date` (63 s was measured)."""

_OLD_FEWEST = 20
"""Fewest children of a set before 2018 (format section 17)."""


def moment(text: str) -> datetime | None:
    """A timestamp as a naive UTC datetime; None if it is none."""
    if TIMESTAMP.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def is_old_format(unload_date: str, sets: tuple[UpdateSet, ...]) -> bool:
    """Whether sets have the layout of exports before 2018: fewer of the same children."""
    if not ("2" < unload_date < "2018") or not sets:
        return False
    for update_set in sets:
        names = [element.name for element in update_set.elements]
        if not _OLD_FEWEST <= len(names) < len(SET_ELEMENTS):
            return False
        if names != [name for name in SET_ELEMENTS if name in names]:
            return False
    return True


def layout_faults(names: tuple[str, ...], order: tuple[str, ...], bare: list[str]) -> Iterator[str]:
    """What is wrong with the children of a set or row.

    Args:
        names: Their names as they stand.
        order: As they should be.
        bare: References without `display_value`.
    """
    missing = [name for name in order if name not in names]
    strange = [name for name in names if name not in order]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if missing:
        yield f"{len(missing)} of {len(order)} children are missing: {listed(missing)}."
    if strange:
        yield f"Children that do not belong there: {listed(strange)}."
    if twice:
        yield f"Children that stand more than once: {listed(twice)}."
    if not missing and not strange and not twice and names != order:
        yield "The children are not in alphabetical order."
    if bare:
        yield f"References without display_value: {listed(bare)}."


class Envelope:
    """Rules F0, F3, F4 and S1 to S8 but for S3."""

    rules: ClassVar[tuple[Rule, ...]] = (*(F0, F3, F4, S1, S2, S4, S5, S6, S6B, S7, S8),)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._context = context
        self._filled = Seen()
        self._rows = 0

    def sets(self) -> Iterator[Hit]:
        """Judge root and sets."""
        attributes = self._context.root_attributes
        if set(attributes) != {"unload_date"} or moment(self._context.unload_date) is None:
            yield Hit(
                F3,
                f"The attributes of <unload> are {listed(attributes) or 'none'}; unload_date is "
                f"{shown(self._context.unload_date)}.",
                1,
            )
        if self._context.old_format:
            yield Hit(F0, "The sets have the children of exports before 2018.", 1)
        if not self._context.sets:
            yield Hit(F4, "The file holds no set (sys_remote_update_set).", 1)
        for update_set in self._context.sets:
            yield from self._layout(update_set)
            yield from self._identity(update_set)
            yield from self._application(update_set)
            yield from self._stamps(update_set)

    def row(self, row: Row) -> Iterator[Hit]:
        """Remember which sets have rows."""
        self._rows += 1
        self._filled.add(row.value("remote_update_set"))
        return iter(())

    def finish(self) -> Iterator[Hit]:
        """Judge which sets have rows."""
        if not self._rows:
            yield Hit(F4, "The file holds no row (sys_update_xml): there is nothing to commit.")
            return
        for sys_id, update_set in self._context.by_sys_id.items():
            is_base = update_set.value("remote_base_update_set") == sys_id
            if sys_id not in self._filled and not is_base:
                yield set_hit(S7, update_set, f"The set {shown(update_set.name)} has no rows.")

    def strangers(self, strangers: list[tuple[str, int]], *, out_of_order: bool) -> Iterator[Hit]:
        """Judge what the reader met besides sets and rows.

        Args:
            strangers: Paths of elements where none belongs, with their lines.
            out_of_order: Whether a set stood after a row.
        """
        for path, line in strangers:
            yield Hit(F4, f"An element stands where none belongs: {path}.", line)
        if out_of_order:
            yield Hit(F4, "A set stands after a row.")

    def _layout(self, update_set: UpdateSet) -> Iterator[Hit]:
        if self._context.old_format:
            return
        names = tuple(element.name for element in update_set.elements)
        bare = [
            element.name
            for element in update_set.elements
            if element.name in SET_REFERENCES and element.display_value is None
        ]
        for fault in layout_faults(names, SET_ELEMENTS, bare):
            yield set_hit(S1, update_set, fault)

    def _identity(self, update_set: UpdateSet) -> Iterator[Hit]:
        sys_id, remote = update_set.sys_id, update_set.value("remote_sys_id")
        for name, value in (("sys_id", sys_id), ("remote_sys_id", remote)):
            if SYS_ID.fullmatch(value) is None:
                yield set_hit(
                    S2, update_set, f"{name} is {shown(value)}, which is no sys_id.", name
                )
        if sys_id and sys_id == remote:
            yield set_hit(S2, update_set, "remote_sys_id repeats sys_id.", "remote_sys_id")
        if not update_set.name:
            yield set_hit(S8, update_set, "The set has no name.", "name")
        for name in _EMPTY:
            if update_set.value(name):
                value = shown(update_set.value(name))
                yield set_hit(S4, update_set, f"{name} is {value}, it must be empty.", name)
        kind = update_set.value("sys_class_name")
        if kind != "sys_remote_update_set" and not self._context.old_format:
            yield set_hit(S4, update_set, f"sys_class_name is {shown(kind)}.", "sys_class_name")

    def _application(self, update_set: UpdateSet) -> Iterator[Hit]:
        application = update_set.value("application")
        scope = update_set.value("application_scope")
        name = update_set.value("application_name")
        if application != "global" and SYS_ID.fullmatch(application) is None:
            yield set_hit(
                S5,
                update_set,
                f"application is {shown(application)}, neither global nor a sys_id.",
                "application",
            )
        if update_set.display("application") != name:
            display = update_set.display("application")
            said = "missing" if display is None else shown(display)
            yield set_hit(
                S5,
                update_set,
                f"display_value of application is {said}, application_name {shown(name)}.",
                "application",
            )
        is_global = application == "global"
        if is_global != (scope == "global"):
            yield set_hit(
                S5,
                update_set,
                f"application is {shown(application)}, but application_scope {shown(scope)}.",
                "application_scope",
            )
        elif is_global == bool(update_set.value("application_version")):
            said = "has a version" if is_global else "has no version"
            yield set_hit(S5, update_set, f"The application {said}.", "application_version")

    def _stamps(self, update_set: UpdateSet) -> Iterator[Hit]:
        created = moment(update_set.value("sys_created_on"))
        updated = moment(update_set.value("sys_updated_on"))
        unloaded = moment(self._context.unload_date)
        if created is None or updated is None:
            yield set_hit(S6, update_set, "sys_created_on or sys_updated_on is no timestamp.")
            return
        if update_set.value("sys_created_by") != update_set.value("sys_updated_by"):
            yield set_hit(S6, update_set, "sys_updated_by is not sys_created_by.", "sys_updated_by")
        if abs((updated - created).total_seconds()) > SLACK:
            yield set_hit(
                S6,
                update_set,
                "sys_updated_on is not the time of sys_created_on.",
                "sys_updated_on",
            )
        if unloaded is None:
            return
        age = (unloaded - created).total_seconds()
        if age < 0:
            yield set_hit(
                S6B,
                update_set,
                f"unload_date is {-age:.0f} s before the set's sys_created_on.",
                "sys_created_on",
            )
        elif age > _AGE:
            yield set_hit(
                S6,
                update_set,
                f"The set was created {age:.0f} s before unload_date.",
                "sys_created_on",
            )


def set_hit(rule_: Rule, update_set: UpdateSet, message: str, field: str | None = None) -> Hit:
    """A hit in a set."""
    return Hit(rule_, message, update_set.line, None, field)
