"""From plain values to the typed keys, or every fault with its file and line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, cast

from generator.config.declared import Declared, Keys, Shape, SomeKeys, declared, known_keys
from generator.config.keys import AzureKeys, EnvironmentKeys
from generator.config.substitution import Plain
from generator.config.tree import BROKEN, Location, Section, dotted, steps
from generator.config.values import Unacceptable
from generator.errors import Fault

_NO_MAPPING: Final = "is no mapping; keys, indented below it, are accepted."
_NO_FLAG: Final = (
    "is neither true nor false, nor a mapping; one of these two, without quotes, or keys indented "
    "below it are accepted."
)


@dataclass(frozen=True, slots=True)
class Validated:
    """The typed values, as far as they could be had, and what is wrong."""

    keys: EnvironmentKeys | None
    azure: AzureKeys
    """The Azure section, without those of its keys that are at fault."""

    azure_sound: bool = True
    """Whether nothing in that section is at fault."""

    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What faults are told with."""

    tree: Section
    """The tree that the values came from."""

    file: str
    """The environment's own file: where a missing key is missing."""

    partial: bool
    """Whether a file could not be understood: then nothing is called missing."""


def validate(values: dict[str, Plain], context: Context) -> Validated:
    """Check all values.

    Args:
        values: The plain values of the merged tree.
        context: Where they came from.
    """
    for key, below in known_keys(EnvironmentKeys).items():
        if below is not None:
            values.setdefault(key, {})
    judge = _Judge(context)
    keys = judge.section(EnvironmentKeys, values, ())
    if keys is not None:
        return Validated(keys, keys.azure)
    bad = {location[1:2] for location in judge.bad if location[0] == "azure"}
    azure = _sound_part(values["azure"], bad, context)
    return Validated(None, azure, not bad, tuple(dict.fromkeys(judge.faults)))


def _sound_part(azure: Plain, bad: set[Location], context: Context) -> AzureKeys:
    if not isinstance(azure, dict):
        return AzureKeys()
    sound: dict[str, Plain] = {key: azure[key] for key in azure if (key,) not in bad}
    return _Judge(context).section(AzureKeys, sound, ("azure",)) or AzureKeys()


@dataclass(frozen=True, slots=True)
class _Judge:
    """Walks the values beside the declared keys."""

    context: Context
    faults: list[Fault] = field(default_factory=list)
    bad: list[Location] = field(default_factory=list)
    """Where something is at fault, also where that was told before."""

    def section(
        self, section: type[SomeKeys], values: Plain, location: Location
    ) -> SomeKeys | None:
        """The typed values of a mapping; None if anything in it is at fault."""
        if not isinstance(values, dict):
            self._wrong_type(values, _NO_MAPPING, location)
            return None
        before = len(self.bad)
        typed: dict[str, object] = {}
        known = declared(section)
        for name, key in known.items():
            if name in values:
                typed[key.attribute] = self._all(key, values[name], (*location, name))
            elif key.required:
                self._missing(key, (*location, name))
        # Unknown keys are told file by file (`structure`).
        self.bad.extend((*location, name) for name in values if name not in known)
        if len(self.bad) > before:
            return None
        return cast("Callable[..., SomeKeys]", section)(**typed)

    def _all(self, key: Declared, value: Plain, location: Location) -> object:
        shape = key.key.shape
        if shape is Shape.ONE:
            return self._one(key, value, location)
        if shape is Shape.LIST:
            if isinstance(value, tuple):
                items = enumerate(value)
                return tuple(self._one(key, item, (*location, index)) for index, item in items)
            example = f", such as {key.key.example}" if key.key.example else ""
            self._wrong_type(value, f"is no list; a list is accepted{example}.", location)
        elif isinstance(value, dict):
            named = {name: self._one(key, one, (*location, name)) for name, one in value.items()}
            return MappingProxyType(named)
        else:
            self._wrong_type(value, _NO_MAPPING, location)
        return None

    def _one(self, key: Declared, value: Plain, location: Location) -> object:
        rule, below = key.rule, key.below
        if below is not None and not key.key.or_flag:
            return self.section(below, value, location)
        if below is not None:
            return self._flag_or_section(below, value, location)
        if value is BROKEN:
            self.bad.append(location)
        elif rule is not None:
            try:
                return rule.check(value)
            except Unacceptable as error:
                self._refuse("not-accepted", error.message, location, step=error.next)
        return None

    def _flag_or_section(self, below: type[Keys], value: Plain, location: Location) -> object:
        if isinstance(value, dict):
            return self.section(below, value, location)
        if not isinstance(value, bool):
            self._wrong_type(value, _NO_FLAG, location)
        return value

    def _wrong_type(self, value: Plain, message: str, location: Location) -> None:
        if value is BROKEN:
            self.bad.append(location)
        else:
            self._refuse("wrong-type", message, location)

    def _refuse(
        self, code: str, message: str, location: Location, *, step: str | None = None
    ) -> None:
        self.bad.append(location)
        place = next(reversed([place for place, _ in steps(self.context.tree, location)]), None)
        file, line = (place.file, place.line) if place else (self.context.file, None)
        self.faults.append(
            Fault(code, message, file=file, line=line, path=dotted(location), next=step)
        )

    def _missing(self, key: Declared, location: Location) -> None:
        self.bad.append(location)
        context = self.context
        if context.partial:
            return
        places = [place for place, _ in steps(context.tree, location)]
        written = len(places) == len(location)
        line = next((p.line for p in reversed(places) if p.file == context.file), None)
        fault = Fault(
            "missing-key",
            f"{'has no value' if written else 'is missing'}: {key.key.description}",
            file=places[-1].file if written else context.file,
            line=places[-1].line if written else line,
            path=dotted(location),
            next="write it here, or in common.yaml for all environments",
        )
        self.faults.append(fault)
