"""The Attachment API: stores and lists files, never interprets one (B1). [DOC]."""

from __future__ import annotations

import hashlib
from contextlib import closing

from werkzeug.http import parse_options_header
from werkzeug.wrappers import Response

from generator.sandbox.access import FORBIDDEN, MISSING, check_table, may_read, may_write
from generator.sandbox.context import Context
from generator.sandbox.database import Row
from generator.sandbox.multipart import read_form
from generator.sandbox.records import shape_of
from generator.sandbox.rest import RestError, answering, guarded, read_bytes
from generator.sandbox.routes import Route, now_paths
from generator.sandbox.table_api import DEFAULT_LIMIT, asked_number, asked_query

TABLE = "sys_attachment"
MOST_BYTES = 1 << 30
"""`com.glide.attachment.max_size` is 1,024 MB by default."""


@guarded
def list_files(context: Context) -> Response:
    """`GET /api/now/attachment`."""
    sandbox = context.sandbox
    query = asked_query(context, table=TABLE)
    limit = asked_number(context, "sysparm_limit", DEFAULT_LIMIT)
    offset = asked_number(context, "sysparm_offset", 0)
    rows = sandbox.database.query(TABLE, query, user=context.user, limit=limit, offset=offset)
    total = sandbox.database.count(TABLE, query, user=context.user)
    return context.result(
        [*(_shown(context, row) for row in rows if _is_visible(context, row))],
        headers={"X-Total-Count": str(total)},
    )


@guarded
def read_file(context: Context, sys_id: str) -> Response:
    """`GET /api/now/attachment/{sys_id}`: what is known of a file."""
    return context.result(_shown(context, _found(context, sys_id)))


@answering
def download(context: Context, sys_id: str) -> Response:
    """`GET /api/now/attachment/{sys_id}/file`: its bytes, whatever is accepted."""
    row = _found(context, sys_id)
    data = context.sandbox.database.content(sys_id) or b""
    response = Response(data, content_type=row.get("content_type") or "application/octet-stream")
    name = "".join(c for c in row.get("file_name", "") if c.isprintable() and c not in '"\\')
    name = name.encode("ascii", "replace").decode("ascii")
    response.headers["Content-Disposition"] = f'attachment;filename="{name}"'
    return response


@answering
def upload_file(context: Context) -> Response:
    """`POST /api/now/attachment/file`: the body is the file."""
    args = context.request.args
    kind = context.request.headers.get("Content-Type", "")
    if not kind:
        raise RestError(400, "Exception while reading request", "Content-Type header is missing")
    return _store(
        context,
        table=args.get("table_name", ""),
        record=args.get("table_sys_id", ""),
        name=args.get("file_name", ""),
        kind=kind,
        data=read_bytes(context, most=MOST_BYTES),
    )


@answering
def upload_form(context: Context) -> Response:
    """`POST /api/now/attachment/upload`: a form; the file part has to be the last (A6)."""
    form = read_form(context.request)
    if form is None or form.file is None:
        raise RestError(400, "Bad request", "No file part")
    with closing(form.file):
        if not form.file_last:
            # The rule is documented, its words are ours [INF].
            raise RestError(400, "Bad request", "The file must be the last part")
        return _store(
            context,
            table=form.fields.get("table_name", ""),
            record=form.fields.get("table_sys_id", ""),
            name=form.file_name,
            kind=parse_options_header(form.file_type)[0] or "application/octet-stream",
            data=form.file.read(),
        )


@guarded
def delete_file(context: Context, sys_id: str) -> Response:
    """`DELETE /api/now/attachment/{sys_id}`: 204."""
    row = _found(context, sys_id)
    if not may_write(context, row.get("table_name", "")):
        detail = "ACL Exception Delete Failed due to security constraints"
        raise RestError(403, "Operation Failed", detail)
    database = context.sandbox.database
    with database.transaction():
        database.delete(TABLE, sys_id)
        database.delete_content(sys_id)
    return context.empty()


def _store(
    context: Context, *, table: str, record: str, name: str, kind: str, data: bytes
) -> Response:
    if not name or not table or not record:
        raise RestError(400, "Bad request", "file_name, table_name, table_sys_id are required")
    check_table(context, table)
    if not may_write(context, table):
        raise RestError(*FORBIDDEN)
    database = context.sandbox.database
    if database.get(table, record) is None:
        raise RestError(*MISSING)
    with database.transaction():
        row = database.insert(
            TABLE,
            {
                "file_name": name,
                "table_name": table,
                "table_sys_id": record,
                "content_type": kind,
                "size_bytes": str(len(data)),
                "size_compressed": str(len(data)),
                "compressed": "true",
                "state": "pending",
                "hash": hashlib.sha256(data).hexdigest(),
            },
            by=context.user_name,
        )
        database.put_content(row["sys_id"], data)
    host = shape_of(context).host
    headers = {"Location": f"{host}/api/now/v1/attachment/{row['sys_id']}"}
    return context.result(_shown(context, row), status=201, headers=headers)


def _found(context: Context, sys_id: str) -> Row:
    row = context.sandbox.database.get(TABLE, sys_id)
    if row is None or not _is_visible(context, row):
        raise RestError(*MISSING)
    return row


def _is_visible(context: Context, row: Row) -> bool:
    """A file is seen by who sees its record."""
    return may_read(context, row.get("table_name", ""))


def _shown(context: Context, row: Row) -> dict[str, str]:
    """A file's record: plain values whatever `sysparm_display_value` says, and where it is."""
    columns = context.sandbox.dictionary.columns(TABLE)
    shown = {name: row.get(name, "") for name in sorted(columns)}
    link = f"{shape_of(context).host}/api/now/attachment/{row['sys_id']}/file"
    return {**shown, "download_link": link}


ROUTES: tuple[Route, ...] = tuple(
    route
    for path in now_paths("/attachment")
    for route in (
        (path, ("GET",), list_files),
        (f"{path}/<sys_id>", ("GET",), read_file),
        (f"{path}/<sys_id>", ("DELETE",), delete_file),
        (f"{path}/<sys_id>/file", ("GET",), download),
        (f"{path}/file", ("POST",), upload_file),
        (f"{path}/upload", ("POST",), upload_form),
    )
)
