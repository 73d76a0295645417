"""TLS with a throw-away certificate authority, made anew at every start.

`trustme` (extra `sandbox`) is imported only here.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from generator.secrets.interface import Secret

NAMES = ("127.0.0.1", "::1", "localhost")
"""What the certificate is for."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a client shows to sign in with (mTLS)."""

    certificate_pem: bytes
    private_key: Secret
    """PEM text, without a passphrase."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What serving with TLS needs, and what a client must trust."""

    context: ssl.SSLContext
    ca_pem: bytes
    """Certificate of the authority, PEM: the client's `instance.ca_file`."""

    for_names: Callable[..., ssl.SSLContext]
    """Another certificate of the same authority, for other names."""

    issue_client: Callable[[str], ClientCertificate]
    """A client certificate for a user name; from the first on `context` takes them, and demands
    none."""

    def write_ca(self, path: Path) -> Path:
        """Write the authority's certificate, which is no secret."""
        path.write_bytes(self.ca_pem)
        return path


def make_tls(*names: str) -> Tls:
    """A new authority and a certificate of it.

    Args:
        names: Host names and addresses; `NAMES` if none is given.
    """
    import trustme

    authority = trustme.CA(organization_name="sn-smtp sandbox (throw-away)")

    def context(*of: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        authority.issue_cert(*of).configure_cert(made)
        return made

    serving = context(*(names or NAMES))

    def issue_client(user: str) -> ClientCertificate:
        serving.verify_mode = ssl.CERT_OPTIONAL
        authority.configure_trust(serving)
        issued = authority.issue_cert(common_name=user)
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        return ClientCertificate(chain, Secret(issued.private_key_pem.bytes().decode()))

    return Tls(serving, authority.cert_pem.bytes(), context, issue_client)
