"""Records: what a payload is rendered from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from generator.update_set.model import SysId

CREATED_ON = "\x01"
UPDATED_ON = "\x02"
MOD_COUNT = "\x03"
"""Stand-ins for the stamps that the package history decides. Control characters, which no
accepted value can hold, so that a payload is rendered once and stamped as often as needed."""


class Reference(NamedTuple):
    """A filled reference field."""

    value: str
    """sys_id, or the key that the platform stores."""

    display_value: str
    """Display value of the target, empty if the platform writes it empty."""

    source: str | None = None
    """Only `sys_package` has it: the scope name, or `global`."""

    name: str | None = None
    """Only references to a table matched by name have it."""


class Script(str):
    """Text of a script, HTML or XML field: written as CDATA, LF line ends."""

    __slots__ = ()


Value = str | Reference | Script
"""What one field holds; an empty text is an empty element."""

Fields = Mapping[str, Value]
"""Fields of one record by name; the template decides the order."""


@dataclass(frozen=True, slots=True)
class Application:
    """The application that a record, an update and a set belong to (section 10)."""

    sys_id: str
    """sys_id of the `sys_app` record, or `global`."""

    name: str
    """Display name."""

    scope: str
    """Scope name, or `global`."""

    version: str
    """Version of a scoped application; empty for global."""


GLOBAL = Application(sys_id="global", name="Global", scope="global", version="")
"""The global application."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record that is shipped: identity, fields, and what people are told about it.

    Compared by identity: the same record object is rendered and hashed once.
    """

    table: str
    """Table of the record and of the payload."""

    logical_name: str
    """Name within this project: `oauth_entity`, `sys_properties.warn_days`."""

    sys_id: SysId
    """Its identity on every instance."""

    application: Application
    """The application of its row and of the set it travels in."""

    fields: Fields
    """Its fields by name, without `sys_id` duplicates elsewhere."""

    label: str
    """Display value (`target_name` of the row)."""

    purpose: str
    """Why the integration has it: one sentence for a reviewer."""

    highlights: tuple[str, ...] = ()
    """Names of the fields whose values a reviewer wants to see, in that order."""

    row_table: str = ""
    """The `table` child of the row: empty unless the record hangs on another table."""

    related: Mapping[str, object] = field(default_factory=dict)
    """What the template needs beside the fields: the child records of a Flow Designer action."""

    @property
    def update_name(self) -> str:
        """Canonical update name (section 7)."""
        return f"{self.table}_{self.sys_id}"


@dataclass(frozen=True, slots=True)
class Stamps:
    """The three values that a record's history decides."""

    created_on: str
    """`sys_created_on`, `YYYY-MM-DD HH:MM:SS`, UTC."""

    updated_on: str
    """`sys_updated_on`, likewise."""

    mod_count: int
    """`sys_mod_count`: 0 for a new record."""
