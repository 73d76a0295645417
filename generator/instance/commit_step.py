"""Commit once, and read what became of it; nothing here ever sends a commit twice (A9)."""

from __future__ import annotations

import json

from generator.errors import Fault, RemoteError, VerificationFailed
from generator.instance.interface import Operation
from generator.instance.journal import Event
from generator.instance.known_sets import COMMITTED, COMMITTING
from generator.instance.package_files import Unit
from generator.instance.polling import COMMIT_LIMIT, COMMIT_STALL
from generator.instance.run import Run
from generator.instance.work import (
    Look,
    failed,
    is_lost,
    look,
    mark,
    out_of_patience,
    tell_progress,
)

NOT_STARTED = 20.0
"""Seconds after which an unchanged set without a tracker counts as not started (A9)."""


def commit(run: Run, unit: Unit) -> None:
    """Commit one unit and see its sets committed. That its records arrived is another question.

    Raises:
        RemoteError: It was refused, did not start, or did not end in time.
        VerificationFailed: It ended half-way.
    """
    had = "true" if run.had_secret else "false"
    # Decisions are written down with the commit that they shape: a later import asks for them.
    run.journal.write(
        Event.COMMITTING,
        unit=unit.base.sys_id,
        had_secret=had,
        left_out=json.dumps(run.left_out, sort_keys=True),
    )
    run.tell(f"commit ({unit.name}): started")
    operation: Operation | None = None
    refused: RemoteError | None = None
    try:
        operation = run.instance.commit(unit.base.sys_id, batch=unit.batch, route=run.route)
    except RemoteError as error:
        if not is_lost(error):
            refused = error
        run.tell("commit: no clear answer came; reading the state, never sending it again")
    _await(run, unit, operation, refused)


def _await(run: Run, unit: Unit, operation: Operation | None, refused: RemoteError | None) -> None:
    patience = run.patience(COMMIT_LIMIT, stall=COMMIT_STALL)
    while True:
        run.sleep(patience)
        found = look(run, unit, operation)
        states = set(found.states(unit))
        over = found.progress is None or found.progress.ended
        if over and states == {COMMITTED}:
            run.journal.write(Event.COMMITTED, unit=unit.base.sys_id)
            run.done("commit", "the sets are committed", unit=unit)
            return
        untouched = not states & {COMMITTED, COMMITTING}
        if refused is not None and untouched:
            raise refused
        if untouched and failed(found.progress):
            raise _failed(run, unit, found)
        if untouched and operation is None and patience.passed >= NOT_STARTED:
            raise _not_started(unit, found)
        if over and found.progress is not None and COMMITTED in states and not _moving(states):
            raise _half_way(unit, found)
        patience.saw(mark(found))
        tell_progress(run, f"commit ({unit.name})", found)
        why = out_of_patience(patience)
        if why is not None:
            raise _unfinished(unit, found, why)


def _moving(states: set[str]) -> bool:
    return COMMITTING in states


def _failed(run: Run, unit: Unit, found: Look) -> RemoteError:
    message = found.progress.message if found.progress else ""
    return RemoteError(
        Fault(
            "commit-failed",
            f"{run.instance.url} refused to commit the {unit.name} set ({unit.base.sys_id}): "
            f"{message or 'it does not say why'}. It is {', '.join(found.states(unit))}.",
            next="look at the set on the instance (Retrieved Update Sets); then import again",
        ),
        detail=message,
    )


def _not_started(unit: Unit, found: Look) -> RemoteError:
    return RemoteError(
        Fault(
            "commit-not-started",
            f"The commit of the {unit.name} set was sent once and not answered; "
            f"{NOT_STARTED:.0f} s later the set is unchanged ({', '.join(found.states(unit))}): "
            "it was not started, and is not sent again by itself.",
            next="run the import again with --resume",
        )
    )


def _half_way(unit: Unit, found: Look) -> VerificationFailed:
    states = ", ".join(
        f"{entry.role} {state or 'gone'}"
        for entry, state in zip(unit.sets, found.states(unit), strict=True)
    )
    return VerificationFailed(
        Fault(
            "commit-half-way",
            f"The commit ended and only part of the sets is committed: {states}.",
            next="look at the commit log on the instance; back the sets out, then import again",
        )
    )


def _unfinished(unit: Unit, found: Look, why: str) -> RemoteError:
    return RemoteError(
        Fault(
            "commit-unfinished",
            f"The commit of the {unit.name} set is under way and {why}; it is "
            f"{', '.join(found.states(unit))}.",
            next="let it end on the instance; then run the import again with --resume: it reads "
            "what arrived",
        )
    )
