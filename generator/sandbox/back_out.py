"""Back out of a local update set (`spec/instance-http.md` A11, B3.14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from generator.sandbox.apply import apply_payload, delete_records
from generator.sandbox.capture import capture
from generator.sandbox.current_set import COMPLETE, current_set, default_set
from generator.sandbox.database import Row
from generator.sandbox.payloads import DELETE, read_payload
from generator.sandbox.preview import forget_preview
from generator.sandbox.progress import Operation, Outcome, begin, failure
from generator.sandbox.retrieved_sets import SETS, UPDATES, Role, role_of, updates_of
from generator.sandbox.versions import LOCAL_SETS, Versions

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.sessions import UiSession


def begin_back_out(
    sandbox: Sandbox, local: Row, *, user: Mapping[str, str], session: UiSession | None
) -> Operation:
    """Begin to back a local set out; the base of a batch takes its children along [DOC].

    Args:
        sandbox: Where.
        local: Row of `sys_update_set`. The Default set, and one that is not complete, fail.
        user: The caller, whose current set takes the deletions.
        session: The caller's session.
    """
    by = user.get("user_name", "system")
    return begin(
        sandbox,
        f"Backing out update set: {local['name']}",
        finish=lambda: _back_out(sandbox, local["sys_id"], user=user, session=session),
        by=by,
        source=local["sys_id"],
        source_table=LOCAL_SETS,
    )


def _back_out(
    sandbox: Sandbox, local_id: str, *, user: Mapping[str, str], session: UiSession | None
) -> Outcome:
    database = sandbox.database
    local = database.get(LOCAL_SETS, local_id)
    if local is None:
        return failure("Record not found")
    if local.get("is_default") == "true":
        return failure("The Default update set cannot be backed out")
    if local.get("state") != COMPLETE:
        return failure("Only a complete update set can be backed out")
    children = database.query(LOCAL_SETS, f"base_update_set={local_id}")
    group = [row for row in children if row["sys_id"] != local_id]
    group.append(local)
    taken = {row["sys_id"] for row in group}
    target = current_set(sandbox, user, session=session)
    if target["sys_id"] in taken:
        target = default_set(sandbox)
    versions, by = Versions(sandbox), user.get("user_name", "system")
    for row in group:
        for copy in reversed(_copies(sandbox, row)):
            _reverse(sandbox, copy, target=target, versions=versions, by=by)
        database.delete(LOCAL_SETS, row["sys_id"])
    for row in group:
        _reopen(sandbox, row["sys_id"])
    return Outcome()


def _copies(sandbox: Sandbox, local: Row) -> list[Row]:
    return sandbox.database.query(UPDATES, f"update_set={local['sys_id']}^ORDERBYsys_recorded_at")


def _reverse(sandbox: Sandbox, copy: Row, *, target: Row, versions: Versions, by: str) -> None:
    """Bring back what one update replaced, and delete the copy and its version.

    A row of a data table has no version: it stays as it is [INF].
    """
    database = sandbox.database
    known = versions.of(copy["name"])
    ours = [row for row in known if row.get("source") == copy["update_set"]]
    database.delete(UPDATES, copy["sys_id"])
    if not ours:
        return
    older = known[known.index(ours[-1]) + 1 :]
    for row in ours:
        versions.delete(row)
    payload = read_payload(copy.get("payload", ""))
    if payload is None:
        return
    first = payload.first
    last = database.get(first.table, first.sys_id)
    delete_records(sandbox, payload.entries)
    before = versions.payload_of(older[0]) if older else None
    if before is not None and older[0].get("action") != DELETE:
        apply_payload(sandbox, before)
        versions.set_state(older[0], "current", by=by)
    elif last is not None:
        # A deletion in the caller's set: a later preview of the same update collides. [DOC]
        capture(sandbox, first.table, last, update_set=target, delete=True, by=by)


def _reopen(sandbox: Sandbox, local_id: str) -> None:
    """The retrieved set goes back to `loaded` [INF] (C10)."""
    database = sandbox.database
    for row in database.query(SETS, f"update_set={local_id}"):
        forget_preview(sandbox, updates_of(sandbox, row))
        state = "in_hierarchy" if role_of(row) is Role.CHILD else "loaded"
        changes = {"state": state, "update_set": "", "commit_date": ""}
        database.update(SETS, row["sys_id"], changes, by="system")
