"""Reads any update set export as a stream, hardened: a file is a stranger's.

No entities, no document type, no network, bounded depth and text size; memory stays flat
because each update is handed over and forgotten. What was read is kept element by element, so
that writing it back reproduces the bytes of a native export.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from generator.errors import Fault, UnreadableError
from generator.update_set.model import Element, Unload, Update, UpdateSet

MAX_DEPTH = 64
"""Deepest nesting of elements in the envelope; native files have 3."""

MAX_ITEM_BYTES = 64 << 20
"""Most bytes of one set or row: a text may have 10 MB, which is the parser's own limit."""

MAX_STRANGERS = 1000
"""Most elements where none belongs that are remembered."""

_SETS = "sys_remote_update_set"
_UPDATES = "sys_update_xml"


class _TooLarge(Exception):
    """More was read for one set or row than any has."""


class _Metered:
    """A stream that knows how much was read since the last set or row."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        if self.count > MAX_ITEM_BYTES:
            raise _TooLarge
        return data


class Export:
    """An open export: its sets at once, its updates as a stream.

    Use `open_export`. `sets` is complete as soon as the first update (or the end) has been met,
    which opening does; `updates()` can be walked once.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Read up to the first update.

        Args:
            stream: The file's bytes.
            name: What to call the file in errors.

        Raises:
            UnreadableError: Not well-formed, has a document type, or is no `unload`.
        """
        self.name = name
        self._sets: list[UpdateSet] = []
        self.strangers: list[tuple[str, int]] = []
        """Elements where none belongs, as a path, with their lines; the first thousand."""
        self.out_of_order = False
        """Whether a set stood after an update."""
        self.root_tag = ""
        self.root_attributes: dict[str, str] = {}
        self._metered = _Metered(stream)
        self._events = etree.iterparse(
            self._metered,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._items = self._walk()
        self._first: Update | None = None
        for item in self._items:
            if isinstance(item, Update):
                self._first = item
                break

    @property
    def sets(self) -> tuple[UpdateSet, ...]:
        """All sets in file order; those that stand after updates are appended as met."""
        return tuple(self._sets)

    @property
    def unload_date(self) -> str:
        """`unload_date` of the root, empty if it has none."""
        return self.root_attributes.get("unload_date", "")

    def updates(self) -> Iterator[Update]:
        """The updates in file order.

        Raises:
            UnreadableError: The file turns out not to be well-formed further on.
        """
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        for item in self._items:
            if isinstance(item, Update):
                yield item

    def _walk(self) -> Iterator[Update | UpdateSet]:
        depth = 0
        root: etree._Element | None = None
        seen_update = False
        for event, element in self._checked_events():
            if event == "start":
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._unreadable(
                        "nested-too-deep", f"nests deeper than {MAX_DEPTH} levels"
                    )
                if root is None:
                    root = element
                    self._meet_root(root)
                continue
            depth -= 1
            if depth != 1 or root is None:
                continue
            line = element.sourceline
            self._metered.count = 0
            if element.tag == _UPDATES:
                seen_update = True
                yield Update(self._children(element), line)
            elif element.tag == _SETS:
                self.out_of_order |= seen_update
                found = UpdateSet(self._children(element), line)
                self._sets.append(found)
                yield found
            else:
                self._meet_stranger(str(element.tag), line)
            element.clear()
            while element.getprevious() is not None:
                del root[0]

    def _children(self, element: etree._Element) -> tuple[Element, ...]:
        for child in element:
            if len(child):
                # A payload must be text; elements inside it would be lost when it is read as such.
                path = "/".join(map(str, (element.tag, child.tag, child[0].tag)))
                self._meet_stranger(path, child.sourceline)
        return tuple(
            Element(str(child.tag), child.text or "", child.get("display_value"))
            for child in element
        )

    def _meet_stranger(self, path: str, line: int | None) -> None:
        if len(self.strangers) < MAX_STRANGERS:
            self.strangers.append((path, line or 0))

    def _checked_events(self) -> Iterator[tuple[str, etree._Element]]:
        try:
            yield from self._events
        except etree.XMLSyntaxError as error:
            line = error.lineno or None
            if "XML_PARSE_HUGE" in error.msg:
                raise self._unreadable(
                    "too-large",
                    "has a text of more than 10 MB or nests too deep, as no export does",
                    line=line,
                ) from None
            raise self._unreadable(
                "not-well-formed", f"is not well-formed XML: {error.msg}", line=line
            ) from None
        except _TooLarge:
            raise self._unreadable(
                "too-large", f"has a set or a row of more than {MAX_ITEM_BYTES >> 20} MiB"
            ) from None
        except OSError as error:
            raise self._unreadable(
                "cannot-read", f"cannot be read to its end: {error.strerror}"
            ) from None

    def _meet_root(self, root: etree._Element) -> None:
        if root.getroottree().docinfo.doctype:
            raise self._unreadable("has-doctype", "has a document type, which no export has")
        self.root_tag = str(root.tag)
        self.root_attributes = {str(key): str(value) for key, value in root.attrib.items()}
        if root.tag != "unload":
            raise self._unreadable(
                "not-an-export",
                f"is no update set export: its root is <{self.root_tag}>, not <unload>",
            )

    def _unreadable(self, code: str, what: str, *, line: int | None = None) -> UnreadableError:
        return UnreadableError(
            Fault(
                code,
                f"The file {what}.",
                file=self.name,
                line=line,
                next="export the update set again (Export to XML), or render it anew",
            )
        )


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a pipe would be waited for, perhaps for ever, and cannot be read twice.

    Raises:
        UnreadableError: It cannot be opened, or is a directory, a pipe or a device.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            return path.open("rb")
    except OSError as error:
        raise _cannot_open(
            path, error.strerror or "unknown reason", "check the path and its permissions"
        ) from None
    if stat.S_ISDIR(kind):
        raise _cannot_open(path, "it is a directory", "name a file in it")
    raise _cannot_open(
        path,
        "it is a pipe, socket or device, not a regular file",
        "write what comes out of it into a file and name that",
    )


def _cannot_open(path: Path, why: str, next_step: str) -> UnreadableError:
    message = f"The file cannot be opened: {why}."
    return UnreadableError(Fault("cannot-open", message, file=str(path), next=next_step))


@contextmanager
def open_export(path: Path) -> Iterator[Export]:
    """Open an update set file as a stream.

    Raises:
        UnreadableError: The file cannot be opened or is no update set export.
    """
    with open_regular(path) as stream:
        yield Export(stream, str(path))


def read_unload(path: Path) -> Unload:
    """Read a whole file into memory: for packages, not for strangers' exports of any size.

    Raises:
        UnreadableError: As `open_export`.
    """
    with open_export(path) as export:
        updates = tuple(export.updates())
        return Unload(export.unload_date, export.sets, updates)
