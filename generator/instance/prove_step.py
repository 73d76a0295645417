"""What confirming leads to: complete what may be completed, and tell everything that differs.

After a commit of this run, whatever did not arrive is an error (exit 6). Of a set that was
committed before, what reads otherwise is a difference (exit 5), and nothing is written over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from generator.errors import ExitCode, Fault, RemoteError, VerificationFailed
from generator.instance.account import account_differences, complete_account
from generator.instance.confirm_step import Confirmed, confirm
from generator.instance.journal import Event
from generator.instance.known_sets import Known, known_of, sets_read
from generator.instance.next_step import call
from generator.instance.package_files import ACCOUNT_TABLE, ENTITY_TABLE, Unit
from generator.instance.publication import complete_publication
from generator.instance.read_back import is_publication
from generator.instance.report import Difference
from generator.instance.run import Run


def confirm_fresh(run: Run, unit: Unit) -> None:
    """After a commit of this run: whatever did not arrive is an error (exit 6).

    Raises:
        VerificationFailed: Something did not arrive.
        RemoteError: The instance did not answer, and nothing else is known to be wrong.
    """
    found = confirm(run, unit, _known(run, unit), fresh=True)
    missing = _beyond_us(found)
    run.report.differences += missing
    _complete(run, unit, found, [_not_arrived(run, entry) for entry in missing])
    _proven(run, unit, found)


def confirm_known(run: Run, unit: Unit) -> None:
    """A set that was committed before: complete what may be, list the rest (exit 5).

    Raises:
        VerificationFailed: What may be completed could not be.
        RemoteError: The instance did not answer.
    """
    # What an interrupted run of ours knew before its commit.
    run.had_secret = run.had_secret or run.journal.had_secret()
    found = confirm(run, unit, _known(run, unit))
    if _beyond_us(found):
        _tell_differences(run, unit, found)
        return
    _complete(run, unit, found, [])
    _proven(run, unit, found)


def look_at_known(run: Run, unit: Unit, known: Mapping[str, Known]) -> None:
    """Read a committed set and tell what differs (exit 5); nothing is written.

    Raises:
        RemoteError: The instance did not answer.
    """
    found = confirm(run, unit, known)
    _tell_differences(run, unit, found)
    if run.options.dry_run:
        count = len(_all_differences(run, unit, found))
        said = f"{count} difference{'s' * (count > 1)}" if count else _said(run, unit, found)
        run.idle("known", f"is committed; {said}", unit=unit)


def _known(run: Run, unit: Unit) -> dict[str, Known]:
    return known_of(run.read({"sets": sets_read([entry.sys_id for entry in unit.sets])})["sets"])


def _beyond_us(found: Confirmed) -> list[Difference]:
    """What nothing here can complete."""
    return [entry for entry in found.differences if not is_publication(entry)]


def _all_differences(run: Run, unit: Unit, found: Confirmed) -> list[Difference]:
    """Those that an import completes included: the account's and the publication's."""
    differences = list(found.differences)
    if _has_account(run, unit):
        if found.account.error is not None:
            run.report.note("not confirmed: the email account cannot be read")
        else:
            differences += account_differences(run.package.account, found.account)
    return differences


def _tell_differences(run: Run, unit: Unit, found: Confirmed) -> None:
    differences = _all_differences(run, unit, found)
    if not differences:
        return
    run.report.differences += differences
    run.report.exit_code = ExitCode.DIFFERS
    faults = [_differs(run, entry, found) for entry in differences]
    if _holds(run, unit, ENTITY_TABLE) and _is_lost(run, found):
        faults.append(_secret_gone(run))
    run.report.faults = (*run.report.faults, *faults)


def _complete(run: Run, unit: Unit, found: Confirmed, faults: list[Fault]) -> None:
    """Account, then publication; every failure is told, with what did not arrive besides.

    Raises:
        VerificationFailed: Something did not arrive, or could not be completed.
        RemoteError: The instance did not answer, and nothing else is known to be wrong.
    """
    unclear: list[Fault] = []

    def tried(step: str, work: Callable[[], None]) -> RemoteError | None:
        run.begin(step, unit=unit)
        try:
            work()
        except VerificationFailed as error:
            faults.extend(error.faults)
        except RemoteError as error:
            unclear.extend(error.faults)
            return error
        return None

    errors: list[RemoteError | None] = []
    if _has_account(run, unit):
        errors.append(tried("account", partial(complete_account, run, found.account)))
    if unit is run.package.units[-1]:
        left = found.left_out
        publish = partial(complete_publication, run, found.differences, left_out=left)
        errors.append(tried("publish", publish))
    if _holds(run, unit, ENTITY_TABLE) and _is_lost(run, found):
        if run.fetch_secret is None or faults or unclear:
            faults.append(_secret_gone(run))
        elif run.journal.delivered():
            run.report.note("the client secret is gone from the instance; it is delivered again")
            run.journal.write(Event.EMPTIED)
    if faults:
        if run.report.current is None:
            run.begin("confirm", unit=unit)
        raise VerificationFailed(*faults, *unclear)
    for error in errors:
        if error is not None:
            raise error


def _is_lost(run: Run, found: Confirmed) -> bool:
    """Whether the entity lost its secret.

    What was there before this run counts, and, as long as it can be delivered again, what an
    import of this package delivered.
    """
    before = run.had_secret or (run.fetch_secret is not None and run.journal.delivered())
    return before and not found.has_secret


def _secret_gone(run: Run) -> Fault:
    deliver = call(run.environment, "secret deliver")
    return Fault(
        "secret-gone",
        "The application registry entry had a client secret before and has none now: mail over "
        "it fails until it is entered again.",
        next=f"run {deliver}"
        if run.fetch_secret is not None
        else f"enter it on the instance; or configure azure.client_secret_from and run {deliver}",
    )


def _proven(run: Run, unit: Unit, found: Confirmed) -> None:
    run.journal.write(Event.CONFIRMED, unit=unit.base.sys_id)
    run.done("confirm", _said(run, unit, found), unit=unit)


def _said(run: Run, unit: Unit, found: Confirmed) -> str:
    """How many records were compared: the account is completed and proven whatever was decided."""
    records = run.package.of(unit)
    left = sum(r.update_name in found.left_out and r.table != ACCOUNT_TABLE for r in records)
    if not left:
        return f"every one of {len(records)} records reads as the package says"
    return (
        f"{len(records) - left} of {len(records)} read as the package says, {left} left out by a "
        "rule"
    )


def _holds(run: Run, unit: Unit, table: str) -> bool:
    return any(record.table == table for record in run.package.of(unit))


def _has_account(run: Run, unit: Unit) -> bool:
    """Whether the account is confirmed with this unit: it follows the entity that it refers to."""
    return _holds(run, unit, ENTITY_TABLE) or _holds(run, unit, ACCOUNT_TABLE)


def _differs(run: Run, difference: Difference, found: Confirmed) -> Fault:
    name = found.undecided.get((difference.table, difference.sys_id))
    skipped = f" The commit skipped {name}, and no rule of yours leaves it out." if name else ""
    again = call(run.environment, "render", "--again")
    mend = f"{again} and import puts the package's state back"
    if not _beyond_us(found):
        mend = f"{call(run.environment, 'import')} completes it"
    return Fault(
        "differs",
        f"The instance says otherwise than the package: {difference}.{skipped}",
        next=mend,
    )


def _not_arrived(run: Run, difference: Difference) -> Fault:
    return Fault(
        "not-arrived",
        f"Committed, and not as the package says: {difference}.",
        next="see the commit log of the set on the instance (syslog says why a record "
        f"was refused); then {call(run.environment, 'render', '--again')} and import",
    )
