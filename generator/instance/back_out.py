"""Back the last import out, prove it, and say what stays behind (A11).

It acts on the local update sets that the commits made. What it does not touch: the email account,
which is data, and what the platform writes down of its own deletions in the user's current set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.errors import Fault, Refused, RemoteError, VerificationFailed
from generator.instance.account import account_read, account_row, is_active
from generator.instance.guards import guard_reads, judge
from generator.instance.interface import Cicd, Operation, Read, Route
from generator.instance.journal import Event
from generator.instance.known_sets import (
    COMMITTED,
    LOCAL_SETS,
    UPDATES,
    Known,
    known_of,
    ours_read,
    sets_read,
)
from generator.instance.package_files import ACCOUNT_TABLE
from generator.instance.polling import BACK_OUT_LIMIT, COMMIT_STALL
from generator.instance.read_back import record_reads
from generator.instance.report import SetFound
from generator.instance.run import Faults, Run, answered
from generator.instance.settle import ours_only
from generator.instance.work import failed, is_lost, out_of_patience

_NOT_STARTED = 20.0


def back_out(run: Run) -> None:
    """Back out the last import that is committed on the instance.

    Raises:
        Refused: A guard said no, our account is active, or nothing of ours is committed.
        VerificationFailed: A local set is still there afterwards.
        RemoteError: The instance did not clearly answer.
    """
    run.begin("preflight")
    known = _preflight(run)
    run.begin("back out")
    chosen = _last_import(run, known)
    names = ", ".join(f"{entry.name} ({entry.local_set})" for entry in chosen)
    if run.options.dry_run:
        run.idle("back out", f"would back out {names}")
        return
    if not run.ask(f"Back out {names} on {run.report.instance_name} ({run.instance.url})?"):
        raise Refused(Fault("declined", "Not backed out, as you said; nothing was changed."))
    for entry in chosen:
        _back_out_one(run, entry)
    run.journal.write(Event.BACKED_OUT)
    _tell_what_stays(run, chosen)


def _preflight(run: Run) -> Mapping[str, Known]:
    faults = Faults()
    run.instance.check_awake()
    found = run.read(
        {
            **guard_reads(run.options.permission),
            "mine": sets_read([entry.sys_id for entry in run.package.sets]),
            "ours": ours_read(run.package),
            "account": account_read(run.package.account),
        }
    )
    judge(run, found, faults)
    if found["account"].error is not None:
        faults.take(found["account"].error)
    elif is_active(run.package.account, found["account"]):
        account = run.package.account
        faults.refuse(
            "account-active",
            f"The email account {account.label} ({account.sys_id}) is active: the instance sends "
            "its mail over what would be taken away.",
            next="deactivate it first, so that another account sends",
        )
    faults.raise_if_any()
    return ours_only(run, known_of(found["ours"]) | known_of(found["mine"]))


def _last_import(run: Run, known: Mapping[str, Known]) -> tuple[Known, ...]:
    """What to back out, in order: the app before the global set; of a batch its base alone.

    The last import is this package's, if it is committed; else the one committed last.
    """
    committed = [entry for entry in known.values() if entry.state == COMMITTED and entry.local_set]
    if committed:
        # What a back out took already may still be named by its retrieved set (C10).
        ids = ",".join(entry.local_set for entry in committed)
        found = run.read({"local": Read(LOCAL_SETS, f"sys_idIN{ids}", ("sys_id", "state"))})
        there = {row.get("sys_id") for row in answered(found["local"]).rows}
        committed = [entry for entry in committed if entry.local_set in there]
    own = {entry.sys_id for entry in run.package.sets}
    mine = [entry for entry in committed if entry.sys_id in own]
    chosen = mine or _newest(committed)
    if not chosen:
        raise Refused(
            Fault(
                "nothing-committed",
                "No update set of this environment is committed on the instance.",
                next=f"see sn-smtp instance status {run.environment.name}",
            )
        )
    bases = [entry for entry in chosen if entry.base in ("", entry.sys_id)]
    roles = [entry.signature for entry in run.package.sets]
    # Rendered in the order of import; taken back in the opposite one.
    return tuple(sorted(bases, key=lambda entry: -roles.index(entry.signature)))


def _newest(committed: Sequence[Known]) -> list[Known]:
    """The newest set of each role, or the newest batch with its children."""
    if not committed:
        return []
    newest = max(committed, key=lambda entry: entry.commit_date)
    if newest.base:
        return [entry for entry in committed if entry.base == newest.base]
    latest: dict[str, Known] = {}
    for entry in sorted(committed, key=lambda entry: entry.commit_date):
        if not entry.base:
            latest[entry.signature] = entry
    return list(latest.values())


def _back_out_one(run: Run, entry: Known) -> None:
    if run.instance.probe_cicd() is not Cicd.USABLE:
        run.route = Route.XMLHTTP
    run.report.route = run.route.value
    operation: Operation | None = None
    refused: RemoteError | None = None
    try:
        operation = run.instance.back_out(entry.local_set, route=run.route)
    except RemoteError as error:
        if not is_lost(error):
            refused = error
        run.tell("back out: no clear answer came; reading what is there, never sending it again")
    _await_gone(run, entry, operation, refused)
    run.done("back out", f"{entry.name}: the local set {entry.local_set} is gone")


def _await_gone(
    run: Run, entry: Known, operation: Operation | None, refused: RemoteError | None
) -> None:
    """Wait until the local set and its updates are gone.

    Raises:
        RemoteError: It was refused, was not begun, or did not end.
        VerificationFailed: It ended and the set is there.
    """
    patience = run.patience(BACK_OUT_LIMIT, stall=COMMIT_STALL)
    while True:
        run.sleep(patience)
        progress = None
        if operation is not None:
            try:
                progress = run.instance.progress(operation)
            except RemoteError:
                progress = None
        found = run.read(
            {
                "local": Read(
                    LOCAL_SETS, f"sys_id={entry.local_set}", ("sys_id", "state", "sys_updated_on")
                ),
                "updates": Read(UPDATES, f"update_set={entry.local_set}", count_only=True),
            }
        )
        rows, left = answered(found["local"]).rows, answered(found["updates"]).total
        over = progress is None or progress.ended
        if over and not rows and not left:
            return
        if refused is not None:
            raise refused
        if failed(progress) or (progress is not None and over):
            raise _not_gone(entry, progress.message if progress else "", left)
        if operation is None and patience.passed >= _NOT_STARTED:
            raise _not_gone(entry, "it did not begin", left)
        patience.saw((rows, left, None if progress is None else progress.percent))
        why = out_of_patience(patience)
        if why is not None:
            raise _not_gone(entry, why, left)


def _tell_what_stays(run: Run, chosen: Sequence[Known]) -> None:
    account = run.package.account
    records = [record for record in run.package.records if record.table != ACCOUNT_TABLE]
    found = run.read(
        {
            "account": account_read(account),
            "sets": sets_read([entry.sys_id for entry in chosen]),
            **record_reads(records),
        }
    )
    sets = known_of(found["sets"])
    for entry in chosen:
        state = sets[entry.sys_id].state if entry.sys_id in sets else ""
        run.report.sets.append(
            SetFound(
                role=entry.signature.rpartition(" ")[2],
                name=entry.name,
                sys_id=entry.sys_id,
                state=state,
                local_set=sets[entry.sys_id].local_set if entry.sys_id in sets else "",
                updates=0,
            )
        )
    there = {row.get("sys_id") for name, f in found.items() if ":" in name for row in f.rows}
    left = [record for record in records if record.sys_id in there]
    if left:
        run.report.note(
            f"{len(left)} of {len(records)} records are there as they were before the import"
        )
    if account_row(account, found["account"]) is not None:
        run.report.note(
            f"the email account {account.label} ({account.sys_id}) stays: it is data, and no back "
            "out touches it"
        )
    run.report.note(
        "the deletions were captured in the current update set of the import's user; they stay "
        "there, and make a new preview of the same package collide"
    )
    run.report.note(
        f"to import again: sn-smtp render {run.environment.name} --again, then sn-smtp import "
        f"{run.environment.name}"
    )
    run.done("stays", f"{len(run.report.notes)} remarks, below")


def _not_gone(entry: Known, why: str, left: int) -> VerificationFailed:
    return VerificationFailed(
        Fault(
            "not-backed-out",
            f"The local update set of {entry.name} ({entry.local_set}) is not backed out: "
            f"{why or 'the instance does not say why'}; {left} of its updates are there.",
            next="open it on the instance (Local Update Sets, Back Out) and see what it says; or "
            "import an inverse set",
        )
    )
