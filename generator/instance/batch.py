"""Several reads in one request: `POST /api/now/v1/batch` (`spec/instance-http.md` A15).

Only reads travel in it, so the request may be repeated. What the instance does not serve that way
is read singly; a part's own refusal stands beside the others' rows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from generator.instance.calls import Answer, Call
from generator.instance.interface import Found, Read, Row
from generator.instance.rest import JSON_HEADERS, Rest, member, read_json
from generator.instance.retry import AGAIN
from generator.instance.tables import PAGE, read_call, read_count, read_rows

MOST_PARTS = 40
"""Reads in one batch."""

_LONGEST_QUERY = 4000
"""Characters in the address of a GET (our figure; gateways cut at 8 KB)."""

_ABSENT = (400, 403, 404, 405)
"""An instance without the batch API, or one closed to this user."""

_REFUSED = (400, 403, 404)
"""What an instance may say to one read while the others stand."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One read on its way."""

    read: Read
    call: Call


class Reader:
    """Reads, in batches where the instance serves them."""

    def __init__(self, rest: Rest) -> None:
        """Args: rest: Whose reads they are."""
        self._rest = rest
        self._has_batch = True

    def read(self, reads: Sequence[Read]) -> tuple[Found, ...]:
        """Rows and numbers, in the order of the reads.

        Raises:
            RemoteError: Nothing can be said: network, credentials, an outage, a broken answer.
        """
        parts = [_Part(read, read_call(read)) for read in reads]
        answers: list[Answer | None] = []
        for start in range(0, len(parts), MOST_PARTS):
            chunk = parts[start : start + MOST_PARTS]
            if self._has_batch and (len(chunk) > 1 or _is_long(chunk[0])):
                answers.extend(self._batch(chunk))
            else:
                answers.extend(None for _ in chunk)
        return tuple(
            self._found(part, answer or self._rest.answer(part.call))
            for part, answer in zip(parts, answers, strict=True)
        )

    def _batch(self, parts: Sequence[_Part]) -> list[Answer | None]:
        """The parts' answers, None where one has to be read singly."""
        requests = [
            {
                "id": str(number),
                "method": part.call.method,
                "url": f"{part.call.path}?{urlencode(part.call.query)}",
                "headers": [{"name": name, "value": value} for name, value in JSON_HEADERS.items()],
                "exclude_response_headers": False,
            }
            for number, part in enumerate(parts)
        ]
        body = {"batch_request_id": "1", "enforce_order": False, "rest_requests": requests}
        call = Call("read a batch", "POST", "/api/now/v1/batch", body=json.dumps(body).encode())
        answer = self._rest.answer(call)
        if answer.status in _ABSENT and answer.is_json:
            self._has_batch = False
            return [None for _ in parts]
        if answer.status != 200:
            raise self._rest.unexpected(answer)
        document = read_json(answer, messages=self._rest.messages)
        served = member(document, "serviced_requests")
        if not isinstance(served, list):
            raise self._rest.messages.unusable(
                answer, code="instance-batch", what="the answer is none of the batch API"
            )
        found: dict[str, Answer] = {}
        for item in served:
            self._keep(item, parts=parts, outer=answer, found=found)
        return [found.get(str(number)) for number in range(len(parts))]

    def _keep(
        self, item: object, *, parts: Sequence[_Part], outer: Answer, found: dict[str, Answer]
    ) -> None:
        """Unpack one served part; one without a usable answer is left to a single read."""
        number, status = member(item, "id"), member(item, "status_code")
        packed = member(item, "body")
        numbers = {str(place) for place in range(len(parts))}
        if not isinstance(number, str) or number not in numbers or number in found:
            raise self._rest.messages.unusable(
                outer, code="instance-batch", what="the batch answers what was not asked"
            )
        if not isinstance(status, int) or not 100 <= status < 600 or not isinstance(packed, str):
            return
        if status in AGAIN or status >= 500:
            return
        try:
            body = base64.b64decode(packed, validate=True)
        except ValueError:
            return
        headers = {"content-type": "application/json", **_headers(member(item, "headers"))}
        if outer.transaction:
            headers.setdefault("x-transaction-id", outer.transaction)
        found[number] = Answer(parts[int(number)].call, status, headers, body)

    def _found(self, part: _Part, answer: Answer) -> Found:
        messages = self._rest.messages
        if answer.status == 401:
            raise self._rest.unexpected(answer)
        if answer.status in _REFUSED:
            return Found(error=self._rest.unexpected(answer))
        if answer.status != 200:
            raise self._rest.unexpected(answer)
        if part.read.count_only:
            return Found(total=read_count(answer, messages=messages))
        limit = min(part.read.limit, PAGE)
        rows, total = read_rows(answer, read=part.read, limit=limit, messages=messages)
        if part.read.limit > PAGE:
            return self._more(part.read, rows=rows, total=total)
        return Found(
            rows, self._total(part.read, rows=rows, total=total, is_full=len(rows) >= limit)
        )

    def _more(self, read: Read, *, rows: tuple[Row, ...], total: int | None) -> Found:
        """The pages after the first. A page may be short: access rules come after the limit."""
        whole = list(rows)
        offset = PAGE
        was_full = len(rows) >= PAGE
        while offset < read.limit:
            if (total is None and not was_full) or (
                total is not None and read.offset + offset >= total
            ):
                break
            limit = min(PAGE, read.limit - offset)
            answer = self._rest.answer(read_call(read, offset=offset, limit=limit))
            if answer.status != 200:
                raise self._rest.unexpected(answer)
            page, told = read_rows(answer, read=read, limit=limit, messages=self._rest.messages)
            total = told if told is not None else total
            whole.extend(page)
            was_full = len(page) >= limit
            offset += limit
        is_full = len(whole) >= read.limit
        found = tuple(whole)
        return Found(found, self._total(read, rows=found, total=total, is_full=is_full))

    def _total(self, read: Read, *, rows: tuple[Row, ...], total: int | None, is_full: bool) -> int:
        if total is not None:
            return total
        if not is_full:
            return read.offset + len(rows)
        count = replace(read, count_only=True)
        return self._found(
            _Part(count, read_call(count)), self._rest.answer(read_call(count))
        ).total


def _is_long(part: _Part) -> bool:
    """Whether a query is too long for an address; in a batch it stands in the body."""
    return sum(len(value) for _, value in part.call.query) > _LONGEST_QUERY


def _headers(items: object) -> dict[str, str]:
    """Headers of one part: a list of name and value."""
    found: dict[str, str] = {}
    for item in items if isinstance(items, list) else ():
        name, value = member(item, "name"), member(item, "value")
        if isinstance(name, str) and isinstance(value, str):
            found[name.lower()] = value
    return found
