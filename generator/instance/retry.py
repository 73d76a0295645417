"""Which requests are repeated, when, and for how long: one budget of waiting for a whole session.

Reads only (`spec/instance-http.md` A2): on lost connections, 429, 502, 503 and 504. What changes
something is sent once, and a lost answer to it is `OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from generator.clock import Clock
from generator.errors import NetworkError, OutcomeUnknown, RemoteError, ResponseError
from generator.instance.calls import Answer, Call, Failure, Kind, Scrubber, http_date
from generator.instance.messages import Messages
from generator.instance.transport import LARGEST_BODY, Wire

if TYPE_CHECKING:
    from requests.cookies import RequestsCookieJar

AGAIN = frozenset({429, 502, 503, 504})

LONGEST_WAIT = 60.0
"""Ceiling of the doubling waits, seconds."""

COOL_DOWN = 60.0
"""After a 429 that does not say how long (A2, our figure), seconds."""

MOST_TRIES = 7
"""For lost connections and gateways without a node: about a minute of waits."""

MOST_FIRST_TRIES = 3
"""For an address that has never answered: it is likely wrong."""


class Budget:
    """Seconds that repeated requests may cost, altogether: waits and failed tries."""

    def __init__(self, seconds: float, *, clock: Clock) -> None:
        """Args: seconds: The whole. clock: What waits."""
        self.left = seconds
        self.waited = 0.0
        self._clock = clock

    def wait(self, seconds: float, *, lost: float) -> bool:
        """Wait, if so much is left; False without waiting if not.

        Args:
            seconds: How long.
            lost: What the failed try took, which counts, too.
        """
        self.left -= lost
        if seconds > self.left:
            return False
        self.left -= seconds
        self.waited += seconds
        self._clock.sleep(seconds)
        return True


class Caller:
    """Sends calls over a wire until an answer comes that can be judged."""

    def __init__(
        self,
        *,
        budget: Budget,
        clock: Clock,
        messages: Messages,
        scrubber: Scrubber,
        jitter: Callable[[], float],
        log: Callable[[str], None] | None,
    ) -> None:
        """Args: budget: Waits left. jitter: A number of [0, 1), so that callers spread."""
        self.messages = messages
        self.scrubber = scrubber
        self.sent = 0
        self._budget = budget
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._has_answered = False

    @property
    def waited(self) -> float:
        """Seconds waited before repeated requests so far."""
        return self._budget.waited

    def note(self, text: str) -> None:
        """Write a line to the log, if there is one."""
        if self._log:
            self._log(self.scrubber.clean(text, limit=500))

    def send(
        self,
        call: Call,
        *,
        wire: Wire,
        jar: RequestsCookieJar | None = None,
        largest: int = LARGEST_BODY,
    ) -> Answer:
        """The answer, whatever its status, but none that says to come again.

        Raises:
            NetworkError: No answer, also after what repeats are allowed.
            ResponseError: An answer larger than allowed.
            OutcomeUnknown: A change was sent, and no answer or a gateway's came back.
        """
        tries = 0
        while True:
            tries += 1
            self.sent += 1
            began = self._clock.monotonic()
            result = wire.exchange(call, jar=jar, largest=largest)
            self._note_result(call, result)
            if isinstance(result, Answer):
                self._has_answered = True
                if result.status not in AGAIN:
                    return result
            wait = self._wait_before_next(call, result, tries=tries)
            lost = self._clock.monotonic() - began
            if wait is None or not self._budget.wait(wait, lost=lost):
                raise self._given_up(call, result, wait=wait)
            self.note(f"{call.method} {call.path}: again after {wait:.1f} s")

    def _wait_before_next(
        self, call: Call, result: Answer | Failure, *, tries: int
    ) -> float | None:
        """Seconds until the next try, or None for no more."""
        if call.kind is not Kind.READ:
            return None
        if isinstance(result, Failure):
            most = MOST_TRIES if self._has_answered else MOST_FIRST_TRIES
            return self._doubled(tries) if result.is_transient and tries < most else None
        if self.messages.is_hibernating(result):
            return None
        asked = self._asked_wait(result)
        if asked is not None:
            return asked
        if result.status == 429:
            return COOL_DOWN + self._jitter()
        return self._doubled(tries) if tries < MOST_TRIES else None

    def _asked_wait(self, answer: Answer) -> float | None:
        """`Retry-After`: seconds, or a date."""
        asked = answer.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit():
            return max(float(asked[:9]), 1.0)
        moment = http_date(asked) if asked else None
        if moment is None:
            return None
        return max(moment - self._clock.now().timestamp(), 0.0) + 1.0

    def _doubled(self, tries: int) -> float:
        return min(2.0 ** (tries - 1), LONGEST_WAIT) * (0.75 + self._jitter() / 2)

    def _given_up(self, call: Call, result: Answer | Failure, *, wait: float | None) -> RemoteError:
        if isinstance(result, Answer):
            return self.messages.outage(result, wait=wait)
        if call.kind is Kind.WRITE and result.may_stand:
            return OutcomeUnknown(self.messages.lost(call, result))
        return (ResponseError if result.is_oversized else NetworkError)(result.fault)

    def _note_result(self, call: Call, result: Answer | Failure) -> None:
        if isinstance(result, Failure):
            self.note(f"{call.method} {call.path} -> no answer ({result.fault.code})")
        else:
            mark = f" (transaction {result.transaction})" if result.transaction else ""
            self.note(f"{call.method} {call.path} -> {result.status}{mark}")
