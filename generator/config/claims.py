"""What an environment claims on its instance, and who else claims the same.

Two environments of one root that write to one instance must differ in `integration` and in
`app.scope`, or the second package would overwrite the records of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generator.config import values
from generator.config.substitution import Resolver
from generator.config.tree import Location, Place, Scalar, Section, dotted, find
from generator.errors import Fault

URL: Location = ("instance", "url")
INTEGRATION: Location = ("integration",)
SCOPE: Location = ("app", "scope")


@dataclass(frozen=True, slots=True)
class Claim:
    """The part of an instance that one environment writes to."""

    environment: str
    file: str
    """The environment's own file."""

    url: str
    """The instance, `https://host`."""

    integration: str
    scope: str | None
    """None if it cannot be told."""

    places: Mapping[str, Place]
    """Where `integration` and `app.scope` are written; missing where they are not."""


def claim(
    tree: Section, *, environment: str, file: str, variables: Mapping[str, str]
) -> Claim | None:
    """What the merged files of an environment claim, told from three values only.

    Anything else may be wrong in them: a neighbour at fault must not stop a render.

    Returns:
        The claim, or None if no instance can be told.
    """
    resolver = Resolver(variables)

    def told(location: Location) -> str | None:
        found = find(tree, location)
        if found is None or not isinstance(found[1], Scalar):
            return None
        value = resolver.plain(found[1], location)
        return str(value) if isinstance(value, str) else None

    url = told(URL)
    if url is None:
        return None
    try:
        url = values.https_host(url)
    except values.Unacceptable:
        return None
    found = {dotted(location): find(tree, location) for location in (INTEGRATION, SCOPE)}
    places = {path: pair[0] for path, pair in found.items() if pair is not None}
    return Claim(
        environment, file, url, told(INTEGRATION) or values.DEFAULT_INTEGRATION, told(SCOPE), places
    )


def may_share(raw: bytes, urls: Iterable[str]) -> bool:
    """Whether an environment file can name one of `urls`, told without understanding it.

    A file that says no URL of its own takes the common one; one with an escape or a
    substitution can say any. Only what is certain is left out, so a fleet costs little.
    """
    if b"url" not in raw or b"${" in raw or b"\\" in raw:
        return True
    lower = raw.lower()
    return any(url.removeprefix("https://").encode() in lower for url in urls)


def conflicts(own: Iterable[Claim], others: Iterable[Claim]) -> tuple[Fault, ...]:
    """Each claim of `own` that another one makes too.

    Args:
        own: The claims of the environments at hand.
        others: Those of all environments of the root; may hold `own` again.
    """
    taken: dict[tuple[str, str, str], list[Claim]] = {}
    for other in others:
        for path, value in _values(other):
            taken.setdefault((other.url, path, value), []).append(other)
    faults: list[Fault] = []
    for mine in own:
        for path, value in _values(mine):
            rivals = [
                other
                for other in taken.get((mine.url, path, value), [])
                if other.environment != mine.environment
            ]
            if rivals:
                faults.append(_conflict(mine, path, rivals))
    return tuple(faults)


def _values(claimed: Claim) -> tuple[tuple[str, str], ...]:
    scope = () if claimed.scope is None else ((dotted(SCOPE), claimed.scope),)
    return ((dotted(INTEGRATION), claimed.integration), *scope)


def _conflict(mine: Claim, path: str, rivals: list[Claim]) -> Fault:
    place = mine.places.get(path)
    files = ", ".join(rival.file for rival in rivals)
    return Fault(
        "shared-instance",
        f"is the same as in {files}, for the same instance.url ({mine.url}): both would write "
        "the same records.",
        file=place.file if place else mine.file,
        line=place.line if place else None,
        path=path,
        next="give one of the environments another integration and another app.scope, "
        "or another instance.url",
    )
