"""How text stands in the file: escaping, CDATA, and one field of a payload.

`spec/update-set-format.md` sections 2, 5 and 6. Everything returns `Markup`, so that the
templates' autoescape leaves it alone and escapes whatever did not pass here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from markupsafe import Markup

from generator.update_set.model import Element
from generator.update_set.records import Reference, Script

CDATA_OPEN = "<![CDATA["


def _escaped(value: str) -> str:
    if "&" in value:
        value = value.replace("&", "&amp;")
    if "<" in value:
        value = value.replace("<", "&lt;")
    if ">" in value:
        value = value.replace(">", "&gt;")
    if "\r" in value:
        value = value.replace("\r", "&#13;")
    return value


@lru_cache(maxsize=512)
def _quoted(value: str) -> str:
    escaped = _escaped(value).replace('"', "&quot;")
    return escaped.replace("\n", "&#10;").replace("\t", "&#9;")


def text(value: str) -> Markup:
    """Text of an element: `&`, `<`, `>` escaped, CR as `&#13;`, quotes as they are."""
    return Markup(_escaped(value))  # noqa: S704 - this is the escaping


def attribute(value: str) -> Markup:
    """Value of an attribute: as text, and the quote that would end it, and white space."""
    return Markup(_quoted(value))  # noqa: S704


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def markdown(value: str) -> Markup:
    """Text inside a Markdown line or table cell: nothing in it is markup, line ends are spaces."""
    return Markup(_MARKDOWN.sub(r"\\\1", " ".join(value.split())))  # noqa: S704 - escaped


def elements(children: Iterable[Element]) -> Markup:
    """The children of a set or an update, each on a line of its own, the last one ended, too.

    An empty element is `<x/>`, an empty reference `<x display_value=""/>` (section 2).
    """
    lines = []
    for name, value, display in children:
        opening = name if display is None else f'{name} display_value="{_quoted(display)}"'
        if not value:
            lines.append(f"<{opening}/>\n")
        elif value.isalnum():
            # Most are ids, numbers and words; nothing in them needs a look.
            lines.append(f"<{opening}>{value}</{name}>\n")
        else:
            body = _payload(value) if name == "payload" else _escaped(value)
            lines.append(f"<{opening}>{body}</{name}>\n")
    return Markup("".join(lines))  # noqa: S704 - every part is escaped above


@lru_cache(maxsize=64)
def _payload(value: str) -> str:
    """A payload inside its row: CDATA unless it holds CDATA itself (section 5).

    CDATA can carry neither its own end nor a CR; no native payload holds either, others may.
    """
    if CDATA_OPEN in value or "]]>" in value or "\r" in value:
        return _escaped(value)
    return f"{CDATA_OPEN}{value}]]>"


def field(name: str, value: str | Reference | Script) -> Markup:
    """One field of a record in a payload.

    An empty field is a bare `<x/>`, also for references. A script is CDATA; a `]]>` of its own
    is split, since it cannot be escaped there.
    """
    return Markup(_field(name, value))  # noqa: S704 - escaped there


def fields(values: Mapping[str, str | Reference | Script], names: Iterable[str]) -> Markup:
    """Several fields of a record, one after the other.

    Raises:
        KeyError: The record has no such field.
    """
    return Markup("".join([_field(name, values[name]) for name in names]))  # noqa: S704


def _field(name: str, value: str | Reference | Script) -> str:
    if isinstance(value, Reference):
        return _reference(name, value)
    if not value:
        return f"<{name}/>"
    if isinstance(value, Script):
        lines = value.replace("\r\n", "\n").replace("\r", "\n")
        body = lines.replace("]]>", "]]]]>" + CDATA_OPEN + ">")
        return f"<{name}>{CDATA_OPEN}{body}]]></{name}>"
    return f"<{name}>{_escaped(value)}</{name}>"


def _reference(name: str, value: Reference) -> str:
    if not value.value:
        return f"<{name}/>"
    attributes = f' display_value="{_quoted(value.display_value)}"'
    if value.name is not None:
        attributes += f' name="{_quoted(value.name)}"'
    if value.source is not None:
        attributes += f' source="{_quoted(value.source)}"'
    return f"<{name}{attributes}>{_escaped(value.value)}</{name}>"
