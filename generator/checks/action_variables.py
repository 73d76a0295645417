"""Inputs, outputs and their labels (`spec/flow-action.md` sections 2.6, 2.7 and 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from generator.checks.action_parts import Half, Part
from generator.checks.interface import listed, shown

PROVIDER = "com.glide.flow_design.action.data.FlowDesignVariableMapper"
SPECIAL = {"__action_status__": ("string", "65000"), "__dont_treat_as_error__": ("boolean", "40")}
"""The two outputs that every action has: type and length."""

LENGTHS = {
    "string": "8000",
    "boolean": "40",
    "integer": "40",
    "decimal": "15",
    "reference": "32",
    "GUID": "32",
    "glide_date": "40",
    "glide_date_time": "40",
    "table_name": "80",
    "json": "4000",
    "glide_list": "1024",
}
"""`max_length` that the editor gives a type."""

SHOWN = {
    "string": "String",
    "integer": "Integer",
    "decimal": "Decimal",
    "reference": "Reference",
    "choice": "Choice",
    "json": "JSON",
    "boolean": "",
    "GUID": "",
    "glide_date": "",
    "glide_date_time": "",
    "table_name": "",
    "glide_list": "",
}
"""`display_value` of `internal_type` by type."""

_LISTING = frozenset({"reference", "glide_list", "records"})
_STEP_INPUT = "sys_hub_step_ext_input"


def pairs(attributes: str) -> dict[str, str]:
    """The `key=value` pairs of a variable's attributes."""
    return dict(pair.split("=", 1) for pair in attributes.split(",") if "=" in pair)


def variable_faults(half: Half) -> Iterator[str]:
    """Faults of the variables of one half."""
    head = half.head
    outputs = half.records("sys_hub_action_output")
    yield from _of_owner(half.records("sys_hub_action_input"), half.own, head.get("name"), head.tag)
    yield from _of_owner(outputs, half.own, head.get("name"), head.tag)
    elements = {part.get("element") for part in outputs}
    for element in SPECIAL:
        if element not in elements:
            yield f"The output {element} is missing."
    for output in outputs:
        if output.get("element") == "__action_status__":
            kind = pairs(output.get("attributes")).get("co_type_name")
            if kind != "FDACTIONSTATUS":
                yield "__action_status__ is not of the type FDACTIONSTATUS."
    for step in half.records("sys_hub_step_instance"):
        for tag in (_STEP_INPUT, "sys_hub_step_ext_output"):
            own = [part for part in half.records(tag) if part.get("model_id") == step.sys_id]
            yield from _of_owner(own, step.sys_id, step.get("label"), "sys_hub_step_instance")
    for part in half.records(_STEP_INPUT):
        label = part.get("element") if half.is_snapshot else ""
        if part.get("label") != label:
            yield f"{part.name}: label is {shown(part.get('label'))}, expected {shown(label)}."
        if part.get("mandatory") != "true":
            yield f"{part.name}: mandatory is not true."


def label_faults(half: Half) -> Iterator[str]:
    """Field labels: one per action input, action output and step output, of equal text."""
    labels: dict[tuple[str, str], str] = {}
    for tag in ("sys_hub_action_input", "sys_hub_action_output", "sys_hub_step_ext_output"):
        for part in half.records(tag):
            labels[part.get("name"), part.get("element")] = part.get("label")
    found = Counter((p.get("name"), p.get("element")) for p in half.records("sys_documentation"))
    missing = [element for name, element in labels if (name, element) not in found]
    if missing:
        yield f"Field labels are missing: {listed(missing)}."
    for (name, element), count in found.items():
        if (name, element) not in labels:
            yield f"The field label of {element} is of no variable."
        elif count > 1:
            yield f"{element} has {count} field labels."
    for part in half.records("sys_documentation"):
        label = labels.get((part.get("name"), part.get("element")))
        if label is not None and label != part.get("label"):
            yield f"The field label of {part.get('element')} is not its variable's label."


def _of_owner(parts: list[Part], owner: str, owner_name: str, table: str) -> Iterator[str]:
    """Variables of one table and one owner."""
    for part in parts:
        for fault in _variable(part, owner, owner_name, table):
            yield f"{part.name}: {fault}."
    if not parts:
        return
    first, step = (0, 100) if parts[0].tag == _STEP_INPUT else (1, 1)
    expected = [str(first + step * place) for place in range(len(parts))]
    if sorted(part.get("order") for part in parts) != sorted(expected):
        found = listed(sorted((part.get("order") for part in parts), key=lambda o: o.zfill(9)))
        yield f"The orders of {parts[0].tag} are {found}."
    elements = Counter(part.get("element") for part in parts)
    twice = [element for element, count in elements.items() if count > 1]
    if twice:
        yield f"{parts[0].tag} stands more than once: {listed(twice)}."


def _variable(part: Part, owner: str, owner_name: str, table: str) -> Iterator[str]:
    attributes = part.get("attributes")
    bits = pairs(attributes)
    kind = part.get("internal_type")
    element = part.get("element")
    if attributes != ",".join(f"{key}={value}" for key, value in sorted(bits.items())):
        yield "attributes are not key=value pairs in alphabetical order"
    if bits.get("element_mapping_provider") != PROVIDER:
        yield "attributes lack the element_mapping_provider"
    if (part.get("name"), part.get("model"), part.get("model_id"), part.get("model_table")) != (
        *(f"var__m_{part.tag}_{owner}", owner, owner, table),
    ):
        yield "name, model, model_id and model_table do not all speak of its owner"
    if part.shown("model") != owner_name:
        yield f"display_value of model is not {shown(owner_name)}"
    if element in SPECIAL:
        if (kind, part.get("max_length")) != SPECIAL[element]:
            yield f"type and length are not {listed(SPECIAL[element])}"
    elif bits.get("uiType") == kind and kind in SHOWN:
        length = _length(part.tag, kind)
        if part.get("max_length") != length:
            yield f"max_length is {part.get('max_length')}, the editor gives a {kind} {length}"
        if part.shown("internal_type") != SHOWN[kind]:
            yield f"display_value of internal_type is not {shown(SHOWN[kind])}"
    elif "uiType" not in bits or "uiTypeLabel" not in bits:
        yield "attributes lack uiType or uiTypeLabel"
    if ("uiUniqueId" in bits) == (part.tag == _STEP_INPUT):
        said = "does not belong here" if part.tag == _STEP_INPUT else "is missing"
        yield f"uiUniqueId {said}"
    if kind in _LISTING:
        yield from _reference(part)


def _length(tag: str, kind: str) -> str:
    if kind == "choice":
        return "40" if tag == _STEP_INPUT else "32"
    return LENGTHS[kind]


def _reference(part: Part) -> Iterator[str]:
    table = part.get("reference")
    element = part.element.find("reference")
    if not table or element is None or element.get("name") != table:
        yield "reference does not carry its table, with name equal to it"
    expected = table if part.tag == "sys_hub_action_input" else ""
    if part.get("choice_table") != expected:
        yield "choice_table does not go with the reference"
