"""Deterministic identity: the same record has the same sys_id in every environment.

`uuid5(NS, "<application>/<integration>/<table>/<logical name>")` as 32 hex digits, where the
application is `global` for the mail chain and the app's scope for the app. Nothing of content
or environment enters, so promotion updates instead of duplicating. `sys_ids:` in the
environment file replaces an identity by the one that an instance already has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from generator.update_set.model import SysId

NAMESPACE = UUID("6d0b7a52-9c1e-5f43-8a0d-2f4f1b6c9e37")
"""The project's own; changing it would orphan every record ever delivered."""


def derived(name: str) -> SysId:
    """The sys_id of a path in the project's namespace."""
    return SysId(uuid5(NAMESPACE, name).hex)


def derived_uuid(name: str) -> str:
    """The same as a UUID with hyphens, for the fields that hold one."""
    return str(uuid5(NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities of the records of one application in one integration."""

    application: str
    """`global`, or the app's scope."""

    integration: str
    """The environment file's `integration`."""

    adopted: Mapping[str, str] = field(default_factory=dict)
    """Logical name to the sys_id that an instance already has."""

    def sys_id(self, table: str, logical_name: str) -> SysId:
        """The sys_id of a record: adopted, or derived."""
        known = self.adopted.get(logical_name)
        return SysId(known) if known is not None else derived(self.path(table, logical_name))

    def part(self, table: str, name: str) -> SysId:
        """The sys_id of something inside a record, which cannot be adopted."""
        return derived(self.path(table, name))

    def path(self, table: str, name: str) -> str:
        """The path that a derived identity is the hash of."""
        return f"{self.application}/{self.integration}/{table}/{name}"
