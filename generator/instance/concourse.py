"""The picker of the current update set (`spec/instance-http.md` A11) [TP]."""

from __future__ import annotations

import json

from generator.instance.calls import Answer, checked_sys_id
from generator.instance.rest import JSON_HEADERS, member
from generator.instance.ui_session import UiSession

_PATH = "/api/now/ui/concoursepicker/updateset"


def choose_update_set(session: UiSession, sys_id: str) -> None:
    """Make a local set the current one of the session's user.

    The picker is a REST address that wants the session's cookies and `X-UserToken`; its answer
    may shorten the session's life (A2), which then is opened once more.

    Raises:
        RemoteError: No UI session opens, the set cannot be chosen, or the answer is not clear.
    """
    body = json.dumps({"sysId": checked_sys_id(sys_id, what="set")}).encode()
    answer = session.send(
        "PUT", _PATH, step="choose the current update set", body=body, headers=JSON_HEADERS
    )
    _require_json(answer, session)


def _require_json(answer: Answer, session: UiSession) -> None:
    if answer.status >= 300:
        raise session.messages.refused(answer)
    if not answer.is_json:
        raise session.messages.not_json(answer)
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or member(document, "error"):
        raise session.messages.unknown(answer, "the answer is no JSON object, or holds an error")
