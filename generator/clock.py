"""The clock: read at one place, once a call, and passed in everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from generator.errors import Fault, UsageError

VARIABLE = "SOURCE_DATE_EPOCH"
"""Wins over the clock (reproducible-builds.org, "SOURCE_DATE_EPOCH specification")."""

_LATEST = 253402300799


def read_clock(variables: Mapping[str, str]) -> datetime:
    """The present moment, aware, UTC, whole seconds.

    Raises:
        UsageError: `SOURCE_DATE_EPOCH` is set and is no number of seconds.
    """
    given = variables.get(VARIABLE)
    if not given:
        return datetime.now(UTC).replace(microsecond=0)
    if not (given.isascii() and given.isdigit() and int(given) <= _LATEST):
        raise UsageError(
            Fault(
                "source-date-epoch",
                f"{VARIABLE} must be a whole number of seconds since 1970-01-01 UTC.",
                path=VARIABLE,
                next="correct or unset the environment variable",
            )
        )
    return datetime.fromtimestamp(int(given), UTC)
