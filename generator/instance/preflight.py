"""Preflight: everything that can be known before anything is changed, all faults at once (A5).

Two reads answer most of it. What could not be read is not a yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.aside import Aside
from generator.errors import ExitCode, GeneratorError
from generator.instance.account import account_read, active_fault, is_active
from generator.instance.guards import Identity, guard_reads, judge
from generator.instance.interface import Cicd, Found, Route
from generator.instance.known_sets import (
    Known,
    Presence,
    known_of,
    ours_read,
    presence,
    sets_read,
)
from generator.instance.readiness import (
    judge_idle,
    judge_plugin,
    judge_release,
    judge_roles,
    judge_skew,
    readiness_reads,
)
from generator.instance.run import Faults, Run
from generator.instance.secret_delivery import (
    expiry_name,
    expiry_read,
    judge_expiry,
    secret_read,
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What preflight learnt, beyond that nothing speaks against the import."""

    identity: Identity
    known: Mapping[str, Known]
    """Retrieved sets that are ours or bear one of our sys_ids."""

    account: Found
    pending: tuple[str, ...]
    """Roles of the sets that are not committed yet."""


def preflight(run: Run) -> Surroundings:
    """Ask everything, and raise every fault together.

    Raises:
        Refused, ConfigError, RemoteError: By the worst of them.
    """
    faults = Faults()
    # Rendering and linting need no instance: they are done while it is waited for.
    checked = Aside(run.check_package)
    found: Surroundings | None = None
    failed: GeneratorError | None = None
    try:
        run.instance.check_awake()
        found = _ask(run, faults)
    except GeneratorError as error:
        failed = error
    faults.add(ExitCode.REFUSED, checked.result())
    if failed is not None:
        faults.take(failed)
    if run.options.commits:
        _judge_deletions(run, None if found is None else found.pending, faults)
    faults.raise_if_any()
    assert found is not None  # noqa: S101 - a missing answer is a fault
    identity = found.identity
    run.done("preflight", f"{identity.name}, {run.report.release or identity.war}")
    return found


def _judge_deletions(run: Run, pending: tuple[str, ...] | None, faults: Faults) -> None:
    """DELETE rows need a word of the user's for each, whatever the rules say.

    What is committed already asks for none; where that is not known, all of them do.
    """
    for record in run.package.records:
        if pending is not None and record.role not in pending:
            continue
        allowed = any(
            entry.table == record.table and entry.sys_id in (None, record.sys_id)
            for entry in run.options.allow_delete
        )
        if record.deletes and not allowed:
            faults.refuse(
                "deletes",
                f"The package deletes {record.table} {record.label} ({record.sys_id}).",
                next=f"allow it with --allow-delete {record.table}:{record.sys_id}, or render "
                "without deletions",
            )


def _ask(run: Run, faults: Faults) -> Surroundings:
    package, name = run.package, expiry_name(run)
    reads = {
        **readiness_reads(),
        **guard_reads(run.options.permission),
        "expiry": expiry_read(name),
        "mine": sets_read([entry.sys_id for entry in package.sets]),
        "ours": ours_read(package),
        "account": account_read(package.account),
        "secret": secret_read(package),
    }
    found = run.read(reads)
    identity = judge(run, found, faults)
    judge_release(run, identity, faults)
    judge_idle(found, faults)
    judge_plugin(found, faults)
    judge_skew(run, faults)
    judge_expiry(name, package=package, found=found["expiry"], faults=faults)
    known = _known(found, faults)
    pending = _pending(run, known, faults)
    _judge_account(run, found["account"], pending, faults)
    judge_roles(run, found["who"], faults)
    if found["secret"].error is not None:
        faults.take(found["secret"].error)
    run.had_secret = run.has_secret = found["secret"].total > 0
    if pending:
        _judge_ways(run, faults)
    _fetch_secret(run, faults)
    return Surroundings(identity, known, found["account"], pending)


def _known(found: Mapping[str, Found], faults: Faults) -> dict[str, Known]:
    try:
        return known_of(found["ours"]) | known_of(found["mine"])
    except GeneratorError as error:
        faults.take(error)
        return {}


def _pending(run: Run, known: Mapping[str, Known], faults: Faults) -> tuple[str, ...]:
    """Roles of the sets that are not committed yet."""
    pending: list[str] = []
    for unit in run.package.units:
        try:
            there = presence(unit, known)
        except GeneratorError as error:
            faults.take(error)
            continue
        if there is not Presence.COMMITTED:
            pending += [entry.role for entry in unit.sets]
    return tuple(pending)


def _judge_account(run: Run, found: Found, pending: tuple[str, ...], faults: Faults) -> None:
    account = run.package.account
    if found.error is not None:
        faults.take(found.error)
    elif account.role in pending and is_active(account, found):
        faults.add(ExitCode.REFUSED, (active_fault(account),))


def _judge_ways(run: Run, faults: Faults) -> None:
    """Which route the work takes, and whether a file can be uploaded at all."""
    cicd = run.instance.probe_cicd()
    if cicd is not Cicd.USABLE:
        run.route = Route.XMLHTTP
        run.report.note(f"the CI/CD API cannot be used ({cicd}); using the UI session instead")
    run.report.route = run.route.value
    try:
        run.instance.check_upload()
    except GeneratorError as error:
        faults.take(error)


def _fetch_secret(run: Run, faults: Faults) -> None:
    """Get the secret before anything is changed: an empty variable is found now, not later."""
    if run.fetch_secret is None or not run.options.commits:
        return
    if run.journal.delivered() and run.has_secret:
        return
    if faults.found:
        return
    try:
        run.secret = run.fetch_secret()
    except GeneratorError as error:
        faults.take(error)
