"""What each file must fulfil by itself, before it is overlaid: its keys, and no secrets.

Done per file, so that an environment's file cannot hide what is wrong in `common.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from generator.config import values
from generator.config.declared import Keys, declared, known_keys
from generator.config.keys import EnvironmentKeys
from generator.config.tree import (
    BROKEN,
    Entry,
    Listing,
    Location,
    Node,
    Scalar,
    Section,
    dotted,
    echoable,
    find,
)
from generator.errors import Fault
from generator.secrets.forms import ACCEPTED
from generator.secrets.shapes import names_a_secret

ONLY_IN_ENVIRONMENT: Final[Mapping[Location, tuple[str, str, str]]] = {
    ("email_account", "live"): (
        "live-in-common",
        "says of every environment at once that it was switched over.",
        "move it to the environment.yaml of the environment that was switched",
    ),
    ("instance", "production"): (
        "production-in-common",
        "says of every environment at once whether its instance is production.",
        "move it to each environment.yaml",
    ),
}
"""Keys that `common.yaml` may not hold, facts about one instance each: code, message, next step."""


def _places() -> Mapping[str, list[str]]:
    """Each key's name with the paths at which it is known."""
    found: dict[str, list[str]] = {}

    def walk(section: type[Keys], location: Location) -> None:
        for key, below in known_keys(section).items():
            found.setdefault(key, []).append(dotted((*location, key)))
            if below is not None:
                walk(below, (*location, key))

    walk(EnvironmentKeys, ())
    return found


PLACES: Final[Mapping[str, list[str]]] = _places()
"""Each key's name with the paths at which it is known."""


def structure_faults(tree: Section, *, common: bool) -> tuple[Fault, ...]:
    """What is wrong with the keys of one file.

    Args:
        tree: The file.
        common: Whether it is `common.yaml`.
    """
    faults = list(_section_faults(tree, EnvironmentKeys, ()))
    if common:
        faults.extend(_common_faults(tree))
    return tuple(faults)


def _section_faults(section: Section, keys: type[Keys], location: Location) -> Iterator[Fault]:
    known = known_keys(keys)
    for key, entry in section.entries.items():
        if key not in known:
            yield _unknown(key, entry, location, {name: _is_mapping(keys, name) for name in known})
        elif (below := known[key]) is not None:
            yield from _below_faults(entry.value, below, (*location, key))
        elif key.endswith("_from"):
            yield from _source_faults(key, entry, location)


def _is_mapping(keys: type[Keys], name: str) -> bool:
    """Whether a single value cannot stand under a key."""
    key = declared(keys)[name]
    return key.below is not None and not key.key.or_flag


def _below_faults(node: Node, keys: type[Keys], location: Location) -> Iterator[Fault]:
    if isinstance(node, Section):
        yield from _section_faults(node, keys, location)
    elif isinstance(node, Listing):
        for index, item in enumerate(node.items):
            yield from _below_faults(item, keys, (*location, index))


def _unknown(key: str, entry: Entry, location: Location, known: Mapping[str, bool]) -> Fault:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()
    if names_a_secret(key):
        source = f"{snake}_from"
        return secret_key_fault(
            key, entry, location, source=dotted((*location, source)) if source in known else None
        )
    shown = echoable(key)
    elsewhere = PLACES.get(key, [])
    message = f"{shown} is no known key{' here' if elsewhere else ''}."
    value = entry.value
    single = isinstance(value, Scalar) and value.value is not None
    meant = values.did_you_mean(snake, [k for k in known if not (single and known[k])])
    if meant:
        message += meant
    elif elsewhere:
        message += f" Its place is {' or '.join(elsewhere)}."
    message += f" Accepted here: {', '.join(known)}."
    return Fault(
        "unknown-key",
        message,
        file=entry.place.file,
        line=entry.place.line,
        path=dotted((*location, key)),
        next="correct or remove the key",
    )


def secret_key_fault(
    key: str, entry: Entry, location: Location, *, source: str | None = None
) -> Fault:
    """The refusal of a key that is named like a secret.

    Args:
        key: The key.
        entry: Where it stands.
        location: The section that it stands in.
        source: The key that was meant, if one is certain.
    """
    return Fault(
        "secret-key",
        "the key is named like a secret, and no secret belongs in a file.",
        file=entry.place.file,
        line=entry.place.line,
        path=dotted((*location, key)),
        next=f"remove it; {source or 'azure.client_secret_from'} names where the secret is "
        f"({ACCEPTED}). If a secret stood here, replace it where it is valid",
    )


def _source_faults(key: str, entry: Entry, location: Location) -> Iterator[Fault]:
    if not isinstance(entry.value, Scalar):
        return
    value = entry.value.value
    if not isinstance(value, str) or "${" in value:
        return
    try:
        values.secret_source(value)
    except values.Unacceptable as error:
        yield Fault(
            "not-accepted",
            error.message,
            file=entry.place.file,
            line=entry.place.line,
            path=dotted((*location, key)),
            next=error.next,
        )


def _common_faults(tree: Section) -> Iterator[Fault]:
    for location, (code, message, step) in ONLY_IN_ENVIRONMENT.items():
        found = find(tree, location)
        if found is None or (isinstance(found[1], Scalar) and found[1].value is BROKEN):
            continue
        place = found[0]
        yield Fault(
            code, message, file=place.file, line=place.line, path=dotted(location), next=step
        )
