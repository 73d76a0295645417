"""Publishing a Flow Designer action, as ServiceNow's SDK does (`spec/instance-http.md` A19)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from generator.instance.calls import Call, Kind, checked_sys_id
from generator.instance.interface import Publication
from generator.instance.refusals import NO_RESOURCE
from generator.instance.rest import Rest, member, read_json, text_member

_PATH = "/api/now/wfa_fluent/activate_flows"


def publish_action(rest: Rest, *, action_sys_id: str, scope_sys_id: str) -> tuple[Publication, str]:
    """Publish exactly one action; what came of it, and the platform's text.

    Args:
        rest: Whose call it is.
        action_sys_id: `sys_hub_action_type_definition`.
        scope_sys_id: The application scope it belongs to.

    Raises:
        OutcomeUnknown: The answer does not say what became of the action.
        RemoteError: It was refused as a whole (403).
    """
    action = checked_sys_id(action_sys_id, what="action")
    body = {"flows": [], "actions": [{"sys_id": action, "active": "", "state": ""}]}
    call = Call(
        "publish the action",
        "POST",
        _PATH,
        query=(("sysparm_transaction_scope", checked_sys_id(scope_sys_id, what="scope")),),
        body=json.dumps(body).encode(),
        kind=Kind.WRITE,
    )
    answer = rest.answer(call)
    if answer.status in (400, 404) and answer.is_json:
        error = rest.unexpected(answer)
        if answer.status == 404 or error.faults[0].code == NO_RESOURCE:
            return Publication.ABSENT, error.detail
        raise error
    # 422 = all failed, 207 = some; the body has the same shape and says which.
    if answer.status not in (200, 207, 422):
        raise rest.unexpected(answer)
    result = member(read_json(answer, messages=rest.messages), "result")
    entries = member(result, "results")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and entry.get("sys_id") == action:
            said = text_member(entry, "errorMessage") or text_member(entry, "message")
            is_done = (
                answer.status != 422
                and entry.get("status") == "success"
                and member(result, "summary", "failed") == 0
            )
            kind = Publication.PUBLISHED if is_done else Publication.REFUSED
            return kind, rest.messages.clean(said)
    if answer.status == 422:
        return Publication.REFUSED, rest.messages.clean(text_member(result, "error", "message"))
    raise rest.messages.unknown(answer, "the answer does not name the action")
