"""Taking wrappers off until nothing is left to unwrap (`spec/azure-and-smtp.md` section 2.3 (c)).

`{value}`, `{type, value}`, `{sensitive, type, value}`, `{value, secret}`; `properties.outputs`,
`values.outputs`, `outputs`. Windows PowerShell 5.1 adds `Count` beside the `value` of an array,
`DisplayHint` and `DateTime` beside that of a date.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.azure.nodes import Node, Record

_AROUND_VALUE = frozenset(
    {"value", "type", "sensitive", "secret", "count", "display_hint", "date_time"}
)
_SECURE_TYPES = frozenset({"securestring", "secureobject"})
_HOLDERS = ("properties", "values")


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What was inside."""

    node: Node
    sensitive: bool = False
    """Whether a wrapper said that it is a secret."""

    withheld: bool = False
    """Whether it is a secure ARM output, which carries no value."""


def unwrap(node: Node) -> Unwrapped:
    """Take all value wrappers off one place."""
    sensitive = False
    while (record := node.record()) is not None and is_wrapper(record):
        sensitive = sensitive or True in (
            record.get("sensitive").value,
            record.get("secret").value,
        )
        if not record.has("value"):
            return Unwrapped(record.get("value"), sensitive=True, withheld=True)
        node = record.get("value")
    return Unwrapped(node, sensitive)


def is_wrapper(record: Record) -> bool:
    """Whether an object only wraps a value."""
    if not record.fields.keys() <= _AROUND_VALUE:
        return False
    secret = record.get("secret").value
    if record.has("secret") and not isinstance(secret, bool):
        return False
    if record.has("value"):
        return True
    return str(record.get("type").value).lower() in _SECURE_TYPES


def outputs_of(record: Record) -> Node | None:
    """The outputs that stand in a deployment or stack, where one holds the other."""
    for name in _HOLDERS:
        inner = record.get(name).record()
        if inner is not None and inner.has("outputs"):
            return inner.get("outputs")
    return record.get("outputs") if record.has("outputs") else None
