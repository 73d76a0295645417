"""From plain values to the typed model, or every fault with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from generator.config.models import AzureKeys, EnvironmentKeys, Keys, known_keys
from generator.config.rules import ALREADY_REPORTED, REJECTED
from generator.config.substitution import Plain
from generator.config.tree import BROKEN, Location, Section, dotted, steps
from generator.errors import Fault

_SHAPES: Final = {
    "model_type": "is no mapping; keys, indented below it, are accepted.",
    "dict_type": "is no mapping; keys, indented below it, are accepted.",
    "tuple_type": "is no list; a list is accepted, such as [azure.json].",
}


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
    try:
        keys = EnvironmentKeys.model_validate(values)
        return Validated(keys, keys.azure)
    except ValidationError as error:
        details = error.errors(include_url=False)
    faults = dict.fromkeys(fault for detail in details for fault in _faults(detail, context))
    bad = {detail["loc"][1:2] for detail in details if detail["loc"][0] == "azure"}
    return Validated(None, _sound_part(values["azure"], bad), not bad, tuple(faults))


def _sound_part(azure: Plain, bad: set[Location]) -> AzureKeys:
    if not isinstance(azure, dict):
        return AzureKeys()
    return AzureKeys.model_validate({key: azure[key] for key in azure if (key,) not in bad})


def _faults(detail: ErrorDetails, context: Context) -> Iterator[Fault]:
    kind = detail["type"]
    location: Location = detail["loc"]
    if kind == ALREADY_REPORTED or detail["input"] is BROKEN:
        return
    if kind == "missing":
        if not context.partial:
            yield _missing(location, context)
        return
    # Unknown keys were reported file by file (`structure`).
    if kind == "extra_forbidden":
        return
    place = next(reversed([place for place, _ in steps(context.tree, location)]), None)
    file, line = (place.file, place.line) if place else (context.file, None)
    path = dotted(location)
    if kind == REJECTED:
        message, step = detail["ctx"]["message"], detail["ctx"]["next"]
        yield Fault("not-accepted", message, file=file, line=line, path=path, next=step)
    else:
        yield Fault("wrong-type", _SHAPES[kind], file=file, line=line, path=path)


def _missing(location: Location, context: Context) -> Fault:
    places = [place for place, _ in steps(context.tree, location)]
    written = len(places) == len(location)
    line = next((p.line for p in reversed(places) if p.file == context.file), None)
    description = _description(location)
    return Fault(
        "missing-key",
        f"{'has no value' if written else 'is missing'}: {description}",
        file=places[-1].file if written else context.file,
        line=places[-1].line if written else line,
        path=dotted(location),
        next="write it here, or in common.yaml for all environments",
    )


def _description(location: Location) -> str:
    model: type[Keys] = EnvironmentKeys
    for step in location[:-1]:
        model = cast("type[Keys]", known_keys(model)[str(step)])
    return model.model_fields[str(location[-1])].description or ""
