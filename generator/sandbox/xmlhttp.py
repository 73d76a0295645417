"""`/xmlhttp.do`: the UI's own processors (`spec/instance-http.md` A7, A9, A11, A13).

An unknown processor, a missing right or a stale token is answered alike: 200 without `answer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from generator.sandbox.back_out import begin_back_out
from generator.sandbox.cicd import COMMITTED
from generator.sandbox.commit import (
    begin_commit,
    has_open_problems,
    is_previewed,
    refuse_commit,
)
from generator.sandbox.context import Context, Json
from generator.sandbox.data_loss import data_loss, data_loss_query
from generator.sandbox.database import Row
from generator.sandbox.notes import note
from generator.sandbox.preview import begin_preview, can_preview
from generator.sandbox.progress import cancel, tracker_row
from generator.sandbox.retrieved_sets import (
    Role,
    find_set,
    is_sys_id,
    role_of,
    set_states,
)
from generator.sandbox.versions import LOCAL_SETS

Fields: TypeAlias = Mapping[str, str]


def _xmlhttp(context: Context) -> Response:
    fields = context.request.values.to_dict()
    name = fields.get("sysparm_processor", "")
    answer = None
    if _may(context, fields):
        processor = _PROCESSORS.get(name)
        if processor is None:
            note(context.sandbox, "xmlhttp.do processor", given=name, known=_PROCESSORS)
        elif _is_function(context, name, fields) and (context.is_admin or processor is _status):
            # Write access to the sets, in practice admin [PLAT].
            with context.sandbox.database.transaction():
                answer = processor(context, fields)
    given = "" if answer is None else f' answer="{_attribute(answer)}"'
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><xml{given} sysparm_max="15" '
        f'sysparm_processor="{_attribute(name)}"/>'
    )
    return Response(body, content_type="text/xml;charset=UTF-8")


def _attribute(text: str) -> str:
    """Text for double quotes, as the platform writes attributes; never a raw control character."""
    return escape(text.encode("utf-8", "replace").decode(), {'"': "&quot;", "\n": "&#10;"})


def _may(context: Context, fields: Fields) -> bool:
    """A UI session, and its token in field or header."""
    session = context.session
    if context.user is None or session is None or not session.is_ui:
        return False
    token = fields.get("sysparm_ck") or context.request.headers.get("X-UserToken")
    return context.sandbox.door.sessions.takes(session, token)


def _preview_single(context: Context, fields: Fields) -> str | None:
    if fields.get("sysparm_ajax_processor_function") == "cancelPreview":
        return _cancel(context, fields)
    return _preview(context, fields, role=Role.SINGLE)


def _preview_batch(context: Context, fields: Fields) -> str | None:
    return _preview(context, fields, role=Role.BASE)


def _preview(context: Context, fields: Fields, *, role: Role) -> str | None:
    row = find_set(context.sandbox, fields.get("sysparm_ajax_processor_sys_id", ""))
    wanted = fields.get("sysparm_ajax_processor_function")
    if row is None or role_of(row) is not role or wanted not in ("preview", "previewAgain"):
        return None
    if not can_preview(row):
        return None  # [INF] the platform's older source asks for no state
    return begin_preview(context.sandbox, row, by=context.user_name).id


def _cancel(context: Context, fields: Fields) -> str | None:
    """Single sets only."""
    tracker = fields.get("sysparm_ajax_processor_tracker_id", "")
    if not is_sys_id(tracker):
        return None
    work = context.sandbox.database.get("sys_execution_tracker", tracker) or {}
    row = find_set(context.sandbox, work.get("source", ""))
    if row is None or role_of(row) is not Role.SINGLE or row.get("state") != "previewing":
        return None
    if not cancel(context.sandbox, tracker, message="Cancelled update set"):
        return None
    set_states(context.sandbox, [row], base="loaded", children="in_hierarchy")
    return "true"


def _commit_single(context: Context, fields: Fields) -> str | None:
    row = find_set(context.sandbox, fields.get("sysparm_remote_updateset_sys_id", ""))
    if row is None or role_of(row) is not Role.SINGLE:
        return None
    kind = fields.get("sysparm_type")
    if kind == "validateCommitRemoteUpdateSet":
        lost = ",".join(data_loss(context.sandbox, row)) or "NONE"
        return f"{row['sys_id']};{data_loss_query(row)};{lost}"
    if kind == "commitRemoteUpdateSet":
        begun = _begin(context, row)
        # The UI is told to refresh neither navigator nor applications [INF].
        return f"{begun[0]},{begun[1]},false,false" if begun else None
    return None


def _commit_batch(context: Context, fields: Fields) -> str | None:
    row = find_set(context.sandbox, fields.get("sysparm_ajax_processor_sys_id", ""))
    wanted = fields.get("sysparm_ajax_processor_function")
    if row is None or role_of(row) is not Role.BASE or wanted != "commit":
        return None
    begun = _begin(context, row)
    return begun[0] if begun else None


def _begin(context: Context, row: Row) -> tuple[str, str] | None:
    """Tracker and local set of a commit; no gate on problems or state [PLAT] but the switch's."""
    sandbox, by = context.sandbox, context.user_name
    if row.get("state") == "committed":
        refused = refuse_commit(sandbox, row, COMMITTED, by=by)
        return refused.id, row.get("update_set", "")
    if row.get("state") in ("committing", "previewing"):
        return None  # [INF]
    if sandbox.behaviour.processor_gate and (
        not is_previewed(row) or has_open_problems(sandbox, row)
    ):
        return None
    begun = begin_commit(sandbox, row, by=by)
    return begun.operation.id, begun.local


def _older_commit(context: Context, fields: Fields) -> str | None:
    """What is left of the older processor: whether the UI would ask about app installs."""
    row = find_set(context.sandbox, fields.get("sysparm_rus_sys_id", ""))
    if row is None or fields.get("sysparm_type") != "shouldShowConfirmAppInstall":
        return None
    return "false"


def _back_out(context: Context, fields: Fields) -> str | None:
    given = fields.get("sysparm_push_id", "")
    local = context.sandbox.database.get(LOCAL_SETS, given) if is_sys_id(given) else None
    starts = (
        fields.get("sysparm_name") == "start" and fields.get("sysparm_backout_type") == "update_set"
    )
    if local is None or not starts or context.user is None:
        return None
    return begin_back_out(context.sandbox, local, user=context.user, session=context.session).id


def _status(context: Context, fields: Fields) -> str | None:
    if fields.get("sysparm_name") != "getStatus":
        return None
    given = fields.get("sysparm_execution_id", "")
    row = tracker_row(context.sandbox, given) if is_sys_id(given) else None
    if row is None:
        missing: Json = {"state": "-1", "message": "Record not found"}
        return json.dumps(missing)
    if not context.is_admin:
        denied: Json = {"state": "1", "message": "Access denied"}  # [PLAT]
        return json.dumps(denied)
    result = row.get("result", "")
    body: dict[str, Json] = {
        "name": row.get("name", ""),
        "state": row.get("state", ""),
        "message": row.get("message", ""),
        "detail_message": row.get("detail_message", ""),
        "result": json.loads(result) if result else {},
        "sys_id": row["sys_id"],
        "percent_complete": row.get("percent_complete", ""),
        "updated_on": row.get("sys_updated_on", ""),
        "duration": "",
        "children": [],
        "results": [],
    }
    return json.dumps(body, separators=(",", ":"))


def _is_function(context: Context, processor: str, fields: Fields) -> bool:
    """Whether a processor has the function that is asked; else it is noted."""
    field, known = _FUNCTIONS[processor]
    given = fields.get(field, "")
    if given in known:
        return True
    what = f"xmlhttp.do {processor} {field}"
    note(context.sandbox, what if given else f"{what} is missing", given=given, known=known)
    return False


_FUNCTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "UpdateSetPreviewAjax": (
        "sysparm_ajax_processor_function",
        ("preview", "previewAgain", "cancelPreview"),
    ),
    "HierarchyUpdateSetPreviewAjax": (
        "sysparm_ajax_processor_function",
        ("preview", "previewAgain"),
    ),
    "com.glide.update.UpdateSetCommitAjaxProcessor": (
        "sysparm_type",
        ("validateCommitRemoteUpdateSet", "commitRemoteUpdateSet"),
    ),
    "UpdateSetCommitAjax": ("sysparm_type", ("shouldShowConfirmAppInstall",)),
    "HierarchyUpdateSetCommitAjax": ("sysparm_ajax_processor_function", ("commit",)),
    "AJAXPushBackOutWorker": ("sysparm_name", ("start",)),
    "AJAXProgressStatusChecker": ("sysparm_name", ("getStatus",)),
}
"""Each processor's field that names a function, and those that the sandbox has."""

_PROCESSORS: Mapping[str, Callable[[Context, Fields], str | None]] = {
    "UpdateSetPreviewAjax": _preview_single,
    "HierarchyUpdateSetPreviewAjax": _preview_batch,
    "com.glide.update.UpdateSetCommitAjaxProcessor": _commit_single,
    "UpdateSetCommitAjax": _older_commit,
    "HierarchyUpdateSetCommitAjax": _commit_batch,
    "AJAXPushBackOutWorker": _back_out,
    "AJAXProgressStatusChecker": _status,
}

ROUTES = (("/xmlhttp.do", ("GET", "POST"), _xmlhttp),)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
