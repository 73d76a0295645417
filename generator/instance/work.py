"""Waiting for work on a set: the tracker is looked at first, then the sets, which alone prove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.errors import AuthenticationError, NetworkError, OutcomeUnknown, RemoteError
from generator.instance.interface import Operation, ProgressState, Stage
from generator.instance.known_sets import Known, known_of, sets_read
from generator.instance.package_files import Unit
from generator.instance.polling import Patience
from generator.instance.run import Run


@dataclass(frozen=True, slots=True)
class Look:
    """One look at work and at the sets it is done to."""

    progress: ProgressState | None
    """None where there is no tracker, or it did not answer."""

    known: Mapping[str, Known]

    def states(self, unit: Unit) -> tuple[str, ...]:
        """State of each set of a unit; empty where one is not there."""
        return tuple(
            self.known[entry.sys_id].state if entry.sys_id in self.known else ""
            for entry in unit.sets
        )


def look(run: Run, unit: Unit, operation: Operation | None) -> Look:
    """Look once; a tracker that cannot be read is no reason to stop, sets that cannot are.

    Raises:
        RemoteError: The sets cannot be read.
    """
    progress: ProgressState | None = None
    if operation is not None:
        try:
            progress = run.instance.progress(operation)
        except RemoteError:
            progress = None
    ids = [entry.sys_id for entry in unit.sets]
    known = known_of(run.read({"sets": sets_read(ids)})["sets"])
    return Look(progress, known)


def mark(found: Look) -> tuple[object, ...]:
    """What changes while work goes on: its percentage, and the sets' own stamps."""
    percent = None if found.progress is None else found.progress.percent
    return (percent, *(entry.mark for entry in found.known.values()))


def tell_progress(run: Run, what: str, found: Look) -> None:
    """Say how far the work is, where it says so itself."""
    progress = found.progress
    if progress is not None and not progress.ended and progress.percent is not None:
        run.tell(f"{what}: {progress.percent} %{f', {progress.message}' * bool(progress.message)}")


def failed(progress: ProgressState | None) -> bool:
    """Whether the tracker says that the work ended badly; an unknown state does, too (A13)."""
    return progress is not None and progress.stage in (
        Stage.FAILED,
        Stage.CANCELLED,
        Stage.UNKNOWN,
    )


def is_lost(error: RemoteError) -> bool:
    """Whether a request may have been carried out although no clear answer came.

    A 5xx and a 2xx that cannot be read say nothing about what was done (A2); 3xx and 4xx are no.
    """
    if isinstance(error, AuthenticationError):
        return False
    if isinstance(error, OutcomeUnknown | NetworkError) or error.status is None:
        return True
    return error.status >= _SERVER_ERROR or error.status < _REDIRECT


_REDIRECT = 300
_SERVER_ERROR = 500


def out_of_patience(patience: Patience) -> str | None:
    """Why waiting ends; None as long as it may go on."""
    if patience.is_over:
        return f"it was not over after {patience.limit:.0f} s"
    if patience.stalled:
        return f"nothing moved for {patience.stall or 0:.0f} s"
    return None
