"""What a secret looks like.

Sources: `spec/records.md` section 3.3 for the two forms of ServiceNow ciphertext (KMF and
legacy), measured over real exports; Microsoft's own secret scanners for the Entra shape
(three characters, a digit, `Q~`, 34 more), third-party report. Nothing here returns or prints
the value it looked at.
"""

from __future__ import annotations

import re
from base64 import b64decode
from enum import StrEnum


class SecretKind(StrEnum):
    """What kind of secret a value is."""

    ENTRA = "Entra client secret"
    KMF = "KMF ciphertext"
    LEGACY = "legacy (3DES) ciphertext"
    PRIVATE_KEY = "private key"


_ENTRA = re.compile(r"(?<![\w.~-])[\w.~-]{3}[0-9]Q~[\w.~-]{31,37}(?![\w.~-])", re.ASCII)
_KMF_OPENING = "\ufdde\ufddf"
_LEGACY = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_LEGACY_TAIL = "MaSa" + "+EyjGA=="
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:secret|password|passwd|pwd|passphrase|private_?key|api_?key|access_?key|token"
    r"|credential|credentials)(?:_?(?:value|text))?$"
)


def embedded_secret(text: str) -> SecretKind | None:
    """The kind of secret that stands anywhere in `text`, if one is certain.

    Only shapes that ordinary text does not have: Entra's, KMF's opening, the common tail of
    long legacy ciphertext, a PEM private key.
    """
    if _KMF_OPENING in text:
        return SecretKind.KMF
    if "Q~" in text and _ENTRA.search(text):
        return SecretKind.ENTRA
    if _LEGACY_TAIL in text:
        return SecretKind.LEGACY
    if "-----BEGIN" in text and _PRIVATE_KEY.search(text):
        return SecretKind.PRIVATE_KEY
    return None


def ciphertext_kind(value: str) -> SecretKind | None:
    """The kind of secret that `value` is, for a place where only a secret or its source stands.

    Unlike `embedded_secret` this also takes any base64 of whole 8-byte blocks for legacy
    ciphertext, which a sys_id would be too: ask it only about such places.
    """
    kind = embedded_secret(value)
    if kind is not None:
        return kind
    if _LEGACY.fullmatch(value) and len(b64decode(value)) % 8 == 0:
        return SecretKind.LEGACY
    return None


def names_a_secret(key: str) -> bool:
    """Whether a key (snake_case or camelCase) is named like one that holds a secret."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()
    return _SECRET_NAME.search(snake) is not None
