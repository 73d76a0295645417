"""A parsed JSON document, seen as readers need it: places with paths, objects with folded keys.

`spec/azure-and-smtp.md` section 2.3 (b): camelCase and PascalCase are equal, keys that begin
with `@` and PowerShell's `AdditionalProperties` do not count. Folding to snake_case covers
Terraform's spelling with the same rule. Nothing here shows a value in its `repr`, because any
value may be a secret; `shown_key` keeps secrets out of paths too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

JsonValue: TypeAlias = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_SAFE_KEY = re.compile(r"[\w .@$/:-]{1,64}", re.ASCII)
_IGNORED = "additional_properties"


@lru_cache(maxsize=4096)
def fold(key: str) -> str:
    """A key in the one spelling that readers use: `ClientId`, `clientId`, `client_id` are equal."""
    return _HUMP.sub("_", key).replace("-", "_").lower()


def shown_key(key: str) -> str:
    """A key as messages may show it; `?` for one that is long, odd or could itself be a secret."""
    return key if _SAFE_KEY.fullmatch(key) else "?"


def join(path: str, key: str | int) -> str:
    """The path of a key or index below `path`: `value[0].appId`, `secrets["2026-11"]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f'{path}["{shown_key(key)}"]'


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a document."""

    file: str
    """The file as the user named it."""

    path: str
    """Path inside the file; empty for the whole document."""

    value: JsonValue = field(repr=False)
    """What stands there; None also where nothing stands."""

    clash: bool = False
    """Whether two spellings of the same key stand here; `value` is None then."""

    def record(self) -> Record | None:
        """The object that stands here, if one does."""
        return Record.of(self) if isinstance(self.value, dict) else None

    def elements(self) -> tuple[Node, ...]:
        """The elements of the array that stands here; none if it is no array."""
        if not isinstance(self.value, list):
            return ()
        return tuple(
            Node(self.file, join(self.path, index), item) for index, item in enumerate(self.value)
        )

    @property
    def kind(self) -> str:
        """What stands here, in words that never show it."""
        match self.value:
            case None:
                return "null"
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case str():
                return f"a text of {len(self.value)} characters"
            case list():
                return "an array"
            case dict():
                return "an object"


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object with its keys folded."""

    node: Node
    """Where it stands."""

    fields: Mapping[str, Node] = field(repr=False)
    """Folded key to the place below it."""

    context: str = field(default="", repr=False)
    """`@odata.context`: says what an empty list would have held, nothing else."""

    has_more: bool = False
    """Whether `@odata.nextLink` says that this is only the first page."""

    @classmethod
    def of(cls, node: Node) -> Record:
        """The object at `node`, which must be one."""
        raw = node.value if isinstance(node.value, dict) else {}
        fields: dict[str, Node] = {}
        for key, value in raw.items():
            if key.startswith("@"):
                continue
            name = fold(key)
            if name == _IGNORED:
                continue
            place = join(node.path, key)
            if name in fields:
                fields[name] = Node(node.file, place, None, clash=True)
            else:
                fields[name] = Node(node.file, place, value)
        context = raw.get("@odata.context")
        return cls(
            node=node,
            fields=fields,
            context=context if isinstance(context, str) else "",
            has_more="@odata.nextLink" in raw,
        )

    def get(self, name: str) -> Node:
        """The place of a folded key; its value is None if the key is absent."""
        found = self.fields.get(name)
        return Node(self.node.file, join(self.node.path, name), None) if found is None else found

    def has(self, *names: str) -> bool:
        """Whether all of the folded keys are there."""
        return all(name in self.fields for name in names)

    def any(self, *names: str) -> bool:
        """Whether at least one of the folded keys is there."""
        return any(name in self.fields for name in names)

    def shown_keys(self) -> str:
        """The keys as a message may list them, at most twelve."""
        keys = [
            shown_key(key) for key in (self.node.value if isinstance(self.node.value, dict) else {})
        ]
        more = f" and {len(keys) - 12} more" if len(keys) > 12 else ""
        return (", ".join(keys[:12]) or "none") + more
