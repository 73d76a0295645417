"""Inbound OAuth: the tokens that registered clients were given (`spec/instance-http.md` B3.20).

Tokens are kept as digests only.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from random import Random

from generator.clock import Clock
from generator.sandbox.behaviour import Behaviour

REFRESH_SECONDS = 8_640_000
"""Life of a refresh token, 100 days: the platform's own default [INF for the sandbox]."""


@dataclass(frozen=True, slots=True)
class Client:
    """One inbound registration (`oauth_entity` of an external client)."""

    id: str
    user: str
    """sys_id of the OAuth Application User; empty where none is set."""


@dataclass(frozen=True, slots=True)
class Token:
    """One access or refresh token."""

    user: str
    """sys_id of the user it stands for."""

    client: str
    ends: float
    """When it ends, seconds of the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token request was given."""

    access_token: str
    refresh_token: str | None
    expires_in: int
    """Seconds left, one less than the life: the measured reply says 1799."""


class Tokens:
    """Tokens of one sandbox."""

    def __init__(self, behaviour: Behaviour, *, clock: Clock, random: Random) -> None:
        """Args: behaviour: The switches. clock: Time. random: Where tokens come from."""
        self._behaviour = behaviour
        self._clock = clock
        self._random = random
        self._access: dict[bytes, Token] = {}
        self._refresh: dict[bytes, Token] = {}
        self._lock = threading.RLock()

    def grant(self, client: Client, *, user: str, with_refresh: bool) -> Granted:
        """Give out tokens for a user."""
        seconds = self._behaviour.oauth_seconds
        now = self._clock.monotonic()
        access = f"{self._random.getrandbits(512):0128x}"
        refresh = f"{self._random.getrandbits(512):0128x}" if with_refresh else None
        with self._lock:
            self._access[digest(access)] = Token(user, client.id, now + seconds)
            if refresh is not None:
                self._refresh[digest(refresh)] = Token(user, client.id, now + REFRESH_SECONDS)
        return Granted(access, refresh, max(seconds - 1, 0))

    def bearer(self, token: str) -> Token | None:
        """Whom an access token stands for, while it lives."""
        return self._alive(self._access.get(digest(token)))

    def refreshable(self, token: str) -> Token | None:
        """Whom a refresh token stands for, while it lives."""
        return self._alive(self._refresh.get(digest(token)))

    def revoke_all(self) -> None:
        """End every access token."""
        with self._lock:
            self._access.clear()

    def _alive(self, token: Token | None) -> Token | None:
        if token is None or self._clock.monotonic() >= token.ends:
            return None
        return token


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
