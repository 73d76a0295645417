"""A transport for `requests` that calls the sandbox in the same process, for tests.

It is the socket server's twin: bodies are streamed in as they come, a cut connection raises what
`requests` raises for one, and cookies and headers arrive as from the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from io import BytesIO, RawIOBase
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from requests import PreparedRequest, Response
from requests import exceptions as failures
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from generator.sandbox.wire import ConnectionCut, run

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class _Pull(RawIOBase):
    """A body that comes piece by piece, as a file; keeps one piece in memory."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def read(self, size: int = -1) -> bytes:
        if size is None or size < 0:
            return self.readall()
        taken = bytearray()
        piece = bytearray(min(size, 1 << 20))
        while len(taken) < size:
            view = memoryview(piece)[: size - len(taken)]
            count = self.readinto(view)
            if not count:
                break
            taken += view[:count]
        return bytes(taken)


class _Original:
    """What `requests` reads cookies from."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self.msg = Message()
        for name, value in headers:
            self.msg[name] = value

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        return None


class SandboxAdapter(HTTPAdapter):
    """Sends requests to a WSGI application instead of a host."""

    def __init__(self, app: WSGIApplication) -> None:
        """Args: app: `Sandbox.wsgi`."""
        super().__init__()
        self._app = app

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Answer a request.

        Raises:
            requests.ConnectionError: The sandbox cut the connection before its answer.
        """
        try:
            answer = run(self._app, _environ(request))
        except ConnectionCut as error:
            raise failures.ConnectionError(str(error), request=request) from None
        code, _, reason = answer.status.partition(" ")
        raw = HTTPResponse(
            body=BytesIO(answer.body),
            headers=HTTPHeaderDict(answer.headers),
            status=int(code),
            reason=reason,
            preload_content=False,
            original_response=_Original(answer.headers),  # type: ignore[arg-type]
            enforce_content_length=request.method != "HEAD",
            request_method=request.method,
        )
        response = self.build_response(request, raw)
        if not stream:
            # As Session.send does; here, too, since an adapter may be called by itself.
            _ = response.content
        return response


def _environ(request: PreparedRequest) -> WSGIEnvironment:
    parts = urlsplit(str(request.url))
    # The typings know no streamed body.
    body: object = request.body
    if body is None:
        stream: BytesIO | _Pull = BytesIO()
    elif isinstance(body, bytes):
        stream = BytesIO(body)
    elif isinstance(body, str):
        stream = BytesIO(body.encode())
    else:
        stream = _Pull(_pieces(body))
    environ: WSGIEnvironment = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": stream,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": str(request.method),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path or "/", "latin-1"),
        "QUERY_STRING": parts.query,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "sandbox.in_process": True,
        "HTTP_HOST": parts.netloc.rpartition("@")[2],
    }
    for name, value in request.headers.items():
        key = _text(name).upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = _text(value)
    if environ.get("HTTP_TRANSFER_ENCODING") == "chunked":
        environ["wsgi.input_terminated"] = True
    return environ


def _pieces(body: object) -> Iterator[bytes]:
    """A streamed body in pieces, as `http.client` sends it."""
    read = getattr(body, "read", None)
    if read is None:
        assert isinstance(body, Iterable)  # noqa: S101 - requests takes nothing else
        yield from body
        return
    while piece := read(65536):
        yield piece if isinstance(piece, bytes) else piece.encode()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
