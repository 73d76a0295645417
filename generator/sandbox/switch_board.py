"""A board of switches: what `Behaviour` and `MailBehaviour` have in common.

A board is a slots dataclass whose fields were made by the functions of
`generator.sandbox.switches`, and which has the three fields of `INTERNAL` beside them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TypeVar

from generator.errors import Fault, UsageError
from generator.sandbox.switch_values import EVERY
from generator.sandbox.switches import Switch, wrong_value

INTERNAL = frozenset({"revision", "_turns", "_lock"})


class SwitchBoard:
    """What every board of switches can do; any thread may."""

    __slots__ = ()

    revision: int
    _turns: dict[str, int]
    _lock: threading.Lock

    def __setattr__(self, name: str, value: object) -> None:
        """Check and set a switch; what it counts begins anew.

        Raises:
            UsageError: No such switch, or a value that it does not take.
        """
        known = switches_of(type(self))
        switch = known.get(name)
        if switch is None:
            if name not in INTERNAL:
                raise unknown(name, known)
            object.__setattr__(self, name, value)
            return
        try:
            found = switch.read(value)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise wrong_value(name, switch) from None
        object.__setattr__(self, name, found)
        # During construction the counters are not there yet.
        if hasattr(self, "_lock"):
            with self._lock:
                self._turns.pop(name, None)
                object.__setattr__(self, "revision", self.revision + 1)

    def set(self, values: Mapping[str, object]) -> None:
        """Set several switches, all or none.

        Raises:
            UsageError: Every switch that is unknown or whose value it does not take.
        """
        known = switches_of(type(self))
        trial = type(self)()
        faults: list[Fault] = []
        for name, value in values.items():
            try:
                if name not in known:
                    raise unknown(name, known)
                setattr(trial, name, value)
            except UsageError as error:
                faults.extend(error.faults)
        if faults:
            raise UsageError(*faults)
        for name in values:
            setattr(self, name, getattr(trial, name))

    def hits(self, name: str, *, turn: int | None = None) -> bool:
        """Whether this request is one that a turn-wise switch hits; counts it.

        Args:
            name: The switch.
            turn: Its turn, where the switch is more than a turn (`cut`).
        """
        wanted = int(getattr(self, name)) if turn is None else turn
        if wanted == 0:
            return False
        if wanted == EVERY:
            return True
        with self._lock:
            count = self._turns.get(name, 0) + 1
            self._turns[name] = count
        return count == wanted

    def counts_down(self, name: str) -> bool:
        """Whether this request is among the next N of a switch that holds a number; counts it."""
        with self._lock:
            count = self._turns.get(name, 0) + 1
            self._turns[name] = count
        return count <= int(getattr(self, name))

    def to_json(self) -> dict[str, object]:
        """Every switch and its value, as `set` takes them back."""
        known = switches_of(type(self))
        return {name: switch.write(getattr(self, name)) for name, switch in known.items()}


Board = TypeVar("Board", bound=SwitchBoard)


_KNOWN: dict[object, dict[str, Switch]] = {}


def switches_of(board: type[SwitchBoard]) -> dict[str, Switch]:
    """Name to switch of a board, in the order of the documents."""
    known = _KNOWN.get(board)
    if known is None:
        # `fields` takes any dataclass; which a board is.
        found = fields(board)  # type: ignore[arg-type]
        known = {one.name: one.metadata["switch"] for one in found if "switch" in one.metadata}
        _KNOWN[board] = known
    return known


def parse_board(board: type[Board], given: Iterable[str]) -> Board:
    """The board that `NAME=VALUE` texts describe; a bare name switches on.

    A list switch that is given several times holds all of it.

    Raises:
        UsageError: Every text that is wrong, with the nearest switch.
    """
    values: dict[str, object] = {}
    known = switches_of(board)
    trial = board()
    faults: list[Fault] = []
    for item in given:
        name, equals, value = item.partition("=")
        name = name.strip().replace("-", "_")
        try:
            if name not in known:
                raise unknown(name, known)
            setattr(trial, name, value if equals else "on")
        except UsageError as error:
            faults.extend(error.faults)
            continue
        found: object = getattr(trial, name)
        before = values.get(name, ())
        if isinstance(found, tuple) and isinstance(before, tuple):
            found = (*before, *found)
        values[name] = found
    if faults:
        raise UsageError(*faults)
    made = board()
    made.set(values)
    return made


def unknown(name: str, known: Iterable[str]) -> UsageError:
    """The error of a switch that a board does not have, with the nearest one."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return UsageError(
        Fault(
            "unknown-switch",
            f"The sandbox has no switch {name!r}.{meant}",
            path=name,
            next="see sn-smtp sandbox --list-switches",
        )
    )
