"""Switch our account off, and the one on that sent before it; or none, where that is wanted.

It works without the app and whatever the records read, so that on a clone it is the way to switch
production's account off.
"""

from __future__ import annotations

from generator.errors import Fault, Refused
from generator.instance.cut_over_accounts import bring_to
from generator.instance.cut_over_back import proven, put_back_on_failure
from generator.instance.cut_over_journal import CutOver, Kind, Mark
from generator.instance.cut_over_mail import STAMP
from generator.instance.cut_over_message import new_marker
from generator.instance.cut_over_preflight import Surroundings, look, require_unchanged
from generator.instance.cut_over_result import CutOverResult
from generator.instance.next_step import call
from generator.instance.run import Run
from generator.scrubbing import printable


def deactivate(
    run: Run, *, result: CutOverResult, to: str | None = None, no_mail: bool = False
) -> None:
    """Switch the package's account off, and another on.

    Args:
        run: The call.
        result: Is told what was found and done, also where this raises.
        to: sys_id of the account that shall be active; the one that `activate` noted by default.
        no_mail: Whether none shall be: then no mail leaves.

    Raises:
        Refused: A guard said no, or no other account is known; nothing was changed.
        VerificationFailed: It did not work, and everything reads as before.
        RemoteError: The instance did not clearly answer.
    """
    run.begin("preflight")
    seen = look(run, result, ours_must_fit=False)
    ours = run.package.account.sys_id
    wanted = _wanted(run, seen, to=to, no_mail=no_mail)
    if run.options.dry_run:
        _tell_plan(run, seen, wanted)
    elif seen.active == wanted:
        _close(run, seen)
        run.idle("switch", f"the account is not active; active: {seen.accounts.say(seen.active)}")
    else:
        _switch(run, result, seen, wanted)
    if not run.options.dry_run and ours not in wanted:
        result.live = False


def _wanted(run: Run, seen: Surroundings, *, to: str | None, no_mail: bool) -> frozenset[str]:
    """Which accounts shall be active; one that sends beside ours, or in its place, goes on.

    Raises:
        Refused: None is known, or the one that is named cannot be.
    """
    ours = run.package.account.sys_id
    others = seen.active - {ours}
    if to is not None:
        _require_account(seen, to, ours=ours)
    if to is not None or no_mail:
        chosen = frozenset() if to is None else frozenset({to})
        _require_free(seen, others - chosen)
        return chosen
    if others or (ours not in seen.active and seen.unfinished is None):
        return others
    noted = seen.journal.noted(ours)
    cut = seen.unfinished
    if cut is not None and cut.kind is Kind.DEACTIVATE:
        noted = cut.wanted
        if not noted:
            return noted
    if noted and noted <= seen.accounts.rows.keys():
        return noted
    why = "Which account sent before ours is not known: no activation noted one here."
    if noted:
        why = f"The account that was noted ({seen.accounts.say(noted)}) is not on the instance."
    raise Refused(
        Fault(
            "no-other-account",
            f"{why} SMTP accounts there: {_listed(seen, ours)}.",
            next=f"name one: {call(run.environment, 'deactivate', '--to', 'SYS_ID')}; or let no "
            "mail leave at all: --no-mail",
        )
    )


def _require_account(seen: Surroundings, to: str, *, ours: str) -> None:
    if to == ours:
        raise Refused(
            Fault(
                "same-account",
                f"--to names our own account ({to}), which is to be switched off.",
                next="name another SMTP account",
            )
        )
    if to not in seen.accounts.rows:
        raise Refused(
            Fault(
                "account-missing",
                f"--to names {printable(to, limit=40)}, which is no SMTP account on the instance. "
                f"There are: {_listed(seen, ours)}.",
                next="name the sys_id of one of those",
            )
        )


def _require_free(seen: Surroundings, others: frozenset[str]) -> None:
    """Only our own account is switched off here."""
    if others:
        raise Refused(
            Fault(
                "another-active",
                f"Active is {seen.accounts.say(others)}, which is not ours: it is not switched off "
                "here.",
                next="leave --to and --no-mail away, or switch that account off on the instance",
            )
        )


def _listed(seen: Surroundings, ours: str) -> str:
    return seen.accounts.say(seen.accounts.rows.keys() - {ours})


def _tell_plan(run: Run, seen: Surroundings, wanted: frozenset[str]) -> None:
    if seen.active == wanted:
        run.idle("switch", f"nothing would be changed; active: {seen.accounts.say(seen.active)}")
        return
    run.idle("switch", f"active would be {seen.accounts.say(wanted)}, and no other SMTP account")


def _close(run: Run, seen: Surroundings) -> None:
    """Nothing is left to do of a cut-over that was cut off."""
    cut = seen.journal.unfinished
    if cut is not None:
        seen.journal.write(cut, Mark.PROVEN if seen.active == cut.wanted else Mark.UNDONE)


def _switch(run: Run, result: CutOverResult, seen: Surroundings, wanted: frozenset[str]) -> None:
    _ask(run, seen, wanted)
    require_unchanged(run, result, seen=seen)
    with put_back_on_failure(run, result, journal=seen.journal, accounts=seen.accounts) as held:
        held.append(_begin(run, seen, wanted))
        run.begin("switch")
        there = bring_to(run, wanted)
        result.active = there.of(there.active)
        held.append(proven(run, seen.journal, held[-1]))
    run.done("switch", f"active: {there.say(there.active)}")
    if wanted:
        run.report.note(
            "that mail leaves over it is not proven here: send a message and look at the log"
        )
    else:
        run.report.note("no SMTP account is active: no mail leaves the instance")


def _ask(run: Run, seen: Surroundings, wanted: frozenset[str]) -> None:
    where = f"{run.report.instance_name} ({run.instance.url})"
    over = f"over {seen.accounts.say(wanted)}" if wanted else "over no account, not at all,"
    if not run.ask(f"Send the mail of {where} {over} from now on?"):
        raise Refused(Fault("declined", "Not switched, as you said; nothing was changed."))


def _begin(run: Run, seen: Surroundings, wanted: frozenset[str]) -> CutOver:
    """Note how it is, on disk before the first write."""
    earlier = seen.unfinished
    before = seen.active
    if earlier is not None and earlier.kind is Kind.DEACTIVATE:
        before = earlier.before
    cut = CutOver(
        id=new_marker(),
        kind=Kind.DEACTIVATE,
        mark=Mark.BEGUN,
        account=run.package.account.sys_id,
        before=before,
        wanted=wanted,
        since=run.now().strftime(STAMP),
    )
    names = {"before_names": seen.accounts.say(before)}
    return seen.journal.begin(cut, facts={**seen.mail.facts(), **names})
