"""Which tables are tracked in update sets, and when a change was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_ROOTS = frozenset({"sys_metadata", "sys_package", "sys_choice"})

_LAST: WeakKeyDictionary[Sandbox, tuple[int, int]] = WeakKeyDictionary()


def is_tracked(sandbox: Sandbox, table: str) -> bool:
    """Whether changes of a table's records are captured.

    Tables below `sys_metadata` (what has the dictionary attribute `update_synch` is not in public
    typings), applications and choices. `sys_email_account` has no parent: it is data
    (`spec/instance-http.md` A18; B7: TYP).
    """
    family = (table, *sandbox.database.dictionary.parents(table))
    return not _ROOTS.isdisjoint(family)


def recorded_at(sandbox: Sandbox) -> str:
    """A `sys_recorded_at`: 11 hex digits of milliseconds and a sequence of 7; always grows."""
    moment = int(sandbox.clock.now().timestamp() * 1000)
    last, count = _LAST.get(sandbox, (0, 0))
    count = count + 1 if moment <= last else 1
    moment = max(moment, last)
    _LAST[sandbox] = (moment, count)
    return f"{moment:011x}{count:07x}"
