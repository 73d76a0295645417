"""Tables and columns: every field is a column of its table, and fits into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from generator.checks import table_columns
from generator.checks.interface import Context, Hit, Rule, Severity, at, listed, rule
from generator.checks.row import PayloadRecord, Row, field

T1 = rule(
    "columns",
    "T1",
    Severity.NOTE,
    "The payload's table is in the table dictionary.",
    "nothing to do: the dictionary holds the tables of the mail chain, of the app and of imports",
)
T2 = rule(
    "columns",
    "T2",
    Severity.WARNING,
    "Every field is a known column of its table.",
    "check the spelling; a column that the target lacks is dropped without a word",
)
T3 = rule(
    "columns",
    "T3",
    Severity.WARNING,
    "A value is no longer than its column is taken to be.",
    "shorten it: the platform cuts what does not fit, without a word",
    foreign=Severity.NOTE,
)

LIMITS = {
    ("oauth_entity", "name"): 40,
    ("oauth_entity_profile", "name"): 56,
    ("oauth_entity_scope", "name"): 40,
    ("sys_app", "name"): 64,
    ("sys_email_account", "from"): 254,
    ("sys_email_account", "name"): 40,
    ("sys_email_account", "server"): 253,
    ("sys_email_account", "user_name"): 254,
    ("sys_properties", "value"): 1000,
}
"""Longest value by table and column, in characters. Inference: no source states the lengths of
these columns. 40 is the platform's default for a string, a profile's name adds
" default_profile"; 254 and 253 are the limits of addresses (RFC 5321) and host names."""

_LIMITED = frozenset(table for table, _ in LIMITS)
_ACTION = "sys_hub_action_type_definition"


class Columns:
    """Rules T1 to T3."""

    rules: ClassVar[tuple[Rule, ...]] = (T1, T2, T3)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._unknown: set[str] = set()
        self._told: dict[str, set[str]] = {}

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one row; the records inside an action are the action family's."""
        if row.table == _ACTION or row.special:
            return
        for record in row.records:
            yield from self._record(row, record)

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())

    def _record(self, row: Row, record: PayloadRecord) -> Iterator[Hit]:
        table = str(record.element.tag)
        known = table_columns.columns(table)
        if known is None:
            if table not in self._unknown:
                self._unknown.add(table)
                yield at(row, T1, f"The table {table} is not in the dictionary.", "payload")
            return
        if not known.issuperset(record.tags):
            told = self._told.setdefault(table, set())
            strange = [tag for tag in record.tags if tag not in known and tag not in told]
            if strange:
                told.update(strange)
                yield at(
                    row,
                    T2,
                    f"{table} is not known to have {listed(strange)}.",
                    f"payload/{strange[0]}",
                )
        if table in _LIMITED:
            for tag in record.tags:
                most = LIMITS.get((table, tag))
                length = 0 if most is None else len(field(record.element, tag))
                if most is not None and length > most:
                    yield at(
                        row, T3, f"{tag} has {length} characters, {most} fit.", f"payload/{tag}"
                    )
