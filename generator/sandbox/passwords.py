"""Secret columns: what comes in is encrypted or hashed, and no reply ever holds it again.

The form is that of real exports (KMF, `spec/records.md` section 3.3; `spec/instance-http.md` A17,
B3.16). A value that another instance encrypted has a foreign key id: it is stored and cannot be
used. The cipher is the sandbox's own stand-in for AES; nothing here protects a real secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from secrets import token_bytes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_KEY_MARK = "\ufdde\ufddf\ufdd2"
_VERSION_MARK = "\ufdec\ufdd4"
_BODY_MARK = "\ufdec\ufded"
_END_MARK = "\ufdee\ufdef"
_BLOCK = 16
_IV_CHARACTERS = 24
_CIPHERTEXT = re.compile(
    rf"{_KEY_MARK}([0-9a-f]{{32}}){_VERSION_MARK}1{_BODY_MARK}"
    rf"([A-Za-z0-9_-]{{22}}==)([A-Za-z0-9_-]+={{0,2}}){_END_MARK}"
)
_HASH_PREFIX = "scrypt:"


@dataclass(frozen=True, slots=True)
class KeyModule:
    """The key of one instance; ciphertext names it."""

    id: str
    """32 hex digits, different on every instance."""

    key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return f"KeyModule({self.id!r})"

    def encrypt(self, plain: str, *, nonce: bytes) -> str:
        """The stored form of a `password2` value. [TP] for the form, real exports.

        Args:
            plain: What came in.
            nonce: 16 bytes, another for every value.
        """
        data = plain.encode("utf-8", "surrogatepass")
        padding = _BLOCK - len(data) % _BLOCK
        data += bytes([padding]) * padding
        body = urlsafe_b64encode(self._mixed(data, nonce)).decode()
        opening = urlsafe_b64encode(nonce).decode()
        return f"{_KEY_MARK}{self.id}{_VERSION_MARK}1{_BODY_MARK}{opening}{body}{_END_MARK}"

    def decrypt(self, stored: str) -> str | None:
        """What was encrypted; None if this key did not do it."""
        match = _CIPHERTEXT.fullmatch(stored)
        if match is None or match.group(1) != self.id:
            return None
        nonce, body = (urlsafe_b64decode(match.group(n)) for n in (2, 3))
        data = self._mixed(body, nonce)
        padding = data[-1] if data else 0
        if not 0 < padding <= _BLOCK:
            return None
        try:
            return data[:-padding].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None

    def _mixed(self, data: bytes, nonce: bytes) -> bytes:
        stream = bytearray()
        counter = 0
        while len(stream) < len(data):
            block = nonce + counter.to_bytes(4, "big")
            stream += hmac.new(self.key, block, hashlib.sha256).digest()
            counter += 1
        return bytes(a ^ b for a, b in zip(data, stream, strict=False))


_KEPT = "kmf-key-module"
"""Under which name the database keeps the key: no reply reads contents by such a name."""

_ID_DIGITS = 32


def key_module(sandbox: Sandbox) -> KeyModule:
    """The sandbox's own key, made when it is first needed."""
    with sandbox.database.transaction():
        kept = sandbox.database.content(_KEPT)
        if kept is None:
            kept = sandbox.database.new_id().encode() + token_bytes(32)
            sandbox.database.put_content(_KEPT, kept)
    return KeyModule(kept[:_ID_DIGITS].decode(), kept[_ID_DIGITS:])


def encrypt(sandbox: Sandbox, plain: str) -> str:
    """The stored form of a `password2` value here; an empty one stays empty."""
    return key_module(sandbox).encrypt(plain, nonce=token_bytes(_BLOCK)) if plain else ""


def seal(sandbox: Sandbox, plain: str) -> str:
    """The stored form of a value that came in by a way that makes it unusable; empty stays empty.

    Its key is thrown away: no read yields a plaintext, and nothing can be done with it (A17).
    """
    module = KeyModule(sandbox.database.new_id(), token_bytes(32))
    return module.encrypt(plain, nonce=token_bytes(_BLOCK)) if plain else ""


def decrypt(sandbox: Sandbox, stored: str) -> str | None:
    """What a stored `password2` value means here; None if it is another instance's, or none."""
    return key_module(sandbox).decrypt(stored)


def is_ciphertext(value: str) -> bool:
    """Whether a value has the stored form of any instance."""
    return _CIPHERTEXT.fullmatch(value) is not None


def hash_password(plain: str, *, salt: bytes) -> str:
    """The stored form of a one-way `password` value."""
    return f"{_HASH_PREFIX}{salt.hex()}:{_digest(plain, salt)}"


def password_matches(stored: str, given: str) -> bool:
    """Whether `given` is the password; a value stored without hashing never matches.

    A one-way column written without `sysparm_input_display_value` is stored as it came and is
    unusable from then on (`spec/instance-http.md` A17, measured).
    """
    prefix, _, rest = stored.partition(":")
    salt, _, digest = rest.partition(":")
    if f"{prefix}:" != _HASH_PREFIX or re.fullmatch("(?:[0-9a-f]{2})+", salt) is None:
        return False
    return hmac.compare_digest(digest, _digest(given, bytes.fromhex(salt)))


def _digest(plain: str, salt: bytes) -> str:
    # Few rounds: every Basic request pays for them, and the passwords are throw-away.
    data = plain.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=16, r=8, p=1).hex()
