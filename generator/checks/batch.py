"""Batches: several sets in one file, the base listed twice (format section 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from generator.checks.envelope import set_hit
from generator.checks.interface import Context, Hit, Rule, Severity, rule, shown
from generator.checks.row import Row
from generator.update_set.model import UpdateSet

S3 = rule(
    "batch",
    "S3",
    Severity.ERROR,
    "state is loaded, or in_hierarchy with a parent and a base.",
    "write loaded, or the batch members' references as the platform does",
)
S9 = rule(
    "batch",
    "S9",
    Severity.ERROR,
    "A set stands once; only the base of a batch stands twice, both times the same.",
    "list each set once, the base of a batch first and again among its members",
)
B1 = rule(
    "batch",
    "B1",
    Severity.ERROR,
    "In a batch the base names itself as base; each child names its parent and the base, both in"
    " the file, and is in_hierarchy.",
    "write remote_base_update_set and parent as the platform does, or the batch buttons are"
    " missing and the children are handled singly",
)
B1B = rule(
    "batch",
    "B1b",
    Severity.NOTE,
    "The base of a batch is listed a second time.",
    "nothing to do: exports list it twice, an import does not need it",
)


class Batch:
    """Rules S3, S9 and B1."""

    rules: ClassVar[tuple[Rule, ...]] = (S3, S9, B1, B1B)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._context = context

    def sets(self) -> Iterator[Hit]:
        """Judge each set's place, and the list of sets."""
        for update_set in self._context.sets:
            yield from self._member(update_set)
        yield from self._listing()

    def row(self, row: Row) -> Iterator[Hit]:
        """Rows do not matter here."""
        return iter(())

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())

    def _member(self, update_set: UpdateSet) -> Iterator[Hit]:
        """Judge a set's place in a batch, or that it has none."""
        state = update_set.value("state")
        base = update_set.value("remote_base_update_set")
        parent = update_set.value("parent")
        if state not in ("loaded", "in_hierarchy"):
            yield set_hit(S3, update_set, f"state is {shown(state)}.", "state")
        elif state == "in_hierarchy" and not (base and parent):
            yield set_hit(S3, update_set, "state is in_hierarchy without parent or base.", "state")
        if not base:
            if parent:
                yield set_hit(B1, update_set, "The set has a parent but no base.", "parent")
            return
        for name, target in (("remote_base_update_set", base), ("parent", parent)):
            named = self._context.by_sys_id.get(target)
            if target and named is None:
                yield set_hit(B1, update_set, f"{name} names a set that is not in the file.", name)
            elif named is not None and update_set.display(name) != named.name:
                yield set_hit(B1, update_set, f"display_value of {name} is not its name.", name)
        if base == update_set.sys_id:
            if parent or state != "loaded":
                yield set_hit(B1, update_set, "The base has a parent or is not loaded.", "state")
            return
        found = self._context.by_sys_id.get(base)
        if found is not None and found.value("remote_base_update_set") != base:
            yield set_hit(
                B1, found, "The base does not name itself as base.", "remote_base_update_set"
            )
        if not parent or state != "in_hierarchy":
            yield set_hit(B1, update_set, "A child has no parent or is not in_hierarchy.", "state")

    def _listing(self) -> Iterator[Hit]:
        counts = Counter(update_set.sys_id for update_set in self._context.sets)
        for sys_id, update_set in self._context.by_sys_id.items():
            same = [found for found in self._context.sets if found.sys_id == sys_id]
            is_base = update_set.value("remote_base_update_set") == sys_id
            if counts[sys_id] > 1 + is_base:
                yield set_hit(S9, same[-1], f"The set stands {counts[sys_id]} times.", "sys_id")
            elif is_base and counts[sys_id] == 1:
                yield set_hit(B1B, update_set, "The base of the batch is listed only once.")
            elif any(found.elements != update_set.elements for found in same):
                yield set_hit(S9, same[-1], "The base's second listing differs from the first.")
