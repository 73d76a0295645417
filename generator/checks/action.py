"""Flow Designer actions with one Script step (`spec/flow-action.md`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from generator.checks.action_grammar import departures
from generator.checks.action_halves import head_faults, twin_faults
from generator.checks.action_layout import DEFINITION, STEP_TYPE
from generator.checks.action_parts import Action, Half, Part, action_of, parts_of
from generator.checks.action_records import closure_faults, field_faults
from generator.checks.action_records import value_faults as record_value_faults
from generator.checks.action_values import mapping_faults, value_faults
from generator.checks.action_variables import label_faults, variable_faults
from generator.checks.interface import Context, Hit, Rule, Severity, at, rule
from generator.checks.row import Row

_ANEW = "render the set anew; a template that was overridden may have lost something"


def _rule(number: int, title: str, fix: str = _ANEW) -> Rule:
    return rule("action", f"A{number}", Severity.ERROR, title, fix, foreign=Severity.WARNING)


A0 = rule(
    "action",
    "A0",
    Severity.NOTE,
    "An action is of a release and kind that lint knows: Xanadu or later, one Script step.",
    "nothing to do; the action itself was not judged",
)
A1 = _rule(1, "The parts of an action stand in the platform's order, none missing.")
A2 = _rule(2, "Each record of an action has the fields of its kind, in alphabetical order.")
A3 = _rule(3, "Constant, empty and typed fields of an action hold what they always hold.")
A4 = _rule(4, "Each sys_id in an action names a record of the payload, and none stands twice.")
A5 = _rule(5, "Definition, snapshot, plan and closing UPDATE name each other.")
A6 = _rule(6, "Inputs and outputs have the form that the editor gives their type.")
A7 = _rule(7, "Each input and output has its field label, with the same text.")
A8 = _rule(8, "Mappings cover inputs and outputs; their pills exist and are in label_cache.")
A9 = _rule(9, "Each variable has the value record that its type asks for; the script is whole.")
A10 = _rule(10, "Both halves of an action hold the same.")

_KNOWN_SINCE = 26000
"""Xanadu; older releases lack fields (section 7)."""


class Actions:
    """Rules A0 to A10."""

    rules: ClassVar[tuple[Rule, ...]] = (A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._ours = context.ours

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one action."""
        if row.table != DEFINITION or row.root is None:
            return
        parts = parts_of(row.root, deletes=row.deletes)
        if not self._ours and not _is_known(parts):
            yield at(row, A0, "The action was not held against the rules of actions.", "payload")
            return
        for rule_, message in faults(parts, row.root.get("sys_domain") or ""):
            yield at(row, rule_, message, "payload")

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())


_OF_HALF: tuple[tuple[Rule, Callable[[Half], Iterator[str]]], ...] = (
    (A6, variable_faults),
    (A7, label_faults),
    (A8, mapping_faults),
    (A9, value_faults),
)


def faults(parts: tuple[Part, ...], sys_domain: str) -> Iterator[tuple[Rule, str]]:
    """All faults of one action.

    Args:
        parts: The children of the payload's root.
        sys_domain: The root's attribute.
    """
    if sys_domain != "global":
        yield A3, "The root does not carry sys_domain global."
    for message in field_faults(parts):
        yield A2, message
    for message in record_value_faults(parts):
        yield A3, message
    for message in closure_faults(parts):
        yield A4, message
    action = action_of(parts)
    if action is None:
        yield A1, "The payload is not one definition first, then one snapshot."
        return
    yield from _of_action(action)


def _of_action(action: Action) -> Iterator[tuple[Rule, str]]:
    for message in departures(action):
        yield A1, message
    for message in head_faults(action):
        yield A5, message
    for half in (action.definition, action.snapshot):
        for rule_, judge in _OF_HALF:
            for message in judge(half):
                yield rule_, f"In the {half.label}: {message}"
    for message in twin_faults(action):
        yield A10, message


def _is_known(parts: tuple[Part, ...]) -> bool:
    heads = [part for part in parts if part.is_record and part.tag == DEFINITION]
    release = heads[0].get("authored_on_release_version") if heads else ""
    steps = [part for part in parts if part.tag == "sys_hub_step_instance" and part.is_record]
    return (
        release.isdecimal()
        and int(release) >= _KNOWN_SINCE
        and bool(steps)
        and len(steps) <= len(("definition", "snapshot"))
        and all(step.get("step_type") == STEP_TYPE for step in steps)
    )
