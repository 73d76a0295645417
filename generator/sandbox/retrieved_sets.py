"""Retrieved update sets as rows: batches, members, updates (`spec/instance-http.md` A6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

SETS = "sys_remote_update_set"
UPDATES = "sys_update_xml"

_SYS_ID = re.compile("[0-9a-f]{32}")


class Role(StrEnum):
    """What a retrieved set is in its file."""

    SINGLE = "single"
    BASE = "base"
    CHILD = "child"


def is_sys_id(value: str) -> bool:
    """Whether a text has the form of a sys_id, and so may stand in a query."""
    return _SYS_ID.fullmatch(value) is not None


def find_set(sandbox: Sandbox, sys_id: str) -> Row | None:
    """The retrieved set of that sys_id."""
    return sandbox.database.get(SETS, sys_id) if is_sys_id(sys_id) else None


def role_of(row: Row) -> Role:
    """Single, base of a batch (`remote_base_update_set` is itself) or child of one [PLAT]."""
    base = row.get("remote_base_update_set", "")
    if not base:
        return Role.SINGLE
    return Role.BASE if base == row["sys_id"] else Role.CHILD


def members(sandbox: Sandbox, row: Row) -> list[Row]:
    """The set and, where it is the base of a batch, its descendants in order of ancestry."""
    if role_of(row) is not Role.BASE:
        return [row]
    query = f"remote_base_update_set={row['sys_id']}"
    found_rows = sandbox.database.query(SETS, query)
    others = [found for found in found_rows if found["sys_id"] != row["sys_id"]]
    ordered, placed = [row], {row["sys_id"]}
    while others:
        ready = [found for found in others if found.get("parent", "") in placed]
        # A child whose parent is nowhere stands at the end, as if below the base.
        ready = ready or others
        ordered += ready
        placed |= {found["sys_id"] for found in ready}
        others = [found for found in others if found["sys_id"] not in placed]
    return ordered


def updates_of(sandbox: Sandbox, row: Row) -> list[Row]:
    """The retrieved updates of one set, in the order of their capture.

    Only rows whose `remote_update_set` names the set count: others are orphans (B3.6).
    """
    query = f"remote_update_set={row['sys_id']}^ORDERBYsys_recorded_at"
    return [
        found for found in sandbox.database.query(UPDATES, query) if not found.get("update_set")
    ]


def set_states(sandbox: Sandbox, rows: Sequence[Row], *, base: str, children: str) -> None:
    """Move sets to a state; the first of `rows` is the base."""
    for index, row in enumerate(rows):
        state = children if index else base
        sandbox.database.update(SETS, row["sys_id"], {"state": state}, by="system")
