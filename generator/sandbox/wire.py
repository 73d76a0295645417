"""Faults on the wire, around the whole sandbox: latency, outages, cut connections and bodies.

`Wire.serve` is the outermost WSGI application. `Sandbox.wsgi(environ, start_response)` hands over
to it, and it calls the dispatcher. Both the socket server and the in-process adapter call
`Sandbox.wsgi`, so every fault is the same for both:

- A cut is a `ConnectionCut`. Raised before `start_response` was called, nothing is answered: the
  socket server closes the connection, the adapter raises `requests.ConnectionError`. Raised while
  the body is iterated, what came before it was sent and `Content-Length` promises more: the
  adapter gives the response a body that ends early (urllib3 then raises `IncompleteRead`, which
  requests turns into `ChunkedEncodingError`). `run` does this bookkeeping for the adapter.
- Paths below `/__sandbox__/` are control: never faulted, never counted.

`environ["sandbox.headers"]`, a list of pairs, may be filled by anybody on the way (the rate limit
does): `serve` appends them to the answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from generator.clock import Clock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.hibernation import HIBERNATING, NO_NODE, PROXY, Page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTROL = "/__sandbox__/"
HEADERS = "sandbox.headers"
MOST_SEEN = 10_000
"""Requests that are remembered."""

HUGE = 80 * 1024 * 1024
CANCELLED = "Transaction cancelled: maximum execution time exceeded"
_CANCELLED_DETAIL = (
    "maximum execution time exceeded Check logs for error trace or enable glide.rest.debug "
    "property to verify REST request processing"
)
_JSON = ("Content-Type", "application/json;charset=UTF-8")
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ConnectionCut(ConnectionError):
    """The sandbox breaks the connection, because a switch says so."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as the log may tell it: no header, no body, no value of a parameter."""

    number: int
    """From 1, in the order of arrival."""

    method: str
    path: str
    parameters: tuple[str, ...]
    """Names of the query's parameters."""

    status: int | None
    """None where the connection was cut before the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as the in-process adapter wants it."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    cut: bool
    """Whether the connection broke within the body."""


class Wire:
    """What lies between the sandbox's dispatcher and its clients."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        behaviour: Behaviour,
        clock: Clock,
        random: Random,
        follow: Callable[[], None] = lambda: None,
    ) -> None:
        """Put faults around a dispatcher.

        Args:
            app: The dispatcher.
            behaviour: The switches.
            clock: Time; latency sleeps on it.
            random: Decides about `flaky_502`.
            follow: Called before the first request after a change of switches.
        """
        self._app = app
        self._behaviour = behaviour
        self._clock = clock
        self._random = random
        self._follow = follow
        self._followed = -1
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._count = 0

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The requests so far, without those of control; the oldest are forgotten."""
        with self._lock:
            return tuple(self._seen)

    @property
    def count(self) -> int:
        """Number of requests so far, without those of control."""
        return self._count

    def forget(self) -> None:
        """Forget the requests and begin to count anew."""
        with self._lock:
            self._seen.clear()
            self._count = 0

    def serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or fail to (WSGI).

        Raises:
            ConnectionCut: A switch breaks the connection before an answer.
        """
        self._follow_switches()
        if str(environ.get("PATH_INFO", "")).startswith(CONTROL):
            return self._app(environ, start_response)
        with self._lock:
            self._count += 1
            number = self._count
        behaviour = self._behaviour
        cut = behaviour.cut
        is_cut = cut.where != "off" and behaviour.hits("cut", turn=cut.turn)
        if is_cut and cut.where == "before":
            self._note(number, environ, None)
            raise ConnectionCut("cut before the request was processed")
        page = self._outage()
        answer = _of_page(page, environ) if page else run(self._app, environ)
        if page is None:
            answer = self._spoil(environ, answer)
        if behaviour.latency_ms:
            self._clock.sleep(behaviour.latency_ms / 1000)
        sent = self._sent(environ, answer.body, in_the_middle=is_cut and cut.where == "middle")
        # Where nothing of the body would be missing, the head is not sent either.
        if (is_cut and cut.where == "after") or (sent is not None and sent >= len(answer.body)):
            self._note(number, environ, None)
            raise ConnectionCut("cut before the answer")
        self._note(number, environ, int(answer.status.split()[0]))
        headers = [*answer.headers, *environ.get(HEADERS, ())]
        start_response(answer.status, _complete(headers, answer.body, self._clock))
        return [answer.body] if sent is None else _break_off(answer.body[:sent])

    def _follow_switches(self) -> None:
        with self._lock:
            if self._followed == self._behaviour.revision:
                return
            self._followed = self._behaviour.revision
        self._follow()

    def _outage(self) -> Page | None:
        behaviour = self._behaviour
        if behaviour.hibernating:
            return HIBERNATING
        if behaviour.no_node:
            return NO_NODE
        if behaviour.proxy_page:
            return PROXY
        if behaviour.outage_502 and behaviour.counts_down("outage_502"):
            return NO_NODE
        if behaviour.flaky_502 and self._random.random() < behaviour.flaky_502:
            return NO_NODE
        return None

    def _spoil(self, environ: WSGIEnvironment, answer: Answer) -> Answer:
        """What a REST answer becomes under switches [MEAS]."""
        if not str(environ.get("PATH_INFO", "")).startswith("/api/"):
            return answer
        behaviour = self._behaviour
        is_good = answer.status.startswith("2")
        is_write = environ.get("REQUEST_METHOD") in _WRITES
        if behaviour.max_execution_time and is_good and is_write:
            if behaviour.hits("max_execution_time"):
                return _replaced(answer, "500 Internal Server Error", _dump(_cancelled()))
        if not answer.body or not _is_json(answer.headers):
            return answer
        if behaviour.cut_json and is_good and behaviour.hits("cut_json"):
            return _replaced(answer, "200 OK", answer.body[: len(answer.body) * 2 // 3])
        if behaviour.result_and_error and is_good and behaviour.hits("result_and_error"):
            both = {**json.loads(answer.body), **_cancelled()}
            return _replaced(answer, "200 OK", _dump(both))
        if behaviour.huge_body and behaviour.hits("huge_body"):
            return _replaced(answer, answer.status, b" " * HUGE + answer.body)
        return answer

    def _sent(self, environ: WSGIEnvironment, body: bytes, *, in_the_middle: bool) -> int | None:
        """How many bytes are sent before the connection breaks; None: all, and it does not."""
        # What answers a HEAD has no body that could break.
        if environ.get("REQUEST_METHOD") == "HEAD":
            return None
        most = self._behaviour.cut_bytes
        if in_the_middle:
            return min(most, len(body)) if most else len(body) // 2
        return most or None

    def _note(self, number: int, environ: WSGIEnvironment, status: int | None) -> None:
        query = str(environ.get("QUERY_STRING", ""))
        # A part without `=` may be a value that lost its name.
        names = (part.partition("=")[0] for part in query.split("&") if "=" in part)
        method, path = str(environ["REQUEST_METHOD"]), str(environ.get("PATH_INFO", ""))
        with self._lock:
            self._seen.append(Seen(number, method, path, tuple(names), status))
            del self._seen[:-MOST_SEEN]


def run(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Call a WSGI application and collect its answer, also one that breaks off.

    Raises:
        ConnectionCut: It broke before the answer.
    """
    told: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        told.append((status, headers))
        return parts.append

    parts: list[bytes] = []
    was_cut = False
    answered = app(environ, start_response)
    try:
        parts.extend(answered)
    except ConnectionCut:
        was_cut = True
    finally:
        close = getattr(answered, "close", None)
        if close is not None:
            close()
    status, headers = told[-1]
    return Answer(status, list(headers), b"".join(parts), was_cut)


def _break_off(body: bytes) -> Iterator[bytes]:
    yield body
    raise ConnectionCut("cut in the middle of the answer")


def _complete(headers: list[tuple[str, str]], body: bytes, clock: Clock) -> list[tuple[str, str]]:
    """Headers with `Content-Length`, which a HEAD or 304 may have without a body, and `Date`."""
    from email.utils import format_datetime

    names = {name.lower() for name, _ in headers}
    if "content-length" not in names:
        headers.append(("Content-Length", str(len(body))))
    if "date" not in names:
        headers.append(("Date", format_datetime(clock.now(), usegmt=True)))
    return headers


def _of_page(page: Page, environ: WSGIEnvironment) -> Answer:
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else page.body
    headers = [("Server", page.server), ("Content-Type", "text/html")]
    return Answer(page.status, headers, body, False)


def _replaced(answer: Answer, status: str, body: bytes) -> Answer:
    dropped = ("content-length", "content-type")
    kept = [(name, value) for name, value in answer.headers if name.lower() not in dropped]
    return Answer(status, [*kept, _JSON], body, False)


def _cancelled() -> dict[str, object]:
    return {"error": {"message": CANCELLED, "detail": _CANCELLED_DETAIL}, "status": "failure"}


def _dump(payload: object) -> bytes:
    return json.dumps(payload).encode()


def _is_json(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and "json" in value for name, value in headers)
