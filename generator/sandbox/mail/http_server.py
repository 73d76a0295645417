"""The HTTPS server of token endpoint and Graph, with what the switches do to its answers.

TLS is agreed upon in the thread of each connection: one that says nothing holds up no other.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from werkzeug.serving import ThreadedWSGIServer

from generator.sandbox.serving import HOST, Handler, ServerThread
from generator.sandbox.wire import ConnectionCut

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_HANDSHAKE_SECONDS = 10.0


class HttpsServer(ServerThread):
    """A running server; `url` names it `localhost`."""

    def __init__(self, app: WSGIApplication, *, context: ssl.SSLContext, port: int = 0) -> None:
        """Serve in a thread.

        Args:
            app: What answers.
            context: For TLS.
            port: 0 takes a free one.

        Raises:
            OSError, SystemExit: The port is taken.
        """
        server = _Server(app, context=context, port=port)
        self.port: int = server.server_port
        self.url = f"https://localhost:{self.port}"
        self._break_connections = server.break_connections
        super().__init__(server, name="sandbox-entra")

    def stop(self) -> None:
        """Break all connections, stop, and wait until it has stopped."""
        super().stop()
        self._break_connections()


class _Server(ThreadedWSGIServer):
    """Werkzeug's server, with TLS in the connection's thread."""

    def __init__(self, app: WSGIApplication, *, context: ssl.SSLContext, port: int) -> None:
        super().__init__(HOST, port, app, handler=Handler)
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        # What requests read as their scheme.
        self.ssl_context = context

    def finish_request(self, request: object, client_address: object) -> None:
        if not isinstance(request, socket.socket):  # pragma: no cover - there is no other kind
            return
        request.settimeout(_HANDSHAKE_SECONDS)
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except OSError:
            # The client does not trust us, or speaks no TLS.
            return
        secured.settimeout(None)
        with self._open_lock:
            self._open.add(secured)
        try:
            super().finish_request(secured, client_address)
        finally:
            with self._open_lock:
                self._open.discard(secured)
            secured.close()

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: a line might hold what was sent."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that goes away is no error."""

    def break_connections(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def drip(body: Iterable[bytes], *, seconds: float, stopped: threading.Event) -> Iterator[bytes]:
    """A body byte by byte.

    Args:
        body: What is to be sent.
        seconds: Pause after each byte.
        stopped: Ends it.

    Raises:
        ConnectionCut: The server stops.
    """
    for part in body:
        for index in range(len(part)):
            yield part[index : index + 1]
            if stopped.wait(seconds):
                raise ConnectionCut("the server stops")
