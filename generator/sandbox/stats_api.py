"""The Aggregate API (`spec/instance-http.md` A15). [DOC]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from werkzeug.wrappers import Response

from generator.sandbox.access import FORBIDDEN, check_table, may_read
from generator.sandbox.context import Context, Json
from generator.sandbox.query import parse
from generator.sandbox.records import Reader
from generator.sandbox.rest import RestError, flag, guarded
from generator.sandbox.routes import Route, now_paths
from generator.sandbox.table_api import asked_query, is_strict
from generator.sandbox.writes import before_read

_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "avg": lambda numbers: sum(numbers) / len(numbers),
    "min": min,
    "max": max,
    "sum": sum,
}


@guarded
def aggregate(context: Context, table: str) -> Response:
    """`GET /api/now/stats/{table}`: a count and more, in groups if asked."""
    check_table(context, table)
    if not may_read(context, table):
        raise RestError(*FORBIDDEN)
    sandbox = context.sandbox
    before_read(sandbox, table=table)
    query = asked_query(context, table=table)
    groups = [*_names(context, "sysparm_group_by"), *parse(query).group_by]
    wanted = {name: _names(context, f"sysparm_{name}_fields") for name in _FUNCTIONS}
    strict = is_strict(context)
    if not groups and not any(wanted.values()):
        # Nothing is read for a bare count: payloads may be large.
        count = sandbox.database.count(table, query, user=context.user, strict=strict)
        stats: Json = {"count": str(count)} if flag(context, "sysparm_count") else {}
        return context.result({"stats": stats})
    reader = Reader(context)
    rows = sandbox.database.query(table, query, user=context.user, strict=strict)
    parts: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        key = tuple(_value(reader, table, row, path) for path in groups)
        parts.setdefault(key, []).append(row)
    if not groups:
        return context.result({"stats": _stats(context, reader, table, rows, wanted=wanted)})
    found: list[Json] = []
    for key, members in sorted(parts.items()):
        fields: list[Json] = [
            {"field": path, "value": value} for path, value in zip(groups, key, strict=True)
        ]
        stats = _stats(context, reader, table, members, wanted=wanted)
        found.append({"stats": stats, "groupby_fields": fields})
    return context.result(found)


def _stats(
    context: Context,
    reader: Reader,
    table: str,
    rows: Sequence[Mapping[str, str]],
    *,
    wanted: Mapping[str, list[str]],
) -> Json:
    stats: dict[str, Json] = {}
    if flag(context, "sysparm_count"):
        stats["count"] = str(len(rows))
    for name, fields in wanted.items():
        if not fields:
            continue
        values: dict[str, Json] = {}
        for path in fields:
            found = [n for row in rows for n in _number(_value(reader, table, row, path))]
            values[path] = f"{_FUNCTIONS[name](found):g}" if found else ""
        stats[name] = values
    return stats


def _number(text: str) -> list[float]:
    try:
        return [float(text)]
    except ValueError:
        return []


def _value(reader: Reader, table: str, row: Mapping[str, str], path: str) -> str:
    found = reader.walk(table, row, path)
    return found[1] if found else ""


def _names(context: Context, parameter: str) -> list[str]:
    given = context.request.args.get(parameter, "")
    return [name for part in given.split(",") if (name := part.strip())]


ROUTES: tuple[Route, ...] = tuple(
    (path, ("GET",), aggregate) for path in now_paths("/stats/<table>")
)
