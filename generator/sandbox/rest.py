"""What every REST call has in common: headers that are demanded, and JSON bodies.

`spec/instance-http.md` A2, A15, A16. Refusals are raised as `RestError` and answered by `guarded`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps

from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response

from generator.sandbox.context import Context

MOST_BYTES = 10_485_760
"""A larger body is refused (KB0747638) [DOC]."""

UNREADABLE = "Exception while reading request"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_XML = ("application/xml", "text/xml")


class RestError(Exception):
    """An answer that is an error in the shape of A16."""

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        """Args: status: HTTP status. message: For `message`. detail: For `detail`."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail


def guarded(handler: Callable[..., Response]) -> Callable[..., Response]:
    """A handler that answers what it raises, and demands the headers of a REST call."""

    @wraps(handler)
    def wrapped(context: Context, **arguments: str) -> Response:
        try:
            demand_headers(context)
            return handler(context, **arguments)
        except RestError as error:
            return context.error(error.status, error.message, error.detail)

    return wrapped


def answering(handler: Callable[..., Response]) -> Callable[..., Response]:
    """A handler that answers what it raises; headers are its own business (files)."""

    @wraps(handler)
    def wrapped(context: Context, **arguments: str) -> Response:
        try:
            return handler(context, **arguments)
        except RestError as error:
            return context.error(error.status, error.message, error.detail)

    return wrapped


def demand_headers(context: Context) -> None:
    """Refuse a call without `Accept`, or a writing one without `Content-Type`: 400 [DOC].

    Raises:
        RestError: 400, 406 or 415. The texts are ours [INF]; the codes are documented.
    """
    headers = context.request.headers
    accept = headers.get("Accept")
    if not accept:
        raise RestError(400, UNREADABLE, "Accept header is missing")
    if not _takes_json(accept):
        raise RestError(406, "Not Acceptable", "Only application/json is served")
    if context.request.method in _WRITES:
        kind = parse_options_header(headers.get("Content-Type"))[0]
        if not kind:
            raise RestError(400, UNREADABLE, "Content-Type header is missing")
        if kind in _XML:
            # No XML body makes a retrieved set; the words are measured [MEAS ARK].
            raise RestError(400, UNREADABLE, "Misshaped element")
        if kind != "application/json":
            raise RestError(415, "Unsupported media type", f"{kind[:80]} is not supported")


def _takes_json(accept: str) -> bool:
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return any(kind in ("application/json", "application/*", "*/*") for kind in kinds)


def read_bytes(context: Context, *, most: int = MOST_BYTES) -> bytes:
    """The request's body.

    Raises:
        RestError: 400: It is longer than allowed.
    """
    stream = context.request.stream
    taken = bytearray()
    while len(taken) <= most:
        piece = stream.read(min(1 << 16, most + 1 - len(taken)))
        if not piece:
            return bytes(taken)
        taken += piece
    raise RestError(400, UNREADABLE, f"Request body exceeds {most} bytes")


def read_object(context: Context) -> dict[str, object]:
    """The JSON object of a body; of several only the first counts [DOC]; none is `{}`.

    Raises:
        RestError: 400: No JSON, or no object.
    """
    body = read_bytes(context)
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        # Nothing of the body in it: it may hold a secret.
        raise RestError(400, UNREADABLE, f"No JSON: {type(error).__name__}") from None
    if isinstance(found, list):
        found = found[0] if found else {}
    if not isinstance(found, dict):
        raise RestError(400, UNREADABLE, "The body is no JSON object")
    return found


def read_values(context: Context) -> dict[str, str]:
    """Columns of a body as stored strings."""
    return {name: _stored(value) for name, value in read_object(context).items()}


def _stored(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _stored(value.get("value", value.get("display_value")))
    return value if isinstance(value, str) else json.dumps(value)


def flag(context: Context, name: str) -> bool:
    """Whether a parameter of the query is `true`."""
    return context.request.args.get(name, "").lower() == "true"
