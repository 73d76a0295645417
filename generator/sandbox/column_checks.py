"""Whether the fields of an update fit the table here (`spec/instance-http.md` A7.3) [PLAT].

The platform compares with the dictionary: existence, types, lengths. The dictionary of the sandbox
is that of typings: tables that it has whole are judged, those that payloads brought are not. That
a field of the record itself, not only one that it names, counts is inferred [INF], and so are the
words about types and lengths; the switch `preview_columns` turns both off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from generator.sandbox.dictionary import Column
from generator.sandbox.payloads import Payload
from generator.sandbox.problems import Problem, missing_field, unfit_value
from generator.sandbox.references import SYS_ID_LENGTH, Surroundings

_EVERYWHERE = frozenset(
    {
        "sys_customer_update",
        "sys_domain",
        "sys_domain_path",
        "sys_overrides",
        "sys_replace_on_upgrade",
        "sys_tags",
    }
)
"""Columns of older releases and of the platform's own plugins, which exports hold [TP]."""

_UNLISTED: Mapping[str, frozenset[str]] = {
    "sys_db_object": frozenset({"is_data_interface"}),
    "sys_security_acl": frozenset({"express_security"}),
    "sys_user_role": frozenset({"federated_id", "requires_subscription", "snbe"}),
}
"""Columns that real exports of other releases hold and the typings lack [TP]."""

_BY_NAME = frozenset({("sys_app", "package_json"), ("sys_dictionary", "reference")})
"""References that hold a name or a path instead of a sys_id, in real exports [TP]."""

_FITS: Mapping[str, Callable[[str], object]] = {
    "boolean": re.compile(r"true|false|[01]", re.IGNORECASE).fullmatch,
    "number": re.compile(r"[+-]?[0-9]+(\.[0-9]+)?").fullmatch,
}
"""What a stored value of a type looks like [INF]."""


def column_problems(around: Surroundings, payload: Payload) -> Iterator[Problem]:
    """A problem for each field of the first record that the table lacks, or that does not fit."""
    dictionary = around.sandbox.dictionary
    table = payload.first.table
    if around.sandbox.behaviour.preview_columns == "ignored" or not dictionary.is_whole(table):
        return
    columns = dictionary.columns(table)
    for name, value in payload.first.values.items():
        column = columns.get(name)
        if column is not None:
            if value and not _fits(table, column, value):
                yield unfit_value(table, name, column.type)
        elif name not in _EVERYWHERE and name not in _UNLISTED.get(table, ()):
            yield from _missing(around, table, name)


def _missing(around: Surroundings, table: str, column: str) -> Iterator[Problem]:
    """Unless the sets bring the column, or this instance got it from a set."""
    database = around.sandbox.database
    family = (table, *around.sandbox.dictionary.parents(table))
    names = [f"sys_dictionary_{name}_{column}" for name in family]
    if any(name in around.names for name in names):
        return
    query = f"nameIN{','.join(family)}^element={column}"
    if "^" not in column and database.count("sys_dictionary", query):
        return
    yield missing_field(table, column, update=around.elsewhere(names))


def _fits(table: str, column: Column, value: str) -> bool:
    if column.reference is not None:
        # Of references only the length of a sys_id is known; whether it is there is looked up.
        return len(value) <= SYS_ID_LENGTH or (table, column.name) in _BY_NAME
    judge = _FITS.get(column.type)
    return judge is None or judge(value) is not None
