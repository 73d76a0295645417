"""`sn-smtp activate`: the instance's mail leaves over our account, proven, or all is put back."""

from __future__ import annotations

from functools import partial

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.instance_call import outcome
from generator.cli.output import Outcome, Session


@click.command(
    epilog="Exit codes: 0 active, and a message was sent over it; 1 the instance did not clearly "
    "answer, or that everything is as before could not be proven; 2 usage or configuration; 6 no "
    "token (nothing was changed), or the message was not sent and everything was put back; 7 a "
    "guard said no, a record differs from the package, or outgoing mail is off: nothing was "
    "changed.",
)
@click.option(
    "--test-to",
    metavar="ADDRESS",
    help="Where the test message goes; by default the account's own user_name.",
)
@guard_options
@instance_command
def activate(
    session: Session,
    given: CallOptions,
    *,
    test_to: str | None,
) -> Outcome:
    """Make the account of ENV the one that sends the instance's mail, and prove it by a message.

    Before anything is written: account, profile and entity read as the package says, and a token
    comes through the instance. Then the account that sends now is switched off and ours on. Unless
    the test message is sent within 5 minutes, everything is put back as it was. Mail that is queued
    meanwhile leaves through the new account. What was cut off half-way is finished or undone by the
    next call. Where the account is active already, only the test runs.
    """
    from generator.cli.cut_over_text import cut_over_text
    from generator.instance.cut_over import activate as cut_over
    from generator.instance.cut_over_result import CutOverResult

    result = CutOverResult()
    return outcome(
        session,
        given.call(),
        partial(cut_over, result=result, test_to=test_to),
        text=lambda report: cut_over_text(report, result),
        result=result.as_json,
    )
