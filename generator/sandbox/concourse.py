"""The picker of the current update set (`spec/instance-http.md` A11, B1) [TP]."""

from __future__ import annotations

from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.current_set import IN_PROGRESS, choose_set, current_set
from generator.sandbox.database import Row
from generator.sandbox.rest import guarded, read_object
from generator.sandbox.retrieved_sets import is_sys_id
from generator.sandbox.versions import LOCAL_SETS

NO_RECORD = "No Record found"


def _read(context: Context) -> Response:
    row = current_set(context.sandbox, context.user, session=context.session)
    return context.result({"current": _shown(row), "updateSet": [_shown(row)]})


def _choose(context: Context) -> Response:
    """`{"sysId": ...}`; a cookie's call needs its `X-UserToken`, as any other REST call."""
    given = read_object(context).get("sysId")
    if not isinstance(given, str):
        return context.error(400, "Exception while reading request", "sysId is missing")
    row = context.sandbox.database.get(LOCAL_SETS, given) if is_sys_id(given) else None
    if row is None or row.get("state") != IN_PROGRESS or context.user is None:
        detail = "Record doesn't exist or ACL restricts the record retrieval"
        return context.error(404, NO_RECORD, detail)
    choose_set(context.sandbox, context.user, given, session=context.session)
    return context.result(_shown(row))


def _shown(row: Row) -> dict[str, str]:
    return {"sysId": row["sys_id"], "name": row.get("name", "")}


ROUTES = (
    ("/api/now/ui/concoursepicker/updateset", ("GET",), guarded(_read)),
    ("/api/now/ui/concoursepicker/updateset", ("PUT",), guarded(_choose)),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
