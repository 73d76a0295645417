"""`sn-smtp instance`: what is on an instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.instance_call import Call, instance_options, opened
from generator.cli.lazy import LazyGroup
from generator.cli.options import answers, root_option
from generator.cli.output import Outcome, Session

if TYPE_CHECKING:
    from generator.instance.report import SetFound
    from generator.instance.status import Status


@click.group(
    cls=LazyGroup,
    commands_at={"status": ("generator.cli.instance:status", "Show what is on the instance now.")},
    epilog="Exit codes: those of the command.",
)
def instance() -> None:
    """Look at the instance of an environment; nothing is changed."""


@click.command(
    epilog="Exit codes: 0 shown; 1 the instance did not clearly answer; 2 usage or configuration; "
    "7 the package is missing or not whole."
)
@click.argument("environment", metavar="ENV")
@instance_options
@root_option
@answers
def status(
    session: Session,
    *,
    environment: str,
    instance_url: str | None,
    budget: float,
    templates: Path | None,
    root: Path,
) -> Outcome:
    """Show what the instance of ENV holds of its package: sets, records, account, secret."""
    from generator.instance.run import Options
    from generator.instance.status import status as read_status

    call = Call(
        environment=environment,
        root=root,
        instance_url=instance_url,
        budget=budget,
        templates=templates,
        options=Options(dry_run=True),
        asks=False,
    )
    with opened(session, call) as run:
        found = read_status(run)
        where = {"environment": environment, "instance": run.instance.url}
        return Outcome(
            result={**where, **found.as_json()},
            text=_text(environment, run.instance.url, found),
        )


def _text(environment: str, url: str, found: Status) -> str:
    from generator.cli.tables import table

    rows = [
        ("instance", f"{found.instance_name or 'unknown'} ({url})"),
        ("release", found.release or "unknown"),
        ("production", found.production),
        *((f"set {entry.role}", _set(entry)) for entry in found.package),
        *((f"other {entry.role}", _set(entry)) for entry in found.others),
        ("OAuth entity", _presence(found.entity)),
        ("client ID", _say(found.client_id_agrees, "as in the package", "another")),
        ("client secret", _say(found.secret_set, "set", "not set")),
        ("secret ends", found.secret_expires_on or "unknown"),
        ("email account", _presence(found.account)),
        ("active", _say(found.account_active, "yes", "no")),
        ("account differs", ", ".join(found.account_differs) or "no"),
        ("action", found.action_state or "not there"),
    ]
    lines = [environment, "", table(("what", "now"), rows)]
    lines += [f"not read: {what}" for what in found.unread]
    return "\n".join(lines)


def _set(entry: SetFound) -> str:
    return f"{entry.state or 'not there'} {entry.name} ({entry.sys_id})"


def _presence(name: str | None) -> str:
    return "cannot be read" if name is None else name or "not there"


def _say(value: bool | None, yes: str, no: str) -> str:
    return "unknown" if value is None else yes if value else no
