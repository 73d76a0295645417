"""Publishing Flow Designer actions (`spec/instance-http.md` A19, B3.18). [PLAT] SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from generator.sandbox.cicd_shapes import NO_RESOURCE
from generator.sandbox.context import Context, Json
from generator.sandbox.database import Row
from generator.sandbox.notes import note
from generator.sandbox.rest import guarded, read_object
from generator.sandbox.retrieved_sets import is_sys_id

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

ACTIONS = "sys_hub_action_type_definition"
SNAPSHOTS = "sys_hub_action_type_snapshot"

_PARTS = (
    ("sys_hub_step_instance", "action"),
    ("sys_hub_action_status_metadata", "action_type_id"),
    ("sys_hub_action_plan", "action_id"),
)
"""Tables of which a complete action has a row, and the column that names it [INF]."""


def _activate(context: Context) -> Response:
    """200; 207 where some failed [TP]; 422 where all did, with the same shape."""
    if context.sandbox.behaviour.ide == "absent":
        return context.error(400, NO_RESOURCE)
    if not context.is_admin:
        return context.error(403, "User Not Authorized", "Failed API level ACL Validation")
    body = read_object(context)
    wanted = _sys_ids(body)
    if wanted is None:
        return context.error(400, "Exception while reading request", "flows and actions are lists")
    if any(kind == "flows" for kind, _ in wanted):
        note(context.sandbox, "activate_flows: flows are not activated, only actions", once=True)
    scope = context.request.args.get("sysparm_transaction_scope", "")
    with context.sandbox.database.transaction():
        results = [
            _publish(context.sandbox, kind, sys_id, scope=scope, by=context.user_name)
            for kind, sys_id in wanted
        ]
    good = sum(result["status"] == "success" for result in results)
    summary: Json = {"total": len(results), "succeeded": good, "failed": len(results) - good}
    status = 200 if good == len(results) else 207 if good else 422
    shown: list[Json] = [dict(result) for result in results]
    return context.result({"summary": summary, "results": shown}, status=status)


def _sys_ids(body: Mapping[str, object]) -> list[tuple[str, str]] | None:
    """Kind and sys_id of everything that is to be activated."""
    if not {"flows", "actions"} & {*body}:
        return None
    found: list[tuple[str, str]] = []
    for kind in ("flows", "actions"):
        items = body.get(kind, [])
        if not isinstance(items, list):
            return None
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get("sys_id"), str):
                return None
            found.append((kind, item["sys_id"]))
    return found


def _publish(sandbox: Sandbox, kind: str, sys_id: str, *, scope: str, by: str) -> dict[str, str]:
    row = sandbox.database.get(ACTIONS, sys_id) if is_sys_id(sys_id) else None
    if kind == "flows" or row is None:
        return _result("error", sys_id, error="Record not found")
    name = row.get("name", "")
    if row.get("sys_scope", "") != scope:
        # [INF] what the platform says of a wrong transaction scope.
        return _result("error", sys_id, name=name, error="The action is in another scope")
    missing = _missing_part(sandbox, row)
    if missing:
        return _result("error", sys_id, name=name, error=f"The action has no {missing}")
    snapshot = _snapshot(sandbox, row)
    changes = {
        "state": "published",
        "active": "true",
        "latest_snapshot": snapshot,
        "master_snapshot": snapshot,
    }
    sandbox.database.update(ACTIONS, sys_id, changes, by=by)
    return _result("success", sys_id, name=name, message="Published")


def _missing_part(sandbox: Sandbox, row: Row) -> str:
    database = sandbox.database
    for table, column in _PARTS:
        known = database.dictionary.columns(table)
        if column not in known or not database.count(table, f"{column}={row['sys_id']}"):
            return table
    return ""


def _snapshot(sandbox: Sandbox, row: Row) -> str:
    """The snapshot that the action has, else a new one."""
    known = row.get("master_snapshot", "")
    database = sandbox.database
    if known and database.dictionary.exists(SNAPSHOTS) and database.get(SNAPSHOTS, known):
        return known
    columns = ("name", "internal_name", "sys_scope", "parent_action", "state")
    database.dictionary.ensure_table(SNAPSHOTS, columns=columns)
    values = {name: row.get(name, "") for name in ("name", "internal_name", "sys_scope")}
    values |= {"parent_action": row["sys_id"], "state": "published"}
    return database.insert(SNAPSHOTS, values, by="system")["sys_id"]


def _result(
    status: str, sys_id: str, *, name: str = "", message: str = "", error: str = ""
) -> dict[str, str]:
    return {
        "status": status,
        "sys_id": sys_id,
        "flow_name": name,
        "message": message,
        "errorMessage": error,
    }


ROUTES = (("/api/now/wfa_fluent/activate_flows", ("POST",), guarded(_activate)),)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
