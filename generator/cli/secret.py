"""`sn-smtp secret`: the client secret, which no file ever holds."""

from __future__ import annotations

from pathlib import Path

import click

from generator.cli.instance_call import Call, guard_options, instance_options, outcome
from generator.cli.lazy import LazyGroup
from generator.cli.mail_options import entra_options
from generator.cli.options import answers, root_option
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
@click.argument("environment", metavar="ENV")
@guard_options
@entra_options
@instance_options
@root_option
@answers
def deliver(
    session: Session,
    *,
    environment: str,
    change: str | None,
    confirm_instance: str | None,
    dry_run: bool,
    yes: bool,
    entra: str | None,
    mail_ca: Path | None,
    instance_url: str | None,
    budget: float,
    templates: Path | None,
    root: Path,
) -> Outcome:
    """Deliver the client secret of ENV from azure.client_secret_from, and the date it ends on.

    Microsoft Entra ID is asked for a token with it first, and through the instance afterwards.
    You are asked nothing, with or without --yes: to deliver the same secret again changes nothing.
    """
    from generator.cli.report_text import report_text
    from generator.instance.deliver_only import deliver_secret
    from generator.instance.run import Options, Permission

    call = Call(
        environment=environment,
        root=root,
        instance_url=instance_url,
        budget=budget,
        templates=templates,
        options=Options(dry_run=dry_run, permission=Permission(change, confirm_instance)),
        asks=False,
        mode="dry-run" if dry_run else "secret deliver",
        entra=entra,
        mail_ca=mail_ca,
    )
    return outcome(session, call, deliver_secret, text=report_text)
