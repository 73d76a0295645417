"""Decide about preview problems by the user's rules, write that, and read it back (A8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from generator.config.instance_settings import ProblemKind
from generator.errors import Fault, PreviewProblems, RemoteError
from generator.instance.interface import Read
from generator.instance.next_step import call
from generator.instance.package_files import Unit
from generator.instance.preview_step import PREVIEWS, PROBLEMS, Previewed
from generator.instance.problems import (
    IGNORED,
    OPEN,
    SKIPPED,
    Decision,
    Problem,
    Verdict,
    decide,
)
from generator.instance.read_back import compare, record_reads
from generator.instance.report import ProblemFound
from generator.instance.run import Run, answered
from generator.instance.work import is_lost

ALREADY_SO = "the record already reads as the package says"
_MOST_ALIKE = 3
"""From more problems of one kind and text on, one fault stands for all."""


def resolve(run: Run, unit: Unit, previewed: Previewed) -> Previewed:
    """Resolve every problem that a rule decides, and prove that none is open.

    Returns:
        The preview as it stands afterwards.

    Raises:
        PreviewProblems: A problem is open and no rule decides it; nothing was committed.
        RemoteError: The instance did not answer.
    """
    verdicts = _verdicts(run, unit, previewed)
    run.report.problems += [_found(problem, verdict) for problem, verdict in verdicts]
    for problem, verdict in verdicts:
        # Those that stay open are told at the end, with what to do.
        if verdict.decision is not Decision.OPEN:
            run.tell(f"  problem: {_found(problem, verdict)} [{verdict.reason}]")
    still_open = [entry for entry in verdicts if entry[1].decision is Decision.OPEN]
    if still_open:
        raise PreviewProblems(*_faults(run, still_open))
    if not verdicts:
        run.idle("problems", "none", unit=unit)
        return _with_skips(run, previewed)
    if run.options.preview_only:
        run.done("problems", f"{len(verdicts)}, each decided by a rule", unit=unit)
        return previewed
    written = [
        _write(run, problem, verdict, previewed)
        for problem, verdict in verdicts
        if problem.status != _status(verdict) or verdict.decision is Decision.SKIPPED
    ]
    if any(written):
        previewed = _proven(run, previewed, verdicts)
    run.done("problems", _summary(verdicts), unit=unit)
    return _with_skips(run, previewed)


def _verdicts(run: Run, unit: Unit, previewed: Previewed) -> list[tuple[Problem, Verdict]]:
    problems = previewed.problems
    same = _reads_back(run, unit, problems)
    imports, options = run.environment.imports, run.options
    verdicts: list[tuple[Problem, Verdict]] = []
    for problem in problems:
        if problem.update_name in same:
            verdict = Verdict(Decision.SKIPPED, ALREADY_SO)
        elif problem.status == IGNORED:
            verdict = Verdict(Decision.ACCEPTED, "accepted on the instance")
        elif problem.status == SKIPPED:
            verdict = Verdict(Decision.SKIPPED, "skipped on the instance")
        else:
            # A status that we do not know counts as open (A8).
            verdict = decide(
                problem,
                accept=(*options.accept, *imports.accept),
                skip=(*options.skip, *imports.skip),
            )
        verdicts.append((problem, verdict))
    return verdicts


def _reads_back(run: Run, unit: Unit, problems: Iterable[Problem]) -> frozenset[str]:
    """Names of the collided updates whose record reads as the package says already.

    The one rule that is built in: a secret delivered over the Table API, for one, is captured by
    the platform as a local change that is newer than the set. A record that brings others along
    (the action) is left to the user: its first record alone does not show that all of it is so.
    """
    collided = [p for p in problems if p.kind is ProblemKind.COLLISION and p.status == OPEN]
    names = {problem.update_name for problem in collided}
    others = {p.update_name for p in problems if p.kind is not ProblemKind.COLLISION}
    records = [
        r for r in run.package.of(unit) if r.update_name in names - others and not r.children
    ]
    if not records:
        return frozenset()
    found = run.read(record_reads(records))
    return frozenset(r.update_name for r in records if not compare([r], found).differences)


def _write(run: Run, problem: Problem, verdict: Verdict, previewed: Previewed) -> bool:
    """Write one decision; True where something had to be written."""
    wrote = False
    status = _status(verdict)
    if problem.status != status:
        _patch(run, PROBLEMS, problem.sys_id, {"status": status})
        wrote = True
    if verdict.decision is Decision.SKIPPED:
        # The commit looks at the preview row alone (A8).
        for row in previewed.rows:
            if row.row_sys_id == problem.row_sys_id and row.proposed_action != "skip":
                _patch(run, PREVIEWS, row.sys_id, {"proposed_action": "skip"})
                wrote = True
    return wrote


def _patch(run: Run, table: str, sys_id: str, values: dict[str, str]) -> None:
    try:
        run.instance.update(table, sys_id, values)
    except RemoteError as error:
        # Everything written is read back before a commit.
        if not is_lost(error):
            raise


def _proven(run: Run, previewed: Previewed, verdicts: list[tuple[Problem, Verdict]]) -> Previewed:
    """Read the decisions back.

    Raises:
        PreviewProblems: One does not stand as written.
    """
    ids = ",".join(problem.sys_id for problem, _ in verdicts)
    rows = ",".join(problem.row_sys_id for problem, _ in verdicts)
    found = run.read(
        {
            "problems": Read(PROBLEMS, f"sys_idIN{ids}", ("sys_id", "status"), limit=10_000),
            "previews": Read(
                PREVIEWS,
                f"remote_updateIN{rows}",
                ("sys_id", "remote_update", "proposed_action"),
                limit=10_000,
            ),
        }
    )
    statuses = {r.get("sys_id"): r.get("status") for r in answered(found["problems"]).rows}
    actions = {
        r.get("remote_update"): r.get("proposed_action") for r in answered(found["previews"]).rows
    }
    bad = [
        problem
        for problem, verdict in verdicts
        if statuses.get(problem.sys_id) != _status(verdict)
        or (verdict.decision is Decision.SKIPPED and actions.get(problem.row_sys_id) != "skip")
    ]
    if bad:
        raise PreviewProblems(
            *(
                Fault(
                    "problem-not-resolved",
                    f"The decision about {problem.update_name} ({problem.kind}) was written and "
                    "does not stand on the instance.",
                    next="resolve it there (Retrieved Update Sets, Update Set Preview Problems) "
                    "and commit there, or import again",
                )
                for problem in bad
            )
        )
    rows_now = tuple(
        replace(row, proposed_action=actions.get(row.row_sys_id) or row.proposed_action)
        for row in previewed.rows
    )
    return Previewed(previewed.problems, rows_now)


def _with_skips(run: Run, previewed: Previewed) -> Previewed:
    """Remember how many updates of each set are left out."""
    for row in previewed.rows:
        run.skipped.setdefault(row.set_sys_id, 0)
    for row in previewed.rows:
        if row.proposed_action == "skip":
            run.skipped[row.set_sys_id] += 1
    return previewed


def _status(verdict: Verdict) -> str:
    return SKIPPED if verdict.decision is Decision.SKIPPED else IGNORED


def _found(problem: Problem, verdict: Verdict) -> ProblemFound:
    return ProblemFound(
        sys_id=problem.sys_id,
        kind=problem.kind.value,
        type=problem.type,
        outcome=verdict.decision.value,
        description=problem.description,
        update=problem.update_name,
        table=problem.table,
        record=problem.record,
        reason=verdict.reason,
    )


def _faults(run: Run, open_ones: Iterable[tuple[Problem, Verdict]]) -> list[Fault]:
    """One for each problem; one for all that are alike where they are many."""
    alike: dict[tuple[str, ...], list[tuple[Problem, Verdict]]] = {}
    for problem, verdict in open_ones:
        kind = (problem.kind, problem.type, problem.description, verdict.reason)
        alike.setdefault((*kind, "" if problem.table else "unknown"), []).append((problem, verdict))
    found: list[Fault] = []
    for group in alike.values():
        if len(group) > _MOST_ALIKE:
            found.append(_fault_of_many(run, group))
        else:
            found += [_fault(run, problem, verdict) for problem, verdict in group]
    return found


def _fault(run: Run, problem: Problem, verdict: Verdict) -> Fault:
    where = f"{problem.kind}:{problem.table}:{problem.record}"
    name = problem.update_name or f"An update that is not known ({problem.row_sys_id or 'none'})"
    return Fault(
        "preview-problem",
        f"{name} ({problem.type}, {problem.kind}): {problem.description}{_why(verdict)}",
        next=f"{_mend(run, problem)}; or {_decide(problem, verdict, where, 'it')}",
    )


def _fault_of_many(run: Run, group: list[tuple[Problem, Verdict]]) -> Fault:
    first, verdict = group[0]
    names = ", ".join(problem.update_name or problem.row_sys_id for problem, _ in group)
    where = f"{first.kind}:TABLE[:SYS_ID]"
    return Fault(
        "preview-problem",
        f"{len(group)} updates ({first.type}, {first.kind}): {first.description}{_why(verdict)}. "
        f"They are: {names}",
        next=f"{_mend(run, first)}; or {_decide(first, verdict, where, 'each')}",
    )


def _why(verdict: Verdict) -> str:
    return f" (undecided: {verdict.reason})" if verdict.reason else ""


def _decide(problem: Problem, verdict: Verdict, where: str, what: str) -> str:
    """How the user can decide: by a rule, where a rule can name the update."""
    if not problem.table:
        return (
            "resolve it on the instance (Retrieved Update Sets, Update Set Preview Problems), then "
            "import again with --resume: no rule can name it"
        )
    if verdict.reason:
        return f"take one of the two rules away, or name the record: {where}"
    return f"decide about {what}: --accept {where} or --skip {where}"


def _mend(run: Run, problem: Problem) -> str:
    if problem.kind is not ProblemKind.COLLISION:
        return "mend its cause"
    return (
        "look at what changed there since (a back out counts, too); to put the package's state "
        f"in its place: {call(run.environment, 'render', '--again')}, then import"
    )


def _summary(verdicts: list[tuple[Problem, Verdict]]) -> str:
    accepted = sum(verdict.decision is Decision.ACCEPTED for _, verdict in verdicts)
    return f"{accepted} accepted, {len(verdicts) - accepted} skipped, each by a rule"
