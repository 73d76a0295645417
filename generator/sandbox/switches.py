"""What kinds of switches there are: how each is written, read, and said to be wrong.

A switch is a field of `generator.sandbox.behaviour.Behaviour`; its `metadata["switch"]` is a
`Switch`. On a command line a value is text (`flaky_502=0.2`), over HTTP it is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from generator.errors import Fault, UsageError
from generator.sandbox.switch_values import (
    EVERY,
    Cut,
    Json,
    PlannedProblem,
    RateLimit,
    as_list,
    read_changes,
    read_cut,
    read_flag,
    read_names,
    read_problems,
    read_text,
    read_turn,
    read_whole,
    sequence,
)


class Grade(StrEnum):
    """How well founded a behaviour is (`spec/instance-http.md` 0, `spec/azure-and-smtp.md`)."""

    DOC = "documented"
    PLAT = "platform code"
    MEAS = "measured by others"
    TP = "third-party code"
    INF = "inferred"
    OWN = "a tool of the sandbox"
    COMM = "third-party report"
    MEM = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch: what it may be set to, and what it does."""

    accepts: str
    """The values, as a person reads them: `on|off`."""

    read: Callable[[Json], object]
    """Value from text or JSON; raises `ValueError` on anything else."""

    help: str
    """One line: what happens when it is set."""

    grade: Grade
    write: Callable[[object], Json] = lambda value: value
    """Value to JSON."""


def flag(*, default: bool = False, help: str, grade: Grade) -> bool:
    """A switch that is on or off."""
    made: bool = field(
        default=default, metadata={"switch": Switch("on|off", read_flag, help, grade)}
    )
    return made


def choice(*values: str, help: str, grade: Grade) -> str:
    """A switch with a few values, of which the first is the default."""

    def read(value: Json) -> str:
        text = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else str(value)
        if isinstance(value, bool) and text not in values:
            text = str(value).lower()
        if text not in values:
            raise ValueError
        return text

    made: str = field(
        default=values[0], metadata={"switch": Switch("|".join(values), read, help, grade)}
    )
    return made


def text(default: str, *, accepts: str, help: str, grade: Grade) -> str:
    """A switch that is a line of text."""
    made: str = field(default=default, metadata={"switch": Switch(accepts, read_text, help, grade)})
    return made


def number(default: int, *, least: int = 0, most: int = 10**9, help: str, grade: Grade) -> int:
    """A switch that is a whole number."""

    def read(value: Json) -> int:
        found = read_whole(value)
        if not least <= found <= most:
            raise ValueError
        return found

    accepts = f"{least} to {most}" if most < 10**9 else f"a number from {least}"
    made: int = field(default=default, metadata={"switch": Switch(accepts, read, help, grade)})
    return made


def share(*, help: str, grade: Grade) -> float:
    """A switch that is a probability."""

    def read(value: Json) -> float:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        found = float(value)
        if not 0 <= found <= 1:
            raise ValueError
        return found

    made: float = field(default=0.0, metadata={"switch": Switch("0 to 1", read, help, grade)})
    return made


def turn(*, help: str, grade: Grade) -> int:
    """A switch that hits requests: none, every one, or the Nth from now, once."""

    def write(value: object) -> Json:
        return {0: "off", EVERY: "on"}.get(value, value) if isinstance(value, int) else value

    made: int = field(
        default=0, metadata={"switch": Switch("off|on|N", read_turn, help, grade, write)}
    )
    return made


def names(*, accepts: str, help: str, grade: Grade) -> tuple[str, ...]:
    """A switch that is a list of names."""
    made: tuple[str, ...] = field(
        default=(), metadata={"switch": Switch(accepts, read_names, help, grade, as_list)}
    )
    return made


def cut(*, help: str, grade: Grade) -> Cut:
    """The switch of broken connections."""

    def write(value: object) -> Json:
        if not isinstance(value, Cut) or value.where == "off":
            return "off"
        return value.where if value.turn == EVERY else f"{value.where}:{value.turn}"

    accepts = "off|before[:N]|after[:N]|middle[:N]"
    made: Cut = field(
        default=Cut(), metadata={"switch": Switch(accepts, read_cut, help, grade, write)}
    )
    return made


def rate_limit(*, help: str, grade: Grade) -> RateLimit:
    """The switch of the rate limit."""

    def read(value: Json) -> RateLimit:
        if isinstance(value, RateLimit):
            return value
        if value in ("off", False):
            return RateLimit()
        found = read_whole(str(value).removesuffix("/h"))
        if found < 1:
            raise ValueError
        return RateLimit(found)

    def write(value: object) -> Json:
        if isinstance(value, RateLimit) and value.requests:
            return f"{value.requests}/h"
        return "off"

    made: RateLimit = field(
        default=RateLimit(), metadata={"switch": Switch("off|N/h", read, help, grade, write)}
    )
    return made


def problems(*, help: str, grade: Grade) -> tuple[PlannedProblem, ...]:
    """The switch of problems that a preview finds."""

    def write(value: object) -> Json:
        return [
            {"type": planned.type, "update": planned.update, "description": planned.description}
            for planned in sequence(value)
            if isinstance(planned, PlannedProblem)
        ]

    accepts = "[error:|warning:]UPDATE:TEXT, or a JSON list"
    made: tuple[PlannedProblem, ...] = field(
        default=(),
        metadata={"switch": Switch(accepts, read_problems, help, grade, write)},
    )
    return made


def changes(*, help: str, grade: Grade) -> tuple[Mapping[str, str], ...]:
    """The switch of change requests that exist."""

    def write(value: object) -> Json:
        return [dict(row) for row in sequence(value) if isinstance(row, Mapping)]

    accepts = "NUMBER[:STATE],..., or a JSON list of rows"
    made: tuple[Mapping[str, str], ...] = field(
        default=(),
        metadata={"switch": Switch(accepts, read_changes, help, grade, write)},
    )
    return made


def wrong_value(name: str, switch: Switch) -> UsageError:
    """The error of a value that a switch does not take; the value itself is not repeated."""
    return UsageError(
        Fault(
            "switch-value",
            f"The switch {name} takes {switch.accepts}.",
            path=name,
            next="see sn-smtp sandbox --list-switches",
        )
    )
