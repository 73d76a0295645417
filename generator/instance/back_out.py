"""Back the last import out, prove it, and say what stays behind (A11).

It acts on the local update sets that the commits made. What it does not touch: the email account,
which is data, and what the platform writes down of its own deletions in the user's current set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.errors import Fault, GeneratorError, Refused, RemoteError, VerificationFailed
from generator.instance.account import account_read, is_active
from generator.instance.back_out_effects import Effects, read_effects, tell_what_stays
from generator.instance.back_out_half import tell_half
from generator.instance.current_set import own_current_set
from generator.instance.guards import guard_reads, judge
from generator.instance.interface import Cicd, Operation, Read, Route
from generator.instance.journal import Event
from generator.instance.known_sets import (
    LOCAL_SETS,
    UPDATES,
    Known,
    known_of,
    ours_read,
    sets_read,
)
from generator.instance.last_import import last_import
from generator.instance.next_step import call
from generator.instance.polling import BACK_OUT_LIMIT, COMMIT_STALL
from generator.instance.run import Faults, Run, answered
from generator.instance.settle import ours_only
from generator.instance.work import failed, is_lost, out_of_patience

_NOT_STARTED = 20.0
_NOT_SERVED = 405


def back_out(run: Run) -> None:
    """Back out the last import that is committed on the instance.

    Raises:
        Refused: A guard said no, our account is active, nothing of ours is committed, or what
            the package in place made is not the last import.
        VerificationFailed: A local set is still there afterwards, or a record that the import
            had made.
        RemoteError: The instance did not clearly answer.
    """
    run.begin("preflight")
    known = _preflight(run)
    run.begin("back out")
    chosen = last_import(run, known)
    bases = [entry for entry in chosen if entry.base in ("", entry.sys_id)]
    names = ", ".join(f"{entry.name} ({entry.local_set})" for entry in bases)
    if run.options.dry_run:
        run.idle("back out", f"would back out {names}")
        return
    effects = read_effects(run, [entry.sys_id for entry in chosen])
    if not run.ask(f"Back out {names} on {run.report.instance_name} ({run.instance.url})?"):
        raise Refused(Fault("declined", "Not backed out, as you said; nothing was changed."))
    with own_current_set(run):
        _back_out_each(run, bases, chosen=chosen, effects=effects)
    run.journal.write(Event.BACKED_OUT)
    run.begin("stays")
    tell_what_stays(run, chosen, effects)


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
            next=f"run {call(run.environment, 'deactivate')} first, so that another account sends",
        )
    faults.raise_if_any()
    return ours_only(run, known_of(found["ours"]) | known_of(found["mine"]))


def _back_out_each(
    run: Run, bases: Sequence[Known], *, chosen: Sequence[Known], effects: Effects
) -> None:
    """One after the other; where a later one fails, what stays is told beside why."""
    for place, entry in enumerate(bases):
        try:
            _back_out_one(run, entry)
        except GeneratorError:
            if place:
                rest = [known for known in chosen if known.sys_id in _ids(bases[place:], chosen)]
                tell_half(run, gone=bases[:place], rest=rest, effects=effects)
            raise


def _ids(bases: Sequence[Known], chosen: Sequence[Known]) -> frozenset[str]:
    """sys_ids of sets with those that go along with them."""
    own = {entry.sys_id for entry in bases}
    return frozenset(entry.sys_id for entry in chosen if entry.sys_id in own or entry.base in own)


def _begin(run: Run, entry: Known) -> Operation:
    """Begin by the route in use; where CI/CD does not serve it, by the pages' own way.

    A 405 says that nothing was done (A12: "The functionality is inactive"), so that the other way
    doubles nothing.
    """
    try:
        return run.instance.back_out(entry.local_set, route=run.route)
    except RemoteError as error:
        if error.status != _NOT_SERVED or run.route is not Route.CICD:
            raise
    run.tell("back out: the CI/CD API does not serve it (405); by the pages' own way instead")
    run.route = Route.XMLHTTP
    run.report.route = run.route.value
    return run.instance.back_out(entry.local_set, route=run.route)


def _back_out_one(run: Run, entry: Known) -> None:
    if run.instance.probe_cicd() is not Cicd.USABLE:
        run.route = Route.XMLHTTP
    run.report.route = run.route.value
    operation: Operation | None = None
    refused: RemoteError | None = None
    try:
        operation = _begin(run, entry)
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
