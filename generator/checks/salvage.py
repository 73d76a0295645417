"""What can still be said of a file that is not well-formed from its first row on.

The usual cause is a payload with CDATA put into CDATA (format section 14, I2). So each set and
row is cut out of the text by its tags, the payload is left out, and the rest is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from generator.update_set.model import Element, Update, UpdateSet
from generator.update_set.payload import xml_parser

MOST = 1 << 24
"""Most bytes of a broken file that are looked at: 16 MiB."""

_PIECE = re.compile(
    rb"<(sys_remote_update_set|sys_update_xml)[ >].*?</\1>(?=\s*(?:<sys_remote_update_set|"
    rb"<sys_update_xml|</unload>|\Z))",
    re.DOTALL,
)
_PAYLOAD = re.compile(rb"<payload>.*</payload>", re.DOTALL)
_DATE = re.compile(rb'<unload unload_date="([^"]*)"')
_PARSER = xml_parser()


@dataclass(frozen=True, slots=True)
class Salvage:
    """The readable parts of a broken file."""

    text: str
    """The file's beginning as text."""

    unload_date: str
    sets: tuple[UpdateSet, ...]

    updates: tuple[Update, ...]
    """Rows with an empty payload."""


def salvage(path: Path) -> Salvage:
    """Read what is readable.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        data = stream.read(MOST)
    sets: list[UpdateSet] = []
    updates: list[Update] = []
    for found in _PIECE.finditer(data):
        elements = _children(_PAYLOAD.sub(b"<payload/>", found[0]))
        line = data.count(b"\n", 0, found.start()) + 1
        if not elements:
            continue
        if found[1] == b"sys_update_xml":
            updates.append(Update(elements, line))
        else:
            sets.append(UpdateSet(elements, line))
    date = _DATE.search(data)
    return Salvage(
        data.decode("utf-8", "replace"),
        date[1].decode("utf-8", "replace") if date else "",
        tuple(sets),
        tuple(updates),
    )


def _children(piece: bytes) -> tuple[Element, ...]:
    try:
        root = etree.fromstring(piece, _PARSER)
    except etree.XMLSyntaxError:
        return ()
    return tuple(
        Element(str(child.tag), child.text or "", child.get("display_value"))
        for child in root.iterchildren("*")
    )
