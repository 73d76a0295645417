"""The values of switches, read from text or JSON; whatever is none of them is a `ValueError`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = object
"""What `json.loads` gives; each switch checks its own shape."""

EVERY = -1
"""A turn that is always: each request that the switch is about."""


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


def read_flag(value: Json) -> bool:
    """On or off."""
    if isinstance(value, bool):
        return value
    found = str(value).lower()
    if found in ("on", "true", "yes", "1"):
        return True
    if found in ("off", "false", "no", "0"):
        return False
    raise ValueError


def read_text(value: Json) -> str:
    """One printable line."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError
    return value


def read_whole(value: Json) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError
    return int(value)


def read_turn(value: Json) -> int:
    """Which request is hit: 0 for none, `EVERY`, or the Nth from now."""
    if value in ("off", "0", 0):
        return 0
    if value == "on" or value is True:
        return EVERY
    found = read_whole(value)
    if found < EVERY:
        raise ValueError
    return found


def read_cut(value: Json) -> Cut:
    """Where the connection breaks."""
    if isinstance(value, Cut):
        return value
    where, _, given = str(value).partition(":")
    if where == "off" or value is False:
        return Cut()
    if where not in ("before", "after", "middle"):
        raise ValueError
    number_of = read_whole(given) if given else EVERY
    if given and number_of < 1:
        raise ValueError
    return Cut(where, number_of)


def sequence(value: Json) -> tuple[object, ...]:
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


def read_names(value: Json) -> tuple[str, ...]:
    """A list of names."""
    return tuple(read_text(part) for part in sequence(value))


def as_list(value: object) -> Json:
    """A sequence as JSON."""
    return list(sequence(value))


def read_problems(value: Json) -> tuple[PlannedProblem, ...]:
    """Problems that a preview finds."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        # A text of the platform's may hold commas: one problem a value.
        return (_problem(value),) if value not in ("", "off") else ()
    return tuple(_problem(part) for part in sequence(value))


def _problem(value: Json) -> PlannedProblem:
    if isinstance(value, PlannedProblem):
        return value
    if isinstance(value, Mapping):
        found = {key: read_text(value[key]) for key in value}
        kind = found.get("type", "error")
        update, description = found.get("update", "*"), found.get("description", "")
    else:
        rest = read_text(value)
        kind = "warning" if rest.startswith("warning:") else "error"
        update, _, description = rest.removeprefix(f"{kind}:").partition(":")
    if kind not in ("error", "warning") or not update or not description:
        raise ValueError
    return PlannedProblem(kind, update, description)


def read_changes(value: Json) -> tuple[Mapping[str, str], ...]:
    """Rows of change requests."""
    return tuple(_change(part) for part in sequence(value))


def _change(value: Json) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        # A number (`"state": -1`) as an instance stores it.
        plain = {key: str(v) if type(v) is int else v for key, v in value.items()}
        found = {read_text(key): read_text(v) for key, v in plain.items()}
    else:
        number_of, _, state = read_text(value).partition(":")
        found = {"number": number_of, "state": state or "-1"}
    if not found.get("number"):
        raise ValueError
    return found
