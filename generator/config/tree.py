"""A read configuration file as a tree in which everything knows its file and line.

Also the layering: `overlay` puts one environment's tree over the common one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias


class Numeral(str):
    """A number as it was written, without quotes: `587`, `1.0`, `1e3`.

    It stays text so that nothing of it is lost (`1.10` is not `1.1`); who wants a number
    converts it.
    """

    __slots__ = ()


class Broken:
    """Stands where a value was refused already, so that it is not complained about twice."""

    __slots__ = ()


BROKEN: Final = Broken()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written."""

    file: str
    """The file as the user named it."""

    line: int
    """Line in the file, from 1."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value."""

    value: str | bool | None | Broken
    """Text, `Numeral`, true or false, nothing; or the mark of a refused value."""

    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    place: Place
    """Where the key stands."""

    value: Node


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping."""

    entries: Mapping[str, Entry]
    place: Place


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    items: tuple[Node, ...]
    place: Place


LONGEST_ECHO: Final = 80
"""Characters of a key that is repeated in messages; the longest known one has some sixty."""

_ECHOABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

Node: TypeAlias = Scalar | Section | Listing
Location: TypeAlias = tuple[str | int, ...]

NO_ENTRIES: Final[Mapping[str, Entry]] = MappingProxyType({})


def overlay(below: Section, above: Section) -> Section:
    """Put `above` over `below`: mappings merge, everything else is replaced.

    A section that `above` names but leaves empty (`azure:` with all its lines commented out)
    adds nothing; a single value left empty unsets what `below` says.
    """
    entries = dict(below.entries)
    for key, entry in above.entries.items():
        under = entries.get(key)
        if under is None or not isinstance(under.value, Section):
            entries[key] = entry
        elif isinstance(entry.value, Section):
            entries[key] = Entry(entry.place, overlay(under.value, entry.value))
        elif not (isinstance(entry.value, Scalar) and entry.value.value is None):
            entries[key] = entry
    return Section(entries, above.place)


def steps(tree: Section, location: Location) -> Iterator[tuple[Place, Node]]:
    """Walk from the root towards `location`, as far as the file goes.

    Yields:
        For each step that exists the place of its key (of the value, in a list) and its value.
    """
    node: Node = tree
    for step in location:
        if isinstance(node, Section) and isinstance(step, str) and step in node.entries:
            entry = node.entries[step]
            place, node = entry.place, entry.value
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            return
        yield place, node


def find(tree: Section, location: Location) -> tuple[Place, Node] | None:
    """The place and the value at `location`, or None if nothing is written there."""
    found = list(steps(tree, location))
    return found[-1] if found and len(found) == len(location) else None


def dotted(location: Sequence[str | int]) -> str:
    """`("azure", "outputs", 0)` as `azure.outputs[0]`; fit for a message."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{echoable(step)}" if text else echoable(step)
    return text


def echoable(key: str) -> str:
    """The key, if it is short and plain enough to be repeated in a message."""
    plain = len(key) <= LONGEST_ECHO and _ECHOABLE.fullmatch(key)
    return key if plain else "(a key that is not repeated here)"
