"""Rate limits of REST requests: counters per user that reach the database late.

`spec/instance-http.md` A2: counters are per user and node and are written every 30 s; matching
requests carry `X-RateLimit-*`, a denied one is 429 with `Retry-After` [DOC]. A 429 without
headers has been reported [TP].
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from generator.clock import Clock
from generator.sandbox.behaviour import Behaviour

LAG = 30.0
"""Seconds between two writes of the counters [DOC]."""

HOUR = 3600

RULE = "7ad1f2b4c3e60110d4f5a1b2c3d4e5f6"
"""sys_id of the rule, for `X-RateLimit-Rule`."""


@dataclass(slots=True)
class _Count:
    window: int
    known: int = 0
    pending: int = 0
    written: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says to one request."""

    denied: bool
    limit: int
    headers: tuple[tuple[str, str], ...]


class Limits:
    """The counters of one sandbox."""

    def __init__(self, behaviour: Behaviour, *, clock: Clock) -> None:
        """Args: behaviour: The switches. clock: Time."""
        self._behaviour = behaviour
        self._clock = clock
        self._counts: dict[str, _Count] = {}
        self._lock = threading.Lock()

    def count(self, user: str) -> Verdict | None:
        """Count one REST request of a user; None without a rule."""
        limit = self._behaviour.rate_limit.requests
        if not limit:
            return None
        now, tick = int(self._clock.now().timestamp()), self._clock.monotonic()
        with self._lock:
            count = self._counts.get(user)
            if count is None or count.window != now // HOUR:
                count = self._counts[user] = _Count(now // HOUR, written=tick)
            if tick - count.written >= LAG:
                count.known += count.pending
                count.pending, count.written = 0, tick
            denied = count.known >= limit
            count.pending += not denied
        return Verdict(denied, limit, self._headers(now, limit=limit, denied=denied))

    def _headers(self, now: int, *, limit: int, denied: bool) -> tuple[tuple[str, str], ...]:
        if denied and not self._behaviour.rate_limit_headers:
            return ()
        reset = (now // HOUR + 1) * HOUR
        told = [
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Reset", str(reset)),
            ("X-RateLimit-Rule", RULE),
        ]
        if denied:
            told.append(("Retry-After", str(reset - now)))
        return tuple(told)
