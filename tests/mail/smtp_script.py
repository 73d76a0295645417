"""An SMTP server that says what a test tells it to, over TLS from the first byte."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import trustme

Say = Callable[[bytes], bytes | None]
"""Takes a line that the client sent, gives the answer; None ends the connection."""

CLOSE = b"\0close"
"""Ends the connection after what stands before it."""

GREETING = b"220 ready\r\n"
EHLO = b"250-here\r\n250 AUTH XOAUTH2\r\n"


class ScriptedSmtp:
    """One connection after the other, until it is left."""

    def __init__(self, directory: Path, say: Say, *, greeting: bytes = GREETING) -> None:
        """Args: directory: For the authority's file. say: The script. greeting: Sent first."""
        authority = trustme.CA()
        self.ca_file = directory / "scripted-ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._context)
        self._say = say
        self._greeting = greeting
        self.lines: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ScriptedSmtp:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._talk(connection)
            except OSError:
                plain.close()

    def _talk(self, connection: ssl.SSLSocket) -> None:
        connection.settimeout(10)
        connection.sendall(self._greeting)
        with connection.makefile("rb") as lines:
            for line in lines:
                self.lines.append(line)
                answer = self._say(line)
                if answer is None:
                    return
                connection.sendall(answer.removesuffix(CLOSE))
                if answer.endswith(CLOSE):
                    return


def script(**answers: bytes | None) -> Say:
    """Answers by the first word of a line (`end` for the dot); the usual ones elsewhere.

    Lines of a message get none.
    """
    usual: dict[str, bytes | None] = {
        "ehlo": EHLO,
        "auth": b"235 2.7.0 in\r\n",
        "mail": b"250 ok\r\n",
        "rcpt": b"250 ok\r\n",
        "data": b"354 go on\r\n",
        "end": b"250 2.0.0 taken\r\n",
        "quit": b"221 bye\r\n",
    }
    known = {**usual, **answers}
    state = {"message": False}

    def say(line: bytes) -> bytes | None:
        word = line.strip().split(b" ")[0].decode("ascii", "replace").lower()
        if state["message"]:
            if line != b".\r\n":
                return b""
            state["message"] = False
            return known["end"]
        if word == "data" and (known["data"] or b"").startswith(b"354"):
            state["message"] = True
        return known.get(word, known.get("other", b"500 what\r\n"))

    return say
