"""`sn-smtp deactivate`: our account off, and the one on that sent before it."""

from __future__ import annotations

import re
from functools import partial

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.instance_call import outcome
from generator.cli.output import Outcome, Session
from generator.errors import Fault, UsageError

_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@click.command(
    epilog="Exit codes: 0 ours is off and the other on, each read back; 1 the instance did not "
    "clearly answer, or that everything is as before could not be proven; 2 usage or "
    "configuration; 6 it did not work, and everything was put back; 7 a guard said no, or which "
    "account sent before is not known: nothing was changed.",
)
@click.option(
    "--to",
    metavar="SYS_ID",
    help="The SMTP account that shall send; by default the one that activate noted.",
)
@click.option("--no-mail", is_flag=True, help="Leave no account active: no mail leaves.")
@guard_options
@instance_command
def deactivate(
    session: Session,
    given: CallOptions,
    *,
    to: str | None,
    no_mail: bool,
) -> Outcome:
    """Switch the account of ENV off, and the one on that sent before it.

    On a clone this is the way to switch production's account off. Neither the app nor the records
    need to be as the package says. That mail leaves over the other account is not proven here.
    """
    from generator.cli.cut_over_text import cut_over_text
    from generator.instance.cut_over_deactivate import deactivate as switch_off
    from generator.instance.cut_over_result import CutOverResult

    if to is not None and no_mail:
        raise _usage("--to and --no-mail contradict each other.", "give one of them")
    if to is not None and not _SYS_ID.fullmatch(to):
        raise _usage(
            "--to takes the sys_id of an SMTP account: 32 digits 0-9a-f.",
            "see the list of email accounts on the instance, or sn-smtp instance status",
        )
    result = CutOverResult()
    return outcome(
        session,
        given.call(),
        partial(switch_off, result=result, to=to, no_mail=no_mail),
        text=lambda report: cut_over_text(report, result),
        result=result.as_json,
    )


def _usage(message: str, next_step: str) -> UsageError:
    return UsageError(Fault("usage", message, next=next_step))
