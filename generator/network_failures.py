"""What the exceptions of a connection say, whoever it leads to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from enum import Enum, auto

_EXPIRED = 10
_NOT_YET_VALID = 9
_UNKNOWN_AUTHORITIES = frozenset({2, 18, 19, 20, 21})
_WRONG_NAMES = frozenset({62, 64})
"""X509_V_ERR_* of OpenSSL's `x509_vfy.h`."""


class CertificateFlaw(Enum):
    """Why a server's certificate is not believed."""

    WRONG_NAME = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    UNKNOWN_AUTHORITY = auto()
    OTHER = auto()


def certificate_flaw(error: ssl.SSLCertVerificationError) -> CertificateFlaw:
    """What OpenSSL's code says of the certificate.

    Args:
        error: Why the handshake ended.
    """
    code = error.verify_code
    if code in _WRONG_NAMES:
        return CertificateFlaw.WRONG_NAME
    if code in _UNKNOWN_AUTHORITIES:
        return CertificateFlaw.UNKNOWN_AUTHORITY
    return {_EXPIRED: CertificateFlaw.EXPIRED, _NOT_YET_VALID: CertificateFlaw.NOT_YET_VALID}.get(
        code, CertificateFlaw.OTHER
    )


def wrapped_by(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps, in whatever way its library does so.

    Args:
        error: What was raised on the way.
    """
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        part = waiting.pop(0)
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        inner = (*part.args, part.__cause__, part.__context__)
        # urllib3's, and those of Azure's client.
        named = (getattr(part, name, None) for name in ("reason", "inner_exception"))
        waiting.extend(other for other in (*inner, *named) if isinstance(other, BaseException))
