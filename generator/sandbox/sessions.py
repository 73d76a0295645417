"""UI sessions, guests' and REST sessions: cookies, tokens, and when they end.

`spec/instance-http.md` A2, A4. A session is known by the cookie `JSESSIONID`. Its token has 72
hexadecimal digits and serves as form field `sysparm_ck` and header `X-UserToken` alike [PLAT].
"""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from generator.clock import Clock
from generator.sandbox.behaviour import Behaviour

COOKIE = "JSESSIONID"

REST_SECONDS = 60
"""Idle time after a REST reply: it re-issues `glide_session_store` with `Max-Age=60` where
login-side replies give 1800 [MEAS]."""

TOKEN_DIGITS = 72

FEW = 256
"""Below this many sessions nobody looks for ended ones."""


class SessionKind(StrEnum):
    """What a session may do."""

    GUEST = "guest"
    """Nobody is signed in; it has a token all the same."""

    REST = "rest"
    """Came of a REST call: keeps a current update set and application, opens no UI page."""

    UI = "ui"


@dataclass(slots=True)
class UiSession:
    """One session of an instance."""

    id: str
    """Value of `JSESSIONID`, 32 hex in capitals."""

    token: str
    """`g_ck`, `sysparm_ck`, `X-UserToken`."""

    kind: SessionKind = SessionKind.GUEST
    user: str = ""
    """sys_id of the user; empty for a guest."""

    update_set: str = ""
    """sys_id of the current update set, once chosen."""

    application: str = "global"
    """Current application scope."""

    store: str = ""
    """Value of the cookie `glide_session_store`."""

    touched: float = 0.0
    """When it was last used, seconds of the monotonic clock."""

    seconds: float = 1800
    """How long it may idle from then on."""

    uses: int = 0
    """How often the token was used."""

    @property
    def is_ui(self) -> bool:
        """Whether UI pages open."""
        return self.kind == SessionKind.UI


class Sessions:
    """All sessions of one sandbox."""

    def __init__(self, behaviour: Behaviour, *, clock: Clock, random: Random) -> None:
        """Args: behaviour: The switches. clock: Time. random: Where ids and tokens come from."""
        self._behaviour = behaviour
        self._clock = clock
        self._random = random
        self._open: dict[str, UiSession] = {}
        self._most = FEW
        self._lock = threading.RLock()

    def open(self, kind: SessionKind, *, user: str = "") -> UiSession:
        """A new session; now and then those that ended are forgotten."""
        with self._lock:
            if len(self._open) >= self._most:
                self._forget()
            session = UiSession(
                id=self.hex(32).upper(),
                token=self.hex(TOKEN_DIGITS),
                kind=kind,
                user=user,
                store=self.hex(32).upper(),
            )
            self._open[session.id] = session
            self.touch(session, rest=kind == SessionKind.REST)
            return session

    def find(self, identifier: str | None) -> UiSession | None:
        """The session of a cookie, if it has not ended."""
        if not identifier:
            return None
        with self._lock:
            found = self._open.get(identifier)
            if found is not None and self._has_ended(found):
                del self._open[found.id]
                return None
            return found

    def sign_in(self, session: UiSession, *, user: str, kind: SessionKind) -> None:
        """Give a session to a user, with a new token."""
        with self._lock:
            if session.user != user:
                session.token = self.hex(TOKEN_DIGITS)
                session.update_set, session.application = "", "global"
            session.user, session.kind = user, kind
            self.touch(session, rest=kind == SessionKind.REST)

    def touch(self, session: UiSession, *, rest: bool) -> None:
        """Note that a session was used; a REST reply shortens its life to a minute [MEAS]."""
        longest = self._behaviour.session_seconds
        session.touched = self._clock.monotonic()
        session.seconds = min(longest, REST_SECONDS) if rest else longest

    def takes(self, session: UiSession, token: str | None) -> bool:
        """Whether a token is the session's own; counts its use (switch `token_stale_after`)."""
        with self._lock:
            # Bytes, since a header may hold letters that `compare_digest` does not take.
            given = (token or "").encode("utf-8", "surrogateescape")
            if not token or not hmac.compare_digest(session.token.encode(), given):
                return False
            session.uses += 1
            if session.uses == self._behaviour.token_stale_after:
                session.token, session.uses = self.hex(TOKEN_DIGITS), 0
            return True

    def close(self, session: UiSession) -> None:
        """End a session (`/logout.do`)."""
        with self._lock:
            self._open.pop(session.id, None)

    def close_all(self) -> None:
        """End every session, as a restart of the node does."""
        with self._lock:
            self._open.clear()

    def hex(self, digits: int) -> str:
        """Random hexadecimal digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def _has_ended(self, session: UiSession) -> bool:
        return self._clock.monotonic() - session.touched > session.seconds

    def _forget(self) -> None:
        for session in [found for found in self._open.values() if self._has_ended(found)]:
            del self._open[session.id]
        self._most = max(FEW, 2 * len(self._open))
