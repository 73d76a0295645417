"""What may be a secret at all, whatever it came from; and how a refusal is told.

No message holds a secret or a part of one, nor how long it is. Errors are raised outside of
`except` blocks: an error that is chained to another one keeps that one's text and bytes.
"""

from __future__ import annotations

from typing import Final

from generator.characters import illegal_character
from generator.errors import ConfigError, Fault
from generator.secrets.interface import Secret

LARGEST: Final = 16 * 1024
"""Bytes that a source may yield; a private key has some three thousand."""

_PEM: Final = "-----BEGIN "
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def refusal(
    code: str, message: str, *, source: str, key: str, next: str | None = None
) -> ConfigError:
    """The error of a source.

    Args:
        code: Stable identifier.
        message: What is wrong; never what the source held.
        source: The source as it is named in messages.
        key: The key that names the source: `azure.client_secret_from`.
        next: The next step for the user.
    """
    return ConfigError(Fault(code, f"{source}: {message}", path=key, next=next))


def secret_of_bytes(raw: bytes, *, source: str, key: str) -> Secret:
    """The secret in what a file holds or a program printed: UTF-8, one line end dropped.

    Exactly one is dropped, because editors and `echo` add one; a second one was meant, or is a
    mistake that must show.

    Raises:
        ConfigError: It is empty, too large, no UTF-8, begins with a byte order mark, or holds
            control characters.
    """
    if len(raw) > LARGEST:
        raise _too_large(source, key)
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise refusal(
            "secret-with-mark",
            "begins with a byte order mark, which would become a part of the secret.",
            source=source,
            key=key,
            next="save it as UTF-8 without one; in PowerShell 7: Set-Content -Encoding utf8NoBOM",
        )
    text = _decoded(raw)
    if text is None:
        raise refusal(
            "secret-not-text", "is no UTF-8 text.", source=source, key=key, next="save it as UTF-8"
        )
    if text.endswith("\n"):
        text = text[:-1].removesuffix("\r")
    return secret_of_text(text, source=source, key=key)


def secret_of_text(text: str, *, source: str, key: str) -> Secret:
    """The secret that is exactly `text`.

    Raises:
        ConfigError: It is empty, too large, or holds control characters; line ends are accepted
            in a PEM text (a private key) only.
    """
    if len(text) > LARGEST:
        raise _too_large(source, key)
    if not text:
        raise refusal(
            "secret-empty", "is empty.", source=source, key=key, next="put the secret there"
        )
    if illegal_character(text, multiline=text.startswith(_PEM)) is not None:
        raise refusal(
            "secret-not-one-line",
            "holds a line end or another control character; only a PEM text has several lines.",
            source=source,
            key=key,
            next="leave nothing but the secret there; one line end after it does not count",
        )
    return Secret(text)


def _too_large(source: str, key: str) -> ConfigError:
    return refusal(
        "secret-too-large",
        f"yields more than {LARGEST:,} bytes, which no secret has.",
        source=source,
        key=key,
        next="name what holds the secret and nothing else",
    )


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
