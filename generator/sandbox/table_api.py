"""The Table API (`spec/instance-http.md` A15, A16, B3.7, B3.8).

[DOC] where nothing else is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from generator.sandbox.access import FORBIDDEN, MISSING, check_table, may_read, may_write
from generator.sandbox.capture import class_of
from generator.sandbox.context import Context
from generator.sandbox.database import DuplicateError, Row
from generator.sandbox.query_access import check_query
from generator.sandbox.records import from_display, shape_of, show
from generator.sandbox.rest import RestError, flag, guarded, read_values
from generator.sandbox.routes import Route, now_paths
from generator.sandbox.writes import after_write, before_read, before_write

DEFAULT_LIMIT = 10_000
_SYS_ID = re.compile(r"[0-9a-f]{32}")
_STRICT = "glide.invalid_query.returns_no_rows"
_FAILED = "Operation Failed"


@guarded
def list_records(context: Context, table: str) -> Response:
    """`GET /api/now/table/{table}`."""
    check_table(context, table)
    if not may_read(context, table):
        raise RestError(*FORBIDDEN)
    sandbox = context.sandbox
    before_read(sandbox, table=table)
    query = asked_query(context, table=table)
    limit = asked_number(context, "sysparm_limit", DEFAULT_LIMIT)
    offset = asked_number(context, "sysparm_offset", 0)
    strict = is_strict(context)
    rows = sandbox.database.query(
        table, query, user=context.user, limit=limit, offset=offset, strict=strict
    )
    if not rows and context.request.path.startswith("/api/now/v1/"):
        raise RestError(*MISSING)
    headers: dict[str, str] = {}
    if not flag(context, "sysparm_no_count"):
        total = sandbox.database.count(table, query, user=context.user, strict=strict)
        headers["X-Total-Count"] = str(total)
        if not flag(context, "sysparm_suppress_pagination_header"):
            headers["Link"] = _links(context, limit=limit, offset=offset, total=total)
    shown = show(context, table, rows, shape=shape_of(context))
    return context.result([*shown], headers=headers)


@guarded
def read_record(context: Context, table: str, sys_id: str) -> Response:
    """`GET /api/now/table/{table}/{sys_id}`."""
    check_table(context, table)
    before_read(context.sandbox, table=table)
    row = context.sandbox.database.get(table, sys_id) if may_read(context, table) else None
    if row is None:
        raise RestError(*MISSING)
    return _answer(context, table, row)


@guarded
def insert_record(context: Context, table: str) -> Response:
    """`POST /api/now/table/{table}`: 201, a `sys_id` in the body is honoured [PLAT]."""
    check_table(context, table)
    _demand_write(context, table, verb="Insert")
    given = read_values(context)
    sandbox = context.sandbox
    with sandbox.database.transaction():
        values = _judged(context, table, before=None, values=_known(context, table, given))
        sys_id = given.get("sys_id", "")
        try:
            row = sandbox.database.insert(
                table,
                values,
                by=context.user_name,
                sys_id=sys_id if _SYS_ID.fullmatch(sys_id) else None,
            )
        except DuplicateError:
            # The sentence is MySQL's under an instance [INF].
            detail = f"Unique Key violation detected by database (Duplicate entry '{sys_id}')"
            raise RestError(403, _FAILED, detail) from None
        _follow_up(context, table, before=None, after=row)
    headers = {"Location": f"{shape_of(context).host}/api/now/table/{table}/{row['sys_id']}"}
    return _answer(context, table, row, status=201, headers=headers)


@guarded
def update_record(context: Context, table: str, sys_id: str) -> Response:
    """`PUT` and `PATCH /api/now/table/{table}/{sys_id}`: only the given columns change."""
    check_table(context, table)
    # Before the transaction: a slow body must keep nobody waiting.
    body = read_values(context)
    database = context.sandbox.database
    with database.transaction():
        before = database.get(table, sys_id) if may_read(context, table) else None
        if before is None:
            raise RestError(*MISSING)
        actual = class_of(table, before)
        _demand_write(context, actual, verb="Update")
        given = _known(context, actual, body)
        values = _judged(context, actual, before=before, values=given)
        # A save that changes nothing is none: no stamp moves. [PLAT]
        if all(before.get(name, "") == value for name, value in values.items()):
            return _answer(context, table, before)
        row = database.update(actual, sys_id, values, by=context.user_name)
        assert row is not None  # noqa: S101 - it was read in the same transaction
        _follow_up(context, actual, before=before, after=row)
    return _answer(context, table, row)


@guarded
def delete_record(context: Context, table: str, sys_id: str) -> Response:
    """`DELETE /api/now/table/{table}/{sys_id}`: 204."""
    check_table(context, table)
    database = context.sandbox.database
    with database.transaction():
        before = database.get(table, sys_id) if may_read(context, table) else None
        if before is None:
            raise RestError(*MISSING)
        actual = class_of(table, before)
        _demand_write(context, actual, verb="Delete")
        _judged(context, actual, before=before, values=None)
        database.delete(actual, sys_id)
        _follow_up(context, actual, before=before, after=None)
    return context.empty()


def asked_query(context: Context, *, table: str) -> str:
    """The encoded query of a request: `sysparm_query` and `column=value` parameters.

    Raises:
        RestError: 403: It names what the caller may not read.
    """
    args = context.request.args
    columns = context.sandbox.dictionary.columns(table)
    pairs = [
        f"{name}={value.replace('^', '^^')}"
        for name, value in args.items()
        if name.partition(".")[0] in columns
    ]
    query = args.get("sysparm_query", "")
    found = context.sandbox.database.compile(table, query, user=context.user)
    for dropped in found.dropped:
        # Only the sandbox says so; an instance is silent. [MEAS BST]
        context.sandbox.say(f"query on {table}: {dropped}")
    whole = "^".join([*pairs, query] if query else pairs)
    check_query(context, table, whole)
    return whole


def is_strict(context: Context) -> bool:
    """Whether an invalid condition finds nothing: switch or property [DOC]."""
    if context.sandbox.behaviour.strict_query:
        return True
    query = f"name={_STRICT}^value=true"
    return context.sandbox.database.count("sys_properties", query) > 0


def _known(context: Context, table: str, given: Mapping[str, str]) -> dict[str, str]:
    """Columns that the table has; others are ignored, and so are stamps."""
    columns = context.sandbox.dictionary.columns(table)
    known = {
        name: value
        for name, value in given.items()
        if name in columns and not columns[name].read_only
    }
    if flag(context, "sysparm_input_display_value"):
        return from_display(context.sandbox, table, known)
    return known


def _demand_write(context: Context, table: str, *, verb: str) -> None:
    if not may_write(context, table):
        detail = f"ACL Exception {verb} Failed due to security constraints"
        raise RestError(403, _FAILED, detail)


def _judged(
    context: Context, table: str, *, before: Row | None, values: Mapping[str, str] | None
) -> dict[str, str]:
    verdict = before_write(
        context.sandbox,
        table=table,
        before=before,
        values=values,
        user=context.user,
        session=context.session,
        input_display_value=flag(context, "sysparm_input_display_value"),
    )
    if isinstance(verdict, tuple):
        raise RestError(*verdict)
    return verdict


def _follow_up(context: Context, table: str, *, before: Row | None, after: Row | None) -> None:
    after_write(
        context.sandbox,
        table=table,
        before=before,
        after=after,
        user=context.user,
        session=context.session,
    )


def _answer(
    context: Context,
    table: str,
    row: Row,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if context.request.headers.get("X-no-response-body", "").lower() == "true":
        # Which status goes with no body is not said [INF].
        return context.empty(status=status, headers=headers)
    [record] = show(context, table, [row], shape=shape_of(context))
    return context.result(record, status=status, headers=headers)


def asked_number(context: Context, name: str, default: int) -> int:
    """A parameter that is a number of at most nine digits, else the default."""
    given = context.request.args.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else default


def _links(context: Context, *, limit: int, offset: int, total: int) -> str:
    """`Link`: first, previous, next and last page."""
    last = (total - 1) // limit * limit if limit and total else 0
    pages = [("first", 0)]
    if offset > 0:
        pages.append(("prev", max(offset - limit, 0)))
    if offset + limit < total:
        pages.append(("next", offset + limit))
    pages.append(("last", last))
    request = context.request
    kept = [(k, v) for k, v in request.args.items(multi=True) if k != "sysparm_offset"]
    base = request.host_url.rstrip("/") + request.path
    return ",".join(
        f'<{base}?{urlencode([*kept, ("sysparm_offset", str(start))])}>;rel="{rel}"'
        for rel, start in pages
    )


ROUTES: tuple[Route, ...] = tuple(
    route
    for path in now_paths("/table/<table>")
    for route in (
        (path, ("GET",), list_records),
        (path, ("POST",), insert_record),
        (f"{path}/<sys_id>", ("GET",), read_record),
        (f"{path}/<sys_id>", ("PUT", "PATCH"), update_record),
        (f"{path}/<sys_id>", ("DELETE",), delete_record),
    )
)
