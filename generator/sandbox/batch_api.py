"""The Batch API: several REST calls in one (`spec/instance-http.md` A15). [DOC]."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from io import BytesIO
from urllib.parse import unquote, urlsplit

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request, Response

from generator.sandbox.context import Context, Json
from generator.sandbox.notes import note
from generator.sandbox.rest import RestError, guarded, read_object
from generator.sandbox.routes import Route, now_paths

LONGEST = 200
"""Characters of a path that are told."""

_INHERITED = ("Accept", "Content-Type")
"""ServiceNow's own client sends no Accept in its parts: those of the envelope hold. [PLAT]."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


@guarded
def batch(context: Context) -> Response:
    """`POST /api/now/v1/batch`: each part as whoever sent the batch."""
    body = read_object(context)
    parts = body.get("rest_requests")
    if not isinstance(parts, list):
        raise RestError(400, "Bad request", "rest_requests is missing")
    serviced: list[Json] = []
    unserviced: list[Json] = []
    for part in parts:
        if not isinstance(part, dict) or "id" not in part:
            raise RestError(400, "Bad request", "A rest_request has no id")
        answer = _part(context, part)
        if answer is None:
            unserviced.append(str(part["id"]))
        else:
            serviced.append(answer)
    return context.json(
        {
            "batch_request_id": str(body.get("batch_request_id", "")),
            "serviced_requests": serviced,
            "unserviced_requests": unserviced,
        }
    )


def _part(context: Context, part: Mapping[str, object]) -> Json | None:
    """A part's answer; None if it is not serviced: no REST call, or a batch itself."""
    try:
        url = urlsplit(str(part.get("url", "")))
    except ValueError:
        note(context.sandbox, "a part of a batch whose address is none")
        return None
    method = str(part.get("method", "GET")).upper()
    is_rest = url.path.startswith("/api/") and not url.netloc and not url.path.endswith("/batch")
    request = _request(context, part, method=method) if is_rest and method in _METHODS else None
    if request is None:
        named = method if method in _METHODS else "of another method"
        note(context.sandbox, f"a part of a batch: {named} {url.path[:LONGEST]}")
        return None
    response = context.sandbox.dispatcher.part(context, request)
    headers: list[Json] = []
    if part.get("exclude_response_headers") is not True:
        headers += [{"name": name, "value": value} for name, value in response.headers.items()]
    return {
        "id": str(part["id"]),
        "body": base64.b64encode(response.get_data()).decode("ascii"),
        "status_code": response.status_code,
        "status_text": HTTP_STATUS_CODES.get(response.status_code, ""),
        "headers": headers,
        "execution_time": 0,
        "redirect_url": response.headers.get("Location") if _is_redirect(response) else None,
    }


def _is_redirect(response: Response) -> bool:
    return 300 <= response.status_code < 400


def _request(context: Context, part: Mapping[str, object], *, method: str) -> Request | None:
    try:
        body = base64.b64decode(str(part.get("body") or ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    url = urlsplit(str(part.get("url", "")))
    outer = context.request.environ
    given = part.get("headers")
    named = {
        str(header.get("name", "")): str(header.get("value", ""))
        for header in (given if isinstance(given, list) else [])
        if isinstance(header, dict)
    }
    for name in _INHERITED:
        if not any(key.lower() == name.lower() for key in named):
            named[name] = context.request.headers.get(name, "")
    environ = {
        key: value
        for key, value in outer.items()
        if not key.startswith(("HTTP_", "werkzeug.", "CONTENT_"))
    }
    environ.update(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote(url.path).encode("utf-8", "replace").decode("latin-1"),
            "QUERY_STRING": url.query.encode("utf-8", "replace").decode("latin-1"),
            "HTTP_HOST": outer.get("HTTP_HOST", "localhost"),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
        }
    )
    for name, value in named.items():
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_LENGTH", "HOST"):
            environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return Request(environ)


ROUTES: tuple[Route, ...] = tuple((path, ("POST",), batch) for path in now_paths("/batch"))
