"""Change requests by their own API (`spec/instance-http.md` A5). [DOC]."""

from __future__ import annotations

from werkzeug.wrappers import Response

from generator.sandbox.access import MISSING, ROLES, check_table
from generator.sandbox.context import Context, Json
from generator.sandbox.records import Reader
from generator.sandbox.rest import RestError, guarded
from generator.sandbox.routes import Route

TABLE = "change_request"


@guarded
def read_change(context: Context, sys_id: str) -> Response:
    """`GET /api/sn_chg_rest/change/{sys_id}`: every field twice, numbers as JSON floats."""
    check_table(context, TABLE)
    row = context.sandbox.database.get(TABLE, sys_id)
    if row is None or not context.has_role(*ROLES[TABLE]):
        raise RestError(*MISSING)
    reader = Reader(context)
    fields: dict[str, Json] = {}
    for name, column in sorted(context.sandbox.dictionary.columns(TABLE).items()):
        value = row.get(name, "")
        fields[name] = {
            "display_value": reader.display(column, value),
            "value": _number(value) if column.type == "number" else value,
        }
    return context.result(fields)


def _number(value: str) -> Json:
    try:
        return float(value)
    except ValueError:
        return value


ROUTES: tuple[Route, ...] = tuple(
    (f"/api/sn_chg_rest{version}/change/<sys_id>", ("GET",), read_change) for version in ("", "/v1")
)
