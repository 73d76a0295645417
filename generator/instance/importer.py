"""The import of a package: preflight, then each file from upload to proof, then the secret.

The order and what ends it are those of `spec/instance-http.md` A21. No step believes an answer:
each ends with a read, and what could not be proven is told as that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.errors import ExitCode, Fault, GeneratorError, PreviewProblems, Refused
from generator.instance.commit_step import commit
from generator.instance.journal import Event
from generator.instance.known_sets import Known, Presence, known_of, presence, sets_read
from generator.instance.next_step import call
from generator.instance.package_files import Unit
from generator.instance.preflight import Surroundings, preflight
from generator.instance.preview_step import Previewed, preview, refuse_unexplained, results
from generator.instance.problems import Decision
from generator.instance.prove_step import confirm_fresh, confirm_known, look_at_known
from generator.instance.report import SetFound
from generator.instance.resolve_step import ALREADY_SO, resolve
from generator.instance.run import Run
from generator.instance.secret_delivery import SecretOutcome, deliver, prove
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
            _tell_what_stays(run, done, "this one stopped")
            raise
        if run.report.exit_code is not ExitCode.OK:
            _tell_what_stays(run, done, "this one differs")
            _look_at_the_rest(run, unit)
            return
        done.append(unit)
    if run.options.preview_only:
        return
    _deliver_secret(run)


def _tell_what_stays(run: Run, done: Sequence[Unit], why: str) -> None:
    """The unit after these did not come to its end: say what is left as it is."""
    if not done or not run.options.commits:
        return
    names = " and ".join(entry.name for entry in done)
    run.report.note(f"the {names} set is committed and stays; {why}")
    if run.had_secret and not run.has_secret:
        run.report.note(
            "the client secret is no longer on the instance: "
            f"{call(run.environment, 'secret deliver')}"
        )


def _look_at_the_rest(run: Run, unit: Unit) -> None:
    """Where one set differs, what else is committed is read, too: all that differs is told."""
    try:
        known = ours_on(run)
        for other in run.package.units[run.package.units.index(unit) + 1 :]:
            if presence(other, known) is Presence.COMMITTED:
                look_at_known(run, other, known)
    except GeneratorError as error:
        # What is known to differ is told all the same.
        run.report.note(f"the other sets could not be read: {error.faults[0].message}")


def _import_unit(run: Run, unit: Unit, known: Mapping[str, Known]) -> None:
    run.begin("clear", unit=unit)
    way = settle(run, unit, known)
    if way is Way.CONFIRM:
        run.idle("upload", "committed already; nothing is uploaded", unit=unit)
        if run.options.preview_only:
            return
        run.begin("confirm", unit=unit)
        confirm_known(run, unit)
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
    confirm_fresh(run, unit)


def _previewed(run: Run, unit: Unit, way: Way) -> Previewed:
    run.begin("preview", unit=unit)
    if way is not Way.PROBLEMS:
        preview(run, unit)
    previewed = results(run, unit)
    run.begin("problems", unit=unit)
    previewed = resolve(run, unit, previewed)
    refuse_unexplained(run, unit, previewed)
    for problem in run.report.problems:
        if problem.outcome == Decision.SKIPPED.value and problem.reason != ALREADY_SO:
            run.left_out[problem.update] = problem.reason
    return previewed


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


def _deliver_secret(run: Run) -> None:
    if run.fetch_secret is None:
        run.report.secret = SecretOutcome.NO_SOURCE.value
        if not run.has_secret:
            run.report.note(
                "the client secret is not on the instance; enter it there, or configure "
                "azure.client_secret_from"
            )
        run.idle("secret", run.report.secret)
    elif run.journal.delivered() and run.has_secret:
        _look_at_the_secret(run)
    else:
        run.begin("secret")
        if run.journal.delivered():
            # The instance was reset, or somebody emptied it: it is believed, not the journal.
            run.report.note("the client secret is gone from the instance; it is delivered again")
            run.journal.write(Event.EMPTIED)
        deliver(run)


def _look_at_the_secret(run: Run) -> None:
    """What an earlier import delivered is proven now if that one could not."""
    run.report.secret = SecretOutcome.BEFORE.value
    if run.journal.proven():
        run.report.secret = SecretOutcome.BEFORE_PROVEN.value
        run.idle("secret", run.report.secret)
    elif run.prove_secret is None:
        run.idle("secret", run.report.secret)
    else:
        run.begin("secret")
        prove(run)


def _tell_what_is_there(run: Run, surroundings: Surroundings) -> None:
    """A dry run: what is committed is read and compared, the rest would be uploaded."""
    for unit in run.package.units:
        there = presence(unit, surroundings.known)
        if there is Presence.COMMITTED:
            run.begin("known", unit=unit)
            look_at_known(run, unit, surroundings.known)
            continue
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
        left = f"is there, {there}: would be waited for or removed, then uploaded"
        run.idle("known", "would be uploaded" if there is Presence.ABSENT else left, unit=unit)


def _changed_meanwhile(unit: Unit) -> Refused:
    return Refused(
        Fault(
            "set-in-use",
            f"The {unit.name} set is on the instance and no longer as this import left it.",
            next="import again without --resume: what is there is then watched and removed first",
        )
    )
