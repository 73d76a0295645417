"""From a tree to plain values, with `${env:NAME}` replaced on the way.

The replacement is made in values, never in keys, and once: what a variable holds is not
searched again. It passes every check of a written value, the one for secrets included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from generator.config.rules import Substituted
from generator.config.tree import (
    BROKEN,
    Broken,
    Listing,
    Location,
    Node,
    Place,
    Scalar,
    Section,
    dotted,
)
from generator.errors import Fault
from generator.secrets.shapes import embedded_secret

Plain: TypeAlias = "str | bool | None | Broken | dict[str, Plain] | tuple[Plain, ...]"

_DOLLAR: Final = re.compile(r"\$\$\{|\$\{(?:env:([A-Za-z_][A-Za-z0-9_]*)\})?")


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns nodes into plain values and collects what is wrong with substitutions."""

    variables: Mapping[str, str]
    """The environment variables."""

    faults: list[Fault] = field(default_factory=list)
    """What was found wrong so far."""

    def plain(self, node: Node, location: Location = ()) -> Plain:
        """The value of `node`."""
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and "${" in node.value:
                return self._substituted(node.value, node.place, location)
            return node.value
        if isinstance(node, Listing):
            return tuple(
                self.plain(item, (*location, index)) for index, item in enumerate(node.items)
            )
        return self.section(node, location)

    def section(self, section: Section, location: Location) -> dict[str, Plain]:
        """The values of a mapping; keys without a value are left out."""
        values: dict[str, Plain] = {}
        for key, entry in section.entries.items():
            value = self.plain(entry.value, (*location, key))
            if value is not None:
                values[key] = value
        return values

    def _substituted(self, text: str, place: Place, location: Location) -> Substituted | Broken:
        before = len(self.faults)
        parts: list[str] = []
        end = 0
        for found in _DOLLAR.finditer(text):
            parts.append(text[end : found.start()])
            parts.append(self._part(found, place, location))
            end = found.end()
        value = Substituted("".join(parts) + text[end:])
        kind = embedded_secret(value)
        if kind is not None:
            self._fault(
                "secret-in-variable",
                f"the environment variable in it holds what looks like a secret ({kind}); no "
                "secret is rendered.",
                place,
                location,
                "name the variable in azure.client_secret_from as env:NAME instead",
            )
        return value if len(self.faults) == before else BROKEN

    def _part(self, found: re.Match[str], place: Place, location: Location) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        if name is None:
            self._fault(
                "unknown-substitution",
                "holds ${ with something other than env:NAME} after it; ${env:NAME} is accepted.",
                place,
                location,
                "write $${ if ${ itself is meant",
            )
            return ""
        if name not in self.variables:
            from difflib import get_close_matches

            close = get_close_matches(name, self.variables, n=1, cutoff=0.8)
            hint = f" Did you mean {close[0]}?" if close else ""
            self._fault(
                "unset-variable",
                f"names the environment variable {name}, which is not set.{hint}",
                place,
                location,
                f"set {name}, or write the value",
            )
            return ""
        return self.variables[name]

    def _fault(self, code: str, message: str, place: Place, location: Location, step: str) -> None:
        self.faults.append(
            Fault(
                code,
                message,
                file=place.file,
                line=place.line,
                path=dotted(location),
                next=step,
            )
        )
