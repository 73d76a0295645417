"""An action's payload as its parts: records and delete markers, in two halves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lxml import etree

from generator.checks.action_layout import DEFINITION, SNAPSHOT
from generator.checks.row import is_marker

INSERT = "INSERT_OR_UPDATE"
DELETE = "DELETE"
SPARES = "^sys_idNOT IN"
"""Tail of a delete marker's query; the sys_ids of the records that follow come after it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One child of the payload's root, or a record inside a wrapper."""

    element: etree._Element
    tag: str
    action: str
    """`INSERT_OR_UPDATE`, `UPDATE`, `delete_multiple`; empty for a wrapper."""

    query: str
    """What a delete marker deletes; empty for others."""

    tags: tuple[str, ...]
    """Names of its fields in order."""

    fields: Mapping[str, str]
    """Text by name."""

    inner: tuple[Part, ...] = ()
    """Records inside a wrapper."""

    def get(self, name: str) -> str:
        """Text of a field; empty if it is empty or missing."""
        return self.fields.get(name, "")

    def shown(self, name: str) -> str:
        """`display_value` of a field; empty if there is none."""
        found = self.element.find(name)
        return "" if found is None else found.get("display_value") or ""

    @property
    def sys_id(self) -> str:
        """Identity of the record."""
        return self.get("sys_id")

    @property
    def is_record(self) -> bool:
        """Whether it is a record that is inserted or updated."""
        return self.action == INSERT

    @property
    def name(self) -> str:
        """What to call it in a message."""
        if self.query:
            return f"the delete marker of {self.tag}"
        what = self.get("element") or self.get("field") or self.get("name")
        return f"{self.tag} {what}".rstrip()


@dataclass(frozen=True, slots=True)
class Half:
    """The definition part or the snapshot part of an action."""

    label: str
    """`definition` or `snapshot`."""

    parts: tuple[Part, ...]

    @property
    def head(self) -> Part:
        """The definition or snapshot record."""
        return self.parts[0]

    @property
    def own(self) -> str:
        """sys_id of the head."""
        return self.parts[0].sys_id

    @property
    def is_snapshot(self) -> bool:
        """Whether it is the snapshot part."""
        return self.parts[0].tag == SNAPSHOT

    def records(self, tag: str) -> list[Part]:
        """The records of a kind."""
        return [part for part in self.parts if part.tag == tag and part.is_record]


@dataclass(frozen=True, slots=True)
class Action:
    """A whole action."""

    parts: tuple[Part, ...]
    definition: Half
    snapshot: Half
    closing: Part
    """The last part: the UPDATE that names the snapshot."""


def parts_of(root: etree._Element, *, deletes: bool = False) -> tuple[Part, ...]:
    """The children of a payload's root.

    Args:
        root: The payload's root.
        deletes: Whether the row deletes the action. Such a payload holds the whole last state
            (`spec/update-set-format.md` section 12), only its head says DELETE; so the head is
            taken as the record that it was, and the action judged like one that stays.
    """
    parts = tuple(_part(child) for child in root.iterchildren("*"))
    if deletes and parts and parts[0].action == DELETE:
        return (replace(parts[0], action=INSERT), *parts[1:])
    return parts


def action_of(parts: tuple[Part, ...]) -> Action | None:
    """Split the parts into halves; None if there is not one definition and one snapshot."""
    heads = [
        place
        for place, part in enumerate(parts)
        if part.is_record and part.tag in (DEFINITION, SNAPSHOT)
    ]
    if [parts[place].tag for place in heads] != [DEFINITION, SNAPSHOT] or heads[0] != 0:
        return None
    second = heads[1]
    definition = Half("definition", parts[:second])
    return Action(parts, definition, Half("snapshot", parts[second:-1]), parts[-1])


def every_record(parts: Iterable[Part]) -> Iterator[Part]:
    """All records, those inside wrappers included."""
    for part in parts:
        if part.inner:
            yield from part.inner
        elif part.action:
            yield part


def _part(element: etree._Element) -> Part:
    tag, action = str(element.tag), element.get("action") or ""
    if is_marker(element):
        return Part(element, tag, action, element.get("query") or "", (), {})
    children = list(element.iterchildren("*"))
    if not action and children and children[0].get("action") is not None:
        return Part(element, tag, "", "", (), {}, tuple(_part(child) for child in children))
    return Part(
        element,
        tag,
        action,
        "",
        tuple([str(child.tag) for child in children]),
        {str(child.tag): child.text or "" for child in children},
    )
