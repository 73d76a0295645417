"""The matrix: an import is cut at a request, then taken up with or without its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from fault_desk import (
    Break,
    Desk,
    Lasts,
    State,
    Where,
    begun_commits,
    commits,
    desk,
    difference,
    orphans,
)

from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.instance.package_files import Package
from generator.instance.run import Options


class Again(StrEnum):
    """How the import is taken up."""

    RESUME = "resume"
    CLONE = "without the journal"


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """What an import comes to when nothing goes wrong."""

    state: State
    requests: tuple[str, ...]
    """Method and path of each."""

    writes: frozenset[int]
    """Numbers of the requests that change something on the instance."""


@dataclass(slots=True)
class Tally:
    """What a part of the matrix came to."""

    points: int = 0
    mended: int = 0
    """Imports that ended well in spite of the cut."""

    codes: Counter[str] = field(default_factory=Counter)
    """What the others said."""

    wrong: list[str] = field(default_factory=list)


def undisturbed(environment: Environment, package: Package, **switches: object) -> Undisturbed:
    """Import once, in peace."""
    made = desk(environment, package, **switches)
    came = made.call()
    assert (came.code, came.faults) == (ExitCode.OK, ())
    seen = made.sandbox.wire.seen
    assert len(seen) == came.sent
    return Undisturbed(
        made.state(),
        tuple(f"{entry.method} {entry.path}" for entry in seen),
        frozenset(entry.number for entry in seen if _changes(entry.method, entry.path)),
    )


def _changes(method: str, path: str) -> bool:
    if method == "GET" or "batch" in path or path == "/angular.do":
        return False
    return True


def try_points(
    environment: Environment,
    package: Package,
    *,
    wanted: Undisturbed,
    numbers: Iterable[int],
    where: Where,
    lasts: Lasts,
    again: Again,
    **switches: object,
) -> Tally:
    """Cut at each of these requests, import again, and compare with the undisturbed import."""
    tally = Tally()
    for number in numbers:
        made = desk(environment, package, **switches)
        first = made.call(broken=Break(number, where, lasts))
        tally.points += 1
        name = f"{environment.layout} {number} ({wanted.requests[number - 1]}) {where} {lasts}"
        if first.code is ExitCode.OK:
            tally.mended += 1
            tally.wrong += [f"{name}, first: {text}" for text in wrong(made, wanted)]
        else:
            tally.codes[first.codes[0]] += 1
        if again is Again.CLONE:
            made.forget()
        # As a person or a pipeline would: some time later.
        made.clock.sleep(5)
        second = made.call(options=Options(resume=again is Again.RESUME))
        if second.code is not ExitCode.OK:
            said = "; ".join(str(fault.message) for fault in second.faults)
            tally.wrong.append(f"{name}, {again}: exit {int(second.code)}: {said}")
        tally.wrong += [f"{name}, {again}: {text}" for text in wrong(made, wanted)]
    return tally


def wrong(made: Desk, wanted: Undisturbed) -> list[str]:
    """What is not as after an undisturbed import."""
    found: list[str] = []
    differs = difference(made.state(), wanted.state)
    if differs:
        found.append(differs)
    if set(commits(made).values()) != {1} or begun_commits(made) != len(made.package.units):
        found.append(f"committed {commits(made)} times, begun {begun_commits(made)} times")
    if orphans(made):
        found.append(f"{orphans(made)} orphans")
    return found
