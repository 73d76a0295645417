"""Captures a change of a tracked record as a local update, which later previews collide with.

[TP] PPS: rows written over REST are captured in the caller's current set; secrets as ciphertext.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.payloads import DELETE, UPSERT, write_payload
from generator.sandbox.retrieved_sets import UPDATES
from generator.sandbox.tracking import recorded_at
from generator.sandbox.versions import LOCAL_SETS, Versions
from generator.update_set.labels import ROW_TYPES
from generator.update_set.payload_hash import payload_hash

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_GLOBAL = "global"


def class_of(table: str, row: Mapping[str, str]) -> str:
    """The table that a row really lies in."""
    return row.get("sys_class_name") or table


def capture(
    sandbox: Sandbox, table: str, row: Mapping[str, str], *, update_set: Row, delete: bool, by: str
) -> Row:
    """Write the local update of a change; one row per record and set.

    Args:
        sandbox: Where.
        table: Table of the record.
        row: Its state after the change, or before its deletion.
        update_set: The local set.
        delete: Whether it was deleted.
        by: User name.
    """
    actual = class_of(table, row)
    action = DELETE if delete else UPSERT
    payload = write_payload(actual, row, action=action, displays=displays(sandbox, actual, row))
    name = row.get("sys_update_name") or f"{actual}_{row['sys_id']}"
    values = {
        "name": name,
        "action": action,
        "type": ROW_TYPES.get(actual, actual),
        "target_name": row.get("sys_name") or row.get("name", ""),
        "category": "customer",
        "application": row.get("sys_scope") or _GLOBAL,
        "update_set": update_set["sys_id"],
        "remote_update_set": "",
        "update_domain": _GLOBAL,
        "replace_on_upgrade": "false",
        "payload": payload,
        "payload_hash": payload_hash(payload),
        "sys_recorded_at": recorded_at(sandbox),
    }
    source = update_set["sys_id"]
    versions = Versions(sandbox, name=name)
    guid = versions.add(values, source=source, source_table=LOCAL_SETS, by=by)
    values["update_guid"] = guid
    values["update_guid_history"] = f"{guid}:{values['payload_hash']}"
    return _store(sandbox, values, by=by)


def _store(sandbox: Sandbox, values: dict[str, str], *, by: str) -> Row:
    database = sandbox.database
    query = f"name={values['name']}^update_set={values['update_set']}"
    known = database.query(UPDATES, query, limit=1) if "^" not in values["name"] else []
    if not known:
        return database.insert(UPDATES, values, by=by)
    return database.update(UPDATES, known[0]["sys_id"], values, by=by) or known[0]


def displays(sandbox: Sandbox, table: str, row: Mapping[str, str]) -> dict[str, str]:
    """`display_value` of each filled reference of a row."""
    found: dict[str, str] = {}
    for name, column in sandbox.database.dictionary.columns(table).items():
        value = row.get(name, "")
        if not value or not column.reference:
            continue
        if value == _GLOBAL:
            found[name] = "Global"
            continue
        target = sandbox.database.get(column.reference, value) or {}
        found[name] = target.get("name") or target.get("user_name", "")
    return found
