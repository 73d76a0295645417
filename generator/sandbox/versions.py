"""Update versions: what a record was, so that a back out can bring it back (A9, B3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.payloads import Payload, write_payload
from generator.sandbox.tracking import is_tracked, recorded_at
from generator.update_set.payload_hash import payload_hash

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

VERSIONS = "sys_update_version"
LOCAL_SETS = "sys_update_set"
BASELINE = "sys_upgrade_history"
"""`source_table` of what was there before anybody changed it."""


def versions_of(sandbox: Sandbox, name: str) -> list[Row]:
    """All versions of an update name, the newest first."""
    if "^" in name:
        return []
    return sandbox.database.query(VERSIONS, f"name={name}^ORDERBYDESCsys_recorded_at")


def keep_baseline(sandbox: Sandbox, name: str, payload: Payload, *, by: str) -> None:
    """Keep the state of a record that is about to change for the first time."""
    first = payload.first
    database = sandbox.database
    if not database.dictionary.exists(first.table) or not is_tracked(sandbox, first.table):
        return
    before = database.get(first.table, first.sys_id)
    if before is None or versions_of(sandbox, name):
        return
    text = write_payload(before.get("sys_class_name") or first.table, before)
    add_version(
        sandbox,
        {"name": name, "action": "INSERT_OR_UPDATE", "payload": text},
        source="",
        source_table=BASELINE,
        by=by,
    )


def add_version(sandbox: Sandbox, update: Row, *, source: str, source_table: str, by: str) -> str:
    """Make a version, which is the current one from now on.

    Args:
        sandbox: Where.
        update: The update it is a version of.
        source: sys_id of the set that brought it.
        source_table: Table of that set.
        by: User name.

    Returns:
        Its sys_id, which updates call `update_guid`.
    """
    database = sandbox.database
    for row in versions_of(sandbox, update["name"]):
        if row.get("state") == "current":
            database.update(VERSIONS, row["sys_id"], {"state": "previous"}, by=by)
    payload = update.get("payload", "")
    made = database.insert(
        VERSIONS,
        {
            "name": update["name"],
            "action": update.get("action", ""),
            "application": update.get("application", ""),
            "payload": payload,
            "payload_hash": payload_hash(payload),
            "record_name": update.get("target_name", ""),
            "type": update.get("type", ""),
            "source": source,
            "source_table": source_table,
            "state": "current",
            "instance_name": sandbox.name,
            "sys_recorded_at": recorded_at(sandbox),
        },
        by=by,
    )
    return made["sys_id"]
