"""Values, mappings, pills and JSON of one half (`spec/flow-action.md` sections 2.4, 2.5 and 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from generator.checks.action_layout import MID_APPLICATION, SCRIPT, STEP_TYPE
from generator.checks.action_parts import Half, Part
from generator.checks.action_variables import SPECIAL
from generator.checks.interface import listed, shown

STEP_VARIABLES = {SCRIPT: ("Script", "600"), MID_APPLICATION: ("MID Application", "400")}
"""The two values that every Script step has: display value and order."""

VALUED = {
    "boolean": "0",
    "integer": "",
    "decimal": "",
    "glide_date": "",
    "glide_date_time": "",
    "html": "",
}
"""Types whose variables have a value record, and what it holds."""

_STATUS_KEYS = {"version", "complexObject", "complexObjectSchema", "serializationFormat"}
_PILL = re.compile(r"\{\{[^{}]*\}\}")
_DOT_WALKED = re.compile(r"(\{\{action\.\w+)\.[\w.]+\}\}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRY_KEYS = (
    *("name", "label", "type", "ref", "reference_display", "base_type"),
    *("parent_table_name", "column_name", "choices", "attributes"),
)


def mapping_faults(half: Half) -> Iterator[str]:
    """Element mappings, the pills in them, and the label cache."""
    inputs = {part.get("element") for part in half.records("sys_hub_action_input")}
    outputs = {part.get("element") for part in half.records("sys_hub_action_output")}
    mappings = half.records("sys_element_mapping")
    of_action = f"var__m_sys_hub_action_output_{half.own}"
    expected = {(of_action, half.own): outputs if outputs - set(SPECIAL) else set()}
    pills = {f"{{{{action.{element}}}}}" for element in inputs}
    for step in half.records("sys_hub_step_instance"):
        sys_id, cid = step.sys_id, step.get("cid")
        if not _UUID.fullmatch(cid):
            yield f"{step.name}: cid is no UUID."
        expected[f"var__m_sys_hub_step_ext_input_{sys_id}", sys_id] = {
            part.get("element") for part in half.records("sys_hub_step_ext_input")
        }
        expected[f"var__m_sys_flow_step_definition_input_{STEP_TYPE}", sys_id] = {
            "application",
            "script",
        }
        for part in half.records("sys_hub_step_ext_output"):
            pills.add(f"{{{{step[{cid}].{part.get('element')}}}}}")
        pills.update(
            f"{{{{step[{cid}].__step_status__{part}}}}}" for part in ("", ".code", ".message")
        )
    found: dict[tuple[str, str], list[str]] = {key: [] for key in expected}
    for mapping in mappings:
        key = (mapping.get("table"), mapping.get("id"))
        if key not in found:
            yield f"{mapping.name} maps a table and record that it should not."
        found.setdefault(key, []).append(mapping.get("field"))
    for (table, _), fields in expected.items():
        mapped = found[table, _]
        if sorted(mapped) != sorted(fields):
            what = table.removeprefix("var__m_").rsplit("_", 1)[0]
            expects = listed(sorted(fields)) or "none"
            yield f"Mappings of {what} are {listed(sorted(mapped))}, expected {expects}."
    yield from _value_forms(mappings, of_action)
    used = _used_pills(half)
    for pill in sorted(used):
        if pill not in pills and _DOT_WALKED.sub(r"\1}}", pill) not in pills:
            yield f"The pill {shown(pill)} names nothing in the action."
    yield from _label_cache(half, used)
    twice = 2 if outputs - set(SPECIAL) else 1
    if half.head.tags.count("outputs") != twice:
        yield f"outputs of the head stands {half.head.tags.count('outputs')} times, not {twice}."
    for step in half.records("sys_hub_step_instance"):
        if step.tags.count("extended_inputs") != 2:  # its inputs are mapped
            yield "extended_inputs of the step does not stand twice."


def value_faults(half: Half) -> Iterator[str]:
    """Variable values: which there are, their order and what they hold."""
    values = {part.get("variable"): part for part in half.records("sys_variable_value")}
    if len(values) != len(half.records("sys_variable_value")):
        yield "A variable has two values."
    expected: dict[str, tuple[Part, str, str, str]] = {}
    head = half.head
    for part in half.records("sys_hub_action_output"):
        kind = part.get("internal_type")
        if part.get("element") == "__action_status__" or kind in VALUED:
            expected[part.sys_id] = (part, part.get("label"), half.own, head.tag)
    for step in half.records("sys_hub_step_instance"):
        for part in half.records("sys_hub_step_ext_input"):
            if part.get("internal_type") in VALUED:
                label = part.get("element") if half.is_snapshot else ""
                expected[part.sys_id] = (part, label, step.sys_id, step.tag)
        yield from _step_values(values, step)
    for sys_id, (part, label, owner, table) in expected.items():
        value = values.pop(sys_id, None)
        if value is None:
            yield f"{part.name} has no value record."
        elif (
            *(value.get("order"), value.shown("variable")),
            *(value.get("document_key"), value.get("document")),
        ) != (part.get("order"), label, owner, table):
            yield f"The value of {part.name}: order, label or owner is not the variable's."
        elif part.get("element") == "__action_status__":
            if not _is_status(value.get("value")):
                yield "The value of __action_status__ is not the complex object's JSON."
        elif value.get("value") != VALUED[part.get("internal_type")]:
            yield f"The value of {part.name} is {shown(value.get('value'))}."
    for variable in values:
        if variable not in STEP_VARIABLES:
            yield f"A value is of a variable that should have none: {variable}."
    for condition in half.records("sys_hub_status_condition"):
        if not _is_status(condition.get("status")):
            yield "The status of a condition is not the complex object's JSON."


def _step_values(values: dict[str, Part], step: Part) -> Iterator[str]:
    for variable, (label, order) in STEP_VARIABLES.items():
        value = values.get(variable)
        if (
            value is None
            or (value.get("order"), value.shown("variable")) != (order, label)
            or (value.get("document_key"), value.get("document")) != (step.sys_id, step.tag)
        ):
            yield f"The step's value of {label} is missing, or of another order or owner."
    script = values[SCRIPT].get("value") if SCRIPT in values else ""
    if "\n" in script.replace("\r\n", ""):
        yield "The script has line ends other than CR LF."
    if not re.search(r"function execute\(inputs, outputs\)", script):
        yield "The script holds no function execute(inputs, outputs)."


def _value_forms(mappings: list[Part], of_action: str) -> Iterator[str]:
    for mapping in mappings:
        table, value = mapping.get("table"), mapping.get("value")
        if mapping.get("field") in SPECIAL or "_flow_step_definition_input_" in table:
            if value:
                yield f"{mapping.name}: value is {shown(value)}, expected empty."
        elif table == of_action and not value.startswith("{{step["):
            yield f"{mapping.name}: value is no pill of a step output."


def _used_pills(half: Half) -> set[str]:
    texts = [part.get("value") for part in half.records("sys_element_mapping")]
    for part in half.records("sys_hub_status_condition"):
        texts += [part.get("condition"), part.get("status")]
    return {pill for text in texts for pill in _PILL.findall(text)}


def _label_cache(half: Half, used: set[str]) -> Iterator[str]:
    text = half.head.get("label_cache")
    try:
        cache = json.loads(text or "[]")
        names = [entry["name"] for entry in cache]
        keys = {tuple(entry) for entry in cache}
    except (ValueError, TypeError, KeyError):
        yield "label_cache is not a JSON list of named entries."
        return
    if json.dumps(cache, ensure_ascii=False, separators=(",", ":")) != text:
        yield "label_cache is not compact JSON."
    if keys - {_ENTRY_KEYS}:
        yield "An entry of label_cache has not the ten keys in their order."
    if set(names) != used or len(names) != len(used):
        yield f"label_cache names {listed(sorted(names))}; used are {listed(sorted(used))}."


def _is_status(text: str) -> bool:
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body, dict) and set(body) == _STATUS_KEYS
