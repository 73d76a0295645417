"""What goes with a retrieved update set when it is deleted (`spec/instance-http.md` B3.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.preview import forget_preview
from generator.sandbox.retrieved_sets import UPDATES, updates_of

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox


def removed(sandbox: Sandbox, row: Row) -> None:
    """Delete updates, previews and problems of a set that was just deleted.

    [INF] C13; with the switch `cascade` off they stay, as orphans. Children of a batch are sets of
    their own and stay either way.
    """
    if not sandbox.behaviour.cascade:
        return
    updates = updates_of(sandbox, row)
    forget_preview(sandbox, updates)
    for update in updates:
        sandbox.database.delete(UPDATES, update["sys_id"])
