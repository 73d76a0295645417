"""The CI/CD Update Set API (`spec/instance-http.md` A12, B3.10 to 14) [DOC]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from werkzeug.wrappers import Response

from generator.sandbox.back_out import begin_back_out
from generator.sandbox.cicd_shapes import (
    CONFLICT,
    INACTIVE,
    NOT_FOUND,
    begun,
    paths,
    progress_body,
    served,
)
from generator.sandbox.commit import (
    begin_commit,
    has_open_problems,
    is_previewed,
    refuse_commit,
)
from generator.sandbox.context import Context, Json
from generator.sandbox.current_set import IN_PROGRESS
from generator.sandbox.database import Row
from generator.sandbox.notes import note
from generator.sandbox.preview import begin_preview, can_preview
from generator.sandbox.progress import Operation, begin, failure, tracker_row
from generator.sandbox.retrieved_sets import SETS, Role, find_set, is_sys_id, role_of
from generator.sandbox.versions import LOCAL_SETS

CHILD = "The update set is part of a batch; preview and commit its base update set"
COMMITTED = "The update set is committed already"
UNPREVIEWED = "The update set must be previewed before it can be committed"
OPEN_PROBLEMS = "To commit this update set you must address all problems."
"""The last is the platform's; the others' words are ours [INF] (C6, C7, C20)."""


Body: TypeAlias = Mapping[str, object]
"""JSON object of a request."""


def _create(context: Context, body: Body) -> Response:
    """201 with the new local set."""
    name = context.request.args.get("update_set_name", "")
    scope = context.request.args.get("scope", "")
    application = context.request.args.get("sys_id", "") or _application(context, scope)
    if not name or "^" in name or not application:
        return context.error(400, "Bad request. update_set_name and scope or sys_id are required.")
    database = context.sandbox.database
    if database.count(LOCAL_SETS, f"name={name}^application={application}"):
        return context.error(409, CONFLICT)
    values = {
        "name": name,
        "description": context.request.args.get("description", ""),
        "application": application,
        "state": IN_PROGRESS,
        "is_default": "false",
    }
    made = database.insert(LOCAL_SETS, values, by=context.user_name)
    shown: dict[str, Json] = {
        "status": "2",
        "status_label": "",
        "status_message": f"Successfully created update set: {name}",
        "status_detail": "",
        "error": "",
        "update_set_id": made["sys_id"],
    }
    return context.result(shown, status=201)


def _application(context: Context, scope: str) -> str:
    if scope == "global":
        return scope
    if not scope or "^" in scope:
        return ""
    rows = context.sandbox.database.query("sys_scope", f"scope={scope}", limit=1)
    return rows[0]["sys_id"] if rows else ""


def _retrieve(context: Context, body: Body) -> Response:
    """There is no other instance to retrieve from: no source is ever found."""
    note(context.sandbox, "POST update_set/retrieve: the sandbox has no source")
    return context.error(404, NOT_FOUND)


def _preview(context: Context, body: Body, remote_id: str) -> Response:
    row = find_set(context.sandbox, remote_id)
    if row is None:
        return context.error(404, NOT_FOUND)
    if role_of(row) is Role.CHILD:
        return context.error(400, CHILD)
    if not can_preview(row):
        said = f"An update set in state {row.get('state')} cannot be previewed"
        return begun(context, _failing(context, row, said))
    return begun(context, begin_preview(context.sandbox, row, by=context.user_name))


def _commit(context: Context, body: Body, remote_id: str) -> Response:
    force = _force(body)
    if force is None:
        return context.error(400, "Exception while reading request", "force_commit is no boolean")
    row = find_set(context.sandbox, remote_id)
    if row is None:
        return context.error(404, NOT_FOUND)
    if role_of(row) is Role.CHILD:
        return context.error(400, CHILD)
    if row.get("state") == "committing":
        return context.error(409, CONFLICT)
    return begun(context, _begin_commit(context, row, force=force))


def _begin_commit(context: Context, row: Row, *, force: bool) -> Operation:
    """[INF] that a refused commit is a progress that ends 3 (B3.11, C7)."""
    sandbox, by = context.sandbox, context.user_name
    if row.get("state") == "committed":
        return refuse_commit(sandbox, row, COMMITTED, by=by)
    if not force and not is_previewed(row):
        return refuse_commit(sandbox, row, UNPREVIEWED, by=by)
    refuses = sandbox.behaviour.cicd_gate == "refuse"
    if not force and refuses and has_open_problems(sandbox, row):
        return refuse_commit(sandbox, row, OPEN_PROBLEMS, by=by)
    return begin_commit(sandbox, row, by=by).operation


def _commit_multiple(context: Context, body: Body) -> Response:
    """Several sets in the order in which they are named; `force_commit` forgives committed ones.

    The order that must be obeyed is taken for that of their creation [INF].
    """
    force = _force(body)
    ids = [
        part for part in context.request.args.get("remote_update_set_ids", "").split(",") if part
    ]
    if force is None or not ids:
        return context.error(400, "Bad request. remote_update_set_ids is required.")
    rows = [find_set(context.sandbox, sys_id.strip()) for sys_id in ids]
    found = [row for row in rows if row is not None]
    if len(found) < len(rows):
        return context.error(404, NOT_FOUND)
    created = [row.get("sys_created_on", "") for row in found]
    done = [row for row in found if row.get("state") == "committed"]
    if not force and (done or created != sorted(created)):
        return context.error(409, CONFLICT)
    operations = [
        _begin_commit(context, row, force=False) for row in found if row.get("state") != "committed"
    ]
    if not operations:
        return begun(context, _failing(context, found[0], COMMITTED))
    return begun(context, operations[-1])


def _back_out(context: Context, body: Body) -> Response:
    if context.sandbox.behaviour.cicd_back_out == "inactive":
        return context.error(405, INACTIVE)
    given = context.request.args.get("update_set_id", "")
    if not given:
        return context.error(400, "Bad request. update_set_id is required.")
    local = context.sandbox.database.get(LOCAL_SETS, given) if is_sys_id(given) else None
    if local is None or context.user is None:
        return context.error(404, NOT_FOUND)
    operation = begin_back_out(context.sandbox, local, user=context.user, session=context.session)
    return begun(context, operation)


def _progress(context: Context, body: Body, progress_id: str) -> Response:
    row = tracker_row(context.sandbox, progress_id) if is_sys_id(progress_id) else None
    if row is None:
        return context.error(404, NOT_FOUND)
    return context.result(progress_body(context, row))


def _failing(context: Context, row: Row, message: str) -> Operation:
    return begin(
        context.sandbox,
        row.get("name", ""),
        finish=lambda: failure(message),
        by=context.user_name,
        source=row["sys_id"],
        source_table=SETS,
    )


def _force(body: Body) -> bool | None:
    """`force_commit` of the body, false by default; None if it is nothing to go by."""
    given = str(body.get("force_commit", "false")).lower()
    return {"true": True, "false": False}.get(given)


_CALLS: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("/update_set/create", "POST", _create),
    ("/update_set/retrieve", "POST", _retrieve),
    ("/update_set/preview/<remote_id>", "POST", _preview),
    ("/update_set/commit/<remote_id>", "POST", _commit),
    ("/update_set/commitMultiple", "POST", _commit_multiple),
    ("/update_set/back_out", "POST", _back_out),
    ("/progress/<progress_id>", "GET", _progress),
)

ROUTES = tuple(
    (path, (method,), served(handler)) for rest, method, handler in _CALLS for path in paths(rest)
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
