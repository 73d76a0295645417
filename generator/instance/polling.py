"""Waiting for an instance: soon at first, then at growing intervals, never for ever.

The waits and limits are those of `spec/instance-http.md` A13, but for the first polls, which come
sooner: most previews of a small package are over within a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from generator.clock import Clock

FIRST_WAIT = 0.2
GROWTH = 1.8
LONGEST_WAIT = 10.0
"""Seconds."""

LOAD_LIMIT = 300.0
PREVIEW_LIMIT = 600.0
COMMIT_LIMIT = 1200.0
BACK_OUT_LIMIT = 1200.0
PREVIEW_STALL = 120.0
COMMIT_STALL = 300.0
"""Seconds (A13)."""


@dataclass(slots=True)
class Patience:
    """How long one step is waited for."""

    clock: Clock
    limit: float
    """Seconds in all."""

    stall: float | None = None
    """Seconds without any change after which the work counts as stalled."""

    waited: float = 0.0
    """Seconds slept so far."""

    _wait: float = FIRST_WAIT
    _began: float = field(init=False)
    _mark: object = None
    _moved: float = field(init=False)

    def __post_init__(self) -> None:
        """The clock starts."""
        self._began = self._moved = self.clock.monotonic()

    def sleep(self) -> None:
        """Wait once; each wait is longer than the last."""
        seconds = min(self._wait, LONGEST_WAIT)
        self._wait = min(self._wait * GROWTH, LONGEST_WAIT)
        self.clock.sleep(seconds)
        self.waited += seconds

    def saw(self, mark: object) -> None:
        """Remember how the work looked, to notice when it stands still."""
        if mark != self._mark:
            self._mark = mark
            self._moved = self.clock.monotonic()

    @property
    def passed(self) -> float:
        """Seconds since it began."""
        return self.clock.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        """Whether the limit has passed."""
        return self.passed >= self.limit

    @property
    def stalled(self) -> bool:
        """Whether nothing changed for too long."""
        return self.stall is not None and self.clock.monotonic() - self._moved >= self.stall
