"""Which path is answered by what, and every fault of an HTTP answer that the switches ask for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import format_datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from generator.sandbox.context import Json, json_response
from generator.sandbox.mail import entra, graph
from generator.sandbox.mail.http_server import drip
from generator.sandbox.wire import ConnectionCut

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from generator.sandbox.mail.stand_in import MailSandbox

MOST_BYTES = 1_000_000
HUGE = 80 * 1024 * 1024
_CHUNK = b" " * 65_536
_Handler = Callable[..., Response]
_ROUTES: tuple[tuple[re.Pattern[str], str, _Handler], ...] = (
    (re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token"), "POST", entra.token),
    (
        re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration"),
        "GET",
        entra.openid_configuration,
    ),
    (re.compile(r"/(?P<tenant>[^/]+)/discovery/v2\.0/keys"), "GET", entra.keys),
)


class MailApp:
    """The WSGI application of token endpoint and Graph."""

    def __init__(self, mail: MailSandbox) -> None:
        """Args: mail: The stand-in."""
        self._mail = mail

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request.

        Raises:
            ConnectionCut: A switch breaks the connection.
        """
        mail, request = self._mail, Request(environ)
        request.max_content_length = MOST_BYTES
        mail.count_request()
        server = "graph" if request.path.startswith("/v1.0/") else "entra"
        if mail.behaviour.meets("silent", server):
            mail.stopped.wait()
            raise ConnectionCut("the server stops")
        if mail.behaviour.meets("cut", server):
            raise ConnectionCut("cut before the answer")
        response = self._answer(request, server)
        if mail.latency:
            # Real time: what is measured is the client's.
            time.sleep(mail.latency)
        hostile = mail.behaviour.hostile if server == "entra" else ""
        body = response.get_data()
        headers = list(response.headers)
        headers.append(("Date", format_datetime(mail.now(), usegmt=True)))
        headers.append(("x-ms-request-id", "00000000-0000-4000-8000-000000000000"))
        if hostile == "entra_headers":
            headers += [(f"X-Header-{number}", "x" * 100) for number in range(5000)]
        if hostile in ("entra_endless", "entra_huge"):
            kept = [pair for pair in headers if pair[0].lower() != "content-length"]
            # Of no known length: only the connection's end could end it.
            start_response("200 OK", [*kept, ("Connection", "close")])
            return _spaces(body, forever=hostile == "entra_endless", stopped=self._is_stopped)
        start_response(response.status, headers)
        if mail.behaviour.meets("slow", server):
            return drip([body], seconds=mail.behaviour.slow_ms / 1000, stopped=mail.stopped)
        return [body]

    def _is_stopped(self) -> bool:
        return self._mail.stopped.is_set()

    def _answer(self, request: Request, server: str) -> Response:
        mail = self._mail
        if server == "graph":
            return graph.answer(mail, request)
        if mail.behaviour.hostile == "entra_nested":
            return Response(b"[" * 100_000, 200, content_type="application/json")
        if mail.behaviour.hostile == "entra_echo" and request.method == "POST":
            said = request.form.get("client_secret", "")
            text = f"AADSTS7000215: Invalid client secret {said} provided."
            payload: Json = {
                "error": "invalid_client",
                "error_description": text,
                "error_codes": [],
            }
            return json_response(payload, status=401)
        for pattern, method, handler in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if request.method != method:
                return Response("", 405, {"Allow": method})
            return handler(mail, request, **match.groupdict())
        return Response("", 404)


def _spaces(body: bytes, *, forever: bool, stopped: Callable[[], bool]) -> Iterator[bytes]:
    sent = 0
    while not stopped() and (forever or sent < HUGE):
        yield _CHUNK
        sent += len(_CHUNK)
    yield body
