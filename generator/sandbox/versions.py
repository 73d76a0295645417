"""Update versions: what a record was, so that a back out can bring it back (A9, B3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.payloads import Payload, read_payload, write_payload
from generator.sandbox.tracking import is_tracked, recorded_at
from generator.update_set.payload_hash import payload_hash

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

VERSIONS = "sys_update_version"
LOCAL_SETS = "sys_update_set"
BASELINE = "sys_upgrade_history"
"""`source_table` of what was there before anybody changed it."""


class Versions:
    """The versions of one update name or of all, read once; their payloads stay in the database."""

    def __init__(self, sandbox: Sandbox, *, name: str | None = None) -> None:
        """Args: sandbox: Where. name: The one update name that matters; None for all."""
        self._sandbox = sandbox
        self._known: dict[str, list[Row]] = {}
        if name is not None and "^" in name:
            name = None
        query = "" if name is None else f"name={name}^"
        for row in sandbox.database.query(VERSIONS, f"{query}ORDERBYsys_recorded_at"):
            self._note(row)

    def of(self, name: str) -> list[Row]:
        """All versions of an update name, the newest first, without their payloads."""
        return self._known.get(name, [])

    def payload_of(self, version: Row) -> Payload | None:
        """What a version holds."""
        row = self._sandbox.database.get(VERSIONS, version["sys_id"]) or {}
        return read_payload(row.get("payload", ""))

    def keep_baseline(self, name: str, payload: Payload, *, by: str) -> None:
        """Keep the state of a record that is about to change for the first time."""
        first = payload.first
        database = self._sandbox.database
        if self.of(name) or not database.dictionary.exists(first.table):
            return
        if not is_tracked(self._sandbox, first.table):
            return
        before = database.get(first.table, first.sys_id)
        if before is not None:
            text = write_payload(before.get("sys_class_name") or first.table, before)
            values = {"name": name, "action": "INSERT_OR_UPDATE", "payload": text}
            self.add(values, source="", source_table=BASELINE, by=by)

    def add(self, update: Row, *, source: str, source_table: str, by: str) -> str:
        """Make a version, which is the current one from now on.

        Args:
            update: The update it is a version of.
            source: sys_id of the set that brought it.
            source_table: Table of that set.
            by: User name.

        Returns:
            Its sys_id, which updates call `update_guid`.
        """
        for row in self.of(update["name"]):
            if row.get("state") == "current":
                self.set_state(row, "previous", by=by)
        payload = update.get("payload", "")
        values = {
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
            "instance_name": self._sandbox.name,
            "sys_recorded_at": recorded_at(self._sandbox),
        }
        made = self._sandbox.database.insert(VERSIONS, values, by=by)
        self._note(made)
        return made["sys_id"]

    def set_state(self, version: Row, state: str, *, by: str) -> None:
        """Call a version `current` or `previous`."""
        version["state"] = state
        self._sandbox.database.update(VERSIONS, version["sys_id"], {"state": state}, by=by)

    def delete(self, version: Row) -> None:
        """Delete a version."""
        self._sandbox.database.delete(VERSIONS, version["sys_id"])
        self._known[version["name"]].remove(version)

    def _note(self, row: Row) -> None:
        light = {name: value for name, value in row.items() if name != "payload"}
        self._known.setdefault(row["name"], []).insert(0, light)
