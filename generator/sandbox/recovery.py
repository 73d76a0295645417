"""What was under way when a kept sandbox was stopped: undone, since none of it had an effect yet.

A node that restarts leaves such sets to an administrator; the sandbox puts them back [INF].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.retrieved_sets import SETS, Role, find_set, members, role_of

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

RESTARTED = "The operation was interrupted by a restart"

_BACK: Mapping[str, tuple[str, str]] = {
    "previewing": ("loaded", "in_hierarchy"),
    "committing": ("previewed", "previewed_in_hierarchy"),
}
"""State to the one before, of a set and of a child of a batch."""


def recover(sandbox: Sandbox) -> None:
    """Fail trackers that nobody works on, and put their sets back."""
    database = sandbox.database
    with database.transaction():
        for tracker in database.query("sys_execution_tracker", "stateIN0,1"):
            values = {"state": "3", "message": RESTARTED}
            database.update("sys_execution_tracker", tracker["sys_id"], values, by="system")
            row = find_set(sandbox, tracker.get("source", ""))
            for member in members(sandbox, row) if row else ():
                _put_back(sandbox, member)
        for worker in database.query("sys_progress_worker", "state=running"):
            values = {"state": "error", "state_code": "error", "error_message": RESTARTED}
            database.update("sys_progress_worker", worker["sys_id"], values, by="system")


def _put_back(sandbox: Sandbox, row: Row) -> None:
    if row.get("state") not in _BACK:
        return
    database = sandbox.database
    state = _BACK[row["state"]][role_of(row) is Role.CHILD]
    database.update(SETS, row["sys_id"], {"state": state}, by="system")
    half_made = f"remote_sys_id={row['sys_id']}^state=in progress"
    for local in database.query("sys_update_set", half_made):
        database.delete("sys_update_set", local["sys_id"])
