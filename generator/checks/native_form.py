"""Native form: the bytes are those that an instance writes (format sections 2 and 5).

Each set and row is written again from what was read and compared with the file's bytes at that
place. Equal bytes prove every rule here at once; only where they differ is the text looked at,
to say in which way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from generator.checks.interface import Context, Hit, Rule, Severity, at, rule
from generator.checks.raw import RawFile
from generator.checks.row import Row
from generator.update_set import serialize
from generator.update_set.model import Element
from generator.update_set.payload import DECLARATION

F1 = rule(
    "native",
    "F1",
    Severity.ERROR,
    "The file is well-formed UTF-8 XML without byte order mark, raw carriage return or document"
    " type.",
    "export the update set again (Export to XML), or render it anew; let no editor or script"
    " rewrite the file",
)
F2 = rule(
    "native",
    "F2",
    Severity.WARNING,
    "The XML declaration and <unload> share the first line (since April 2019).",
    "render the file anew; let no script rewrite it",
)
F5 = rule(
    "native",
    "F5",
    Severity.WARNING,
    "The bytes are those that an instance writes: no indentation, <x/> for empty, quotes as they"
    " are.",
    "export or render the file again instead of writing it with another tool",
)
F5B = rule(
    "native",
    "F5b",
    Severity.NOTE,
    "The file ends with a line feed.",
    "nothing to do: the platform reads it all the same",
)
P1 = rule(
    "native",
    "P1",
    Severity.ERROR,
    "A payload stands in CDATA if and only if it holds no CDATA itself.",
    "escape &, < and > of a payload that holds CDATA; put any other payload into CDATA",
)

_BREAK_UNTIL = "2019-05"
"""Exports until April 2019 have a line feed after the declaration."""

_ROOT = re.compile(rb"\s*<unload[^<>]*>\n?")
_ENDS = (b"</unload>\n", b"</unload>")
_INDENTED = re.compile(rb"\n[ \t]+</?(?:action|application|description|name|payload|sys_id)\b")
_LONG_EMPTY = re.compile(rb"<(\w+)(?: [^<>]*)?></\1>")
_CDATA = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_PAYLOAD = re.compile(rb"<payload[^<>]*>\s*(<!\[CDATA\[)?")


@dataclass(slots=True)
class _Seen:
    """Where a departure from the native form stands first, and how often."""

    line: int | None
    count: int = 0


class NativeForm:
    """Rules F1, F2, F5 and P1."""

    rules: ClassVar[tuple[Rule, ...]] = (F1, F2, F5, F5B, P1)

    def __init__(self, context: Context, stream: BinaryIO) -> None:
        """Args: stream: The same file, opened once more in binary mode."""
        self._context = context
        self._raw = RawFile(stream)
        self._followed = True
        self._departures: dict[tuple[Rule, str], _Seen] = {}

    @property
    def position(self) -> int:
        """Bytes of the file compared so far."""
        return self._raw.position

    def sets(self) -> Iterator[Hit]:
        """Compare the first line and the sets."""
        yield from self._head()
        for update_set in self._context.sets:
            piece = self._differing("sys_remote_update_set", update_set.elements)
            if piece is not None and not self._tell(piece, update_set.line):
                self._note(F5, "a set is not written as the platform writes it", update_set.line)

    def row(self, row: Row) -> Iterator[Hit]:
        """Compare one row."""
        piece = self._differing("sys_update_xml", row.update.elements)
        if piece is None:
            return
        told = self._tell(piece, row.update.line)
        opened = _PAYLOAD.search(piece) if row.payload else None
        holds = serialize.CDATA_OPEN in row.payload
        if opened is not None and (opened[1] is not None) == holds:
            told = True
            what = (
                "The payload holds CDATA and stands in CDATA all the same, its inner ends split."
                if holds
                else "The payload holds no CDATA, but stands escaped instead of in CDATA."
            )
            yield at(row, P1, what, "payload")
        if not told:
            self._note(F5, "a row is not written as the platform writes it", row.update.line)

    def leave(self) -> None:
        """Follow the bytes no longer: the file's order is not that of sets and rows."""
        self._followed = False

    def finish(self) -> Iterator[Hit]:
        """Say in which ways the file departs from the native form, and compare its end."""
        for (rule_, what), seen in self._departures.items():
            yield Hit(rule_, f"{what}; seen {seen.count} times, first here.", seen.line)
        if self._followed and not self._departures:
            end = self._raw.rest(64)
            if end == _ENDS[1]:
                yield Hit(F5B, "The last line feed is missing.")
            elif end != _ENDS[0]:
                yield Hit(F5, "Between the last row and the end of the file stands something else.")

    def _head(self) -> Iterator[Hit]:
        head = self._raw.peek(256)
        if head.startswith(b"\xef\xbb\xbf"):
            yield Hit(F1, "The file begins with a byte order mark.", 1)
            self._raw.skip(3)
            head = head[3:]
        if b"\r" in head.partition(b"<sys_remote_update_set")[0]:
            self._note(F1, "the file has raw carriage returns", 1)
        declaration = DECLARATION.encode()
        if not head.startswith(declaration):
            yield Hit(F1, f"The file does not begin with {DECLARATION}.", 1)
            self.leave()
            return
        root = _ROOT.match(head, len(declaration))
        if root is None:
            self.leave()
            return
        self._raw.skip(root.end())
        date = self._context.unload_date
        if not root[0].startswith(b"<") and not ("2" < date < _BREAK_UNTIL):
            yield Hit(F2, "A line break stands between the XML declaration and <unload>.", 1)

    def _differing(self, tag: str, elements: tuple[Element, ...]) -> bytes | None:
        """Pass one element; its bytes if they are not the native ones."""
        if not self._followed or self._raw.take(native_bytes(tag, elements)):
            return None
        piece = self._raw.until(f"</{tag}>".encode())
        self._followed = piece is not None
        return piece

    def _tell(self, piece: bytes, line: int | None) -> bool:
        """Note in which known ways an element departs; whether there was any."""
        outside = _CDATA.sub(b"", piece)
        ways = [
            way
            for way, there in (
                ((F1, "the file has raw carriage returns"), b"\r" in piece),
                ((F5, "elements are indented"), _INDENTED.search(outside)),
                ((F5, "empty elements are written <x></x>"), _LONG_EMPTY.search(outside)),
                ((F5, "quotes are escaped as &quot; in text"), b"&quot;" in outside),
            )
            if there
        ]
        for rule_, what in ways:
            self._note(rule_, what, line)
        return bool(ways)

    def _note(self, rule_: Rule, what: str, line: int | None) -> None:
        seen = self._departures.setdefault((rule_, what[0].upper() + what[1:]), _Seen(line))
        seen.count += 1


def native_bytes(tag: str, elements: tuple[Element, ...]) -> bytes:
    """A set or row as an instance writes it."""
    return f'<{tag} action="INSERT_OR_UPDATE">\n{serialize.elements(elements)}</{tag}>\n'.encode()
