"""Payloads of updates: which records they hold, and a payload made of a row.

`spec/update-set-format.md` sections 6 and 12: the first record is the update's own, further ones
(children of a Flow Designer action, translated texts, lists of what else to delete) follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from generator.update_set.payload import DECLARATION, xml_parser

DELETE = "DELETE"
DELETE_MULTIPLE = "delete_multiple"
UPSERT = "INSERT_OR_UPDATE"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a payload, or one order to delete others."""

    table: str
    action: str
    """`INSERT_OR_UPDATE`, `DELETE` or `delete_multiple`."""

    values: Mapping[str, str]
    """Text of each field."""

    query: str = ""
    """Encoded query of a `delete_multiple`."""

    @property
    def sys_id(self) -> str:
        """The record's identity; empty if it names none."""
        return self.values.get("sys_id", "")


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that could be read."""

    entries: tuple[Entry, ...]
    """In the order of the text; at least one."""

    newest: str
    """The latest `sys_updated_on` of any record, `YYYY-MM-DD HH:MM:SS`; empty if none has one."""

    @property
    def first(self) -> Entry:
        """The update's own record."""
        return self.entries[0]

    def holds(self, sys_id: str) -> bool:
        """Whether a record of the payload has this sys_id."""
        return any(entry.sys_id == sys_id for entry in self.entries)


def read_payload(text: str) -> Payload | None:
    """The records of a payload; None if it is not well-formed or holds none."""
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), xml_parser())
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.getroottree().docinfo.doctype or root.tag != "record_update":
        return None
    entries = tuple(_entries(root))
    if not entries:
        return None
    dates = [entry.values.get("sys_updated_on", "") for entry in entries]
    return Payload(entries, max(dates, default=""))


def _entries(parent: etree._Element) -> Iterator[Entry]:
    """Records below an element; one without `action` is a wrapper (special handlers)."""
    for element in parent:
        if not isinstance(element.tag, str):
            continue
        action = element.get("action")
        if action is None:
            if len(element):
                yield from _entries(element)
            continue
        children = [child for child in element if isinstance(child.tag, str)]
        fields = {
            str(child.tag): child.text or "" for child in children if child.get("action") is None
        }
        yield Entry(str(element.tag), action, fields, element.get("query") or "")
        if len(fields) < len(children):
            # A field bears no action: what does is a record inside the record.
            yield from _nested(children)


def _nested(children: list[etree._Element]) -> Iterator[Entry]:
    for child in children:
        if child.get("action") is not None:
            fields = {str(field.tag): field.text or "" for field in child}
            yield Entry(str(child.tag), str(child.get("action")), fields, child.get("query") or "")


def write_payload(
    table: str,
    values: Mapping[str, str],
    *,
    action: str = UPSERT,
    displays: Mapping[str, str] | None = None,
) -> str:
    """The payload of a row as a capture writes it: one line, fields by name.

    Args:
        table: Table of the row.
        values: Its stored values.
        action: What the payload orders.
        displays: `display_value` of the references that have one.
    """
    shown = displays or {}
    fields = "".join(_field(name, values[name], display=shown.get(name)) for name in sorted(values))
    domain = 'sys_domain="global" ' if "sys_domain" in values else ""
    return (
        f"{DECLARATION}<record_update {domain}table={quoteattr(table)}>"
        f'<{table} action="{action}">{fields}</{table}></record_update>'
    )


def _field(name: str, value: str, *, display: str | None) -> str:
    if not value:
        return f"<{name}/>"
    shown = "" if display is None else f" display_value={quoteattr(display)}"
    return f"<{name}{shown}>{escape(_legal(value), _CARRIAGE_RETURN)}</{name}>"


_CARRIAGE_RETURN = {"\r": "&#13;"}


def _legal(value: str) -> str:
    """Without the control characters that XML cannot carry."""
    return "".join(c for c in value if c >= " " or c in "\t\n\r")
