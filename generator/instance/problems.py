"""Preview problems: what kind each is, and which rule decides about it (A8, B5). Pure.

A rule of the user's names a kind and a table, perhaps a record; there is no rule for everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from generator.config.instance_settings import ProblemKind, ProblemRule
from generator.instance.interface import Row
from generator.instance.package_files import PackageRecord

OPEN = ""
IGNORED = "ignored"
SKIPPED = "skipped"
"""Values of `sys_update_preview_problem.status` (A8)."""

_KINDS: tuple[tuple[ProblemKind, str], ...] = (
    # The order matters: the second text may end in the first one's words.
    (ProblemKind.UNCOMMITTED, "did find it in another uncommitted update set"),
    (ProblemKind.MISSING_OBJECT, "could not find a record in "),
    (ProblemKind.MISSING_OBJECT, "could not find a table field ("),
    (ProblemKind.COLLISION, "found a local update that is newer than this one"),
    (ProblemKind.TABLE_HAS_DATA, "found a row in the table that is going to be deleted"),
    (ProblemKind.CONFLICT, "has conflicts within the update set with the same name"),
    (ProblemKind.SCOPE, "is different than update set scope id"),
)
"""The platform's texts (B5), lower case; parts that no release has changed."""


class Decision(StrEnum):
    """What becomes of a problem."""

    OPEN = "open"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Problem:
    """One `sys_update_preview_problem` row, understood."""

    sys_id: str
    kind: ProblemKind
    type: str
    """`error` or `warning`; both block (A8)."""

    status: str
    description: str
    row_sys_id: str
    """`remote_update`: sys_id of the update (`sys_update_xml`)."""

    update_name: str
    table: str
    """Table of the update's record; empty where it cannot be told."""

    record: str
    """sys_id of the update's record; empty where it cannot be told."""


def kind_of(description: str) -> ProblemKind:
    """The kind of a problem by the platform's text."""
    text = " ".join(description.lower().split())
    for kind, part in _KINDS:
        if part in text:
            return kind
    return ProblemKind.OTHER


def problem_of(row: Row, records: Sequence[PackageRecord]) -> Problem:
    """Understand one row; the record it is about is found in the package."""
    row_sys_id = row.get("remote_update", "")
    name = row.get("remote_update.name", "")
    record = next(
        (r for r in records if r.row_sys_id == row_sys_id or (name and r.update_name == name)), None
    )
    return Problem(
        sys_id=row.get("sys_id", ""),
        kind=kind_of(row.get("description", "")),
        type=row.get("type", ""),
        status=row.get("status", ""),
        description=row.get("description", ""),
        row_sys_id=row_sys_id,
        update_name=name or (record.update_name if record else ""),
        table=record.table if record else "",
        record=record.sys_id if record else "",
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision and the reason for it."""

    decision: Decision
    reason: str = ""


def decide(
    problem: Problem, *, accept: Sequence[ProblemRule], skip: Sequence[ProblemRule]
) -> Verdict:
    """What the user's rules say about a problem.

    A rule that names the record goes before one that names only its table; two rules that say
    both of the same thing decide nothing.
    """
    for exact in (True, False):
        taken = _matching(problem, accept, exact=exact)
        left = _matching(problem, skip, exact=exact)
        if taken and left:
            return Verdict(Decision.OPEN, "one rule accepts it and another skips it")
        if taken:
            return Verdict(Decision.ACCEPTED, taken.reason)
        if left:
            return Verdict(Decision.SKIPPED, left.reason)
    return Verdict(Decision.OPEN)


def _matching(problem: Problem, rules: Sequence[ProblemRule], *, exact: bool) -> ProblemRule | None:
    for rule in rules:
        if rule.kind is not problem.kind or rule.table != problem.table or not problem.table:
            continue
        if (rule.sys_id is not None) is exact and rule.sys_id in (None, problem.record):
            return rule
    return None
