"""What stopped a call, as faults: a crash, the machine, or the user's Ctrl-C."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from generator.cli.output import crash_fault
from generator.errors import ExitCode, Fault

if TYPE_CHECKING:
    from generator.config.environment import Environment
    from generator.instance.report import Report

_REFUSALS = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.ELOOP,
        errno.EMFILE,
        errno.ENAMETOOLONG,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)
"""What the machine may say for reasons of its own; any other `OSError` is a bug of ours."""

_GOES_ON = {
    "preview": "a preview that was begun goes on on the instance; this set is not committed",
    "commit": "a commit that was begun goes on on the instance",
    "publish": "whether the action was published is not known",
    "back out": "a back out that was begun goes on on the instance",
    "secret": "whether the secret was delivered is not known",
    "new secret": "whether Azure has a new secret is not known",
    "store": "whether the vault has the new secret is not known",
    "put back": "what is put back and what is not is not known",
    "remove": "whether the old secret was removed is not known",
}
"""Steps whose work an instance does not stop because nobody waits for it."""

_DRY_RUN = "dry-run"
_CUT_OVERS = ("activate", "deactivate")
_PUT_BACK = "put back"
_CHANGES_NOTHING = ("preflight", "token", "")
"""Steps during which nothing has been changed yet, if they come first."""

_MOST_ALIKE = 3
"""From more faults of one kind and next step on, one stands for all that are listed."""

_LISTED = {
    "not-arrived": "records did not arrive as the package says; they are listed above",
    "differs": "things on the instance read otherwise than the package; they are listed above",
}
"""Faults that the list of differences tells, too."""


def unexpected_fault(error: Exception) -> Fault:
    """What the machine refused, or a bug whose traceback is kept."""
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return system_fault(error)
    return crash_fault(error)


def system_fault(error: OSError) -> Fault:
    """What the operating system refused."""
    return Fault(
        "system",
        f"The operating system said no: {error.strerror}.",
        file=None if error.filename is None else str(error.filename),
        next="check free space, permissions and where the output goes, then run again",
    )


def interrupted(report: Report, *, environment: Environment) -> Fault:
    """What the user's Ctrl-C left on the instance, by the step that was under way."""
    step = "" if report.current is None else report.current[0]
    changed = any(done.name not in _CHANGES_NOTHING for done in report.steps)
    if report.mode == _DRY_RUN or (step in _CHANGES_NOTHING and not changed):
        return Fault("interrupted", "Interrupted; nothing was changed on the instance.")
    if report.current is None and report.steps and report.steps[-1].name == _PUT_BACK:
        return Fault("interrupted", "Interrupted; everything was put back as it was.")
    during = f"during the step {step}" if step else f"after the step {report.steps[-1].name}"
    left = _GOES_ON.get(step, "what was done before it stays on the instance")
    return Fault("interrupted", f"Interrupted {during}: {left}.", next=_go_on(report, environment))


def alike_together(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """One fault for many that the list of differences has told already; the others as they are."""
    groups: dict[tuple[str, str | None], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.code, fault.next), []).append(fault)
    told: list[Fault] = []
    for (code, next_step), group in groups.items():
        if code in _LISTED and len(group) > _MOST_ALIKE:
            told.append(Fault(code, f"{len(group)} {_LISTED[code]}.", next=next_step))
        else:
            told += group
    return tuple(told)


def headline(report: Report, code: ExitCode, faults: Sequence[Fault]) -> str:
    """Why a step failed, in one short line; the faults say it in full."""
    if code is ExitCode.PREVIEW_PROBLEMS:
        count = sum(problem.outcome == "open" for problem in report.problems)
        if count:
            return f"{count} open problem{'s' if count > 1 else ''}"
    first, *others = alike_together(faults)
    return f"{first.message} (and {len(others)} more)" if others else first.message


def _go_on(report: Report, environment: Environment) -> str:
    from generator.instance.next_step import call

    if report.mode == "back-out":
        return (
            f"see {call(environment, 'instance status')}; then run "
            f"{call(environment, 'back-out')} again if it did not end"
        )
    if report.mode == "secret deliver":
        return "run it again: to deliver the same secret again changes nothing"
    if report.mode.startswith("secret rotate"):
        return "run it again: it looks at what is there, and goes on"
    if report.mode in _CUT_OVERS:
        return f"run {call(environment, report.mode)} again: it goes on from what is there"
    if report.mode == "preview-only":
        return "run it again: what stayed there is removed first"
    return f"run {call(environment, 'import', '--resume')}"
