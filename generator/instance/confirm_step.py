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
from generator.instance.problems import SKIPPED
from generator.instance.read_back import child_reads, compare, record_reads
from generator.instance.report import Difference, SetFound
from generator.instance.resolve_step import ALREADY_SO
from generator.instance.run import Run, answered
from generator.instance.secret_delivery import secret_read


@dataclass(slots=True)
class Confirmed:
    """What confirming one unit came to."""

    differences: list[Difference] = field(default_factory=list)
    """The account's apart, which is completed by a step of its own."""

    account: Found = field(default_factory=Found)
    """What came of reading the account."""

    has_secret: bool = False
    """Whether the OAuth entity has a secret now."""


def confirm(run: Run, unit: Unit, known: Mapping[str, Known]) -> Confirmed:
    """Read everything that a commit of this unit should have made.

    Args:
        run: The call.
        unit: What was committed.
        known: Its sets as they were last read, committed.

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
            ("sys_id", "status", "remote_update.name"),
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
                "sys_update_set_log", f"update_set={local}", ("sys_id", "status", "log"), limit=100
            )
    found = run.read(reads)
    result = Confirmed(account=found["account"], has_secret=bool(answered(found["secret"]).total))
    result.differences += _set_differences(run, unit, known, found)
    back = compare(records, found, without=_left_out(run, found["skipped"], found["resolved"]))
    result.differences += back.differences
    for text in back.notes:
        run.report.note(text)
    run.tell(f"confirm ({unit.name}): {back.compared} of {len(records)} records read back")
    return result


def _left_out(run: Run, skipped: Found, resolved: Found) -> frozenset[str]:
    """Names of updates that somebody decided to leave out: they need not read as the package says.

    What the built-in rule left out must, and so must what the platform skipped by itself.
    """
    same = {p.update for p in run.report.problems if p.reason == ALREADY_SO}
    decided = {
        row.get("remote_update.name", "") for row in resolved.rows if row.get("status") == SKIPPED
    }
    names = (decided - same) & {
        row.get("remote_update.name", "")
        for row in skipped.rows
        if row.get("proposed_action") == "skip"
    }
    for name in sorted(names):
        run.report.note(f"left out of the commit: {name}")
    return frozenset(names)


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
    for row in found.rows:
        if row.get("log"):
            run.report.note(f"update set log ({entry.role}): {row.get('status')}: {row['log']}")


def _of_set(entry: PackageSet, name: str, expected: str, read: str) -> Difference:
    return Difference(SETS, entry.sys_id, entry.name, name, expected, read)
