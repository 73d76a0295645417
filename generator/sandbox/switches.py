"""What kinds of switches there are: how each is written, read, and said to be wrong.

A switch is a field of `generator.sandbox.behaviour.Behaviour`; its `metadata["switch"]` is a
`Switch`. On a command line a value is text (`flaky_502=0.2`), over HTTP it is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from generator.errors import Fault, UsageError

Json: TypeAlias = object
"""What `json.loads` gives; each switch checks its own shape."""

EVERY = -1
"""A turn that is always: each request that the switch is about."""


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


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the connection breaks, and at which request."""

    where: str = "off"
    """`off`, `before` the request is processed, `after` it was but before the answer, or in the
    `middle` of the answer."""

    turn: int = EVERY
    """The Nth request from now, once; `EVERY` for each one."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many REST requests an hour are allowed."""

    requests: int = 0
    """0: no rule."""


@dataclass(frozen=True, slots=True)
class PlannedProblem:
    """A problem that the next previews find."""

    type: str
    """`error` or `warning`."""

    update: str
    """Pattern of update names (`sys_script_include_*`)."""

    description: str
    """The platform's text."""


def flag(*, default: bool = False, help: str, grade: Grade) -> bool:
    """A switch that is on or off."""
    made: bool = field(default=default, metadata={"switch": Switch("on|off", _flag, help, grade)})
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
    made: str = field(default=default, metadata={"switch": Switch(accepts, _text, help, grade)})
    return made


def number(default: int, *, least: int = 0, most: int = 10**9, help: str, grade: Grade) -> int:
    """A switch that is a whole number."""

    def read(value: Json) -> int:
        found = _whole(value)
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

    made: int = field(default=0, metadata={"switch": Switch("off|on|N", _turn, help, grade, write)})
    return made


def names(*, accepts: str, help: str, grade: Grade) -> tuple[str, ...]:
    """A switch that is a list of names."""
    made: tuple[str, ...] = field(
        default=(), metadata={"switch": Switch(accepts, _names, help, grade, _list)}
    )
    return made


def cut(*, help: str, grade: Grade) -> Cut:
    """The switch of broken connections."""

    def write(value: object) -> Json:
        if not isinstance(value, Cut) or value.where == "off":
            return "off"
        return value.where if value.turn == EVERY else f"{value.where}:{value.turn}"

    accepts = "off|before[:N]|after[:N]|middle[:N]"
    made: Cut = field(default=Cut(), metadata={"switch": Switch(accepts, _cut, help, grade, write)})
    return made


def rate_limit(*, help: str, grade: Grade) -> RateLimit:
    """The switch of the rate limit."""

    def read(value: Json) -> RateLimit:
        if isinstance(value, RateLimit):
            return value
        if value in ("off", False):
            return RateLimit()
        found = _whole(str(value).removesuffix("/h"))
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
            for planned in _sequence(value)
            if isinstance(planned, PlannedProblem)
        ]

    accepts = "[error:|warning:]UPDATE:TEXT, or a JSON list"
    made: tuple[PlannedProblem, ...] = field(
        default=(),
        metadata={"switch": Switch(accepts, _problems, help, grade, write)},
    )
    return made


def changes(*, help: str, grade: Grade) -> tuple[Mapping[str, str], ...]:
    """The switch of change requests that exist."""

    def write(value: object) -> Json:
        return [dict(row) for row in _sequence(value) if isinstance(row, Mapping)]

    accepts = "NUMBER[:STATE],..., or a JSON list of rows"
    made: tuple[Mapping[str, str], ...] = field(
        default=(),
        metadata={"switch": Switch(accepts, _changes, help, grade, write)},
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


def _flag(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    found = str(value).lower()
    if found in ("on", "true", "yes", "1"):
        return True
    if found in ("off", "false", "no", "0"):
        return False
    raise ValueError


def _text(value: Json) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError
    return value


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError
    return int(value)


def _turn(value: Json) -> int:
    if value in ("off", "0", 0):
        return 0
    if value == "on" or value is True:
        return EVERY
    found = _whole(value)
    if found < EVERY:
        raise ValueError
    return found


def _cut(value: Json) -> Cut:
    if isinstance(value, Cut):
        return value
    where, _, given = str(value).partition(":")
    if where == "off" or value is False:
        return Cut()
    if where not in ("before", "after", "middle"):
        raise ValueError
    number_of = _whole(given) if given else EVERY
    if given and number_of < 1:
        raise ValueError
    return Cut(where, number_of)


def _sequence(value: Json) -> tuple[object, ...]:
    """A list as such, as JSON text, or separated by commas; `off` and nothing are empty."""
    if isinstance(value, list | tuple):
        return tuple(value)
    if value in ("", "off", False, None):
        return ()
    if not isinstance(value, str):
        raise ValueError
    if value.lstrip().startswith("["):
        return tuple(json.loads(value))
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _names(value: Json) -> tuple[str, ...]:
    return tuple(_text(part) for part in _sequence(value))


def _list(value: object) -> Json:
    return list(_sequence(value))


def _problems(value: Json) -> tuple[PlannedProblem, ...]:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        # A text of the platform's may hold commas: one problem a value.
        return (_problem(value),) if value not in ("", "off") else ()
    return tuple(_problem(part) for part in _sequence(value))


def _problem(value: Json) -> PlannedProblem:
    if isinstance(value, PlannedProblem):
        return value
    if isinstance(value, Mapping):
        found = {key: _text(value[key]) for key in value}
        kind = found.get("type", "error")
        update, description = found.get("update", "*"), found.get("description", "")
    else:
        rest = _text(value)
        kind = "warning" if rest.startswith("warning:") else "error"
        update, _, description = rest.removeprefix(f"{kind}:").partition(":")
    if kind not in ("error", "warning") or not update or not description:
        raise ValueError
    return PlannedProblem(kind, update, description)


def _changes(value: Json) -> tuple[Mapping[str, str], ...]:
    return tuple(_change(part) for part in _sequence(value))


def _change(value: Json) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        # A number (`"state": -1`) as an instance stores it.
        plain = {key: str(v) if type(v) is int else v for key, v in value.items()}
        found = {_text(key): _text(v) for key, v in plain.items()}
    else:
        number_of, _, state = _text(value).partition(":")
        found = {"number": number_of, "state": state or "-1"}
    if not found.get("number"):
        raise ValueError
    return found
