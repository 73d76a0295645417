"""Cut over: our account becomes the one active SMTP account, proven by a message; or nothing does.

Only one SMTP account may be active, and the platform sends through that one (A18). So everything
that can be known is asked first, a token through the instance included; what was active is on disk
before the first write; and whatever fails after it is put back exactly (design decisions 6 to 8).
"""

from __future__ import annotations

from generator.errors import Fault, Refused, RemoteError, UsageError, VerificationFailed
from generator.instance.app_check import ask_health, is_address
from generator.instance.cut_over_accounts import bring_to
from generator.instance.cut_over_back import proven, put_back, put_back_on_failure
from generator.instance.cut_over_journal import CutOver, Kind, Mark
from generator.instance.cut_over_mail import STAMP
from generator.instance.cut_over_message import (
    TEST_LIMIT,
    MessageFailed,
    TestMessage,
    ask_for_message,
    await_message,
    new_marker,
)
from generator.instance.cut_over_preflight import Surroundings, look, require_unchanged
from generator.instance.cut_over_result import CutOverResult
from generator.instance.next_step import call, package_anew
from generator.instance.run import Run
from generator.scrubbing import printable


def activate(run: Run, *, result: CutOverResult, test_to: str | None = None) -> None:
    """Make the package's account the active one, and prove that mail leaves over it.

    Args:
        run: The call.
        result: Is told what was found and done, also where this raises.
        test_to: Address of the test message; the account's own `user_name` by default.

    Raises:
        UsageError: The address is none.
        Refused: A guard said no, or a record or property speaks against it; nothing was changed.
        VerificationFailed: The instance gets no token (nothing was changed), or the message was not
            sent and everything reads as before.
        RemoteError: The instance did not clearly answer, and nothing was changed; or that
            everything is as before could not be proven.
    """
    to = _address(run, test_to)
    run.begin("preflight")
    seen = look(run, result, ours_must_fit=True)
    ours = frozenset({run.package.account.sys_id})
    cut = seen.unfinished
    if run.options.dry_run:
        _tell_plan(run, seen, ours)
        return
    _forget_what_stands(seen)
    if cut is not None and cut.kind is Kind.ACTIVATE and cut.mark is Mark.PUTTING_BACK:
        raise _undo_first(run, result, seen, cut)
    with put_back_on_failure(run, result, journal=seen.journal, accounts=seen.accounts) as held:
        if cut is not None and cut.kind is Kind.ACTIVATE:
            held.append(cut)
            result.before = seen.accounts.of(cut.before)
            run.report.note("an activation was cut off half-way; this call finishes or undoes it")
        seen.against.raise_if_any()
        _require_token(run)
        if not held and seen.active != ours:
            _ask(run, seen)
            require_unchanged(run, result, seen=seen)
            held.append(_begin(run, seen, ours))
        if seen.active != ours:
            _switch(run, result, ours)
            held.append(seen.journal.write(held[-1], Mark.SWITCHED))
        else:
            run.idle("switch", "the account is active already; only the test is left")
        _prove(run, result, seen, to=to, held=held)
    result.live = True


def _address(run: Run, given: str | None) -> str:
    """Where the test message goes."""
    to = run.environment.email_account.user_name if given is None else given
    if is_address(to):
        return to
    which = "The account's user_name" if given is None else "--test-to"
    raise UsageError(
        Fault(
            "test-address",
            f"{which} is not one address that a test message can go to: "
            f"{printable(ascii(to), limit=80)}.",
            next="give one address with --test-to, like mail@example.com, of plain letters",
        )
    )


def _tell_plan(run: Run, seen: Surroundings, ours: frozenset[str]) -> None:
    """A dry run: everything that is asked before the first write, and what would be written."""
    if seen.unfinished is not None:
        run.report.note(
            "an earlier call was cut off half-way; the next one finishes or undoes it first"
        )
    seen.against.raise_if_any()
    _require_token(run)
    if seen.active == ours:
        run.idle("switch", "the account is active already; only a test message would be sent")
        return
    others = seen.active - ours
    first = f"{seen.accounts.say(others)} would be deactivated, then " if others else ""
    run.idle("switch", f"{first}{run.package.account.label} activated and a test message sent")


def _forget_what_stands(seen: Surroundings) -> None:
    """An unfinished cut-over of which nothing is left is closed, so that it misleads nobody."""
    cut = seen.journal.unfinished
    if cut is not None and seen.unfinished is None:
        seen.journal.write(cut, Mark.UNDONE)


def _undo_first(
    run: Run, result: CutOverResult, seen: Surroundings, cut: CutOver
) -> VerificationFailed | RemoteError:
    """Go on with putting back; then the call ends, since why it failed is not known here."""
    cause = Fault(
        "activation-failed-before",
        "An earlier activation had failed and was cut off while everything was put back; that is "
        "what this call went on with.",
        next=f"mend why it failed ({call(run.environment, 'verify')}), then "
        f"{call(run.environment, 'activate')} again",
    )
    run.begin("resume")
    return put_back(
        run, result, journal=seen.journal, cut=cut, accounts=seen.accounts, cause=(cause,)
    )


def _require_token(run: Run) -> None:
    """Have the instance get a token for our account, before anything is switched.

    An inactive account is what is expected: the app then says `inactive`, and that a token came.

    Raises:
        VerificationFailed: None came, or the app cannot be asked.
        RemoteError: The instance did not clearly answer.
    """
    run.begin("token")
    scope, account = run.environment.app.scope, run.package.account.sys_id
    health = ask_health(
        run.instance, scope=scope, account=account, update=package_anew(run.environment)
    )
    if not health.granted:
        raise VerificationFailed(
            Fault(
                "no-token",
                f"The instance gets no token for the account ({health.status.value}): "
                f"{health.message or 'it does not say why'}",
                next=f"{call(run.environment, 'verify')} finds the cause; the secret goes there "
                f"with {call(run.environment, 'secret deliver')}",
            )
        )
    run.done("token", f"a new token came through the instance ({health.status.value})")


def _ask(run: Run, seen: Surroundings) -> None:
    """Say what will happen, and have the user's yes.

    Raises:
        Refused: The user said no.
    """
    ours = run.package.account
    others, label = seen.active - {ours.sys_id}, f"{ours.label} ({ours.sys_id})"
    first = f"{seen.accounts.say(others)} is switched off, then " if others else ""
    run.tell(f"{first}{label} is switched on")
    waiting = f"{seen.mail.waiting} waiting now, and what is queued meanwhile"
    run.tell(
        f"mail that waits to be sent ({waiting}) leaves through the new account"
        if seen.mail.waiting
        else "mail that is queued meanwhile leaves through the new account"
    )
    where = f"{run.report.instance_name} ({run.instance.url})"
    if not run.ask(f"Send the mail of {where} over {ours.label} from now on?"):
        raise Refused(Fault("declined", "Not switched, as you said; nothing was changed."))


def _begin(run: Run, seen: Surroundings, ours: frozenset[str]) -> CutOver:
    """Note how it is, on disk before the first write."""
    earlier = seen.unfinished
    # A deactivation that was cut off: what it was to make active is what was before this.
    before = seen.active if earlier is None else earlier.wanted
    cut = CutOver(
        id=new_marker(),
        kind=Kind.ACTIVATE,
        mark=Mark.BEGUN,
        account=run.package.account.sys_id,
        before=before,
        wanted=ours,
        since=run.now().strftime(STAMP),
    )
    names = {"before_names": seen.accounts.say(before)}
    return seen.journal.begin(cut, facts={**seen.mail.facts(), **names})


def _switch(run: Run, result: CutOverResult, ours: frozenset[str]) -> None:
    run.begin("switch")
    there = bring_to(run, ours)
    result.active = there.of(there.active)
    run.done("switch", f"active: {there.say(there.active)}")


def _prove(
    run: Run, result: CutOverResult, seen: Surroundings, *, to: str, held: list[CutOver]
) -> None:
    """A test message of this call; one that an earlier call asked for proves nothing.

    The log does not say over which account a message left: the accounts may have been switched by
    hand since that call was cut off, and it left then.

    Raises:
        VerificationFailed: It was not sent.
        RemoteError: The instance did not clearly answer.
    """
    run.begin("test")
    ours = frozenset({run.package.account.sys_id})
    marker = new_marker()
    if held:
        held.append(seen.journal.write(held[-1], Mark.TESTING, marker=marker))
    result.test = TestMessage(to=to, marker=marker)
    run.tell(
        f"test: asking the app for a message to {to} with [{marker}] in its subject; it is waited "
        f"for up to {TEST_LIMIT:.0f} s"
    )
    ask_for_message(run, to=to, marker=marker)
    try:
        result.test = await_message(run, result.test, wanted=ours)
    except MessageFailed as error:
        result.test = error.message
        if error.accounts is not None:
            result.active = error.accounts.of(error.accounts.active)
        raise
    _proven(run, seen, result.test, held)


def _proven(run: Run, seen: Surroundings, message: TestMessage, held: list[CutOver]) -> None:
    if held:
        held.append(proven(run, seen.journal, held[-1]))
    run.done("test", f"sent: [{message.marker}] to {message.to} (sys_email {message.sys_id})")
    live = run.environment.email_account.live
    if not live:
        run.report.note(
            "write live: true in the environment file, render and commit: until then the package "
            "holds the account with active false, and must not be imported by hand"
        )
