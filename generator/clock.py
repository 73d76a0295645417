"""The clock: read at one place, once a call, and passed in everywhere else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from generator.errors import Fault, UsageError

VARIABLE = "SOURCE_DATE_EPOCH"
"""Wins over the clock (reproducible-builds.org, "SOURCE_DATE_EPOCH specification")."""

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
LATEST = datetime(2500, 1, 1, tzinfo=UTC)
"""What a build time may be: `sys_recorded_at` has 11 hex digits for milliseconds since 1970
(`spec/update-set-format.md` section 9), and stamps lie a little before and after it."""

_DIGITS = 11


class Clock(Protocol):
    """Time for work that waits: passed in, so that tests need not wait."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own `Clock`."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class SteppedClock:
    """A `Clock` that moves only when somebody sleeps on it, for tests and the sandbox."""

    def __init__(self, start: datetime) -> None:
        """Args: start: The first moment, aware."""
        self._start = start.astimezone(UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that were slept so far."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._passed += max(seconds, 0.0)


def read_clock(variables: Mapping[str, str]) -> datetime:
    """The present moment, aware, UTC, whole seconds.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set and is no number of seconds, or out of bounds.
    """
    given = variables.get(VARIABLE)
    if not given:
        return datetime.now(UTC).replace(microsecond=0)
    is_number = given.isascii() and given.isdigit() and len(given) <= _DIGITS
    moment = datetime.fromtimestamp(int(given), UTC) if is_number else None
    if moment is None or not EARLIEST <= moment <= LATEST:
        raise UsageError(
            Fault(
                "source-date-epoch",
                f"{VARIABLE} must be a whole number of seconds since 1970-01-01 UTC, "
                f"between the years {EARLIEST.year} and {LATEST.year}.",
                path=VARIABLE,
                next="correct or unset the environment variable",
            )
        )
    return moment
