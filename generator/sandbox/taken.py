"""Rows that a switch takes away, kept aside so that switching back restores them.

They lie in the database under classes that no table has: no request finds them, and a kept
database gives them back at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

GRANTS = "sys_user_has_role"
ENTRIES = "sys_dictionary"


def take_roles(sandbox: Sandbox) -> None:
    """Nobody is listed with a missing role: an administrator may be told so, too."""
    missing = frozenset(sandbox.behaviour.missing_roles)

    def is_missing(row: Row) -> bool:
        role = sandbox.database.get("sys_user_role", row.get("role", "")) or {}
        return role.get("name") in missing

    _take(sandbox, GRANTS, is_missing)


def take_columns(sandbox: Sandbox) -> None:
    """No entry of `sys_dictionary` tells of a missing column, of its own table or one below."""
    missing = {(table, name) for table, _, name in sandbox.missing_columns()}

    def is_missing(row: Row) -> bool:
        table = row.get("name", "")
        family = (table, *sandbox.dictionary.parents(table))
        return any((member, row.get("element")) in missing for member in family)

    _take(sandbox, ENTRIES, is_missing)


def _take(sandbox: Sandbox, table: str, is_missing: Callable[[Row], bool]) -> None:
    database, aside = sandbox.database, f"{table} (taken)"
    for source, target, moves in (
        (aside, table, lambda row: not is_missing(row)),
        (table, aside, is_missing),
    ):
        for row in [row for row in database.query(source) if moves(row)]:
            database.delete(source, row["sys_id"])
            database.put(target, row)
