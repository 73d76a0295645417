"""Update sets as data: a set, its updates, and the elements they are made of.

A *set* is a `sys_remote_update_set` element (Retrieved Update Set), an *update* a
`sys_update_xml` element (Customer Update), a *payload* the XML text inside an update
(`spec/update-set-format.md` section 1). Both keep their elements in the order of the file, so
that what was read can be written back byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import NamedTuple, NewType

SysId = NewType("SysId", str)
"""32 characters `0-9a-f`."""

SET_ELEMENTS: tuple[str, ...] = (
    "application",
    "application_name",
    "application_scope",
    "application_version",
    "collisions",
    "commit_date",
    "deleted",
    "description",
    "inserted",
    "name",
    "origin_sys_id",
    "parent",
    "release_date",
    "remote_base_update_set",
    "remote_parent_id",
    "remote_sys_id",
    "state",
    "summary",
    "sys_class_name",
    "sys_created_by",
    "sys_created_on",
    "sys_id",
    "sys_mod_count",
    "sys_updated_by",
    "sys_updated_on",
    "update_set",
    "update_source",
    "updated",
)
"""The 28 children of a set, in order (section 3)."""

SET_REFERENCES = frozenset(
    {"application", "parent", "remote_base_update_set", "update_set", "update_source"}
)
"""Children of a set that carry `display_value`, empty ones too."""

UPDATE_ELEMENTS: tuple[str, ...] = (
    "action",
    "application",
    "category",
    "comments",
    "name",
    "payload",
    "payload_hash",
    "remote_update_set",
    "replace_on_upgrade",
    "sys_created_by",
    "sys_created_on",
    "sys_id",
    "sys_mod_count",
    "sys_recorded_at",
    "sys_updated_by",
    "sys_updated_on",
    "table",
    "target_name",
    "type",
    "update_domain",
    "update_guid",
    "update_guid_history",
    "update_set",
    "view",
)
"""The 24 children of an update, in order (section 4)."""

UPDATE_REFERENCES = frozenset({"application", "remote_update_set", "update_set"})
"""Children of an update that carry `display_value`, empty ones too."""


class Element(NamedTuple):
    """One child of a set or an update."""

    name: str
    text: str
    display_value: str | None = None
    """None where the element bears no such attribute."""


_element = partial(tuple.__new__, Element)
"""An element from three values; `Element(...)` takes twice as long, for 600 in a package."""


class _Elements:
    """Look-up over a tuple of elements, shared by sets and updates."""

    __slots__ = ()

    elements: tuple[Element, ...]

    def value(self, name: str) -> str:
        """Text of the first element of that name; empty if there is none."""
        for element in self.elements:
            if element[0] == name:
                return element[1]
        return ""

    def display(self, name: str) -> str | None:
        """`display_value` of the first element of that name; None without attribute or element."""
        for element in self.elements:
            if element[0] == name:
                return element[2]
        return None


@dataclass(frozen=True, slots=True)
class UpdateSet(_Elements):
    """A `sys_remote_update_set` element."""

    elements: tuple[Element, ...]
    """Its children in the order of the file."""

    line: int | None = None
    """Line of its start tag in the file it was read from."""

    @property
    def sys_id(self) -> str:
        """Identity of the retrieved set."""
        return self.value("sys_id")

    @property
    def name(self) -> str:
        """Name of the set."""
        return self.value("name")


@dataclass(frozen=True, slots=True)
class Update(_Elements):
    """A `sys_update_xml` element."""

    elements: tuple[Element, ...]
    """Its children in the order of the file."""

    line: int | None = None
    """Line of its start tag in the file it was read from."""

    @property
    def name(self) -> str:
        """Update name, `<table>_<sys_id>` for ordinary records."""
        return self.value("name")

    @property
    def payload(self) -> str:
        """The payload as plain text, CDATA and entities of the file resolved once."""
        return self.value("payload")

    @property
    def set_sys_id(self) -> str:
        """The sys_id of the set it belongs to (`remote_update_set`)."""
        return self.value("remote_update_set")


@dataclass(frozen=True, slots=True)
class Unload:
    """A whole update set file in memory: what is small enough, or what is about to be written."""

    unload_date: str
    """`YYYY-MM-DD HH:MM:SS`, UTC."""

    sets: tuple[UpdateSet, ...]
    """All sets in file order; the base of a batch stands twice."""

    updates: tuple[Update, ...]
    """All updates in file order."""


def elements(
    order: Iterable[str], values: dict[str, str], displays: dict[str, str]
) -> tuple[Element, ...]:
    """Build the children of a set or an update.

    Args:
        order: Names in the platform's order; every one is written.
        values: Text by name; a name that is missing is empty.
        displays: `display_value` by name, for the references.

    Returns:
        The elements in order.
    """
    names = tuple(order)
    texts = map(values.get, names, repeat(""))
    return tuple(map(_element, zip(names, texts, map(displays.get, names), strict=False)))
