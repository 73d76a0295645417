"""Application scope: a set holds one application (format section 10)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from generator.checks.interface import Context, Hit, Rule, Severity, at, rule, shown
from generator.checks.row import Row, field
from generator.update_set.model import UpdateSet

R6 = rule(
    "scope",
    "R6",
    Severity.ERROR,
    "A row's application is its payload's sys_scope.",
    "write the value (global, or the application's sys_id), not the display name, in both",
)
R7 = rule(
    "scope",
    "R7",
    Severity.ERROR,
    "Every row of a scoped set has the set's application.",
    "move the row to a set of its own application; one file may hold both as a batch",
    foreign=Severity.WARNING,
)
C1 = rule(
    "scope",
    "C1",
    Severity.WARNING,
    "A row without sys_scope belongs to global.",
    "write application global: the record is plain data, no application file",
    foreign=Severity.NOTE,
)
C2 = rule(
    "scope",
    "C2",
    Severity.NOTE,
    "A scoped set carries the sys_app row of its application.",
    "make sure that the target has the application, or ship its sys_app row in the set",
)

_DEPENDENCIES = frozenset({"sys_app", "sys_package_dependency_m2m"})
"""Tables whose rows have the application itself without a field sys_scope."""


class Scope:
    """Rules R6, R7, C1 and C2."""

    rules: ClassVar[tuple[Rule, ...]] = (R6, R7, C1, C2)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._context = context
        self._applications: set[str] = set()

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one row."""
        application = row.value("application")
        update_set = self._context.by_sys_id.get(row.update.set_sys_id)
        record = row.record
        if record is not None:
            yield from self._own(row, application)
            if row.table == "sys_app":
                self._remember(record.element.findtext("sys_id") or "")
        of_set = update_set.value("application") if update_set is not None else "global"
        if of_set != "global" and application != of_set:
            yield at(
                row,
                R7,
                f"application is {shown(application)}, the set's is {shown(of_set)}.",
                "application",
            )

    def finish(self) -> Iterator[Hit]:
        """Judge which sets lack their application."""
        for update_set in self._context.by_sys_id.values():
            application = update_set.value("application")
            if application != "global" and application not in self._applications:
                yield _missing(update_set)

    def _own(self, row: Row, application: str) -> Iterator[Hit]:
        record = row.records[0]
        element = record.element.find("sys_scope")
        if element is not None and element.text:
            if element.text != application:
                yield at(
                    row,
                    R6,
                    f"application is {shown(application)}, the payload's sys_scope "
                    f"{shown(element.text)}.",
                    "application",
                )
        elif row.table == "sys_app":
            if field(record.element, "sys_id") != application:
                yield at(row, R6, "The application of a sys_app row is not itself.", "application")
        elif element is None and not row.special and row.table not in _DEPENDENCIES:
            if application != "global":
                yield at(
                    row,
                    C1,
                    f"The record has no sys_scope, but application is {shown(application)}.",
                    "application",
                )

    def _remember(self, sys_id: str) -> None:
        # Only the applications of the file's sets matter, so this stays as small as they are.
        if any(found.value("application") == sys_id for found in self._context.sets):
            self._applications.add(sys_id)


def _missing(update_set: UpdateSet) -> Hit:
    name = shown(update_set.value("application_name"))
    return Hit(
        C2,
        f"The set does not carry the sys_app row of {name}: the target must have it.",
        update_set.line,
        None,
        "application",
    )
