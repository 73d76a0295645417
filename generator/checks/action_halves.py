"""The two halves of an action against each other (`spec/flow-action.md` sections 2.1 to 5)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator

from generator.checks.action_layout import DEFINITION
from generator.checks.action_parts import Action, Half, Part
from generator.checks.action_values import STEP_VARIABLES
from generator.checks.action_variables import pairs
from generator.checks.interface import listed, shown

_EQUAL_HEADS = (
    *("name", "internal_name", "description", "label_cache", "access"),
    "authored_on_release_version",
)
_CLOSING = ("sys_id", "latest_snapshot", "compiler_build")
_OWN = frozenset(
    "sys_id sys_mod_count sys_created_by sys_created_on sys_updated_by sys_updated_on model"
    " model_id model_table name id table document document_key variable action action_type_id"
    " action_status_metadata_id instance attached_to".split()
)
"""Fields in which the halves differ: stamps, ids and what holds ids."""

_OWNED = (
    ("sys_hub_step_instance", "action"),
    ("sys_hub_action_status_metadata", "action_type_id"),
)
_INTERNAL_NAME = re.compile(r"[a-z0-9_]+")
_IDS = re.compile(r"[0-9a-f]{32}")


def head_faults(action: Action) -> Iterator[str]:
    """Definition, snapshot, closing UPDATE and plan name each other."""
    head, snapshot, closing = action.definition.head, action.snapshot.head, action.closing
    own, shot = head.sys_id, snapshot.sys_id
    for what, found, expected in (
        ("master_snapshot of the definition", head.get("master_snapshot"), shot),
        ("sys_update_name", head.get("sys_update_name"), f"{DEFINITION}_{own}"),
        ("sys_name", head.get("sys_name"), head.get("name")),
        ("parent_action of the snapshot", snapshot.get("parent_action"), own),
        ("the action's name on the snapshot", snapshot.shown("parent_action"), head.get("name")),
        ("sys_id of the closing UPDATE", closing.get("sys_id"), own),
        ("latest_snapshot of the closing UPDATE", closing.get("latest_snapshot"), shot),
    ):
        if found != expected:
            yield f"{what} is {shown(found)}, expected {shown(expected)}."
    if closing.tags != _CLOSING or closing.action != "UPDATE":
        yield f"The last part is not an UPDATE of {listed(_CLOSING)}."
    elif not closing.get("compiler_build"):
        yield "compiler_build of the closing UPDATE is empty."
    for name in _EQUAL_HEADS:
        if head.get(name) != snapshot.get(name):
            yield f"{name} differs between definition and snapshot."
    if not _INTERNAL_NAME.fullmatch(head.get("internal_name")):
        yield "internal_name is not lower-case letters, digits and underscores."
    for half in (action.definition, action.snapshot):
        for tag, name in _OWNED:
            for part in half.records(tag):
                if (part.get(name), part.shown(name)) != (half.own, head.get("name")):
                    yield f"{name} of {tag} in the {half.label} is not the action."
    for plan in action.definition.records("sys_hub_action_plan"):
        yield from _plan(plan, own, head.get("name"))


def twin_faults(action: Action) -> Iterator[str]:
    """Records that stand in one half only, or differ."""
    first, second = _twins(action.definition), _twins(action.snapshot)
    for key in sorted(first.keys() ^ second.keys()):
        yield f"{key[0]} {key[1]} stands in one half only."
    for key in sorted(first.keys() & second.keys()):
        one, other = first[key], second[key]
        for name, value in one.fields.items():
            of_half = name in _OWN or (key[0], name) == ("sys_hub_step_ext_input", "label")
            if not of_half and value != other.get(name):
                yield f"{name} of {key[0]} {key[1]} differs between the halves."
    units = Counter(
        unit
        for tag in ("sys_hub_action_input", "sys_hub_action_output", "sys_hub_step_ext_output")
        for part in action.definition.records(tag)
        if (unit := pairs(part.get("attributes")).get("uiUniqueId"))
    )
    for unit, count in units.items():
        if count > 1:
            yield f"uiUniqueId {unit} stands {count} times."


def _plan(plan: Part, own: str, name: str) -> Iterator[str]:
    try:
        body = json.loads(plan.get("plan"))
        place = body.get("persistor") or body.get("chunk_data") or {}
        points_at = place.get("id")
    except (ValueError, AttributeError):
        points_at = None
    if points_at != plan.sys_id:
        yield "The plan does not point at its own record."
    if plan.get("action_id") != own or plan.shown("action_id") != name:
        yield "The plan is not of the definition."


def _twins(half: Half) -> dict[tuple[str, str, str, str], Part]:
    """The records of a half by what is the same in both halves."""
    found: dict[tuple[str, str, str, str], Part] = {}
    for part in half.parts[1:]:
        if part.inner or not part.is_record or part.tag == "sys_hub_action_plan":
            continue
        if part.tag == "sys_variable_value" and part.get("variable") not in STEP_VARIABLES:
            continue
        element = part.get("element") or part.get("field") or part.get("cid")
        owner = _IDS.sub("", part.get("name") or part.get("table"))
        last = part.get("order") if part.tag == "sys_hub_status_condition" else part.get("variable")
        found[part.tag, element, owner, last] = part
    return found
