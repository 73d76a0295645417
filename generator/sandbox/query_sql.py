"""Encoded queries as SQL over the sandbox's rows.

Comparisons ignore case, an empty column is `""`, and `!=` finds empty columns, as MySQL under an
instance does [PLAT]. A condition on an unknown column is dropped (`spec/instance-http.md` B3.8).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from generator.sandbox.dictionary import Dictionary
from generator.sandbox.query import DEEPEST, Condition, Invalid, Join, Parsed, Related, Term
from generator.sandbox.query_values import evaluate

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"[a-z][a-z0-9_.]*")
_COMPARISONS = ("<", "<=", ">", ">=")
_TEXT: Mapping[str, str] = {
    "LIKE": "instr(lower({0}), lower(?)) > 0",
    "CONTAINS": "instr(lower({0}), lower(?)) > 0",
    "NOT LIKE": "instr(lower({0}), lower(?)) = 0",
    "DOES NOT CONTAIN": "instr(lower({0}), lower(?)) = 0",
    "STARTSWITH": "instr(lower({0}), lower(?)) = 1",
    "=": "{0} = ? COLLATE NOCASE",
    "!=": "{0} <> ? COLLATE NOCASE",
}
_ALONE: Mapping[str, str] = {
    "ISEMPTY": "{0} = ''",
    "EMPTYSTRING": "{0} = ''",
    "ISNOTEMPTY": "{0} <> ''",
    "ANYTHING": "1",
}


def value_sql(name: str, *, row: str) -> str:
    """SQL of a column's value; indexes have the very same."""
    return f"IFNULL({row} ->> '$.{name}', '')"


@dataclass(frozen=True, slots=True)
class Query:
    """SQL of an encoded query; rows are `record AS r0`."""

    where: str
    parameters: tuple[str, ...]
    order: str
    dropped: tuple[str, ...]
    """Parts that were left out or could not be computed, in words, for the sandbox's log: names of
    tables and columns, never a value or the text of a part."""


@dataclass(slots=True)
class _Sql:
    """A piece of SQL and what goes into its marks."""

    text: str
    parameters: list[str] = field(default_factory=list)
    numeric: bool = False


@dataclass(slots=True)
class _Compiler:
    dictionary: Dictionary
    evaluate: Callable[[str], str | None]
    strict: bool
    dropped: list[str] = field(default_factory=list)
    _aliases: int = 0

    def alias(self) -> str:
        self._aliases += 1
        return f"r{self._aliases}"

    def classes(self, table: str, *, alias: str) -> _Sql:
        """Condition that a row is of the table or a descendant."""
        names = [table, *self.dictionary.children(table)]
        return _Sql(f"{alias}.class IN ({', '.join('?' * len(names))})", names)

    def value(self, path: str, *, table: str, alias: str) -> _Sql | None:
        """The value of a column or dot-walk; None if the table has no such column."""
        if path.count(".") > DEEPEST:
            return None
        name, _, rest = path.partition(".")
        column = self.dictionary.columns(table).get(name)
        if column is None or not _NAME.fullmatch(name):
            return None
        here = f"{alias}.sys_id" if name == "sys_id" else value_sql(name, row=f"{alias}.data")
        if not rest:
            return _Sql(here, numeric=column.type == "number")
        if column.reference is None:
            return None
        inner = self.alias()
        there = self.value(rest, table=column.reference, alias=inner)
        if there is None:
            return None
        classes = self.classes(column.reference, alias=inner)
        text = (
            f"IFNULL((SELECT {there.text} FROM record AS {inner} "  # noqa: S608 - names are checked
            f"WHERE {classes.text} AND {inner}.sys_id = {here}), '')"
        )
        return _Sql(text, [*there.parameters, *classes.parameters], there.numeric)

    def where(self, parsed: Parsed, *, table: str, alias: str) -> _Sql:
        """All conditions of a query, that of the class included."""
        found = self.classes(table, alias=alias)
        any_of: list[_Sql] = []
        for terms in parsed.alternatives:
            groups = [self._any(group, table=table, alias=alias) for group in terms]
            any_of.append(_combine([g for g in groups if g is not None], " AND ", empty="1"))
        if not any_of:
            return found
        return _combine([found, _combine(any_of, " OR ", empty="1")], " AND ", empty="1")

    def _any(self, group: tuple[Condition, ...], *, table: str, alias: str) -> _Sql | None:
        made = [self._condition(condition, table=table, alias=alias) for condition in group]
        kept = [sql for sql in made if sql is not None]
        return _combine(kept, " OR ", empty="1") if kept else None

    def _drop(self, what: str) -> _Sql | None:
        self.dropped.append(what)
        return _Sql("0") if self.strict else None

    def _condition(self, condition: Condition, *, table: str, alias: str) -> _Sql | None:
        if isinstance(condition, Invalid):
            return self._drop(f"no operator in part {condition.number} of the query")
        if isinstance(condition, Join):
            return self._join(condition, table=table, alias=alias)
        if isinstance(condition, Related):
            return self._related(condition, alias=alias)
        left = self.value(condition.field, table=table, alias=alias)
        if left is None:
            return self._drop(f"{table} has no column {condition.field!r}")
        return self._term(condition, left, table=table, alias=alias)

    def _term(self, term: Term, left: _Sql, *, table: str, alias: str) -> _Sql | None:
        operator = term.operator
        if operator in _ALONE:
            return _with(left, _ALONE[operator])
        if operator in ("SAMEAS", "NSAMEAS"):
            right = self.value(term.value, table=table, alias=alias)
            if right is None:
                return self._drop(f"{table} has no column to compare {term.field} with")
            sign = "=" if operator == "SAMEAS" else "<>"
            text = f"{left.text} {sign} {right.text} COLLATE NOCASE"
            return _Sql(text, [*left.parameters, *right.parameters])
        if operator in ("BETWEEN", "ON"):
            return self._range(term, left)
        if operator in ("IN", "NOT IN", "INSTANCEOF"):
            members = self._members(term)
            if members is None:
                return _Sql("0")
            sign = "NOT IN" if operator == "NOT IN" else "IN"
            # One parameter, however many members: SQLite takes only so many.
            text = f"{{0}} COLLATE NOCASE {sign} (SELECT value FROM json_each(?))"  # noqa: S608
            return _with(left, text, [json.dumps(members)])
        value = self._value(term.value, of=term.field)
        if value is None:
            return _Sql("0")
        if operator in _COMPARISONS:
            return _compare(left, operator, value)
        if operator == "ENDSWITH":
            text = "substr(lower({0}), -length(?)) = lower(?)"
            return _with(left, text, [value, value]) if value else _Sql("1")
        return _with(left, _TEXT[operator], [value])

    def _value(self, text: str, *, of: str) -> str | None:
        value = self.evaluate(text)
        if value is None:
            self.dropped.append(f"the script of {of} is not computed by this sandbox: no match")
        return value

    def _members(self, term: Term) -> list[str] | None:
        if term.operator == "INSTANCEOF":
            return [term.value, *self.dictionary.children(term.value)]
        value = self._value(term.value, of=term.field)
        return None if value is None else value.split(",")

    def _range(self, term: Term, left: _Sql) -> _Sql | None:
        # ON has a label first: `Today@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()`.
        parts = term.value.split("@")[-2:]
        ends = [self._value(part, of=term.field) for part in parts]
        if len(parts) != 2:
            return self._drop(f"{term.operator} without two ends at {term.field}")
        if ends[0] is None or ends[1] is None:
            return _Sql("0")
        low, high = _compare(left, ">=", ends[0]), _compare(left, "<=", ends[1])
        return _combine([low, high], " AND ", empty="1")

    def _join(self, join: Join, *, table: str, alias: str) -> _Sql | None:
        inner = self.alias()
        left = self.value(join.field, table=table, alias=alias)
        right = self.value(join.table_field, table=join.table, alias=inner)
        if left is None or right is None:
            return self._drop(f"no join of {join.field!r} with {join.table}.{join.table_field}")
        where = self.where(join.query, table=join.table, alias=inner)
        return _Sql(
            f"{left.text} IN (SELECT {right.text} FROM record AS {inner} WHERE {where.text})",  # noqa: S608
            [*left.parameters, *right.parameters, *where.parameters],
        )

    def _related(self, related: Related, *, alias: str) -> _Sql | None:
        inner = self.alias()
        right = self.value(related.field, table=related.table, alias=inner)
        if right is None:
            return self._drop(f"{related.table} has no column {related.field!r}")
        where = self.where(related.query, table=related.table, alias=inner)
        return _Sql(
            f"(SELECT COUNT(*) FROM record AS {inner} WHERE {right.text} = {alias}.sys_id "  # noqa: S608
            f"AND {where.text}) {related.comparison} {related.number}",
            [*right.parameters, *where.parameters],
        )


def _with(left: _Sql, text: str, parameters: list[str] | None = None) -> _Sql:
    return _Sql(text.replace("{0}", left.text), [*left.parameters, *(parameters or [])])


def _compare(left: _Sql, operator: str, value: str) -> _Sql:
    if left.numeric:
        text = f"({{0}} <> '' AND CAST({{0}} AS REAL) {operator} CAST(? AS REAL))"
    else:
        text = f"({{0}} <> '' AND {{0}} {operator} ? COLLATE NOCASE)"
    return _Sql(text.replace("{0}", left.text), [*left.parameters, *left.parameters, value])


def _combine(pieces: list[_Sql], glue: str, *, empty: str) -> _Sql:
    """Join conditions pairwise: SQLite refuses a chain of a thousand, not a tree of them."""
    if not pieces:
        return _Sql(empty)
    while len(pieces) > 1:
        pairs = [pieces[i : i + 2] for i in range(0, len(pieces), 2)]
        pieces = [
            _Sql(
                f"({glue.join(sql.text for sql in pair)})",
                [value for sql in pair for value in sql.parameters],
            )
            for pair in pairs
        ]
    return pieces[0]


def compile_query(
    parsed: Parsed,
    *,
    table: str,
    dictionary: Dictionary,
    user: Mapping[str, str],
    now: datetime,
    strict: bool = False,
) -> Query:
    """The SQL of a query.

    Args:
        parsed: The encoded query.
        table: The table asked.
        dictionary: Tables and columns.
        user: Row of `sys_user` of whoever asks.
        now: The present moment, aware, UTC.
        strict: Whether an invalid condition finds nothing
            (`glide.invalid_query.returns_no_rows`), instead of being dropped.
    """
    compiler = _Compiler(dictionary, lambda text: evaluate(text, user=user, now=now), strict)
    where = compiler.where(parsed, table=table, alias="r0")
    order: list[str] = []
    parameters = list(where.parameters)
    for path, downwards in parsed.order:
        value = compiler.value(path, table=table, alias="r0")
        if value is None:
            known = path if _PATH.fullmatch(path) else "what is no name"
            compiler.dropped.append(f"no order by {known}: {table} has no such column")
            continue
        text = f"CAST({value.text} AS REAL)" if value.numeric else f"{value.text} COLLATE NOCASE"
        order.append(text + (" DESC" if downwards else ""))
        parameters += value.parameters
    return Query(
        where.text, tuple(parameters), ", ".join([*order, "r0.sys_id"]), tuple(compiler.dropped)
    )
