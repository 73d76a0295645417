"""`sn-smtp activate`: the instance's mail leaves over our account, proven, or all is put back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from generator.cli.instance_call import Call, guard_options, instance_options, outcome
from generator.cli.options import answers, root_option
from generator.cli.output import Outcome, Session


@click.command(
    epilog="Exit codes: 0 active, and a message was sent over it; 1 the instance did not clearly "
    "answer, or that everything is as before could not be proven; 2 usage or configuration; 6 no "
    "token (nothing was changed), or the message was not sent and everything was put back; 7 a "
    "guard said no, a record differs from the package, or outgoing mail is off: nothing was "
    "changed.",
)
@click.argument("environment", metavar="ENV")
@click.option(
    "--test-to",
    metavar="ADDRESS",
    help="Where the test message goes; by default the account's own user_name.",
)
@guard_options
@instance_options
@root_option
@answers
def activate(
    session: Session,
    *,
    environment: str,
    test_to: str | None,
    change: str | None,
    confirm_instance: str | None,
    dry_run: bool,
    yes: bool,
    instance_url: str | None,
    budget: float,
    templates: Path | None,
    root: Path,
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
    from generator.instance.run import Options, Permission

    call = Call(
        environment=environment,
        root=root,
        instance_url=instance_url,
        budget=budget,
        templates=templates,
        options=Options(dry_run=dry_run, permission=Permission(change, confirm_instance)),
        asks=not (yes or dry_run),
        mode="dry-run" if dry_run else "activate",
    )
    result = CutOverResult()
    return outcome(
        session,
        call,
        partial(cut_over, result=result, test_to=test_to),
        text=lambda report: cut_over_text(report, result),
        result=result.as_json,
    )
