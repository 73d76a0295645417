"""Instance scan of local update sets and of one record (`spec/instance-http.md` A20) [DOC].

The sandbox has no checks: a scan runs, and finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from generator.sandbox.cicd_shapes import NOT_FOUND, begun, link, paths, served
from generator.sandbox.context import Context, Json
from generator.sandbox.progress import LABELS, Outcome, begin, failure, tracker_row
from generator.sandbox.retrieved_sets import is_sys_id
from generator.sandbox.versions import LOCAL_SETS

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

RESULTS = "scan_result"
SUITES = "scan_check_suite"
FINDINGS_LABEL = "First 10,000 findings"


def _suite_scan(context: Context, body: Mapping[str, object], suite_id: str) -> Response:
    """`{"update_set_sys_ids": [...]}`: local sets, not retrieved ones."""
    given = body.get("update_set_sys_ids")
    if not isinstance(given, list) or not given:
        # [INF] 400 is not among the documented codes.
        return context.error(500, "update_set_sys_ids must not be empty")
    database = context.sandbox.database
    known = is_sys_id(suite_id) and database.get(SUITES, suite_id) is not None
    here = all(
        isinstance(sys_id, str) and is_sys_id(sys_id) and database.get(LOCAL_SETS, sys_id)
        for sys_id in given
    )
    return _begin(context, kind="update_set_scan", valid=known and here)


def _point_scan(context: Context, body: Mapping[str, object]) -> Response:
    table = context.request.args.get("target_table", "")
    sys_id = context.request.args.get("target_sys_id", "")
    database = context.sandbox.database
    known = database.dictionary.exists(table) and is_sys_id(sys_id)
    return _begin(
        context, kind="point_scan", valid=known and database.get(table, sys_id) is not None
    )


def _begin(context: Context, *, kind: str, valid: bool) -> Response:
    sandbox, by = context.sandbox, context.user_name
    operation = begin(
        sandbox,
        "Instance scan",
        finish=lambda: (
            _finish(sandbox, operation.id, kind=kind, by=by) if valid else failure(NOT_FOUND)
        ),
        by=by,
    )
    return begun(context, operation, percent=False)


def _finish(sandbox: Sandbox, progress_id: str, *, kind: str, by: str) -> Outcome:
    values = {
        "number": f"SR{sandbox.database.count(RESULTS) + 1:07}",
        "state": "complete",
        "progress_id": progress_id,
        "finding_count": "0",
        "scan_type": kind,
    }
    sandbox.database.insert(RESULTS, values, by=by)
    return Outcome()


def _result(context: Context, body: Mapping[str, object], progress_id: str) -> Response:
    row = tracker_row(context.sandbox, progress_id) if is_sys_id(progress_id) else None
    if row is None:
        return context.error(404, NOT_FOUND)
    database = context.sandbox.database
    results = database.query(RESULTS, f"progress_id={progress_id}", limit=1)
    links: dict[str, Json] = {"progress": link(context, progress_id)}
    if results:
        sys_id = results[0]["sys_id"]
        root = f"{context.request.url_root}api/now/table"
        links["results"] = {"id": sys_id, "url": f"{root}/{RESULTS}/{sys_id}"}
        links["findings"] = {
            "url": f"{root}/scan_finding?sysparm_query=result={sys_id}&sysparm_limit=10000",
            "label": FINDINGS_LABEL,
        }
    state = row.get("state", "")
    shown: dict[str, Json] = {
        "links": links,
        "status": state,
        "status_label": LABELS.get(state, ""),
        "status_message": row.get("message", ""),
        "status_detail": "",
        "error": "",
    }
    return context.result(shown)


_CALLS: tuple[tuple[str, str, Callable[..., Response]], ...] = (
    ("/instance_scan/suite_scan/<suite_id>/update_sets", "POST", _suite_scan),
    ("/instance_scan/point_scan", "POST", _point_scan),
    ("/instance_scan/result/<progress_id>", "GET", _result),
)

ROUTES = tuple(
    (path, (method,), served(handler)) for rest, method, handler in _CALLS for path in paths(rest)
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
