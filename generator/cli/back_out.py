"""`sn-smtp back-out`: take the last import of an environment back."""

from __future__ import annotations

from pathlib import Path

import click

from generator.cli.instance_call import Call, guard_options, instance_options, outcome
from generator.cli.options import answers, root_option
from generator.cli.output import Outcome, Session


@click.command(
    "back-out",
    epilog="Exit codes: 0 backed out and proven; 1 the instance did not clearly answer; 2 usage or "
    "configuration; 6 it is not backed out, or a record that it had made is still there; 7 a guard "
    "said no, our account is active, nothing is committed, or another import came later.",
)
@click.argument("environment", metavar="ENV")
@guard_options
@instance_options
@root_option
@answers
def back_out(
    session: Session,
    *,
    environment: str,
    change: str | None,
    confirm_instance: str | None,
    dry_run: bool,
    yes: bool,
    instance_url: str | None,
    budget: float,
    templates: Path | None,
    root: Path,
) -> Outcome:
    """Back the last import of ENV out, prove it, and say what stays behind."""
    from generator.cli.report_text import report_text
    from generator.instance import back_out as work
    from generator.instance.run import Options, Permission

    call = Call(
        environment=environment,
        root=root,
        instance_url=instance_url,
        budget=budget,
        templates=templates,
        options=Options(dry_run=dry_run, permission=Permission(change, confirm_instance)),
        asks=not (yes or dry_run),
        mode="dry-run" if dry_run else "back-out",
    )
    return outcome(session, call, work.back_out, text=report_text)
