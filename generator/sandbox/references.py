"""What an update refers to, and whether it is here (`spec/instance-http.md` A7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.sandbox.coalesce import key_of
from generator.sandbox.database import Row
from generator.sandbox.payloads import DELETE, Payload
from generator.sandbox.problems import Problem, missing_record, missing_table
from generator.sandbox.retrieved_sets import SETS, UPDATES

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

SYS_ID_LENGTH = 32
"""Only values of this length are looked up. [PLAT] SI UpdateSetPreviewer"""

UNREPORTED = frozenset({"sys_app_file", "sys_user", "sys_user_group", "sys_user_role"})
"""Not checked [PLAT] or not reported in practice [MEAS]."""

CUSTOM = ("u_", "x_")
"""How a customer's own tables begin; any other is taken for one of the platform's."""


@dataclass(slots=True)
class Surroundings:
    """What one preview can see: this instance, the sets it previews, the other sets."""

    sandbox: Sandbox
    members: Sequence[str]
    """sys_ids of the sets that are previewed together."""

    names: frozenset[str]
    """Names of their updates that delete nothing."""

    _families: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def family(self, table: str) -> tuple[str, ...]:
        """The table and its descendants."""
        found = self._families.get(table)
        if found is None:
            found = (table, *self.sandbox.database.dictionary.children(table))
            self._families[table] = found
        return found

    def brings(self, table: str, sys_id: str) -> bool:
        """Whether an update of the sets has the canonical name of the record."""
        return any(f"{name}_{sys_id}" in self.names for name in self.family(table))

    def elsewhere(self, names: Sequence[str]) -> str:
        """The sys_id of an update of that name in another uncommitted set; empty if none."""
        database = self.sandbox.database
        for name in names:
            if "^" in name:
                continue
            for row in database.query(UPDATES, f"name={name}^update_setISEMPTY"):
                owner = row.get("remote_update_set", "")
                found = database.get(SETS, owner) if owner else None
                if found and owner not in self.members and found.get("state") != "committed":
                    return row["sys_id"]
        return ""


def surroundings(
    sandbox: Sandbox, updates: Sequence[Row], *, members: Sequence[str]
) -> Surroundings:
    """What a preview of these updates can see."""
    names = frozenset(row["name"] for row in updates if row.get("action") != DELETE)
    return Surroundings(sandbox, members, names)


def table_problem(around: Surroundings, payload: Payload) -> Problem | None:
    """The problem of a payload whose table is neither here nor in the sets."""
    table = payload.first.table
    sandbox = around.sandbox
    if sandbox.database.dictionary.exists(table):
        return None
    if not table.startswith(CUSTOM):
        # The sandbox knows some of the platform's tables; it does not pretend to know all [INF].
        sandbox.say(f"preview: table {table} is unknown here and taken for one of the platform's")
        return None
    if sandbox.database.count("sys_db_object", f"name={table}"):
        return None
    if f"sys_dictionary_{table}_null" in around.names:
        return None
    return missing_table(table, update=around.elsewhere([f"sys_dictionary_{table}_null"]))


def reference_problems(around: Surroundings, payload: Payload) -> Iterator[Problem]:
    """A problem for every reference of the first record that finds nothing."""
    database = around.sandbox.database
    columns = database.dictionary.columns(payload.first.table)
    for name, value in payload.first.values.items():
        column = columns.get(name)
        if column is None or not column.reference or len(value) != SYS_ID_LENGTH:
            continue
        target = column.reference
        if (
            target in UNREPORTED
            or not database.dictionary.exists(target)
            or key_of(around.sandbox, target) is not None
        ):
            continue
        if (
            payload.holds(value)
            or around.brings(target, value)
            or database.get(target, value) is not None
        ):
            continue
        other = around.elsewhere([f"{table}_{value}" for table in around.family(target)])
        yield missing_record(target, name, value, update=other)
