"""`sn-smtp back-out`: take the last import of an environment back."""

from __future__ import annotations

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.instance_call import outcome
from generator.cli.output import Outcome, Session


@click.command(
    "back-out",
    epilog="Exit codes: 0 backed out and proven; 1 the instance did not clearly answer; 2 usage or "
    "configuration; 6 it is not backed out, or a record that it had made is still there; 7 a guard "
    "said no, our account is active, nothing is committed, or another import came later.",
)
@guard_options
@instance_command
def back_out(session: Session, given: CallOptions) -> Outcome:
    """Back the last import of ENV out, prove it, and say what stays behind."""
    from generator.cli.report_text import report_text
    from generator.instance import back_out as work

    return outcome(session, given.call(), work.back_out, text=report_text)
