"""The sandbox's server: loopback, a thread, nothing on the screen."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, cast

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
"""The only address that is ever bound."""


CERTIFICATE_USER = "sandbox.certificate_user"
"""Key of the WSGI environment: common name of the client certificate. No header can set it."""


def certificate_user(connection: object) -> str:
    """Common name of the certificate that a client showed; empty if it showed none.

    An instance maps certificates to users by a table of its own; here the name is the user's [INF].
    """
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    told = (connection.getpeercert() or {}).get("subject", ())
    subject = cast("tuple[tuple[tuple[str, str], ...], ...]", told)
    names = [value for part in subject for name, value in part if name == "commonName"]
    return names[-1] if names else ""


class Handler(WSGIRequestHandler):
    """Sends the application's own `Server` and `Date`, and writes no log."""

    protocol_version = "HTTP/1.1"

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status line alone."""
        self.send_response_only(code, message)

    def make_environ(self) -> WSGIEnvironment:
        """With the name that the client's certificate says; TLS has checked who issued it."""
        environ = super().make_environ()
        name = certificate_user(self.connection)
        if name:
            environ[CERTIFICATE_USER] = name
        return environ

    def connection_dropped(
        self, error: BaseException, environ: WSGIEnvironment | None = None
    ) -> None:
        """Close, also where it was the sandbox that broke the connection."""
        self.close_connection = True

    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the sandbox has a log of its own."""


class ServerThread:
    """A server that runs in a thread of its own until it is stopped."""

    def __init__(self, server: BaseWSGIServer, *, name: str) -> None:
        """Args: server: What runs. name: The thread's."""
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, name=name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait until it has stopped."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Serving(ServerThread):
    """A running server."""

    def __init__(
        self, app: WSGIApplication, *, port: int, ssl_context: ssl.SSLContext | None
    ) -> None:
        """Args: app: What answers. port: 0 takes a free one. ssl_context: For TLS."""
        server = make_server(
            HOST, port, app, threaded=True, request_handler=Handler, ssl_context=ssl_context
        )
        server.log = lambda *_arguments: None  # type: ignore[method-assign]
        scheme = "http" if ssl_context is None else "https"
        self.url = f"{scheme}://{HOST}:{server.server_port}"
        super().__init__(server, name="sandbox")
