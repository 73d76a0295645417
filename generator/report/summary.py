"""`SUMMARY.md`: what a package would change, for a reader with one minute."""

from __future__ import annotations

from dataclasses import dataclass

from generator.config.environment import Authorization, Environment
from generator.integration.integration import Integration, SetContents
from generator.update_set.history import timestamp
from generator.update_set.records import Record, Reference
from generator.update_set.templates import Templates


@dataclass(frozen=True, slots=True)
class SetInFile:
    """One update set and where it stands."""

    contents: SetContents
    file: str
    updates: int


@dataclass(frozen=True, slots=True)
class Left:
    """A record that a former render had and this one lacks."""

    label: str
    name: str
    deleted: bool
    """Whether this package deletes it."""


def summary(
    templates: Templates,
    environment: Environment,
    integration: Integration,
    *,
    sets: tuple[SetInFile, ...],
    build_time: str,
    left: tuple[Left, ...],
) -> bytes:
    """Render the summary; nothing in it depends on the clock or on the tool's version."""
    expires = environment.azure.secret_expires_on
    context = {
        "environment": environment,
        "account": environment.email_account,
        "sets": sets,
        "separate": len({entry.file for entry in sets}) > 1,
        "build_time": build_time,
        "records": [
            {
                "table": record.table,
                "label": _shown(record),
                "purpose": record.purpose,
                "sys_id": record.sys_id,
                "values": _values(record),
                "in_set": any(record in entry.contents.records for entry in sets),
            }
            for record in integration.records()
        ],
        "entity": _first(integration, "oauth_entity"),
        "account_sys_id": integration.account.sys_id,
        "secret_expires_on": None if expires is None else timestamp(expires),
        "app_role": environment.azure.authorization is Authorization.APP_ROLE,
        "deleted": [entry for entry in left if entry.deleted],
        "left": [entry for entry in left if not entry.deleted],
    }
    return templates.render("report/summary.md.j2", context).encode()


def _shown(record: Record) -> str:
    # A profile scope is labelled by a sys_id, which tells a reader nothing.
    return (
        "" if record.label == record.fields.get("sys_id") or _is_id(record.label) else record.label
    )


def _is_id(label: str) -> bool:
    return len(label) == 32 and not label.strip("0123456789abcdef")


def _values(record: Record) -> list[tuple[str, str]]:
    found = []
    for name in record.highlights:
        value = record.fields.get(name)
        if value is None:
            continue
        text = value.display_value or value.value if isinstance(value, Reference) else str(value)
        found.append((name, text or "(empty)"))
    return found


def _first(integration: Integration, table: str) -> Record:
    return next(record for record in integration.records() if record.table == table)
