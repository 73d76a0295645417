"""The dictionary of tables and columns, shipped as `table_columns.json`.

Read from ServiceNow's own typings of a live instance (`spec/table-columns.json`), with the
columns that only newer exports hold (`spec/records.md` sections 3.2 and 12) and the two tables of
the app that those lack, as real exports hold them. A column is `[type]` or `["reference", table]`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

_Dictionary = dict[str, tuple[str | None, dict[str, list[str]]]]


@cache
def _dictionary() -> _Dictionary:
    text = files("generator.checks").joinpath("table_columns.json").read_text("utf-8")
    return {
        table: (entry["extends"], entry["columns"]) for table, entry in json.loads(text).items()
    }


@cache
def columns(table: str) -> frozenset[str] | None:
    """Names of all columns of a table, inherited ones included; None if it is unknown."""
    entry = _dictionary().get(table)
    if entry is None:
        return None
    parent, own = entry
    return frozenset(own) | ((columns(parent) if parent else None) or frozenset())


@cache
def target(table: str, column: str) -> str | None:
    """The table that a reference column points to; None if it is no known reference."""
    entry = _dictionary().get(table)
    if entry is None:
        return None
    parent, own = entry
    found = own.get(column)
    if found is not None:
        return found[1] if len(found) > 1 else None
    return target(parent, column) if parent else None


@cache
def is_application_file(table: str) -> bool:
    """Whether a table is known to extend `sys_metadata`."""
    entry = _dictionary().get(table)
    if entry is None:
        return False
    return entry[0] == "sys_metadata" or (entry[0] is not None and is_application_file(entry[0]))
