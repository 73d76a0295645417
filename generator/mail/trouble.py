"""Why a server of the mail chain gave no usable answer, and what an exception of the wire means.

Exceptions of the HTTP library hold the request, and with it the secret: they are turned into
`Trouble` where they are met, and go no further.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from generator.errors import Fault, NetworkError, ResponseError
from generator.mail.interface import Cause
from generator.network_failures import CertificateFlaw, certificate_flaw, wrapped_by

_CLOCK = Cause(
    "This machine's date or time is wrong.",
    "Set the clock (NTP), then run it again.",
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way to get no usable answer."""

    code: str
    """Stable identifier: `entra-dns`, `smtp-tls-name`."""

    what: str
    """What happened, one sentence; nothing of what was sent."""

    causes: tuple[Cause, ...]
    """What explains it, the likeliest first."""

    def fault(self) -> Fault:
        """The same as a fault: the likeliest cause's fix is the next step."""
        return Fault(self.code, self.what, next=self.causes[0].fix if self.causes else None)


class NoAnswer(NetworkError):
    """A server of the mail chain did not answer."""

    def __init__(self, trouble: Trouble) -> None:
        """Args: trouble: What happened."""
        super().__init__(trouble.fault())
        self.trouble = trouble


class BadAnswer(ResponseError):
    """A server of the mail chain answered what cannot be understood."""

    def __init__(self, trouble: Trouble, *, status: int | None = None) -> None:
        """Args: trouble: What happened. status: HTTP status."""
        super().__init__(trouble.fault(), status=status)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection goes, for messages."""

    kind: str
    """Opens the codes: `entra`, `smtp`."""

    host: str
    port: int
    setting: str
    """The key of the environment file that names the host."""

    proxy: bool = False
    """Whether a proxy is used."""

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


def explain(error: BaseException, *, place: Place, too_slow: bool, seconds: float) -> Trouble:
    """What happened, by everything that an exception wraps.

    Args:
        error: What was raised on the way.
        place: Where to.
        too_slow: Whether the time for the whole exchange was over.
        seconds: The time that was not enough.
    """
    chain = tuple(wrapped_by(error))
    names = {type(part).__name__ for part in chain}
    if too_slow:
        return too_long(place, seconds=seconds)
    for part in chain:
        if isinstance(part, ssl.SSLCertVerificationError):
            return _certificate(part, place=place)
    if names & {"gaierror", "NameResolutionError"} and not place.proxy:
        return unknown_name(place)
    if names & {"ProxyError", "ProxySchemeUnknown", "InvalidProxyURL", "InvalidURL"}:
        return _trouble(
            place,
            "proxy",
            f"The proxy did not open a way to {place.address}.",
            ("The proxy is not there, or does not allow this host.", _check_proxy(place)),
        )
    if "ConnectionRefusedError" in names:
        return _refused(place)
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return not_reached(place)
    if names & {"ReadTimeout", "ReadTimeoutError", "TimeoutError"} or any(
        isinstance(part, socket.timeout) for part in chain
    ):
        return _silent(place)
    if any(isinstance(part, ssl.SSLError) for part in chain) or "SSLError" in names:
        return _no_handshake(place)
    if "NewConnectionError" in names:
        return not_reached(place)
    return _lost(place)


def unknown_name(place: Place) -> Trouble:
    """A host name that nobody knows."""
    return _trouble(
        place,
        "dns",
        f"The name {place.host} is not known here.",
        (
            f"The host name is wrong ({place.setting}).",
            "Correct it, or remove the key so that the cloud's own host is used.",
        ),
        (
            "This machine does not resolve names of the internet.",
            "Check its DNS servers; where only a proxy leads outward, set HTTPS_PROXY for "
            "Microsoft Entra ID. SMTP needs DNS and a direct way.",
        ),
    )


def not_reached(place: Place) -> Trouble:
    """A host that takes no connection."""
    return _trouble(
        place,
        "unreachable",
        f"No connection to {place.address} could be made in time.",
        (
            f"A firewall does not let connections out to port {place.port}.",
            f"Open TCP {place.port} from this machine to {place.host}. The instance connects from "
            "its own data centre, so verify --from instance may pass where this fails.",
        ),
        (f"The host or port is wrong ({place.setting}).", "Correct it."),
    )


def too_long(place: Place, *, seconds: float) -> Trouble:
    """A server whose answers drip."""
    return _trouble(
        place,
        "slow",
        f"{place.address} was not done within {seconds:g} seconds, although it kept sending.",
        (
            "The server or the network between is overloaded, or something in between holds the "
            "answer back.",
            "Try again later, and from another network.",
        ),
    )


def _refused(place: Place) -> Trouble:
    right = "Correct it, or remove the key so that the cloud's own host is used"
    if place.kind == "smtp":
        right = "Exchange Online takes client submission on port 587 with STARTTLS"
    return _trouble(
        place,
        "refused",
        f"{place.address} refuses connections.",
        (
            f"The host or port is wrong ({place.setting}).",
            f"{right}; a stand-in must run and its address be the present one (sn-smtp sandbox "
            "--mail).",
        ),
        (
            "A firewall answers in the server's place.",
            f"Open TCP {place.port} from this machine to {place.host}.",
        ),
    )


def _silent(place: Place) -> Trouble:
    return _trouble(
        place,
        "silent",
        f"{place.address} took the connection and did not answer in time.",
        (
            "The server is overloaded, or something in between (firewall, proxy) holds the "
            "connection.",
            "Try again later; then from another network.",
        ),
    )


def _lost(place: Place) -> Trouble:
    return _trouble(
        place,
        "cut",
        f"The connection to {place.address} was lost before the answer was complete.",
        (
            "The server, or a firewall or proxy between, closed it.",
            "Try again; if it stays, try from another network.",
        ),
    )


def _no_handshake(place: Place) -> Trouble:
    right = f"Check {place.setting}, and HTTPS_PROXY and NO_PROXY."
    if place.kind == "smtp":
        right = (
            "Check the port and email_account.connection_security: 587 wants starttls, 465 wants "
            "ssl; Exchange Online has 587 only."
        )
    return _trouble(
        place,
        "tls",
        f"No encrypted connection with {place.address} could be agreed upon.",
        ("The server does not speak TLS 1.2 or later there, or not at once.", right),
        (
            "A firewall or mail gateway between changes the connection.",
            "Exempt this host from its inspection.",
        ),
    )


def _certificate(error: ssl.SSLCertVerificationError, *, place: Place) -> Trouble:
    host, flaw = place.host, certificate_flaw(error)
    if flaw is CertificateFlaw.WRONG_NAME:
        return _trouble(
            place,
            "tls-name",
            f"The certificate that answers for {host} is another host's.",
            (f"The host name is wrong ({place.setting}).", "Correct it."),
            (
                "Another server answers in its place (DNS, firewall, gateway).",
                "Do not go on: a token must not be sent to it. Ask the network's administrators.",
            ),
        )
    if flaw in (CertificateFlaw.EXPIRED, CertificateFlaw.NOT_YET_VALID):
        state = "has expired" if flaw is CertificateFlaw.EXPIRED else "is not valid yet"
        return _trouble(
            place,
            "tls-date",
            f"The certificate of {host} {state}.",
            ("The certificate was not renewed.", "Have it renewed."),
            (_CLOCK.what, _CLOCK.fix),
        )
    if flaw is CertificateFlaw.UNKNOWN_AUTHORITY:
        return _trouble(
            place,
            "tls-authority",
            f"The certificate of {host} was issued by an authority that is not trusted here.",
            (
                "A firewall or proxy re-encrypts the connection.",
                "Exempt this host, or add your authority to this machine's trusted ones.",
            ),
            (
                "It is a stand-in whose authority was not named.",
                "Name the file with --mail-ca (SN_SMTP_MAIL_CA), as sn-smtp sandbox --mail says.",
            ),
        )
    return _trouble(
        place,
        "tls-certificate",
        f"The certificate of {host} was refused (OpenSSL code {error.verify_code}).",
        ("The certificate is not fit for this use.", "Have it corrected."),
    )


def _trouble(place: Place, kind: str, what: str, *causes: tuple[str, str]) -> Trouble:
    return Trouble(f"{place.kind}-{kind}", what, tuple(Cause(*cause) for cause in causes))


def _check_proxy(place: Place) -> str:
    return f"Check HTTPS_PROXY and NO_PROXY, and that the proxy allows CONNECT to {place.address}."
