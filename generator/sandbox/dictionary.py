"""The sandbox's tables and columns, with inheritance (`spec/instance-http.md` B2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from generator.sandbox.extra_tables import EXTRA_TABLES, READ_ONLY, SECRETS


class SecretKind(StrEnum):
    """How an instance keeps the value of a column."""

    NONE = "none"
    TWO_WAY = "two_way"
    """`password2`: encrypted, the platform can read it."""

    ONE_WAY = "one_way"
    """`password`: a hash."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    """`string`, `number`, `boolean`, `reference` or `any` (the typings had no mapping)."""

    reference: str | None = None
    """The table that it points to."""

    read_only: bool = False
    """Whether a REST write leaves it as it is."""

    secret: SecretKind = SecretKind.NONE


@dataclass(frozen=True, slots=True)
class _Table:
    extends: str | None
    own: dict[str, Column]
    learnt: bool


STAMPS: Mapping[str, str] = {
    "sys_id": "any",
    "sys_created_by": "string",
    "sys_created_on": "any",
    "sys_mod_count": "number",
    "sys_updated_by": "string",
    "sys_updated_on": "any",
}
"""Columns that every table has, and their types; no REST write changes them."""


def _column(table: str, name: str, kind: list[str]) -> Column:
    return Column(
        name,
        kind[0],
        kind[1] if len(kind) > 1 else None,
        name in STAMPS or name in READ_ONLY.get(table, frozenset()),
        SecretKind(SECRETS.get((table, name), "none")),
    )


class Dictionary:
    """Tables of one sandbox; grows by the tables that payloads bring."""

    def __init__(self) -> None:
        """The dictionary of a current instance: package data and the tables of B2 [PLAT]."""
        self.version = 0
        """Goes up with each change."""

        self.on_learn: Callable[[str, str | None, tuple[str, ...]], None] | None = None
        """Told of each learnt table (name, parent, own columns), so that it can be kept."""

        self._tables: dict[str, _Table] = {}
        self._hidden: frozenset[tuple[str, str]] = frozenset()
        self._columns: dict[str, Mapping[str, Column]] = {}
        self._children: dict[str, tuple[str, ...]] = {}
        text = files("generator.checks").joinpath("table_columns.json").read_text("utf-8")
        listed = json.loads(text)
        for source in (listed, EXTRA_TABLES):
            for table, entry in source.items():
                own = {c: _column(table, c, list(kind)) for c, kind in entry["columns"].items()}
                self._add(table, entry["extends"], own, learnt=False)
        # Of the tables beyond the typings' list only some columns are known (B2).
        self._whole = frozenset(listed) - frozenset(EXTRA_TABLES)

    def _add(
        self, table: str, extends: str | None, own: dict[str, Column], *, learnt: bool
    ) -> None:
        if extends is None:
            for name, kind in STAMPS.items():
                own.setdefault(name, _column(table, name, [kind]))
        known = self._tables.get(table)
        if known is None:
            self._tables[table] = _Table(extends, own, learnt)
        else:
            known.own.update(own)
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._columns.clear()
        self._children.clear()

    def ensure_table(
        self, name: str, *, extends: str | None = "sys_metadata", columns: Iterable[str] = ()
    ) -> None:
        """Take a table from what a payload holds. Those of the dictionary stay as they are.

        Args:
            name: Table.
            extends: Its parent, if it has to be made.
            columns: The payload's columns; what a learnt table lacks is added as `string`.
        """
        known = self._tables.get(name)
        if known is not None and not known.learnt and name not in _OPEN:
            return
        have = self._own_and_inherited(name) if known else self._own_and_inherited(extends)
        missing = [column for column in columns if column not in have]
        if known is not None and not missing:
            return
        own = {column: _column(name, column, ["string"]) for column in missing}
        self._add(name, extends if known is None else known.extends, own, learnt=True)
        if self.on_learn is not None:
            entry = self._tables[name]
            self.on_learn(name, entry.extends, tuple(entry.own))

    def hide(self, *columns: tuple[str, str]) -> None:
        """Take columns (table, name) away, as on an older release; replaces earlier ones."""
        self._hidden = frozenset(columns)
        self._changed()

    def tables(self) -> tuple[str, ...]:
        """Names of all tables, sorted."""
        return tuple(sorted(self._tables))

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        return table in self._tables

    def is_whole(self, table: str) -> bool:
        """Whether all columns of a table and of its ancestors are known, as typings have them."""
        return all(name in self._whole for name in (table, *self.parents(table)))

    def parents(self, table: str) -> tuple[str, ...]:
        """Ancestors, the nearest first."""
        found: list[str] = []
        entry = self._tables.get(table)
        while entry is not None and entry.extends is not None:
            found.append(entry.extends)
            entry = self._tables.get(entry.extends)
        return tuple(found)

    def children(self, table: str) -> tuple[str, ...]:
        """All descendants, sorted."""
        found = self._children.get(table)
        if found is None:
            found = tuple(name for name in self.tables() if table in self.parents(name))
            self._children[table] = found
        return found

    def is_extended(self, table: str) -> bool:
        """Whether rows have a class: the table has a parent or children (`sys_class_name`)."""
        return bool(self.parents(table)) or bool(self.children(table))

    def _own_and_inherited(self, table: str | None) -> Mapping[str, Column]:
        if table is None or table not in self._tables:
            return {}
        entry = self._tables[table]
        return {**self._own_and_inherited(entry.extends), **entry.own}

    def columns(self, table: str) -> Mapping[str, Column]:
        """Columns by name, inherited ones included; none for an unknown table."""
        found = self._columns.get(table)
        if found is None:
            family = (table, *self.parents(table))
            found = {
                name: column
                for name, column in self._own_and_inherited(table).items()
                if not any((member, name) in self._hidden for member in family)
            }
            self._columns[table] = found
        return found


_OPEN = frozenset(
    {
        "sys_hub_action_type_base",
        "sys_hub_action_type_definition",
        "sys_hub_action_type_snapshot",
    }
)
"""Tables of which only some columns are known, so that payloads may add to them."""
