"""Preview of a retrieved update set or batch (`spec/instance-http.md` A7, A8, B3.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from generator.sandbox.coalesce import twin
from generator.sandbox.column_checks import column_problems
from generator.sandbox.database import Row
from generator.sandbox.payloads import DELETE, Payload, read_payload
from generator.sandbox.problems import (
    ACCEPT_COLLISION,
    CONFLICT,
    HAS_ROWS,
    INVALID_XML,
    NEWER,
    PROBLEMS,
    SKIP,
    Problem,
    unknown_scope,
    write_problem,
    wrong_scope,
)
from generator.sandbox.progress import FAILED, Operation, Outcome, begin, failure
from generator.sandbox.references import (
    Surroundings,
    reference_problems,
    surroundings,
    table_problem,
)
from generator.sandbox.retrieved_sets import (
    SETS,
    UPDATES,
    Role,
    find_set,
    is_sys_id,
    members,
    role_of,
    set_states,
    updates_of,
)
from generator.update_set.payload_hash import payload_hash

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

PREVIEWS = "sys_update_preview_xml"
GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the preview says of one update."""

    disposition: str
    """`insert`, `update`, `delete`, or `collision_` before one of them."""

    problems: tuple[Problem, ...]
    local: str = ""
    """sys_id of the newest local update of the same name."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is found out once for all updates of a preview."""

    conflicts: frozenset[str]
    locals: Mapping[str, Row]


def can_preview(row: Row) -> bool:
    """Whether the set is in a state that a preview starts from."""
    return row.get("state") in ("loaded", "previewed", "partial")


def begin_preview(sandbox: Sandbox, row: Row, *, by: str) -> Operation:
    """Begin to preview a single set or the base of a batch.

    Args:
        sandbox: Where.
        row: The set; see `can_preview`.
        by: User name.
    """
    group = members(sandbox, row)
    is_batch = role_of(row) is Role.BASE
    if is_batch:
        name = f"Generating Batch Update Set Preview for: {row['name']}"
    elif row.get("state") == "loaded":
        name = f"Generating Update Set Preview for: {row['name']}"
    else:
        name = f"Refreshing Update Set Preview: {row['name']}"
    set_states(sandbox, group, base="previewing", children="previewing")
    extra = {"remote_update_set_id": row["sys_id"]}
    return begin(
        sandbox,
        name,
        finish=lambda: _preview(sandbox, row["sys_id"], by=by),
        by=by,
        source=row["sys_id"],
        source_table=SETS,
        extra=extra,
    )


def _preview(sandbox: Sandbox, set_id: str, *, by: str) -> Outcome:
    row = find_set(sandbox, set_id)
    if row is None:
        return failure("Record not found")
    group = members(sandbox, row)
    by_set = [(member, updates_of(sandbox, member)) for member in group]
    forget_preview(sandbox, [update for _, updates in by_set for update in updates])
    _rewrite(sandbox, [update for _, updates in by_set for update in updates], group=group)
    everything = [update for _, updates in by_set for update in updates]
    around = surroundings(sandbox, everything, members=[m["sys_id"] for m in group])
    known = _Known(_conflicting(everything), _newest_locals(sandbox, everything))
    found: Counter[str] = Counter()
    for member, updates in by_set:
        found += _preview_member(member, updates, around=around, known=known, by=by)
    set_states(sandbox, group, base="previewed", children="previewed_in_hierarchy")
    return _outcome(row, found, detail=set_id)


def _outcome(row: Row, found: Counter[str], *, detail: str) -> Outcome:
    """[TP PYX, PSS] for state 3 of a preview that found problems."""
    if not found.total():
        text = f"Preview successful for {row['name']}. Commit this update set to continue."
        return Outcome(message=text, detail=detail, result='{"has_preview_problem":false}')
    text = (
        f"Preview problems for {row['name']}: {found['error']} Errors | "
        f"{found['warning']} Warnings.  To commit this update set you must address all problems."
    )
    return Outcome(FAILED, text, detail, '{"has_preview_problem":true}')


def _preview_member(
    member: Row, updates: Sequence[Row], *, around: Surroundings, known: _Known, by: str
) -> Counter[str]:
    """Preview the updates of one set; the number of its problems by type."""
    sandbox = around.sandbox
    totals: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for update in updates:
        seen = _look_at(member, update, around=around, known=known)
        totals[_counter(seen.disposition)] += 1
        sandbox.database.insert(
            PREVIEWS,
            {
                "remote_update": update["sys_id"],
                "local_update": seen.local,
                "disposition": seen.disposition,
                "proposed_action": "commit",
                "problem_type": "",
                "diff_available": "true" if seen.local else "false",
            },
            by=by,
        )
        for problem in seen.problems:
            types[problem.type] += 1
            write_problem(sandbox, problem, update=update, set_id=member["sys_id"], by=by)
    counters = {name: str(totals[name]) for name in _COUNTERS}
    counters["summary"] = str(totals.total())
    sandbox.database.update(SETS, member["sys_id"], counters, by=by)
    return types


_COUNTERS = ("inserted", "updated", "deleted", "collisions")


def _counter(disposition: str) -> str:
    if disposition.startswith("collision_"):
        return "collisions"
    return {"insert": "inserted", "update": "updated", "delete": "deleted"}[disposition]


def _look_at(member: Row, update: Row, *, around: Surroundings, known: _Known) -> Seen:
    """All problems of one update, in the order of the platform's checks [PLAT] [MEAS ARK]."""
    sandbox = around.sandbox
    planned = [
        Problem(plan.description, type=plan.type)
        for plan in sandbox.behaviour.preview_problems
        if fnmatchcase(update["name"], plan.update)
    ]
    payload = read_payload(update.get("payload", ""))
    if payload is None:
        return Seen("insert", (Problem(INVALID_XML), *planned))
    problems = [*planned, *_scope_problems(member, update, payload, around=around)]
    exists = sandbox.database.dictionary.exists(payload.first.table) and (
        sandbox.database.get(payload.first.table, payload.first.sys_id) is not None
    )
    if update.get("action") == DELETE:
        disposition = "delete"
        problems += _deleted_table(sandbox, payload)
    else:
        disposition = "update" if exists else "insert"
        no_table = table_problem(around, payload)
        if no_table is not None:
            problems.append(no_table)
        problems += column_problems(around, payload)
        problems += reference_problems(around, payload)
    local = known.locals.get(update["name"])
    if local is not None and _collides(update, payload, local=local):
        disposition = f"collision_{disposition}"
        problems.append(Problem(NEWER, actions=(ACCEPT_COLLISION, SKIP)))
    if update["name"] in known.conflicts:
        problems.append(Problem(CONFLICT))
    return Seen(disposition, tuple(problems), local["sys_id"] if local else "")


def _scope_problems(
    member: Row, update: Row, payload: Payload, *, around: Surroundings
) -> Iterator[Problem]:
    wanted = member.get("application") or GLOBAL
    scope = payload.first.values.get("sys_scope", "")
    for given in dict.fromkeys((update.get("application") or GLOBAL, scope or None)):
        # A payload without sys_scope says nothing (sys_app, plain data).
        if given is not None and given != wanted and not _is_global(around.sandbox, given, wanted):
            yield wrong_scope(member["name"], given, wanted)
    if (
        wanted != GLOBAL
        and around.sandbox.database.get("sys_scope", wanted) is None
        and not around.brings("sys_scope", wanted)
    ):
        known = member.get("application_name", "")
        yield unknown_scope(member["name"], member.get("application_scope", ""), known)


def _is_global(sandbox: Sandbox, given: str, wanted: str) -> bool:
    """Whether an application lives in the global scope, and so may stand in a global set."""
    if wanted != GLOBAL:
        return False
    row = sandbox.database.get("sys_scope", given)
    return row is not None and row.get("scope") == GLOBAL


def _deleted_table(sandbox: Sandbox, payload: Payload) -> list[Problem]:
    first = payload.first
    is_table = first.table == "sys_db_object" or (
        first.table == "sys_dictionary" and first.values.get("internal_type") == "collection"
    )
    name = first.values.get("name", "")
    if not is_table or not sandbox.database.dictionary.exists(name):
        return []
    return [Problem(HAS_ROWS)] if sandbox.database.count(name) else []


def _newest_locals(sandbox: Sandbox, updates: Sequence[Row]) -> dict[str, Row]:
    """The newest local update of each name."""
    names = {update["name"] for update in updates}
    query = "update_setISNOTEMPTY^ORDERBYsys_recorded_at"
    rows = sandbox.database.query(UPDATES, query)
    return {row["name"]: row for row in rows if row["name"] in names}


def _collides(update: Row, payload: Payload, *, local: Row) -> bool:
    """Whether the newest local update wins: newer, or a deletion of the same date [DOC] [MEAS]."""
    if payload_hash(update["payload"]) == payload_hash(local.get("payload", "")):
        return False
    theirs = read_payload(local.get("payload", ""))
    date = theirs.newest if theirs else ""
    if not payload.newest or not date:
        return False
    if payload.newest == date:
        return local.get("action") == DELETE
    return payload.newest < date


def _conflicting(updates: Sequence[Row]) -> frozenset[str]:
    """Names that stand more than once with different content [INF] for one set."""
    hashes: dict[str, set[str]] = {}
    for update in updates:
        hashes.setdefault(update["name"], set()).add(payload_hash(update.get("payload", "")))
    return frozenset(name for name, found in hashes.items() if len(found) > 1)


def _rewrite(sandbox: Sandbox, updates: Sequence[Row], *, group: Sequence[Row]) -> None:
    """Give records of coalescing tables the sys_id they have here, in names and payloads [DOC]."""
    moved: dict[str, str] = {}
    for update in updates:
        payload = read_payload(update.get("payload", ""))
        if payload is None or not is_sys_id(payload.first.sys_id):
            continue
        here = twin(sandbox, payload.first.table, payload.first.values)
        if here is not None:
            moved[payload.first.sys_id] = here["sys_id"]
    for old, new in moved.items():
        rows = [*((UPDATES, update) for update in updates), *((SETS, row) for row in group)]
        for table, row in rows:
            changes = {
                name: row[name].replace(old, new)
                for name in ("name", "payload", "application")
                if old in row.get(name, "")
            }
            if changes:
                row.update(changes)
                sandbox.database.put(table, row)


def forget_preview(sandbox: Sandbox, updates: Sequence[Row]) -> None:
    """Delete previews and problems of updates."""
    ours = {update["sys_id"] for update in updates}
    for table in (PREVIEWS, PROBLEMS):
        for row in sandbox.database.query(table):
            if row.get("remote_update") in ours:
                sandbox.database.delete(table, row["sys_id"])
