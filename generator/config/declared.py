"""How keys are declared: a section is a dataclass, each field annotated with its `Key`.

From the one declaration (`generator.config.keys`) come the validation of what was read
(`validation`), the unknown keys (`structure`) and the published schema (`models`, `schema`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field
from enum import Enum
from typing import ClassVar, Final, TypeVar, cast, dataclass_transform

from generator.config.rules import Rule


class Shape(Enum):
    """How many values stand under a key."""

    ONE = "one"
    LIST = "list"
    NAMED = "named"
    """A mapping whose keys are names that the schema does not know."""


SomeKeys = TypeVar("SomeKeys", bound="Keys")


class Keys:
    """A mapping that knows all its keys; each of its kind is a `section`."""

    __slots__ = ()

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def section(declaration: type[SomeKeys]) -> type[SomeKeys]:
    """Make a subclass of `Keys` a frozen dataclass; its annotations must be evaluated.

    Nobody compares sections, and making a method that does is a third of what one costs at start.
    """
    made = dataclass(frozen=True, slots=True, kw_only=True, eq=False)
    return made(declaration)


@dataclass(frozen=True, slots=True)
class Key:
    """What is said about one key, in the annotation of its field."""

    judge: Rule | type[Keys]
    """What each value may be: one value, or a mapping with keys of its own."""

    description: str
    """For the user: in messages and in editors."""

    shape: Shape = Shape.ONE
    written: str | None = None
    """As it is written, where that is no name in Python."""

    example: str = ""
    """A list as it may be written, for who wrote none."""

    or_flag: bool = False
    """Whether true or false may stand in the place of a mapping with keys of its own."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One key of a section."""

    attribute: str
    """The field's name."""

    name: str
    """As it is written."""

    key: Key
    required: bool
    default: object
    """The value where the key is not written; None also if it is required, or a mapping."""

    @property
    def rule(self) -> Rule | None:
        """The rule of its values; None if they are mappings with keys of their own."""
        return self.key.judge if isinstance(self.key.judge, Rule) else None

    @property
    def below(self) -> type[Keys] | None:
        """The section of each of its values; None if they are single values."""
        return None if isinstance(self.key.judge, Rule) else self.key.judge


_DECLARED: Final[dict[type[Keys], Mapping[str, Declared]]] = {}


def declared(keys: type[Keys]) -> Mapping[str, Declared]:
    """The keys of a section by their written names, in the order in which they are declared."""
    if keys in _DECLARED:
        return _DECLARED[keys]
    found: dict[str, Declared] = {}
    for attribute, declaration in keys.__dataclass_fields__.items():
        (key,) = cast("tuple[Key]", getattr(declaration.type, "__metadata__", ()))
        default = declaration.default
        required = default is MISSING and declaration.default_factory is MISSING
        name = key.written or attribute
        found[name] = Declared(
            attribute, name, key, required, None if default is MISSING else default
        )
    return _DECLARED.setdefault(keys, found)


def known_keys(keys: type[Keys]) -> dict[str, type[Keys] | None]:
    """The keys of a section as they are written, each with the section of what is below it."""
    return {name: key.below for name, key in declared(keys).items()}
