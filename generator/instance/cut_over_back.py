"""Everything as it was: what follows whatever goes wrong after the first write of a cut-over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from generator.errors import (
    Fault,
    GeneratorError,
    InternalError,
    RemoteError,
    VerificationFailed,
)
from generator.instance.cut_over_accounts import Accounts, bring_to, read_accounts
from generator.instance.cut_over_journal import CutOver, CutOverJournal, Kind, Mark
from generator.instance.cut_over_mail import MOST_FAILED, failed_since
from generator.instance.cut_over_result import CutOverResult
from generator.instance.next_step import call
from generator.instance.run import Run

STEP = "put back"


@contextmanager
def put_back_on_failure(
    run: Run, result: CutOverResult, *, journal: CutOverJournal, accounts: Accounts
) -> Iterator[list[CutOver]]:
    """Put everything back if the work inside fails, or is interrupted.

    The work puts the cut-over into the list that it is given, anew after each line of the journal;
    before it does, nothing was written and nothing is put back.

    Raises:
        VerificationFailed: The work failed; everything reads as before.
        RemoteError: The work failed, and that everything is as before could not be proven.
    """
    held: list[CutOver] = []
    try:
        yield held
    except GeneratorError as error:
        if not _stands_open(held):
            raise
        raise put_back(
            run, result, journal=journal, cut=held[-1], accounts=accounts, cause=error.faults
        ) from None
    except BaseException:
        if _stands_open(held):
            # Ctrl-C, or a bug of ours: mail must not stay where it was left.
            failed = put_back(
                run, result, journal=journal, cut=held[-1], accounts=accounts, cause=()
            )
            if not result.put_back:
                raise failed from None
        raise


def _stands_open(held: Sequence[CutOver]) -> bool:
    """Whether something was written, and not all of it proven since."""
    return bool(held) and held[-1].is_open


def put_back(
    run: Run,
    result: CutOverResult,
    *,
    journal: CutOverJournal,
    cut: CutOver,
    accounts: Accounts,
    cause: Sequence[Fault],
) -> VerificationFailed | RemoteError:
    """Put everything back, prove it, and list what failed meanwhile.

    Args:
        run: The call.
        result: Is told what came of it.
        journal: Where it is noted.
        cut: What is put back.
        accounts: As they were read at first, for their names.
        cause: Why.

    Returns:
        The error that the call ends with: `VerificationFailed`, or a `RemoteError` where the
        accounts do not read as before.
    """
    run.report.failed(cause[0].message if cause else "interrupted")
    run.begin(STEP)
    run.tell(f"putting back: active shall be {accounts.say(cut.before)}")
    # That this cannot be noted must not keep mail away: the instance is what counts.
    with suppress(InternalError):
        cut = journal.write(cut, Mark.PUTTING_BACK)
    result.put_back, result.active = False, None
    try:
        there = bring_to(run, cut.before, stubborn=True)
    except GeneratorError as error:
        with suppress(RemoteError):
            there = read_accounts(run)
            result.active = there.of(there.active)
        return RemoteError(_not_put_back(run, accounts, cut), *cause, *error.faults)
    result.put_back = True
    result.active = there.of(there.active)
    with suppress(InternalError):
        journal.write(cut, Mark.UNDONE)
    run.done(STEP, f"active as before: {there.say(there.active)}")
    return VerificationFailed(
        *(cause or (Fault("interrupted", "Interrupted; everything was put back."),)),
        *_failed_mail(run, result, cut),
    )


def _failed_mail(run: Run, result: CutOverResult, cut: CutOver) -> list[Fault]:
    """What failed since the first write, as one fault."""
    try:
        result.failed_mail += failed_since(run, cut.since, without=cut.marker)
    except RemoteError as error:
        run.report.note(
            f"messages that failed meanwhile could not be listed: {error.faults[0].message}"
        )
        return []
    if not result.failed_mail:
        return []
    count = len(result.failed_mail)
    more = "at least " if count >= MOST_FAILED else ""
    return [
        Fault(
            "mail-failed",
            f"{more}{count} message{'s' if count > 1 else ''} failed meanwhile; listed above.",
            # [MEM] how the platform sends a message again.
            next="open them on the instance (System Mailboxes, Failed) and set their type to "
            "send-ready to send them again",
        )
    ]


def _not_put_back(run: Run, accounts: Accounts, cut: CutOver) -> Fault:
    goes_on = "tries to finish it"
    if cut.kind is Kind.ACTIVATE:
        goes_on = "goes on with putting back"
    return Fault(
        "not-put-back",
        "It could not be proven that everything is as before. Active must be "
        f"{accounts.say(cut.before)}, and no other SMTP account.",
        next=f"look at the email accounts on the instance now and set them so; or run "
        f"{call(run.environment, cut.kind.value)} again, which {goes_on}",
    )


def proven(run: Run, journal: CutOverJournal, cut: CutOver) -> CutOver:
    """Note that a cut-over is proven; that it cannot be noted undoes nothing that was proven."""
    try:
        return journal.write(cut, Mark.PROVEN)
    except InternalError as error:
        run.report.note(f"{error.faults[0].message} What was done stands, and is proven.")
        return replace(cut, mark=Mark.PROVEN)
