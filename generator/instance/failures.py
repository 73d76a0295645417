"""What an exception of the network means: which of the ways to get no answer, and what to do.

Exceptions are turned into `Failure` values here and go no further: they hold the request, and with
it the credentials.
"""

from __future__ import annotations

import socket
import ssl

from generator.errors import Fault
from generator.instance.address import Address
from generator.instance.calls import Call, Failure
from generator.network_failures import CertificateFlaw, certificate_flaw, wrapped_by


class BodyTooLarge(Exception):
    """An answer is larger than any that we ask for."""


class BodyTooSlow(Exception):
    """An answer comes in drops."""


def explain_exception(error: BaseException, *, call: Call, address: Address) -> Failure:
    """What happened, by everything that the exception wraps.

    Args:
        error: What the HTTP library raised.
        call: The request.
        address: Where it went.
    """
    chain = tuple(wrapped_by(error))
    names = {type(part).__name__ for part in chain}
    for part in chain:
        if isinstance(part, ssl.SSLCertVerificationError):
            return _certificate(part, call=call, address=address)
    if names & {"ProxyError", "ProxySchemeUnknown", "InvalidProxyURL"}:
        return _failure(
            call,
            "instance-proxy",
            f"the proxy did not open a way to {address.host}",
            "check instance.proxy, and that the proxy allows this host",
        )
    if names & {"gaierror", "NameResolutionError"}:
        return _failure(
            call,
            "instance-dns",
            f"the name {address.host} is not known",
            "check instance.url, and that this machine resolves names; "
            "if only a proxy leads outward, name it as instance.proxy",
            is_transient=True,
        )
    if "ConnectionRefusedError" in names:
        return _failure(
            call,
            "instance-refused",
            f"{address.url} refuses connections",
            "check the address and that the instance (or sandbox) runs; "
            "if only a proxy leads outward, name it as instance.proxy",
            is_transient=True,
        )
    if isinstance(error, BodyTooLarge):
        return _failure(
            call,
            "instance-too-much",
            "the answer is larger than any that was asked for and was not read to its end",
            "check that instance.url is an instance",
            may_stand=True,
            is_oversized=True,
        )
    return _lost(chain, names, call=call, address=address)


def _lost(
    chain: tuple[BaseException, ...], names: set[str], *, call: Call, address: Address
) -> Failure:
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return _failure(
            call,
            "instance-timeout",
            f"{address.host} did not take the connection in time",
            "check the network, and instance.proxy where one is needed",
            is_transient=True,
        )
    if names & {"ReadTimeout", "ReadTimeoutError", "TimeoutError", "BodyTooSlow"} or any(
        isinstance(part, socket.timeout) for part in chain
    ):
        return _failure(
            call,
            "instance-timeout",
            f"{address.host} did not answer in time",
            "try again later; the instance may be busy",
            may_stand=True,
            is_transient=True,
        )
    if names & {"SSLError"} and "WRONG_VERSION_NUMBER" in "".join(map(str, chain)):
        return _failure(
            call,
            "instance-tls",
            f"{address.host} does not speak TLS there",
            "check the port of instance.url",
        )
    if "NewConnectionError" in names:
        return _failure(
            call,
            "instance-unreachable",
            f"no connection to {address.host} can be made",
            "check the network; if only a proxy leads outward, name it as instance.proxy",
            is_transient=True,
        )
    return _failure(
        call,
        "instance-connection-lost",
        f"the connection to {address.host} was lost before the answer was complete",
        "check the network and try again",
        may_stand=True,
        is_transient=True,
    )


def _certificate(error: ssl.SSLCertVerificationError, *, call: Call, address: Address) -> Failure:
    flaw = certificate_flaw(error)
    if flaw is CertificateFlaw.WRONG_NAME:
        what = f"the certificate that answers for {address.host} is another host's"
        step = "check instance.url; do not go on if it is right"
        name = "instance-tls-host"
    elif flaw is CertificateFlaw.EXPIRED:
        what = f"the certificate of {address.host} has expired"
        step = "have it renewed, and check this machine's date"
        name = "instance-tls-expired"
    elif flaw is CertificateFlaw.NOT_YET_VALID:
        what = f"the certificate of {address.host} is not valid yet"
        step = "check this machine's date"
        name = "instance-tls-expired"
    elif flaw is CertificateFlaw.UNKNOWN_AUTHORITY:
        what = f"the certificate of {address.host} was issued by an authority that is not trusted"
        step = (
            "if a proxy of yours re-encrypts, or it is a sandbox with --tls, name the authority's "
            "PEM file as instance.ca_file; else do not go on"
        )
        name = "instance-tls-authority"
    else:
        what = f"the certificate of {address.host} was refused (OpenSSL code {error.verify_code})"
        step = "have the certificate corrected, or name its authority as instance.ca_file"
        name = "instance-tls"
    return _failure(call, name, what, step)


def _failure(
    call: Call,
    code: str,
    what: str,
    step: str,
    *,
    may_stand: bool = False,
    is_transient: bool = False,
    is_oversized: bool = False,
) -> Failure:
    message = f"{call.step}: {what} ({call.method} {call.path})."
    return Failure(
        Fault(code, message, next=step),
        may_stand=may_stand,
        is_transient=is_transient,
        is_oversized=is_oversized,
    )
