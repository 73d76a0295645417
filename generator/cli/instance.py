"""`sn-smtp instance`: what is on an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from generator.cli.call_options import CallOptions, instance_command
from generator.cli.instance_call import opened
from generator.cli.lazy import LazyGroup
from generator.cli.output import Outcome, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.instance.report import SetFound
    from generator.instance.status import Status


_OTHERS = 2
"""Sets from other renders that are shown one by one."""


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
@instance_command
def status(session: Session, given: CallOptions) -> Outcome:
    """Show what the instance of ENV holds of its package: sets, records, account, secret."""
    from generator.instance.status import status as read_status

    with opened(session, given.call()) as run:
        found = read_status(run)
        where = {"environment": given.environment, "instance": run.instance.url}
        return Outcome(
            result={**where, **found.as_json()},
            text=_text(given.environment, run.instance.url, found),
        )


def _text(environment: str, url: str, found: Status) -> str:
    from generator.cli.tables import table

    differs = ", ".join(found.account_differs) or "no"
    rows = [
        ("instance", f"{found.instance_name or 'unknown'} ({url})"),
        ("release", found.release or "unknown"),
        ("production", _presence(found.production)),
        *((f"set {entry.role}", _set(entry)) for entry in found.package),
        *_others(found.others),
        ("OAuth entity", _presence(found.entity)),
        (
            "client ID",
            _say(found.client_id_agrees, "as in the package", "another", of=found.entity),
        ),
        ("client secret", _say(found.secret_set, "set", "not set")),
        ("secret ends", _presence(found.secret_expires_on)),
        ("email account", _presence(found.account)),
        ("active", _say(found.account_active, "yes", "no", of=found.account)),
        ("account differs", differs if found.account else _presence(found.account, absent="-")),
        ("sends now", _sending(found)),
        ("outgoing mail", _outgoing(found)),
        ("action", _presence(found.action_state)),
    ]
    if found.cut_over:
        rows.append(("cut-over", f"{found.cut_over} was begun and has not ended: run it again"))
    lines = [environment, "", table(("what", "now"), rows)]
    lines += [f"not read: {what}" for what in found.unread]
    return "\n".join(lines)


def _sending(found: Status) -> str:
    """The active SMTP account; more than one where the platform has not settled yet."""
    if found.smtp_active is None:
        return "cannot be read"
    return " and ".join(str(entry) for entry in found.smtp_active) or "no SMTP account is active"


def _outgoing(found: Status) -> str:
    if found.outbound_mail is None:
        return "cannot be read"
    said = {"true": "on", "false": "off"}.get(found.outbound_mail, found.outbound_mail or "empty")
    return f"{said}, all to {found.redirected_to}" if found.redirected_to else said


def _others(others: Sequence[SetFound]) -> list[tuple[str, str]]:
    """The newest of them, and how many more there are: they grow with every render."""
    rows = [(f"other {entry.role}", _set(entry)) for entry in others[-_OTHERS:]]
    more = len(others) - _OTHERS
    return [*rows, ("older ones", f"{more} more update sets of ours")] if more > 0 else rows


def _set(entry: SetFound) -> str:
    return f"{_presence(entry.state)} {entry.name} ({entry.sys_id})"


def _presence(text: str | None, *, absent: str = "not there") -> str:
    return "cannot be read" if text is None else text or absent


def _say(value: bool | None, yes: str, no: str, *, of: str | None = None) -> str:
    """A yes or no; without one, whether the record `of` that it is about is missing or unread."""
    if value is None:
        return "-" if of == "" else "cannot be read"
    return yes if value else no
