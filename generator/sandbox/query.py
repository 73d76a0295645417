"""Encoded queries: what their text says (`spec/instance-http.md` A15, A16).

`a=1^b=2^ORb=3^NQc=4` reads ((a=1) and (b=2 or b=3)) or (c=4). `^^` is a caret in a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_CARET = "\x00"
"""Stands for `^^` while the text is cut at `^`; no value of a request holds it."""

DEEPEST = 4
"""Levels of subqueries and dot-walks; deeper ones are invalid here [INF]."""

OPERATORS = (
    "DOES NOT CONTAIN",
    "NOT LIKE",
    "NOT IN",
    "INSTANCEOF",
    "ISNOTEMPTY",
    "EMPTYSTRING",
    "STARTSWITH",
    "ENDSWITH",
    "CONTAINS",
    "ANYTHING",
    "BETWEEN",
    "NSAMEAS",
    "ISEMPTY",
    "SAMEAS",
    "LIKE",
    "IN",
    "ON",
    "!=",
    "<=",
    ">=",
    "=",
    "<",
    ">",
)
"""Every operator understood, longer ones first where one begins like another."""

_TERM = re.compile(
    rf"(?P<field>[a-z][a-z0-9_.]*)(?P<operator>{'|'.join(OPERATORS)})(?P<value>.*)", re.DOTALL
)
_JOIN = re.compile(r"JOIN(\w+)\.(\w+)=(\w+)\.(\w+)!(.*)", re.DOTALL)
_RELATED = re.compile(r"RLQUERY(\w+)\.(\w+),(>=|<=|!=|=|<|>)(\d+)(,m2m)?")
_ENDS_JOIN = ("JOIN", "RLQUERY", "ORDERBY", "GROUPBY", "NQ")


@dataclass(frozen=True, slots=True)
class Term:
    """`field operator value`."""

    field: str
    """Column, or a dot-walk over references."""

    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Join:
    """`JOINa.x=b.y!sub`: records whose x is the y of a record of b that the subquery finds."""

    field: str
    table: str
    table_field: str
    query: Parsed


@dataclass(frozen=True, slots=True)
class Related:
    """`RLQUERYb.y,>=1^sub^ENDRLQUERY`: by the number of records of b that point here."""

    table: str
    field: str
    comparison: str
    number: int
    query: Parsed


@dataclass(frozen=True, slots=True)
class Invalid:
    """A part that no operator is found in; not its text, which a log must not hold."""

    number: int
    """Which part of the query, from 1."""


Condition: TypeAlias = Term | Join | Related | Invalid


@dataclass(frozen=True, slots=True)
class Parsed:
    """An encoded query."""

    alternatives: tuple[tuple[tuple[Condition, ...], ...], ...] = ()
    """Any of these (`^NQ`), in each all of those (`^`), in each any (`^OR`)."""

    order: tuple[tuple[str, bool], ...] = ()
    """Columns to sort by, and whether downwards."""

    group_by: tuple[str, ...] = ()


def parse(text: str) -> Parsed:
    """What an encoded query says; never raises, as an instance never does."""
    parts = [part.replace(_CARET, "^") for part in text.replace("^^", _CARET).split("^")]
    return _parse_parts(list(enumerate(parts, 1)), depth=0)


def _parse_parts(parts: list[tuple[int, str]], *, depth: int) -> Parsed:
    alternatives: list[list[list[Condition]]] = [[]]
    order: list[tuple[str, bool]] = []
    group_by: list[str] = []
    rest = [(number, part) for number, part in parts if part not in ("", "EQ")]
    while rest:
        number, part = rest.pop(0)
        if part.startswith("ORDERBY"):
            downwards = part.startswith("ORDERBYDESC")
            order.append((part.removeprefix("ORDERBY").removeprefix("DESC"), downwards))
            continue
        if part.startswith("GROUPBY"):
            group_by += part.removeprefix("GROUPBY").split(",")
            continue
        if part.startswith("NQ"):
            alternatives.append([])
            part = part.removeprefix("NQ")
        is_or = part.startswith("OR")
        condition = _condition(part.removeprefix("OR"), rest=rest, depth=depth, number=number)
        if is_or and alternatives[-1]:
            alternatives[-1][-1].append(condition)
        else:
            alternatives[-1].append([condition])
    return Parsed(
        tuple(tuple(tuple(any_of) for any_of in all_of) for all_of in alternatives if all_of),
        tuple(order),
        tuple(group_by),
    )


def _condition(part: str, *, rest: list[tuple[int, str]], depth: int, number: int) -> Condition:
    if part.startswith("RLQUERY"):
        inner = _take(rest, ends=("ENDRLQUERY",))
        if rest:
            rest.pop(0)
        related = _RELATED.fullmatch(part)
        if related is None or depth == DEEPEST:
            return Invalid(number)
        table, field, comparison, count, _ = related.groups()
        return Related(table, field, comparison, int(count), _parse_parts(inner, depth=depth + 1))
    join = _JOIN.fullmatch(part)
    if join is not None and depth < DEEPEST:
        _, field, table, table_field, first = join.groups()
        inner = [(number, first), *_take(rest, ends=_ENDS_JOIN)]
        return Join(field, table, table_field, _parse_parts(inner, depth=depth + 1))
    term = _TERM.fullmatch(part)
    if term is None:
        return Invalid(number)
    return Term(term["field"], term["operator"], term["value"])


def _take(rest: list[tuple[int, str]], *, ends: tuple[str, ...]) -> list[tuple[int, str]]:
    taken: list[tuple[int, str]] = []
    while rest and not rest[0][1].startswith(ends):
        taken.append(rest.pop(0))
    return taken
