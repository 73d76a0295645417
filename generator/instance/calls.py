"""One request, its answer, and what may be said of either on a screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from generator.errors import Fault, InternalError
from generator.scrubbing import Scrubber as Scrubber
from generator.scrubbing import printable as printable

_SYS_ID = re.compile(r"[0-9A-Za-z_-]{1,32}", re.ASCII)
_HEX_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,79}(\.[a-z][a-z0-9_]{0,79}){0,3}", re.ASCII)


class Kind(StrEnum):
    """What may be done about a call whose answer was lost."""

    READ = "read"
    """Changes nothing: repeated within the budget (GET, and a POST that only carries reads)."""

    SIGN_IN = "sign_in"
    """Opens a session or fetches a token: not repeated, and nothing is lost with its answer."""

    WRITE = "write"
    """Changes something: never repeated; what became of it is read."""


class Upload(Protocol):
    """A body that is read in pieces."""

    def __len__(self) -> int:
        """Number of bytes altogether."""

    def read(self, size: int = -1, /) -> bytes:
        """The next piece."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its credentials included; nothing but step, method and path is ever shown."""

    step: str
    """What it is for, in a word or three: `read sys_user`."""

    method: str
    path: str
    """From `/`, without query; made of checked parts only."""

    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Upload | None = field(default=None, repr=False)
    kind: Kind = Kind.READ


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: complete, within the limits, and not yet believed."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""

    body: bytes = field(default=b"", repr=False)

    @property
    def media_type(self) -> str:
        """Of `Content-Type`, lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people."""
        start = self.body[:512].lstrip().lower()
        return "html" in self.media_type or start.startswith((b"<!doctype html", b"<html"))

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def transaction(self) -> str:
        """`X-Transaction-ID`, by which an instance's logs are searched; "" if there is none."""
        return printable(self.headers.get("x-transaction-id", ""), limit=64)


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, or one that cannot be used, however good it may be."""

    fault: Fault
    may_stand: bool
    """Whether the request may have reached the instance."""

    is_transient: bool
    """Whether the same request may get through a little later."""

    is_oversized: bool = False
    """Whether an answer came and broke a limit of ours."""


def checked_sys_id(value: str, *, what: str) -> str:
    """A sys_id of our own for a path or a query.

    Raises:
        InternalError: It holds a character that could lead elsewhere.
    """
    return _checked(_SYS_ID, value, what=what)


def checked_table(value: str) -> str:
    """A table's name for a path. Raises: InternalError: As `checked_sys_id`."""
    return _checked(_NAME, value, what="table")


def checked_field(value: str) -> str:
    """A column's name, dot-walks allowed. Raises: InternalError: As `checked_sys_id`."""
    return _checked(_FIELD, value, what="column")


def is_sys_id(value: object) -> bool:
    """Whether an instance's value may be used as a sys_id (`global` is one)."""
    return isinstance(value, str) and _SYS_ID.fullmatch(value) is not None


def is_hex_id(value: object) -> bool:
    """Whether it is an id as trackers and progress have them: 32 hex digits (A7, B3.19)."""
    return isinstance(value, str) and _HEX_ID.fullmatch(value) is not None


def _checked(pattern: re.Pattern[str], value: str, *, what: str) -> str:
    if pattern.fullmatch(value):
        return value
    raise InternalError(
        Fault(
            "instance-unsafe-name",
            f"A {what} for a request holds characters that names do not have: "
            f"{printable(ascii(value), limit=80)}.",
            next="report this: the request was not sent",
        )
    )


def http_date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date (`Date`, `Retry-After`); None if it is none."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
