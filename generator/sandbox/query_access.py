"""Which columns a query names, and whether the caller may read them (A16, newer query ACLs) [TP].

A condition that tells apart what the caller may not read would give it away: the platform answers
403 instead. That sorting and grouping count, too, is inferred [INF].
"""

from __future__ import annotations

from collections.abc import Iterator

from generator.sandbox.access import is_closed, is_closed_column
from generator.sandbox.context import Context
from generator.sandbox.dictionary import Dictionary
from generator.sandbox.query import Condition, Join, Parsed, Related, Term, parse
from generator.sandbox.rest import RestError

NO_QUERY = (
    403,
    "Insufficient rights to query records",
    "Field(s) present in the query do not have permission to be read",
)


def check_query(context: Context, table: str, query: str) -> None:
    """Refuse a query by what the caller may not read.

    Args:
        context: Who asks, and where.
        table: The table that is asked; whether it is open itself is not looked at here.
        query: The encoded query.

    Raises:
        RestError: 403.
    """
    behaviour = context.sandbox.behaviour
    if not behaviour.closed_tables and not behaviour.closed_columns:
        return
    for owner, column in _columns(parse(query), table, context.sandbox.dictionary):
        closed = owner != table and is_closed(context, owner)
        if closed or is_closed_column(context, owner, column):
            raise RestError(*NO_QUERY)


def _columns(parsed: Parsed, table: str, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    """Table and column of each step of each field that a query names."""
    for all_of in parsed.alternatives:
        for any_of in all_of:
            for condition in any_of:
                yield from _of(condition, table, dictionary)
    for field in (*(name for name, _ in parsed.order), *parsed.group_by):
        yield from _walk(field, table, dictionary)


def _of(condition: Condition, table: str, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    if isinstance(condition, Term):
        yield from _walk(condition.field, table, dictionary)
        if condition.operator in ("SAMEAS", "NSAMEAS"):
            yield from _walk(condition.value, table, dictionary)
    elif isinstance(condition, Join):
        yield from _walk(condition.field, table, dictionary)
        yield from _walk(condition.table_field, condition.table, dictionary)
        yield from _columns(condition.query, condition.table, dictionary)
    elif isinstance(condition, Related):
        yield from _walk(condition.field, condition.table, dictionary)
        yield from _columns(condition.query, condition.table, dictionary)


def _walk(path: str, table: str, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    """The steps of a dot-walk, as far as they lead; an unknown column is dropped elsewhere."""
    here: str | None = table
    for name in path.split("."):
        column = dictionary.columns(here).get(name) if here else None
        if here is None or column is None:
            return
        yield here, name
        here = column.reference
