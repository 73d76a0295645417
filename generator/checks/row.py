"""One row of an export, taken apart once for all families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from generator.update_set.model import Update
from generator.update_set.payload import xml_parser

_PARSER = xml_parser(strip_cdata=False)


class PayloadRecord(NamedTuple):
    """A record inside a payload."""

    element: etree._Element
    tags: tuple[str, ...]
    """Names of its fields in order."""


@dataclass(frozen=True, slots=True)
class Row:
    """A `sys_update_xml` element with its payload parsed."""

    update: Update

    names: tuple[str, ...]
    """Names of its children in order."""

    values: Mapping[str, str]
    """Text by name."""

    name: str
    """Update name."""

    payload: str
    """The payload as text."""

    root: etree._Element | None
    """The parsed payload; None if it is empty or not well-formed."""

    fault: str
    """Why the payload could not be parsed; empty if it could."""

    table: str
    """Table of the payload: the root's attribute, else the tag of its first child."""

    special: bool
    """Whether a special handler wrote it: its root has no attribute `table` (format section 6)."""

    records: tuple[PayloadRecord, ...]
    """Every record of the payload, those inside wrappers included, delete markers excluded."""

    def value(self, name: str) -> str:
        """Text of a child of the row; empty if there is none."""
        return self.values.get(name, "")

    @property
    def record(self) -> PayloadRecord | None:
        """The record that the row is about."""
        return self.records[0] if self.records else None

    @property
    def deletes(self) -> bool:
        """Whether the row removes its record."""
        return self.values.get("action") == "DELETE"


def take_apart(update: Update) -> Row:
    """Parse the payload of an update and look its parts up."""
    payload = update.payload
    root: etree._Element | None = None
    fault = ""
    if payload:
        try:
            root = etree.fromstring(payload.encode(), _PARSER)
        except etree.XMLSyntaxError as error:
            fault = str(error.msg)
    table, special = "", False
    records: tuple[PayloadRecord, ...] = ()
    if root is not None:
        first = next(root.iterchildren("*"), None)
        table = root.get("table") or ("" if first is None else str(first.tag))
        special = root.get("table") is None
        records = tuple(_records(root))
    values = {name: text for name, text, _ in reversed(update.elements)}
    names = tuple([element[0] for element in update.elements])
    name = values.get("name", "")
    return Row(update, names, values, name, payload, root, fault, table, special, records)


def field(element: etree._Element, name: str) -> str:
    """Text of a field of a record; empty if it is empty or missing."""
    return element.findtext(name) or ""


def is_marker(element: etree._Element) -> bool:
    """Whether an element only says which records to delete first."""
    return element.get("action") == "delete_multiple"


def _records(parent: etree._Element) -> Iterator[PayloadRecord]:
    for child in parent.iterchildren("*"):
        if is_marker(child):
            continue
        fields = [str(grandchild.tag) for grandchild in child.iterchildren("*")]
        yield PayloadRecord(child, tuple(fields))
        if child.get("action") is None and len(child) and child[0].get("action") is not None:
            yield from _records(child)
