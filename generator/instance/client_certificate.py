"""A client certificate for TLS, its private key from a secret source and in no file that stays."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.errors import ConfigError, Fault
from generator.secrets.interface import Secret


def add_client_certificate(
    context: ssl.SSLContext, *, certificate: Path, private_key: Secret, key: str
) -> None:
    """Let connections of this context show a certificate (`spec/instance-http.md` A3, mTLS).

    Args:
        context: What connections are made with.
        certificate: PEM file of the certificate, its chain behind it.
        private_key: PEM text of its key, without a passphrase.
        key: The section of the environment file, for messages.

    Raises:
        ConfigError: They cannot be read, or do not belong together.
    """
    # The library's message may quote the file; only our own words leave here.
    with _as_file(private_key) as path:
        try:
            context.load_cert_chain(certificate, path, password=_no_passphrase)
        except (OSError, ValueError):
            is_loaded = False
        else:
            is_loaded = True
    if not is_loaded:
        raise ConfigError(
            Fault(
                "client-certificate",
                "The client certificate and its private key cannot be used: one is missing, is no "
                "PEM, has a passphrase, or they do not belong together.",
                file=str(certificate),
                path=f"{key}.certificate",
                next=f"check {key}.certificate and what {key}.private_key_from yields",
            )
        )


def _no_passphrase() -> str:
    """Without this OpenSSL would ask on the terminal."""
    return ""


@contextmanager
def _as_file(secret: Secret) -> Iterator[str]:
    """A path at which OpenSSL, which takes no text, can read the key while it loads it.

    On Linux it is a piece of memory without a name in any directory; elsewhere a file that only
    this user may read (0600, in a directory of 0700), removed as soon as it was read.
    """
    content = secret.reveal().encode()
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
        with os.fdopen(descriptor, "wb") as memory:
            memory.write(content)
            memory.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.TemporaryDirectory() as directory:
        descriptor, path = tempfile.mkstemp(dir=directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield path
