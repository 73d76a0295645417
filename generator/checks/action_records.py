"""Each record of an action by itself, and the sys_ids between them (flow-action 2 and 4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from generator.checks.action_layout import (
    CALCULATION,
    LAYOUTS,
    LISTS,
    MID_APPLICATION,
    SCRIPT,
    STEP_TYPE,
    FieldLayout,
)
from generator.checks.action_parts import Part, every_record
from generator.checks.interface import listed, shown

CLOSED = (
    *("model", "model_id", "document_key", "id", "action", "action_id", "action_type_id"),
    *("parent_action", "attached_to", "instance", "action_input", "variable", "step_type"),
    *("action_status_metadata_id", "master_snapshot", "latest_snapshot"),
)
"""Fields that name a record of the same payload, or one of the platform."""

_PLATFORM = frozenset({STEP_TYPE, SCRIPT, MID_APPLICATION})
_SYS_ID = re.compile(r"[0-9a-f]{32}")


def field_faults(parts: Iterable[Part]) -> Iterator[str]:
    """Missing, strange, repeated and misplaced fields."""
    for part in every_record(parts):
        layout = LAYOUTS.get(part.tag)
        if layout is None or not part.is_record:
            continue
        missing = [name for name in layout if name not in part.fields]
        strange = [name for name in part.tags if name not in layout]
        twice = [
            name for name, count in Counter(part.tags).items() if count > 1 and name not in LISTS
        ]
        if missing:
            yield f"{part.name} lacks {listed(missing)}."
        if strange:
            yield f"{part.name} has {listed(strange)}, which no real one has."
        if twice:
            yield f"{part.name} has {listed(twice)} more than once."
        if list(part.tags) != sorted(part.tags):
            yield f"The fields of {part.name} are not in alphabetical order."
        if set(part.element.attrib) != {"action"}:
            yield f"{part.name} carries other attributes than action."


def value_faults(parts: Iterable[Part]) -> Iterator[str]:
    """Values and attributes that no real record has."""
    for part in every_record(parts):
        layout = LAYOUTS.get(part.tag)
        if layout is None or not part.is_record:
            continue
        for child in part.element.iterchildren("*"):
            expected = layout.get(str(child.tag))
            if expected is not None:
                fault = _value_fault(expected, child.text or "", tuple(child.attrib))
                if fault:
                    yield f"{part.name}: {child.tag!s} {fault}."
        calculation = part.fields.get("calculation")
        if calculation is not None and calculation != CALCULATION:
            yield f"{part.name}: calculation is not the platform's text."


def _value_fault(expected: FieldLayout, value: str, attributes: tuple[str, ...]) -> str:
    if expected.constant is not None and value != expected.constant:
        return f"is {shown(value)}, expected {shown(expected.constant)}"
    if value and expected.form is not None and not expected.form.fullmatch(value):
        return f"is {shown(value)}, expected {expected.expected}"
    if not value and expected.form is not None:
        return f"is empty, expected {expected.expected}"
    wanted = expected.attributes if value else ()
    if wanted is not None and attributes != wanted:
        return (
            f"carries the attributes {listed(attributes) or 'none'}, not {listed(wanted) or 'none'}"
        )
    return ""


def closure_faults(parts: tuple[Part, ...]) -> Iterator[str]:
    """sys_ids that stand twice or name nothing."""
    ids = Counter(part.sys_id for part in every_record(parts) if part.is_record)
    for sys_id, count in ids.items():
        if count > 1:
            yield f"The sys_id {shown(sys_id)} stands in {count} records."
    for part in every_record(parts):
        for name in CLOSED:
            value = part.get(name)
            if _SYS_ID.fullmatch(value) and value not in ids and value not in _PLATFORM:
                yield f"{part.name}: {name} names no record of the payload."
    applications = {
        (part.get(name), part.shown(name))
        for part in every_record(parts)
        for name in ("sys_scope", "sys_package")
        if part.get(name)
    }
    if len(applications) > 1:
        yield f"sys_scope and sys_package name {len(applications)} applications."
