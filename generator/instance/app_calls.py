"""Calls of an application's own Scripted REST resources (`generator.integration.app_api`).

The application answers with the platform's own form of errors, so a refusal in JSON is an answer
here: who asked decides what it means. Everything that is no clear answer is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from generator.errors import Fault, InternalError
from generator.instance.calls import Answer, Call, Kind, printable
from generator.instance.interface import AppAnswer
from generator.instance.refusals import platform_text
from generator.instance.rest import Rest, read_json

_PATH = re.compile(r"/api/[a-z0-9_]{1,80}(/[a-z0-9_]{1,80}){1,6}", re.ASCII)

_REFUSALS = (400, 403, 404, 405)
"""Statuses that a resource, or the platform in its place, refuses a call with (A16)."""

_LONGEST_TEXT = 2000


def call_app(
    rest: Rest,
    *,
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
) -> AppAnswer:
    """Call one resource; all but a GET is sent once.

    Args:
        rest: Whose call it is.
        method: `GET` or `POST`.
        path: From `/api/` on.
        query: Parameters of the address.
        body: Object to send as JSON.

    Raises:
        OutcomeUnknown: A POST was sent, and no clear answer came.
        RemoteError: No clear answer came: no JSON, no object, another status than these.
        InternalError: The path is none; nothing was sent.
    """
    if not _PATH.fullmatch(path):
        raise _unsafe(path)
    call = Call(
        "call the application",
        method,
        path,
        query=tuple((query or {}).items()),
        body=None if body is None else json.dumps(dict(body)).encode(),
        kind=Kind.READ if method == "GET" else Kind.WRITE,
    )
    answer = rest.answer(call)
    if 200 <= answer.status < 300:
        return AppAnswer(answer.status, _result(rest, answer))
    said = ": ".join(part for part in platform_text(answer) if part)
    # A gateway's own 403 or 404 lacks the platform's form, and says nothing about the application.
    if answer.status not in _REFUSALS or not said:
        raise rest.unexpected(answer)
    return AppAnswer(answer.status, {}, rest.messages.clean(said))


def _result(rest: Rest, answer: Answer) -> Mapping[str, object]:
    result = read_json(answer, messages=rest.messages).get("result")
    if not isinstance(result, dict):
        raise rest.messages.unusable(
            answer, code="instance-result", what="the answer holds no object under result"
        )
    return {
        str(name): rest.messages.clean(value, limit=_LONGEST_TEXT)
        if isinstance(value, str)
        else value
        for name, value in result.items()
    }


def _unsafe(path: str) -> InternalError:
    return InternalError(
        Fault(
            "instance-unsafe-path",
            f"A path for a request is none of a resource: {printable(ascii(path), limit=80)}.",
            next="report this: the request was not sent",
        )
    )
