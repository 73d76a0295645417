"""Commit of a retrieved update set or batch (`spec/instance-http.md` A9, B3.11 to 13)."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from generator.sandbox.apply import REFUSED_TABLES, apply_payload
from generator.sandbox.current_set import COMPLETE, IN_PROGRESS
from generator.sandbox.database import Row
from generator.sandbox.payloads import Payload, read_payload
from generator.sandbox.preview import PREVIEWS
from generator.sandbox.problems import open_problems
from generator.sandbox.progress import FAILED, Operation, Outcome, begin, failure
from generator.sandbox.retrieved_sets import (
    SETS,
    UPDATES,
    find_set,
    members,
    set_states,
    updates_of,
)
from generator.sandbox.tracking import is_tracked
from generator.sandbox.versions import LOCAL_SETS, Versions

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

FAILED_TEXT = (
    "The update set commit completed but some updates failed to commit due to errors. "
    "Review the Commit log for details."
)
"""[MEAS ARK]"""

_COPIED = (
    "name",
    "payload",
    "action",
    "type",
    "target_name",
    "view",
    "update_domain",
    "table",
    "category",
    "application",
    "replace_on_upgrade",
    "sys_recorded_at",
    "payload_hash",
    "update_guid",
    "update_guid_history",
)
"""What the copy of an update has of it. [PLAT] SI UpdateSetCommitAjax `_copyUpdateXML`"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A commit that was begun."""

    operation: Operation
    local: str
    """sys_id of the local set of the (base) set."""


def is_previewed(row: Row) -> bool:
    """Whether the platform's commit button would be there, problems apart [PLAT]."""
    return row.get("state") in ("previewed", "partial")


def has_open_problems(sandbox: Sandbox, row: Row) -> bool:
    """Whether a problem of the set or of a member of its batch is neither accepted nor skipped."""
    return bool(open_problems(sandbox, [m["sys_id"] for m in members(sandbox, row)]))


def refuse_commit(sandbox: Sandbox, row: Row, message: str, *, by: str) -> Operation:
    """Work that ends failed at the first look, and changes nothing."""
    return begin(
        sandbox,
        f"Committing update set: {row['name']}",
        finish=lambda: failure(message),
        by=by,
        source=row["sys_id"],
        source_table=SETS,
    )


def begin_commit(sandbox: Sandbox, row: Row, *, by: str) -> Begun:
    """Begin to commit a single set or the base of a batch; nothing is asked any more.

    Args:
        sandbox: Where.
        row: The set.
        by: User name.
    """
    group = members(sandbox, row)
    local = [_local_set(sandbox, member, by=by) for member in group]
    by_remote = {member["sys_id"]: made for member, made in zip(group, local, strict=True)}
    if len(group) > 1:
        for member, made in zip(group, local, strict=True):
            parent = by_remote.get(member.get("parent", ""))
            links = {
                "base_update_set": local[0]["sys_id"],
                "parent": parent["sys_id"] if parent else "",
            }
            sandbox.database.update(LOCAL_SETS, made["sys_id"], links, by=by)
    set_states(sandbox, group, base="committing", children="committing")
    locals_by_set = {remote: made["sys_id"] for remote, made in by_remote.items()}
    operation = begin(
        sandbox,
        f"Committing update set: {row['name']}",
        finish=lambda: _commit(sandbox, row["sys_id"], locals_by_set=locals_by_set, by=by),
        by=by,
        source=row["sys_id"],
        source_table=SETS,
        extra={"local_update_set_id": local[0]["sys_id"]},
    )
    return Begun(operation, local[0]["sys_id"])


def _local_set(sandbox: Sandbox, member: Row, *, by: str) -> Row:
    values = {
        "name": member["name"],
        "description": member.get("description", ""),
        "application": member.get("application", ""),
        "state": IN_PROGRESS,
        "is_default": "false",
        "release_date": member.get("release_date", ""),
        "remote_sys_id": member["sys_id"],
        "origin_sys_id": member.get("origin_sys_id") or member.get("remote_sys_id", ""),
    }
    return sandbox.database.insert(LOCAL_SETS, values, by=by)


def _commit(sandbox: Sandbox, set_id: str, *, locals_by_set: dict[str, str], by: str) -> Outcome:
    database = sandbox.database
    row = find_set(sandbox, set_id)
    if row is None:
        return failure("Record not found")
    failed: list[str] = []
    versions = Versions(sandbox)
    skipped = _skipped(sandbox)
    for member in members(sandbox, row):
        local = locals_by_set.get(member["sys_id"])
        if local is None:
            continue
        for update in updates_of(sandbox, member):
            if update["sys_id"] in skipped:
                continue
            _copy(sandbox, update, local=local, by=by)
            if not _apply(sandbox, update, local=local, versions=versions, by=by):
                failed.append(update["name"])
        now = database.now()
        done = {"state": COMPLETE, "install_date": now, "completed_on": now}
        database.update(LOCAL_SETS, local, done, by=by)
        committed = {"state": "committed", "update_set": local, "commit_date": now}
        database.update(SETS, member["sys_id"], committed, by=by)
    if failed:
        return Outcome(FAILED, FAILED_TEXT, worker_error=FAILED_TEXT)
    return Outcome()


def _skipped(sandbox: Sandbox) -> frozenset[str]:
    """sys_ids of updates whose preview row says so: the commit looks at that alone [PLAT]."""
    rows = sandbox.database.query(PREVIEWS, "proposed_action=skip")
    return frozenset(row.get("remote_update", "") for row in rows)


def _copy(sandbox: Sandbox, update: Row, *, local: str, by: str) -> None:
    values = {name: update.get(name, "") for name in _COPIED}
    sandbox.database.insert(UPDATES, {**values, "update_set": local}, by=by)


def _apply(sandbox: Sandbox, update: Row, *, local: str, versions: Versions, by: str) -> bool:
    """Write the record of an update; whether it worked. A failure leaves a line in `syslog`."""
    payload = read_payload(update.get("payload", ""))
    if payload is None or _fails(sandbox, update, payload):
        _complain(sandbox, update, by=by)
        return False
    is_data = not is_tracked(sandbox, payload.first.table) and sandbox.database.dictionary.exists(
        payload.first.table
    )
    if is_data and sandbox.behaviour.data_rows == "ignored":
        return True  # [INF] C11
    versions.keep_baseline(update["name"], payload, by=by)
    apply_payload(sandbox, payload)
    if is_tracked(sandbox, payload.first.table):
        versions.add(update, source=local, source_table=LOCAL_SETS, by=by)
    return True


def _fails(sandbox: Sandbox, update: Row, payload: Payload) -> bool:
    return payload.first.table in REFUSED_TABLES or any(
        fnmatchcase(update["name"], pattern) for pattern in sandbox.behaviour.fail_records
    )


def _complain(sandbox: Sandbox, update: Row, *, by: str) -> None:
    """[MEAS ARK] for the place and the reason; how the line begins is ours [INF]."""
    values = {
        "level": "2",
        "message": f"Update {update['name']} was not committed: permission denied: no thrown error",
        "source": "UpdateSetCommit",
        "sequence": sandbox.database.new_id(),
    }
    sandbox.database.insert("syslog", values, by=by)
