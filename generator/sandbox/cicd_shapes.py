"""Bodies of the CI/CD API, and who may call it (`spec/instance-http.md` A12) [DOC]."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Response

from generator.sandbox.context import Context, Json
from generator.sandbox.database import Row
from generator.sandbox.progress import FAILED, LABELS, PENDING, Operation, operations
from generator.sandbox.rest import guarded, read_object

ROLE = "sn_cicd.sys_ci_automation"

NO_RESOURCE = "Requested URI does not represent any resource"

BAD_CREDENTIALS = "The user credentials are incorrect."
FORBIDDEN = "Forbidden. The user isn't an admin or doesn't have the sn_cicd.sys_ci_automation role."
NOT_FOUND = "Not found. The requested item wasn't found."
INACTIVE = "Invalid method. The functionality is inactive."
CONFLICT = "Conflict. The requested item isn't unique."
"""Documented meanings; that they are the bodies' messages is inferred [INF] (C20)."""


def refuse(context: Context) -> Response | None:
    """Why nobody or this user may not call the API; None if all is well."""
    behaviour = context.sandbox.behaviour
    if behaviour.cicd == "inactive":
        return context.error(400, NO_RESOURCE)
    if context.user is None:
        return context.error(401, BAD_CREDENTIALS)
    if behaviour.cicd == "no_role" or not context.has_role(ROLE):
        return context.error(403, FORBIDDEN)
    return None


def served(handler: Callable[..., Response]) -> Callable[..., Response]:
    """First the plugin and the role, then headers and body, then the call, in one transaction.

    Args:
        handler: Takes the context, the body's JSON object, and the parts of the path.
    """

    def in_transaction(context: Context, **parts: str) -> Response:
        # The body first: who sends it slowly must not hold the data.
        body = read_object(context)
        with context.sandbox.database.transaction():
            return handler(context, body, **parts)

    checked = guarded(in_transaction)

    def first(context: Context, **parts: str) -> Response:
        return refuse(context) or checked(context, **parts)

    return first


def paths(rest: str) -> tuple[str, ...]:
    """The two spellings of a path of the API."""
    return tuple(f"/api/sn_cicd{version}{rest}" for version in ("", "/v1"))


def begun(context: Context, operation: Operation, *, percent: bool = True) -> Response:
    """What a call answers that began work."""
    body: dict[str, Json] = {
        "links": {"progress": link(context, operation.id)},
        "status": PENDING,
        "status_label": LABELS[PENDING],
        "status_message": "",
        "status_detail": "",
        "error": "",
    }
    if percent:
        body["percent_complete"] = 0
    return context.result(body)


def link(context: Context, progress: str) -> dict[str, Json]:
    """Id and address of a progress record."""
    url = f"{context.request.url_root}api/sn_cicd/progress/{progress}"
    return {"id": progress, "url": url}


def progress_body(context: Context, tracker: Row) -> dict[str, Json]:
    """`GET /progress/{id}`."""
    state = tracker.get("state", PENDING)
    percent = tracker.get("percent_complete", "0")
    body: dict[str, Json] = {
        "links": {"progress": link(context, tracker["sys_id"])},
        "status": state,
        "status_label": LABELS.get(state, ""),
        "status_message": tracker.get("message", ""),
        "status_detail": tracker.get("detail_message", ""),
        "error": tracker.get("message", "") if state == FAILED else "",
        "percent_complete": int(percent) if percent.isdigit() else 0,
    }
    if context.sandbox.behaviour.progress_extra_ids:
        body.update(operations(context.sandbox).extra.get(tracker["sys_id"], {}))  # [TP] PSS
    return body
