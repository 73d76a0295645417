"""`SUMMARY.md`: what a package would change, for a reader with one minute."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from generator.config.environment import Authorization, Environment
from generator.integration.integration import Integration, SetContents
from generator.update_set.history import timestamp
from generator.update_set.records import GLOBAL, Record, Reference
from generator.update_set.templates import Templates

_PRIVILEGE = "sys_scope_privilege"
_CACHED = 256
_EMPTY = {("sys_email_account", "from"): "(the user name)"}
"""What an empty field means, where the platform says so."""


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


class Summaries:
    """Renders summaries; the row of a record that many environments share is rendered once."""

    def __init__(self, templates: Templates) -> None:
        """Args: templates: Where the summary's templates come from."""
        self._templates = templates
        self._rows: OrderedDict[tuple[Record, bool], str] = OrderedDict()

    def render(
        self,
        environment: Environment,
        integration: Integration,
        *,
        sets: tuple[SetInFile, ...],
        build_time: str,
        left: tuple[Left, ...],
    ) -> bytes:
        """Render a summary; nothing in it depends on the clock or on the tool's version."""
        records = integration.records()
        shipped = {record for entry in sets for record in entry.contents.records}
        chain = [record for record in records if record.application is GLOBAL]
        app = [record for record in records if record.application is not GLOBAL]
        expires = environment.azure.secret_expires_on
        context = {
            "environment": environment,
            "account": environment.email_account,
            "sets": sets,
            "separate": len({entry.file for entry in sets}) > 1,
            "build_time": build_time,
            "chain": self._table(chain, shipped),
            "app": self._table((r for r in app if r.table != _PRIVILEGE), shipped),
            "privileges": self._table((r for r in app if r.table == _PRIVILEGE), shipped),
            "entity": next(record for record in chain if record.table == "oauth_entity"),
            "account_sys_id": integration.account.sys_id,
            "secret_expires_on": None if expires is None else timestamp(expires),
            "secret_ended": expires is not None and timestamp(expires) <= build_time,
            "app_role": environment.azure.authorization is Authorization.APP_ROLE,
            "deleted": [entry for entry in left if entry.deleted],
            "left": [entry for entry in left if not entry.deleted],
        }
        return self._templates.render("report/summary.md.j2", context).encode()

    def _table(self, records: Iterable[Record], shipped: set[Record]) -> Markup:
        rows = (self._row(record, in_set=record in shipped) for record in records)
        return Markup("".join(rows))  # noqa: S704 - rendered by a template that escapes

    def _row(self, record: Record, *, in_set: bool) -> str:
        key = (record, in_set)
        known = self._rows.get(key)
        if known is None:
            known = self._templates.render(
                "report/record_row.md.j2",
                {
                    "table": record.table,
                    "label": record.label,
                    "sys_id": record.sys_id,
                    "purpose": record.purpose,
                    "values": _values(record),
                    "in_set": in_set,
                },
            )
        self._rows[key] = known
        self._rows.move_to_end(key)
        if len(self._rows) > _CACHED:
            self._rows.popitem(last=False)
        return known


def _values(record: Record) -> list[tuple[str, str]]:
    found = []
    for name in record.highlights:
        value = record.fields.get(name)
        if value is None:
            continue
        text = value.display_value or value.value if isinstance(value, Reference) else str(value)
        found.append((name, text or _EMPTY.get((record.table, name), "(empty)")))
    return found
