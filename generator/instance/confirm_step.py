"""Confirm a commit by reading: sets, local sets, counts, log, every record (A10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.instance.account import account_read
from generator.instance.interface import Found, Read, Row
from generator.instance.known_sets import (
    COMMITTED,
    LOCAL_SETS,
    SETS,
    UPDATES,
    Known,
    known_of,
    sets_read,
)
from generator.instance.package_files import ACCOUNT_TABLE, PackageSet, Unit
from generator.instance.preview_step import PREVIEWS, PROBLEMS
from generator.instance.problems import SKIPPED, Decision, decide, problem_of
from generator.instance.read_back import child_reads, compare, record_reads
from generator.instance.report import Difference, SetFound
from generator.instance.run import Run, answered
from generator.instance.secret_delivery import secret_read

_BAD = ("error", "warning")
"""`sys_update_set_log.status` of what people should know [INF: C21]."""

_MOST_LOGGED = 10


@dataclass(slots=True)
class Confirmed:
    """What confirming one unit came to."""

    differences: list[Difference] = field(default_factory=list)
    """The account's apart, which is completed by a step of its own."""

    account: Found = field(default_factory=Found)
    """What came of reading the account."""

    has_secret: bool = False
    """Whether the OAuth entity has a secret now."""

    left_out: frozenset[str] = frozenset()
    """Names of updates that somebody decided to leave out: they were not compared."""

    undecided: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Table and sys_id of what the commit skipped without such a decision, to the update's name."""


def confirm(run: Run, unit: Unit, known: Mapping[str, Known], *, fresh: bool = False) -> Confirmed:
    """Read everything that a commit of this unit should have made.

    Args:
        run: The call.
        unit: What was committed.
        known: Its sets as they were last read, committed.
        fresh: Whether this run committed it, so that it knows who decided what.

    Raises:
        RemoteError: The instance did not answer.
    """
    records = [r for r in run.package.of(unit) if r.table != ACCOUNT_TABLE]
    locals_ = {e.sys_id: known[e.sys_id].local_set for e in unit.sets if e.sys_id in known}
    reads = {
        "sets": sets_read([entry.sys_id for entry in unit.sets]),
        "skipped": Read(
            PREVIEWS,
            f"remote_update.remote_update_setIN{','.join(locals_)}^proposed_action=skip",
            ("sys_id", "proposed_action", "remote_update.name", "remote_update.remote_update_set"),
            limit=10_000,
        ),
        "resolved": Read(
            PROBLEMS,
            f"remote_update_setIN{','.join(locals_)}^status={SKIPPED}",
            ("sys_id", "type", "status", "description", "remote_update", "remote_update.name"),
            limit=10_000,
        ),
        "account": account_read(run.package.account),
        "secret": secret_read(run.package),
        **record_reads(records),
        **child_reads(records),
    }
    for sys_id, local in locals_.items():
        if local:
            reads[f"local:{sys_id}"] = Read(
                LOCAL_SETS, f"sys_id={local}", ("sys_id", "name", "state", "remote_sys_id")
            )
            reads[f"count:{sys_id}"] = Read(UPDATES, f"update_set={local}", count_only=True)
            reads[f"log:{sys_id}"] = Read(
                "sys_update_set_log",
                f"update_set={local}^statusIN{','.join(_BAD)}",
                ("sys_id", "status", "log"),
                limit=100,
            )
    found = run.read(reads)
    run.has_secret = bool(answered(found["secret"]).total)
    result = Confirmed(account=found["account"], has_secret=run.has_secret)
    result.differences += _set_differences(run, unit, known, found)
    skipped = {
        row.get("remote_update.name", "")
        for row in found["skipped"].rows
        if row.get("proposed_action") == "skip"
    }
    decided = set(run.left_out) if fresh else _decided(run, unit, found["resolved"])
    result.left_out = frozenset(skipped & decided)
    result.undecided = {
        (r.table, r.sys_id): r.update_name for r in records if r.update_name in skipped - decided
    }
    for name in sorted(result.left_out):
        run.report.note(f"left out of the commit: {name}")
    back = compare(records, found, without=result.left_out)
    result.differences += back.differences
    for text in back.notes:
        run.report.note(text)
    apart = " (the email account apart)" if len(records) < len(run.package.of(unit)) else ""
    run.tell(f"confirm ({unit.name}): {back.compared} of {len(records)} records read back{apart}")
    return result


def _decided(run: Run, unit: Unit, resolved: Found) -> set[str]:
    """Names of updates that somebody decided to leave out of an earlier commit.

    Either the journal holds the decision, or a rule of the user's covers the problem now. That the
    instance calls a problem skipped says not who did so: the built-in rule leaves out what reads
    as the package says, and that must go on doing so.
    """
    imports, options = run.environment.imports, run.options
    records = run.package.of(unit)
    decided = set(run.journal.left_out(unit.base.sys_id))
    for row in resolved.rows:
        if row.get("status") != SKIPPED:
            continue
        problem = problem_of(row, records)
        verdict = decide(
            problem,
            accept=(*options.accept, *imports.accept),
            skip=(*options.skip, *imports.skip),
        )
        if verdict.decision is Decision.SKIPPED:
            decided.add(problem.update_name)
    return decided


def _set_differences(
    run: Run, unit: Unit, known: Mapping[str, Known], found: Mapping[str, Found]
) -> list[Difference]:
    differences: list[Difference] = []
    sets = known_of(found["sets"])
    for entry in unit.sets:
        there = sets.get(entry.sys_id)
        state = there.state if there else ""
        local = there.local_set if there else ""
        run.report.sets.append(
            SetFound(entry.role, entry.name, entry.sys_id, state, local, entry.updates)
        )
        if state != COMMITTED:
            differences.append(_of_set(entry, "state", COMMITTED, state or "not there"))
            continue
        row = _local_row(found.get(f"local:{entry.sys_id}"))
        if row is None:
            differences.append(
                _of_set(entry, "update_set", "a local update set", local and f"{local}, gone")
            )
            continue
        if row.get("state") != "complete":
            differences.append(_of_set(entry, "update_set.state", "complete", row.get("state", "")))
        # A local set that names another retrieved set is the work of another commit (A9).
        origin = row.get("remote_sys_id", "")
        if origin != entry.sys_id:
            differences.append(_of_set(entry, "update_set.remote_sys_id", entry.sys_id, origin))
        differences += _count_differences(run, entry, found)
        _tell_log(run, entry, found[f"log:{entry.sys_id}"])
    return differences


def _local_row(found: Found | None) -> Row | None:
    return None if found is None else next(iter(answered(found).rows), None)


def _count_differences(run: Run, entry: PackageSet, found: Mapping[str, Found]) -> list[Difference]:
    """The local set holds every update but those that were left out."""
    count = answered(found[f"count:{entry.sys_id}"]).total
    left_out = sum(
        row.get("remote_update.remote_update_set") == entry.sys_id
        and row.get("proposed_action") == "skip"
        for row in found["skipped"].rows
    )
    expected = entry.updates - max(left_out, run.skipped.get(entry.sys_id, 0))
    if count == expected:
        return []
    return [_of_set(entry, "updates of the local set", str(expected), str(count))]


def _tell_log(run: Run, entry: PackageSet, found: Found) -> None:
    """Pass on what the instance logged: evidence, no proof (A10, 4)."""
    if found.error is not None:
        run.report.note("not confirmed: the update set log cannot be read")
        return
    bad = [row for row in found.rows if row.get("log") and row.get("status", "").lower() in _BAD]
    for row in bad[:_MOST_LOGGED]:
        run.report.note(f"update set log ({entry.role}): {row.get('status')}: {row['log']}")
    if len(bad) > _MOST_LOGGED:
        run.report.note(f"update set log ({entry.role}): {len(bad) - _MOST_LOGGED} further entries")


def _of_set(entry: PackageSet, name: str, expected: str, read: str) -> Difference:
    return Difference(SETS, entry.sys_id, entry.name, name, expected, read)
