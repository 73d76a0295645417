"""The import of a package: preflight, then each file from upload to proof, then the secret.

The order and what ends it are those of `spec/instance-http.md` A21. No step believes an answer:
each ends with a read, and what could not be proven is told as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.errors import (
    ExitCode,
    Fault,
    GeneratorError,
    PreviewProblems,
    Refused,
    VerificationFailed,
)
from generator.instance.account import complete_account
from generator.instance.commit_step import commit
from generator.instance.confirm_step import Confirmed, confirm
from generator.instance.journal import Event
from generator.instance.known_sets import Known, Presence, known_of, presence, sets_read
from generator.instance.package_files import ACCOUNT_TABLE, ENTITY_TABLE, Unit
from generator.instance.preflight import Surroundings, preflight
from generator.instance.preview_step import Previewed, preview, results
from generator.instance.publication import complete_publication
from generator.instance.read_back import is_publication
from generator.instance.report import Difference, SetFound
from generator.instance.resolve_step import resolve
from generator.instance.run import Run
from generator.instance.secret_delivery import SecretOutcome, deliver
from generator.instance.settle import Way, ours_on, remove, settle
from generator.instance.upload_step import require_loaded, upload


def import_package(run: Run) -> None:
    """Import a package; what it came to stands in `run.report`, also where this raises.

    Raises:
        Refused: A guard said no, and nothing was changed; or a later step found reason to stop.
        PreviewProblems: Problems that no rule decides.
        VerificationFailed: Something did not arrive.
        RemoteError: The instance did not clearly answer.
        ConfigError: The environment lacks something.
    """
    run.begin("preflight")
    surroundings = preflight(run)
    if run.options.dry_run:
        _tell_what_is_there(run, surroundings)
        return
    run.journal.write(Event.STARTED)
    done: list[Unit] = []
    for unit in run.package.units:
        try:
            _import_unit(run, unit, surroundings.known if not done else ours_on(run))
        except Exception:
            if done:
                names = " and ".join(entry.name for entry in done)
                run.report.note(f"the {names} set is committed and stays; this one stopped")
            raise
        if run.report.exit_code is not ExitCode.OK:
            return
        done.append(unit)
    if run.options.preview_only:
        return
    _deliver_secret(run)


def _import_unit(run: Run, unit: Unit, known: Mapping[str, Known]) -> None:
    run.begin("clear", unit=unit)
    way = settle(run, unit, known)
    if way is Way.CONFIRM:
        run.idle("upload", "committed already; nothing is uploaded", unit=unit)
        if run.options.preview_only:
            return
        run.begin("confirm", unit=unit)
        _confirm_known(run, unit)
        return
    if way is Way.PREVIEW and not require_loaded(run, unit):
        raise _changed_meanwhile(unit)
    if way is Way.UPLOAD:
        run.begin("upload", unit=unit)
        upload(run, unit)
    try:
        previewed = _previewed(run, unit, way)
    except (Refused, PreviewProblems) as error:
        if isinstance(error, Refused) or run.options.preview_only:
            _try_to_take_back(run, unit)
        else:
            run.report.note(
                f"the upload of the {unit.name} set stays on the instance, previewed; the next "
                "import removes it first"
            )
        raise
    except GeneratorError:
        if run.options.preview_only:
            _try_to_take_back(run, unit)
        raise
    if run.options.preview_only:
        _take_back(run, unit)
        return
    _ask(run, unit, previewed)
    run.begin("commit", unit=unit)
    commit(run, unit)
    run.begin("confirm", unit=unit)
    _confirm_fresh(run, unit)


def _previewed(run: Run, unit: Unit, way: Way) -> Previewed:
    run.begin("preview", unit=unit)
    if way is not Way.PROBLEMS:
        preview(run, unit)
    previewed = results(run, unit)
    run.begin("problems", unit=unit)
    return resolve(run, unit, previewed)


def _try_to_take_back(run: Run, unit: Unit) -> None:
    """Take the upload back after something went wrong, which is what is told in the end."""
    failed = run.report.current
    try:
        _take_back(run, unit)
    except GeneratorError as error:
        run.report.note(f"the upload could not be removed again: {error.faults[0].message}")
    run.report.current = failed


def _ask(run: Run, unit: Unit, previewed: Previewed) -> None:
    """The user's yes, after everything was listed; without it the upload is taken back.

    Raises:
        Refused: The user said no.
    """
    updates = sum(row.proposed_action != "skip" for row in previewed.rows)
    name = run.report.instance_name
    if run.ask(f"Commit {updates} updates ({unit.name}) on {name} ({run.instance.url})?"):
        return
    _take_back(run, unit)
    raise Refused(
        Fault(
            "declined",
            f"Not committed, as you said; the upload of the {unit.name} set was removed again.",
            next="import again when it may be committed",
        )
    )


def _take_back(run: Run, unit: Unit) -> None:
    known = known_of(run.read({"sets": sets_read([entry.sys_id for entry in unit.sets])})["sets"])
    # Refuses what has become another's meanwhile.
    presence(unit, known)
    for entry in reversed(unit.sets):
        if entry.sys_id in known:
            remove(run, known[entry.sys_id])
    run.done("take back", "the upload was removed again; nothing was committed", unit=unit)


def _confirm_fresh(run: Run, unit: Unit) -> None:
    """After a commit of this run: whatever did not arrive is an error (exit 6).

    Raises:
        VerificationFailed: Something did not arrive.
    """
    found = _confirmed(run, unit)
    missing = _complete(run, unit, found)
    if missing:
        raise VerificationFailed(
            *(
                Fault(
                    "not-arrived",
                    f"Committed, and not as the package says: {difference}.",
                    next="see the commit log of the set on the instance (syslog says why a record "
                    f"was refused); then sn-smtp render {run.environment.name} --again and import",
                )
                for difference in missing
            )
        )
    _proven(run, unit)


def _confirm_known(run: Run, unit: Unit) -> None:
    """A set that was committed before: complete what may be, list the rest (exit 5)."""
    # What an interrupted run of ours knew before its commit.
    run.had_secret = run.had_secret or run.journal.had_secret()
    found = _confirmed(run, unit)
    missing = [entry for entry in found.differences if not is_publication(entry)]
    if missing:
        run.report.differences += missing
        run.report.exit_code = ExitCode.DIFFERS
        run.report.faults = tuple(_differs(run, missing))
        return
    _complete(run, unit, found)
    _proven(run, unit)


def _confirmed(run: Run, unit: Unit) -> Confirmed:
    known = known_of(run.read({"sets": sets_read([entry.sys_id for entry in unit.sets])})["sets"])
    return confirm(run, unit, known)


def _complete(run: Run, unit: Unit, found: Confirmed) -> list[Difference]:
    """Account, then publication; every failure is told, with what did not arrive besides.

    Returns:
        What differs and nothing here can complete.
    """
    missing = [entry for entry in found.differences if not is_publication(entry)]
    run.report.differences += missing
    faults: list[Fault] = []
    tables = {record.table for record in run.package.of(unit)}
    if ENTITY_TABLE in tables or ACCOUNT_TABLE in tables:
        try:
            run.begin("account", unit=unit)
            complete_account(run, found.account)
        except VerificationFailed as error:
            faults += error.faults
    if unit is run.package.units[-1]:
        try:
            run.begin("publish", unit=unit)
            complete_publication(run, found.differences)
        except VerificationFailed as error:
            faults += error.faults
    if ENTITY_TABLE in tables and run.had_secret and not found.has_secret:
        faults += _secret_gone(run)
    if faults:
        raise VerificationFailed(*(*_differs(run, missing), *faults))
    return missing


def _secret_gone(run: Run) -> list[Fault]:
    """An entity that lost its secret; where a source is configured, step 8 mends it."""
    if run.fetch_secret is not None and not run.journal.delivered():
        return []
    if run.fetch_secret is not None:
        run.report.note("the commit emptied the client secret; it is delivered again")
        run.journal.write(Event.EMPTIED)
        return []
    return [
        Fault(
            "secret-gone",
            "The application registry entry had a client secret before the commit and has none "
            "now: mail over it fails until it is entered again.",
            next="enter it on the instance; or configure azure.client_secret_from and run "
            f"sn-smtp secret deliver {run.environment.name}",
        )
    ]


def _proven(run: Run, unit: Unit) -> None:
    run.journal.write(Event.CONFIRMED, unit=unit.base.sys_id)
    records = len(run.package.of(unit))
    run.done("confirm", f"every one of {records} records reads as the package says", unit=unit)


def _differs(run: Run, differences: Sequence[Difference]) -> list[Fault]:
    return [
        Fault(
            "differs",
            f"The instance says otherwise than the package: {difference}.",
            next=f"sn-smtp render {run.environment.name} --again and import puts the package's "
            "state back",
        )
        for difference in differences
    ]


def _deliver_secret(run: Run) -> None:
    if run.fetch_secret is None:
        run.report.secret = SecretOutcome.NO_SOURCE.value
        if not run.had_secret:
            run.report.note(
                "the client secret is not on the instance; enter it there, or configure "
                "azure.client_secret_from"
            )
        run.idle("secret", run.report.secret)
    elif run.journal.delivered():
        run.report.secret = SecretOutcome.BEFORE.value
        run.idle("secret", run.report.secret)
    else:
        run.begin("secret")
        deliver(run)


def _tell_what_is_there(run: Run, surroundings: Surroundings) -> None:
    for unit in run.package.units:
        there = presence(unit, surroundings.known)
        for entry in unit.sets:
            found = surroundings.known.get(entry.sys_id)
            run.report.sets.append(
                SetFound(
                    role=entry.role,
                    name=entry.name,
                    sys_id=entry.sys_id,
                    state=found.state if found else "",
                    local_set=found.local_set if found else "",
                    updates=entry.updates,
                )
            )
        what = {
            Presence.ABSENT: "would be uploaded",
            Presence.COMMITTED: "is committed; would be read back",
        }.get(there, f"is there, {there}: would be waited for or removed, then uploaded")
        run.idle("known", what, unit=unit)


def _changed_meanwhile(unit: Unit) -> Refused:
    return Refused(
        Fault(
            "set-in-use",
            f"The {unit.name} set is on the instance and no longer as this import left it.",
            next="import again without --resume: what is there is then watched and removed first",
        )
    )
