"""How the mail chain reaches a server: limits, authorities, proxy, and the clock that waits."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from generator.clock import Clock, SystemClock
from generator.errors import ConfigError, Fault
from generator.mail.settings import is_loopback


class ConnectTimeout(TimeoutError):
    """No address of a host took the connection in time."""


@dataclass(frozen=True, slots=True)
class Network:
    """What connections are made with."""

    timeout_seconds: float = 20.0
    """Longest silence of a server, and longest time for a connection to be taken."""

    ca_file: Path | None = None
    """PEM file of the one authority that stand-ins on this machine are believed by; no other
    server is ever judged by it."""

    proxy: str | None = field(default=None, repr=False)
    """Proxy for HTTPS, as `HTTPS_PROXY` names it; may hold a password. SMTP goes through none."""

    clock: Clock = field(default_factory=SystemClock)
    whole_seconds: float = 60.0
    """For a whole answer or SMTP session, however evenly it drips."""

    patience_seconds: float = 45.0
    """For pauses between attempts at a server that says "later", in all."""

    def context(self, host: str) -> ssl.SSLContext:
        """Whom to believe when a host shows a certificate: TLS 1.2 or later, name checked.

        Raises:
            ConfigError: The file of the stand-ins' authority cannot be used.
        """
        if self.ca_file is None or not is_loopback(host):
            return _system_context()
        try:
            return ssl.create_default_context(cafile=str(self.ca_file))
        except (OSError, ValueError):
            pass
        raise ConfigError(
            Fault(
                "mail-ca",
                "The file of the stand-ins' authority cannot be read, or holds no PEM certificate.",
                file=str(self.ca_file),
                path="--mail-ca",
                next="name the file that sn-smtp sandbox --mail wrote",
            )
        )

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to a host, tried at each of its addresses within one time limit.

        Args:
            host: Name or address.
            port: TCP port.

        Raises:
            ConnectTimeout: None took it in time.
            OSError: The name is not known, or the last address refused.
        """
        end = self.clock.monotonic() + self.timeout_seconds
        last: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            left = end - self.clock.monotonic()
            if left <= 0:
                break
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(left)
                made.connect(address)
                made.settimeout(self.timeout_seconds)
            except OSError as error:
                made.close()
                last = error
            else:
                return made
        if last is None or isinstance(last, TimeoutError):
            raise ConnectTimeout
        raise last

    def proxy_for(self, host: str) -> str | None:
        """The proxy to a host; a proxy cannot reach this machine's own loopback."""
        return None if is_loopback(host) else self.proxy


def proxy_from(variables: Mapping[str, str], *, host: str) -> str | None:
    """The proxy that the environment's variables name for a host, read as `requests` does.

    Args:
        variables: The environment variables: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, or in lower
            case, which wins.
        host: Where to.
    """
    from requests.utils import should_bypass_proxies

    lower = {name.lower(): value for name, value in sorted(variables.items()) if value}
    if should_bypass_proxies(f"https://{host}", no_proxy=lower.get("no_proxy", "")):
        return None
    return lower.get("https_proxy") or lower.get("all_proxy")


def _system_context() -> ssl.SSLContext:
    """The system's authorities, and those that `requests` brings where it has none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Watch:
    """Ends connections that take too long as a whole, however often a byte of them comes.

    A time limit on a socket starts anew with every byte. This one does not: when it is over, the
    connections are shut down, and whoever reads from them gets an end.
    """

    def __init__(self, seconds: float) -> None:
        """Args: seconds: From `begin` on, for everything until `rest`."""
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self.is_over = False
        """Whether the time was not enough."""

    def __enter__(self) -> Watch:
        """The time begins."""
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The time no longer counts."""
        self.close()

    def begin(self) -> None:
        """The time begins, anew."""
        self.rest()
        self._timer = threading.Timer(self._seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def rest(self) -> None:
        """The time does not count for now."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        """The time no longer counts, and connections are no longer known."""
        self.rest()
        with self._lock:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def over(self, connection: socket.socket) -> socket.socket:
        """Watch over a connection, which is handed back.

        A duplicate is kept: TLS takes the socket itself over, and both speak on one connection.
        """
        with self._lock:
            self._watched.append(connection.dup())
            if self.is_over:
                self._shut()
        return connection

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            self._shut()

    def _shut(self) -> None:
        for one in self._watched:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
