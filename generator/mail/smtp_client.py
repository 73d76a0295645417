"""The standard library's SMTP client, watched over, with limits to what a server may say."""

from __future__ import annotations

import smtplib
import socket
import ssl

from generator.mail.network import Network, Watch

MOST_LINES = 64
"""Lines of one reply; Exchange's longest (EHLO) has a dozen."""

LONGEST_LINE = 8192
"""Bytes; RFC 5321 4.5.3.1.5 allows 512, Exchange's diagnostics are longer."""


class NotSmtp(Exception):
    """What came is no SMTP."""


class SmtpClient(smtplib.SMTP):
    """The library's client, watched over, and with limits to what a server may say."""

    def __init__(
        self, *, network: Network, watch: Watch, context: ssl.SSLContext, implicit: bool
    ) -> None:
        """Args: network: How it is reached. watch: Ends it. context: For TLS. implicit: At once."""
        self._network = network
        self._watch = watch
        self._context = context
        self._implicit = implicit
        # Its own default asks DNS for this machine's name, which may take long.
        super().__init__(local_hostname="localhost", timeout=network.timeout_seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host
        made = self._watch.over(self._network.connect(host, port))
        address = made.getsockname()[0]
        self.local_hostname = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        if self._implicit:
            return self._context.wrap_socket(made, server_hostname=host)
        return made

    @property
    def _line(self) -> socket.socket:
        """The connection, which the library lets go of where it ends."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection ended")
        return self.sock

    def said_more(self) -> bool:
        """Whether something stands behind the last reply already, without waiting for it."""
        line = self._line
        line.settimeout(0)
        try:
            return self.file is not None and bool(self.file.peek(1))
        finally:
            line.settimeout(self._network.timeout_seconds)

    def begin_tls(self) -> None:
        """Speak TLS from here on; what was said before counts no longer (RFC 3207 4.2)."""
        self.sock = self._context.wrap_socket(self._line, server_hostname=self._host)
        self.file = self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def getreply(self) -> tuple[int, bytes]:
        """One reply; a server without end or measure is left (called by the library)."""
        if self.file is None:
            self.file = self._line.makefile("rb")
        lines: list[bytes] = []
        first = b""
        while len(lines) < MOST_LINES:
            line = self.file.readline(LONGEST_LINE + 1)
            if not line:
                self.close()
                raise smtplib.SMTPServerDisconnected("the connection ended")
            code, mark = line[:3], line[3:4]
            first = first or code
            if len(line) > LONGEST_LINE or not code.isdigit() or not b"200" <= code <= b"599":
                break
            # RFC 5321 4.2.1: one code in all lines, and a space, a hyphen or the end behind it.
            if code != first or mark not in b" -\r\n":
                break
            lines.append(line[4:].strip())
            if mark != b"-":
                return int(code), b"\n".join(lines)
        self.close()
        raise NotSmtp
