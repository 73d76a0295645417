"""`sn-smtp secret`: the client secret, which no file ever holds."""

from __future__ import annotations

from dataclasses import replace

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.instance_call import outcome
from generator.cli.lazy import LazyGroup
from generator.cli.mail_options import entra_options
from generator.cli.output import Outcome, Session


@click.group(
    cls=LazyGroup,
    commands_at={
        "status": ("generator.cli.secret_status:status", "Say when the client secret ends."),
        "deliver": ("generator.cli.secret:deliver", "Deliver the client secret, and prove it."),
        "rotate": ("generator.cli.secret_rotate:rotate", "Give the instance a new client secret."),
    },
    epilog="Exit codes: those of the command.",
)
def secret() -> None:
    """The client secret's life: when it ends, where it belongs, and the next one."""


@click.command(
    epilog="Exit codes: 0 delivered and proven; 1 Entra or the instance did not clearly answer; 2 "
    "usage or configuration, or the source has no secret; 6 Entra gives no token for it (nothing "
    "was delivered), it does not read as set, or the instance gets no token with it; 7 a guard "
    "said no, or the entity is not the package's."
)
@guard_options
@entra_options
@instance_command
def deliver(session: Session, given: CallOptions) -> Outcome:
    """Deliver the client secret of ENV from azure.client_secret_from, and the date it ends on.

    Microsoft Entra ID is asked for a token with it first, and through the instance afterwards.
    You are asked nothing, with or without --yes: to deliver the same secret again changes nothing.
    """
    from generator.cli.report_text import report_text
    from generator.instance.deliver_only import deliver_secret

    call = replace(given.call(), asks=False)
    return outcome(session, call, deliver_secret, text=report_text)
