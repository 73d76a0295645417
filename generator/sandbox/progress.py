"""Work in the background: execution trackers, and who looks at them.

Nothing here has a clock of its own: work moves when somebody looks (`spec/instance-http.md`
B3.19), 0 pending -> 1 running -> 2 successful or 3 failed over `slow_polls` looks, and its effect
is there, all at once, when it ends. States are digits [DOC; MEAS].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from generator.sandbox.database import Row
from generator.sandbox.recovery import recover

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

TRACKERS = "sys_execution_tracker"
WORKERS = "sys_progress_worker"

PENDING, RUNNING, SUCCESSFUL, FAILED, CANCELLED = "0", "1", "2", "3", "4"

LABELS: Mapping[str, str] = {
    PENDING: "Pending",
    RUNNING: "Running",
    SUCCESSFUL: "Successful",
    FAILED: "Failed",
    CANCELLED: "Cancelled",
}
"""`status_label` of the CI/CD API [DOC]."""

WATCHED = frozenset({TRACKERS, WORKERS, "sys_remote_update_set", "sys_update_set"})
"""Tables of which a read is a look: a client may wait for a set's state alone."""

DONE = "This operation succeeded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How work ended."""

    state: str = SUCCESSFUL
    message: str = DONE
    detail: str = ""
    result: str = ""
    """JSON text of the tracker's `result`."""

    worker_error: str = ""
    """`error_message` of the progress worker; filled: its `state_code` is `error`."""


def failure(message: str) -> Outcome:
    """Work that did not do what it was asked to."""
    return Outcome(FAILED, message, worker_error=message)


@dataclass(slots=True)
class Operation:
    """One piece of work that was begun."""

    id: str
    """sys_id of its tracker, which is the CI/CD progress id, too."""

    worker: str
    finish: Callable[[], Outcome]
    """Does the work, in one transaction."""

    extra: Mapping[str, str] = field(default_factory=dict)
    """Ids that the CI/CD progress names beside the documented fields [TP PSS]."""

    looks: int = 0


class Operations:
    """What is under way in one sandbox, and what was."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.pending: dict[str, Operation] = {}
        self.extra: dict[str, Mapping[str, str]] = {}


_OPERATIONS: WeakKeyDictionary[Sandbox, Operations] = WeakKeyDictionary()


def operations(sandbox: Sandbox) -> Operations:
    """The sandbox's operations; what an earlier process left under way is undone first."""
    found = _OPERATIONS.get(sandbox)
    if found is not None:
        return found
    with sandbox.database.transaction():
        # Another thread may have been here first: what it has begun is not undone.
        if sandbox not in _OPERATIONS:
            recover(sandbox)
        return _OPERATIONS.setdefault(sandbox, Operations())


def begin(
    sandbox: Sandbox,
    name: str,
    *,
    finish: Callable[[], Outcome],
    by: str,
    source: str = "",
    source_table: str = "",
    extra: Mapping[str, str] | None = None,
) -> Operation:
    """Begin work; its tracker and worker are there from now on.

    Args:
        sandbox: Where.
        name: Progress name, as the platform words it.
        finish: Does the work when it ends.
        by: User name.
        source: sys_id of the set it is about.
        source_table: Table of that set.
        extra: Ids for the CI/CD progress.
    """
    known = operations(sandbox)
    database = sandbox.database
    common = {"name": name, "message": ""}
    worker = database.insert(WORKERS, {**common, "state": "running", "state_code": ""}, by=by)
    tracker = database.insert(
        TRACKERS,
        {
            **common,
            "state": PENDING,
            "percent_complete": "0",
            "detail_message": "",
            "result": "",
            "source": source,
            "source_table": source_table,
            "start_time": database.now(),
            "completion_time": "",
        },
        by=by,
    )
    operation = Operation(tracker["sys_id"], worker["sys_id"], finish, dict(extra or {}))
    known.pending[operation.id] = operation
    known.extra[operation.id] = operation.extra
    return operation


def looked(sandbox: Sandbox, table: str) -> None:
    """Somebody is about to read a table: work moves on before the read, if it is a watched one."""
    if table in WATCHED and operations(sandbox).pending:
        move_on(sandbox)


def move_on(sandbox: Sandbox) -> None:
    """One look at everything that is under way."""
    with sandbox.database.transaction():
        for operation in tuple(operations(sandbox).pending.values()):
            _step(sandbox, operation)


def _step(sandbox: Sandbox, operation: Operation) -> None:
    operation.looks += 1
    needed = sandbox.behaviour.slow_polls
    stalled_at = sandbox.behaviour.stall_at
    if stalled_at or operation.looks <= needed:
        percent = operation.looks * 100 // (needed + 1)
        if stalled_at:
            percent = min(stalled_at, max(percent, 1))
        changes = {"state": RUNNING, "percent_complete": str(min(percent, 99))}
        # A stalled one does not change at all: neither percentage nor stamp (A13).
        row = sandbox.database.get(TRACKERS, operation.id) or {}
        if any(row.get(name) != value for name, value in changes.items()):
            sandbox.database.update(TRACKERS, operation.id, changes, by="system")
        return
    _end(sandbox, operation, operation.finish())


def _end(sandbox: Sandbox, operation: Operation, outcome: Outcome) -> None:
    database = sandbox.database
    operations(sandbox).pending.pop(operation.id, None)
    database.update(
        TRACKERS,
        operation.id,
        {
            "state": outcome.state,
            "percent_complete": "100",
            "message": outcome.message,
            "detail_message": outcome.detail,
            "result": outcome.result,
            "completion_time": database.now(),
        },
        by="system",
    )
    cancelled = outcome.state == CANCELLED
    failed = bool(outcome.worker_error)
    database.update(
        WORKERS,
        operation.worker,
        {
            "state": "cancelled" if cancelled else "error" if failed else "complete",
            "state_code": "error" if failed else "" if cancelled else "success",
            "message": outcome.message,
            "error_message": outcome.worker_error,
            "output_summary": outcome.message,
        },
        by="system",
    )


def cancel(sandbox: Sandbox, tracker: str, *, message: str) -> bool:
    """End work without its effect; whether it was under way."""
    operation = operations(sandbox).pending.get(tracker)
    if operation is None:
        return False
    _end(sandbox, operation, Outcome(CANCELLED, message))
    return True


def tracker_row(sandbox: Sandbox, sys_id: str) -> Row | None:
    """The tracker, after this look at it; None if there is none."""
    if sandbox.database.get(TRACKERS, sys_id) is None:
        return None
    move_on(sandbox)
    return sandbox.database.get(TRACKERS, sys_id)


def under_way(sandbox: Sandbox, source: str) -> Row | None:
    """The tracker of work on a set that has not ended."""
    for operation in operations(sandbox).pending.values():
        row = sandbox.database.get(TRACKERS, operation.id)
        if row is not None and row.get("source") == source:
            return row
    return None
