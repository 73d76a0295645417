"""`/__sandbox__/`: what a test or a person may ask of the sandbox itself, from loopback only.

Nothing here imitates an instance. `GET` and `POST behaviour` read and set switches; `unsupported`,
`log` and `requests` tell what came in, never a header, a body or a value of a parameter.
`mail-behaviour` and `mail` do both for the mail stand-ins, if there are any.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from generator.errors import UsageError
from generator.sandbox.context import Context, Json, error_response, json_response
from generator.sandbox.switch_board import SwitchBoard

MOST_BYTES = 1_000_000
IN_PROCESS = "sandbox.in_process"
"""Set in the environ by the adapter, which no stranger can reach."""


def _behaviour(context: Context) -> Response:
    return _switches(context, context.sandbox.behaviour)


def _mail_behaviour(context: Context) -> Response:
    mail = context.sandbox.mail
    return _no_mail() if mail is None else _switches(context, mail.behaviour)


def _mail(context: Context) -> Response:
    mail = context.sandbox.mail
    if mail is None:
        return _no_mail()
    messages = [
        {
            "mail_from": message.mail_from,
            "recipients": message.recipients,
            "from": message.from_address,
            "subject": message.subject,
            "marker": message.marker,
            "size": message.size,
            "received_at": message.received_at.isoformat(),
        }
        for message in mail.messages
    ]
    return _json({"count": len(messages), "messages": messages})


def _no_mail() -> Response:
    return error_response(404, "This sandbox has no mail stand-ins")


def _switches(context: Context, board: SwitchBoard) -> Response:
    """Tell the switches of a board, or set some."""
    if context.request.method == "GET":
        return _json(board.to_json())
    length = context.request.content_length
    if length is None or length > MOST_BYTES:
        return error_response(400, "A JSON object of switches is wanted")
    try:
        given = json.loads(context.request.get_data())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return error_response(400, "A JSON object of switches is wanted")
    try:
        board.set(given)
    except UsageError as error:
        return error_response(400, "No switch was set", " ".join(map(str, error.faults)))
    context.sandbox.say(f"behaviour: {', '.join(given)}")
    return _json(board.to_json())


def _unsupported(context: Context) -> Response:
    return _json({"unsupported": list(context.sandbox.unsupported)})


def _log(context: Context) -> Response:
    return _json({"log": list(context.sandbox.log)})


def _requests(context: Context) -> Response:
    wire = context.sandbox.wire
    if context.request.method == "DELETE":
        wire.forget()
    seen: list[Json] = [
        {
            "number": request.number,
            "method": request.method,
            "path": request.path,
            "parameters": request.parameters,
            "status": request.status,
        }
        for request in wire.seen
    ]
    return _json({"count": wire.count, "requests": seen})


def _json(payload: object) -> Response:
    # Behaviour's values are JSON by the switches' own writers.
    return Response(json.dumps(payload, indent=1), content_type="application/json")


def _is_loopback(request: Request) -> bool:
    """Whether the request names this machine; the in-process adapter has no wire to name."""
    if IN_PROCESS in request.environ:
        return True
    try:
        name = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _local(handler: Callable[[Context], Response]) -> Callable[[Context], Response]:
    """A handler that answers loopback only, and no page of another site.

    A browser sends `Origin` with every request that a page of a stranger's could make it send, and
    a name that a stranger had made to mean this machine as `Host`.
    """

    def guarded(context: Context) -> Response:
        request = context.request
        try:
            is_local = ipaddress.ip_address(request.remote_addr or "").is_loopback
        except ValueError:
            is_local = False
        if not is_local or "Origin" in request.headers or not _is_loopback(request):
            return json_response({"error": "only from this machine"}, status=403)
        return handler(context)

    return guarded


ROUTES = (
    ("/__sandbox__/behaviour", ("GET", "POST"), _local(_behaviour)),
    ("/__sandbox__/mail-behaviour", ("GET", "POST"), _local(_mail_behaviour)),
    ("/__sandbox__/mail", ("GET",), _local(_mail)),
    ("/__sandbox__/unsupported", ("GET",), _local(_unsupported)),
    ("/__sandbox__/log", ("GET",), _local(_log)),
    ("/__sandbox__/requests", ("GET", "DELETE"), _local(_requests)),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
