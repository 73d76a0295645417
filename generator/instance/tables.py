"""Table and stats API: reads that are held against what was asked, and writes (A15, A17)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from generator.instance.calls import (
    Answer,
    Call,
    Kind,
    checked_field,
    checked_sys_id,
    checked_table,
    is_sys_id,
)
from generator.instance.interface import Read, Row
from generator.instance.messages import Messages
from generator.instance.refusals import NOT_FOUND
from generator.instance.rest import Rest, member, read_json, text_member

PAGE = 1000
"""Rows asked for at once."""

_TERM = re.compile(r"([a-z][a-z0-9_.]*)=([^^]*)", re.ASCII)
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)


def read_call(read: Read, *, offset: int = 0, limit: int | None = None) -> Call:
    """The request of one read, or of one page of it.

    Args:
        read: What is wanted.
        offset: Rows of it to leave out.
        limit: Rows of this page; None: as many as one page has.
    """
    table = checked_table(read.table)
    if read.count_only:
        query: list[tuple[str, str]] = [("sysparm_count", "true")]
        if read.query:
            query.insert(0, ("sysparm_query", read.query))
        return Call(f"count {table}", "GET", f"/api/now/stats/{table}", query=tuple(query))
    limit = min(read.limit, PAGE) if limit is None else limit
    start = read.offset + offset
    encoded = read.query
    if (start or read.limit > PAGE) and "ORDERBY" not in encoded:
        encoded = f"{encoded}^ORDERBYsys_id" if encoded else "ORDERBYsys_id"
    parameters = [
        ("sysparm_query", encoded),
        ("sysparm_fields", ",".join(checked_field(name) for name in read.fields)),
        ("sysparm_limit", str(limit)),
        ("sysparm_offset", str(start) if start else ""),
        ("sysparm_exclude_reference_link", "true"),
    ]
    query = [(name, value) for name, value in parameters if value]
    return Call(f"read {table}", "GET", f"/api/now/table/{table}", query=tuple(query))


def read_count(answer: Answer, *, messages: Messages) -> int:
    """The number that a stats call answers.

    Raises:
        ResponseError: There is none.
    """
    document = read_json(answer, messages=messages)
    count = member(document, "result", "stats", "count")
    if isinstance(count, str) and _DIGITS.fullmatch(count):
        return int(count)
    raise messages.unusable(
        answer, code="instance-count", what="the answer holds no number of rows"
    )


def read_rows(
    answer: Answer, *, read: Read, limit: int, messages: Messages
) -> tuple[tuple[Row, ...], int | None]:
    """Rows of one page and the number of all that match, None if the answer does not say.

    A column that the answer lacks (an older release, an access rule) is absent from the row.

    Args:
        answer: With a status that says success.
        read: What was asked for.
        limit: Rows that this page may have.
        messages: Makes errors.

    Raises:
        ResponseError: It is not what was asked for: too many rows, no sys_id, other records.
    """
    document = read_json(answer, messages=messages)
    result = document.get("result")
    if not isinstance(result, list):
        raise messages.unusable(answer, code="instance-rows", what="the answer holds no rows")
    if len(result) > limit:
        raise messages.unusable(
            answer,
            code="instance-too-many-rows",
            what=f"{len(result)} rows came where at most {limit} were asked for",
        )
    terms = _plain_terms(read)
    rows = tuple(_row(item, read=read, answer=answer, messages=messages) for item in result)
    for row in rows:
        for name, value in terms.items():
            if name in row and row[name].casefold() != value.casefold():
                raise messages.unusable(
                    answer,
                    code="instance-other-rows",
                    what=f"rows came that the condition on {name} leaves out: the instance did not "
                    "apply it",
                )
    total = answer.headers.get("x-total-count", "").strip()
    if not _DIGITS.fullmatch(total):
        return rows, None
    if int(total) < len(rows):
        raise messages.unusable(
            answer, code="instance-total", what="more rows came than there are said to be"
        )
    return rows, int(total)


def _row(item: object, *, read: Read, answer: Answer, messages: Messages) -> Row:
    row: dict[str, str] = {}
    if isinstance(item, Mapping):
        for name in read.fields:
            if name not in item:
                continue
            value = item[name]
            if isinstance(value, Mapping):
                value = value.get("value")
            if value is None:
                value = ""
            if not isinstance(value, str):
                break
            row[name] = value
        else:
            if "sys_id" not in read.fields or is_sys_id(row.get("sys_id")):
                return row
    raise messages.unusable(
        answer, code="instance-row", what="a row has no usable sys_id, or a value that is no text"
    )


def _plain_terms(read: Read) -> dict[str, str]:
    """Conditions `column=value` that hold for every row: an instance drops those it does not know.

    Those beside an `^OR` or `^NQ`, and what a script computes, are left out.
    """
    if "^NQ" in read.query:
        return {}
    parts = read.query.split("^")
    terms: dict[str, str] = {}
    for place, part in enumerate(parts):
        found = _TERM.fullmatch(part)
        is_alternative = part.startswith("OR") or (
            place + 1 < len(parts)
            and parts[place + 1].startswith("OR")
            and not parts[place + 1].startswith("ORDERBY")
        )
        if found and not is_alternative and not found.group(2).startswith("javascript:"):
            terms[found.group(1)] = found.group(2)
    return terms


class Tables:
    """Writes over the Table API; each is sent once."""

    def __init__(self, rest: Rest) -> None:
        """Args: rest: Whose calls they are."""
        self._rest = rest

    def insert(self, table: str, *, values: Mapping[str, str]) -> str:
        """Create a record; its sys_id, which is the one in `values` if it is given there.

        Raises:
            OutcomeUnknown: The answer does not say that it exists under that sys_id.
            RemoteError: It was refused.
        """
        given = values.get("sys_id")
        if given is not None:
            checked_sys_id(given, what="sys_id")
        call = self._write("insert into", "POST", checked_table(table), body=_body(values))
        answer = self._rest.answer(call)
        sys_id = self._answered_id(answer, expect=201)
        if given is not None and sys_id != given:
            raise self._rest.messages.unknown(answer, "it stands under another sys_id than given")
        return sys_id

    def update(self, table: str, *, sys_id: str, values: Mapping[str, str]) -> None:
        """Change some fields of a record.

        Raises:
            OutcomeUnknown: The answer does not say that this record was changed.
            RemoteError: It was refused.
        """
        path = f"{checked_table(table)}/{checked_sys_id(sys_id, what='sys_id')}"
        answer = self._rest.answer(self._write("update", "PATCH", path, body=_body(values)))
        if self._answered_id(answer, expect=200) != sys_id:
            raise self._rest.messages.unknown(answer, "the answer is about another record")

    def write_secret(self, table: str, *, sys_id: str, column: str, secret: str) -> None:
        """Write one secret column and nothing else (A17).

        `sysparm_input_display_value=true` is what encrypted columns want; with nothing else in the
        body no date or reference can be taken for a display value.

        Raises:
            OutcomeUnknown: The answer is not clear.
            RemoteError: It was refused.
        """
        path = f"{checked_table(table)}/{checked_sys_id(sys_id, what='sys_id')}"
        call = Call(
            f"write {checked_field(column)} of",
            "PATCH",
            f"/api/now/table/{path}",
            query=(("sysparm_input_display_value", "true"), ("sysparm_fields", "sys_id")),
            headers={"X-no-response-body": "true"},
            body=_body({column: secret}),
            kind=Kind.WRITE,
        )
        answer = self._rest.answer(call)
        if answer.status not in (200, 204):
            raise self._rest.unexpected(answer)
        # Nothing of the body is kept: an instance that ignores the header may echo the column.
        if answer.body.strip():
            read_json(answer, messages=self._rest.messages)

    def delete(self, table: str, *, sys_id: str) -> None:
        """Delete a record; one that is not there is no error.

        Raises:
            RemoteError: It was refused, or the answer is not clear.
        """
        path = f"{checked_table(table)}/{checked_sys_id(sys_id, what='sys_id')}"
        call = Call("delete from", "DELETE", f"/api/now/table/{path}", kind=Kind.WRITE)
        answer = self._rest.answer(call)
        if answer.status == 204:
            return
        error = self._rest.unexpected(answer)
        if answer.status == 404 and error.faults[0].code == NOT_FOUND and answer.is_json:
            return
        raise error

    def _write(self, step: str, method: str, path: str, *, body: bytes) -> Call:
        return Call(
            step,
            method,
            f"/api/now/table/{path}",
            query=(
                ("sysparm_fields", "sys_id"),
                ("sysparm_exclude_reference_link", "true"),
                ("sysparm_input_display_value", "false"),
            ),
            body=body,
            kind=Kind.WRITE,
        )

    def _answered_id(self, answer: Answer, *, expect: int) -> str:
        messages = self._rest.messages
        if answer.status != expect:
            raise self._rest.unexpected(answer)
        sys_id = text_member(read_json(answer, messages=messages), "result", "sys_id")
        if not is_sys_id(sys_id):
            raise messages.unknown(answer, "the answer holds no sys_id")
        return sys_id


def _body(values: Mapping[str, str]) -> bytes:
    return json.dumps({checked_field(name): value for name, value in values.items()}).encode()
