"""Release families: what an instance runs, and whether that is enough for a package (A5)."""

from __future__ import annotations

from generator.config.environment import Release

_FAMILIES = (
    "madrid",
    "newyork",
    "orlando",
    "paris",
    "quebec",
    "rome",
    "sandiego",
    "tokyo",
    "utah",
    "vancouver",
    "washingtondc",
    "xanadu",
    "yokohama",
    "zurich",
    "australia",
)
"""Release families in the order of their release; after Zurich the alphabet began anew."""


def family(war: str) -> str | None:
    """The release family of a `glide.war` (`glide-xanadu-07-02-2024__patch6-....zip`)."""
    parts = war.lower().split("-")
    return parts[1] if len(parts) > 1 and parts[0] == "glide" and parts[1].isalpha() else None


def is_below(found: str, wanted: Release) -> bool:
    """Whether a family is older than a release.

    A family that is not in our list is a newer one if its name is of the second round of the
    alphabet: those of the first up to Madrid have not been supported for years.
    """
    if found not in _FAMILIES:
        return found[:1] > "l"
    return _FAMILIES.index(found) < _FAMILIES.index(wanted.value)
