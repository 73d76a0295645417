"""Records as the Table API shows them: fields, references, display values (A15). [DOC]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.sandbox.access import is_closed, is_closed_column
from generator.sandbox.context import Context, Json
from generator.sandbox.dictionary import Column

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_SHOWN = ("number", "name", "user_name", "title", "sys_name", "id")
"""Columns that show a record, in this order; which column does is not in the typings [INF]."""

_MODES = ("false", "true", "all")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a call wants its records."""

    fields: tuple[str, ...] | None
    """`sysparm_fields`; None for all columns."""

    display: str
    """`sysparm_display_value`: false, true or all."""

    links: bool
    """Whether references carry links."""

    host: str
    """`https://host` for links."""


def shape_of(context: Context) -> Shape:
    """How a request wants its records."""
    args = context.request.args
    display = args.get("sysparm_display_value", "false").lower()
    named = tuple(part for f in args.get("sysparm_fields", "").split(",") if (part := f.strip()))
    return Shape(
        fields=named or None,
        display=display if display in _MODES else "false",
        links=args.get("sysparm_exclude_reference_link", "").lower() != "true",
        host=context.request.host_url.rstrip("/"),
    )


def show(
    context: Context, table: str, rows: Iterable[Mapping[str, str]], *, shape: Shape
) -> list[dict[str, Json]]:
    """Records in the shape that was asked for; unknown fields are left out. [DOC].

    Args:
        context: Who asks, and where.
        table: The table asked; only its columns are shown, not those of descendants.
        rows: The records.
        shape: What was asked for.
    """
    reader = Reader(context)
    columns = context.sandbox.dictionary.columns(table)
    wanted = shape.fields if shape.fields is not None else tuple(sorted(columns))
    shown: list[dict[str, Json]] = []
    for row in rows:
        record: dict[str, Json] = {}
        for path in wanted:
            found = reader.walk(table, row, path)
            if found is not None:
                record[path] = _element(reader, *found, shape=shape)
        shown.append(record)
    return shown


class Reader:
    """Reads values over references; remembers what it saw during one answer."""

    def __init__(self, context: Context) -> None:
        """Args: context: Who asks, and where."""
        self._context = context
        self._sandbox = context.sandbox
        self._rows: dict[tuple[str, str], Mapping[str, str] | None] = {}

    def walk(self, table: str, row: Mapping[str, str], path: str) -> tuple[Column, str] | None:
        """Column and value at the end of a dot-walk; None if there is no such column."""
        name, _, rest = path.partition(".")
        column = self._sandbox.dictionary.columns(table).get(name)
        if column is None or is_closed_column(self._context, table, name):
            return None
        value = row.get(name, "")
        if not rest:
            return column, value
        if column.reference is None:
            return None
        return self.walk(column.reference, self._seen(column.reference, value), rest)

    def _seen(self, table: str, sys_id: str) -> Mapping[str, str]:
        """A record as a dot-walk sees it: empty where its table is closed to the caller."""
        row = self.row(table, sys_id) or {}
        family = {table, row.get("sys_class_name", table)}
        return {} if any(is_closed(self._context, name) for name in family) else row

    def row(self, table: str, sys_id: str) -> Mapping[str, str] | None:
        """A record, read once."""
        key = (table, sys_id)
        if key not in self._rows:
            found = self._sandbox.database.get(table, sys_id) if sys_id else None
            self._rows[key] = found
        return self._rows[key]

    def display(self, column: Column, value: str) -> str:
        """What a person sees: a reference's name, else the value."""
        if column.reference is None or not value:
            return value
        row = self.row(column.reference, value)
        if row is None:
            return "Global" if value == "global" else ""
        return next((row[name] for name in _SHOWN if row.get(name)), value)


def _element(reader: Reader, column: Column, value: str, *, shape: Shape) -> Json:
    link = f"{shape.host}/api/now/table/{column.reference}/{value}"
    is_reference = column.reference is not None and bool(value)
    if shape.display == "false":
        return {"link": link, "value": value} if is_reference and shape.links else value
    display = reader.display(column, value)
    if shape.display == "true":
        return {"display_value": display, "link": link} if is_reference and shape.links else display
    if is_reference and shape.links:
        return {"display_value": display, "link": link, "value": value}
    return {"display_value": display, "value": value}


def from_display(sandbox: Sandbox, table: str, values: Mapping[str, str]) -> dict[str, str]:
    """Display values of references turned into sys_ids (`sysparm_input_display_value=true`).

    Date-times need no change: users here are in UTC. [DOC]
    """
    columns = sandbox.dictionary.columns(table)
    stored = dict(values)
    for name, value in values.items():
        column = columns.get(name)
        if column is None or column.reference is None or not value or "^" in value:
            continue
        if sandbox.database.get(column.reference, value) is not None:
            continue
        known = sandbox.dictionary.columns(column.reference)
        for shown in _SHOWN:
            rows = (
                sandbox.database.query(column.reference, f"{shown}={value}", limit=1)
                if shown in known
                else []
            )
            if rows:
                stored[name] = rows[0]["sys_id"]
                break
    return stored
