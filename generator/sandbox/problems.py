"""Preview problems: the platform's texts and the rows that carry them (B5, A8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

PROBLEMS = "sys_update_preview_problem"

RESOLVED = frozenset({"ignored", "skipped"})
"""`status` of what somebody decided: *Accept* and *Skip remote update*. [PLAT] [TP SNC]"""

ACCEPT = "43d7d01a97b00100f309124eda2975e4"
SKIP = "f6f5730c97410100d308124eda29758d"
ACCEPT_COLLISION = "daaa839a47f31200ee1919fbac9a7159"
FIND_RECORD = "19415110bf010100421cdc2ecf07393c"
FIND_UPDATE = "55711150bf010100421cdc2ecf07398e"
"""UI actions that `available_actions` names. [TP] DEP, SNC"""

NEWER = "Found a local update that is newer than this one"
HAS_ROWS = "Found a row in the table that is going to be deleted"
CONFLICT = (
    "This update has conflicts within the update set with the same name. Resolve the issue on the "
    "source system and re-preview or choose a specific update to use."
)
ELSEWHERE = ", but did find it in another uncommitted update set"
INVALID_XML = "The payload of this update is invalid XML"
"""[INF] that it is a problem is read from platform code; its words are ours."""


_WRONG_SCOPE = (
    "Cannot commit Update Set '{0}' because: Update scope id '{1}' is different than "
    "update set scope id '{2}'. Resolve the problem before committing."
)
_RESOLVE = "Resolve the problem before committing."


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem that a preview found."""

    description: str
    """The platform's text."""

    type: str = "error"
    """`error` or `warning`; which of them the platform gives is documented for neither [INF]."""

    actions: tuple[str, ...] = (ACCEPT, SKIP)
    missing_item: str = ""
    """sys_id that was not found."""

    missing_item_table: str = ""
    missing_item_update: str = ""
    """sys_id of the update in another uncommitted set that brings it."""


def missing_record(table: str, column: str, value: str, *, update: str = "") -> Problem:
    """A reference that finds nothing; `update` is another set's update that brings it."""
    text = f"Could not find a record in {table} for column {column} referenced in this update"
    return Problem(
        text + (ELSEWHERE if update else ""),
        actions=(ACCEPT, SKIP, FIND_RECORD, FIND_UPDATE),
        missing_item=value,
        missing_item_table=table,
        missing_item_update=update,
    )


def missing_table(table: str, *, update: str = "") -> Problem:
    """A table that is nowhere here; `null` is the element of a table's own dictionary row."""
    text = f"Could not find a table field ({table}.null) referenced in this update"
    return Problem(
        text + (ELSEWHERE if update else ""),
        missing_item=table,
        missing_item_table="sys_db_object",
        missing_item_update=update,
    )


def missing_field(table: str, column: str, *, update: str = "") -> Problem:
    """A field that the table here lacks; `update` is another set's update that brings it."""
    text = f"Could not find a table field ({table}.{column}) referenced in this update"
    return Problem(
        text + (ELSEWHERE if update else ""),
        missing_item=f"{table}.{column}",
        missing_item_table="sys_dictionary",
        missing_item_update=update,
    )


def unfit_value(table: str, column: str, type_: str) -> Problem:
    """A value that the column's type cannot hold; the words are ours [INF]."""
    return Problem(
        f"The value of the table field ({table}.{column}) in this update does not fit its type, "
        f"{type_}"
    )


def wrong_scope(set_name: str, update_scope: str, set_scope: str) -> Problem:
    """An update of another application than its set's."""
    return Problem(_WRONG_SCOPE.format(set_name, update_scope, set_scope))


def unknown_scope(set_name: str, scope: str, application: str) -> Problem:
    """An application that is neither here nor in the set.

    [INF] as a preview problem; its inner words are measured of a commit (ARK).
    """
    return Problem(
        f"Cannot commit Update Set '{set_name}' because: Scope '{scope}' is not '{application}', "
        "not found in instance. " + _RESOLVE
    )


def write_problem(sandbox: Sandbox, problem: Problem, *, update: Row, set_id: str, by: str) -> None:
    """Make the row of a problem, open."""
    sandbox.database.insert(
        PROBLEMS,
        {
            "type": problem.type,
            "status": "",
            "description": problem.description,
            "available_actions": ",".join(problem.actions),
            "missing_item": problem.missing_item,
            "missing_item_table": problem.missing_item_table,
            "missing_item_update": problem.missing_item_update,
            "remote_update": update["sys_id"],
            "remote_update_set": set_id,
        },
        by=by,
    )


def open_problems(sandbox: Sandbox, set_ids: list[str]) -> list[Row]:
    """Problems of these sets that are neither accepted nor skipped, errors and warnings."""
    rows = sandbox.database.query(PROBLEMS, f"remote_update_setIN{','.join(set_ids)}")
    return [row for row in rows if row.get("status") not in RESOLVED]
