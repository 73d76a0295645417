"""Values, mappings and JSON texts of an action (`spec/flow-action.md` sections 2.4, 2.5, 6)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from generator.integration.app_inputs import stamp_fields
from generator.integration.flow_model import (
    ACTION_OUTPUT,
    MAPPER,
    SCRIPT_STEP_TYPE,
    STEP_INPUT,
    STEP_OUTPUT,
    HalfContext,
    Owner,
    StepInput,
    Variable,
    by_sys_id,
)
from generator.integration.flow_variables import ACTION_STATUS, NO_ERROR, TYPE_FORMS
from generator.integration.releases import PlanForm
from generator.update_set.model import SysId
from generator.update_set.records import Fields, Reference

PLAN_TABLE = "sys_hub_action_plan"
STEP_DEFINITION_INPUTS = f"var__m_sys_flow_step_definition_input_{SCRIPT_STEP_TYPE}"
"""Name of the variables that the platform gives every Script step."""

_SCRIPT_VARIABLE = Reference("71aa7f6647032200b4fad7527c9a719b", "Script")
_MID_VARIABLE = Reference("f5e56d79b3101300176b051a16a8dce4", "MID Application")
_MID_APPLICATION = "35aa573fd7802200bdbaee5b5e610375"

_ARROW = "➛"
_STATUS_UUID = "4adfb7bc-9d67-498d-88d0-8d6c3d584fed"
"""A constant of the platform: unchanged over releases and owners (section 6.2)."""


def output_values(context: HalfContext, outputs: Iterable[Fields]) -> tuple[Fields, ...]:
    """Values of the action's outputs, ascending by sys_id.

    Args:
        context: The half.
        outputs: Records of its outputs, the special ones included.
    """
    initial = {output.element: TYPE_FORMS[output.type].initial for output in context.action.outputs}
    initial |= {ACTION_STATUS: action_status(), NO_ERROR: "0"}
    return by_sys_id(
        _value(
            context,
            context.own,
            f"output/{output['element']}",
            order=str(output["order"]),
            value=value,
            variable=Reference(str(output["sys_id"]), str(output["label"])),
        )
        for output in outputs
        if (value := initial[str(output["element"])]) is not None
    )


def step_values(context: HalfContext) -> tuple[Fields, ...]:
    """Values of the step, ascending by sys_id; its inputs are strings, which have none."""
    step = context.step
    return by_sys_id(
        (
            _value(
                context,
                step,
                "step/script",
                order="600",
                value=context.action.script,
                variable=_SCRIPT_VARIABLE,
            ),
            _value(
                context,
                step,
                "step/application",
                order="400",
                value=_MID_APPLICATION,
                variable=_MID_VARIABLE,
            ),
        )
    )


def output_mappings(context: HalfContext) -> tuple[Fields, ...]:
    """What feeds each output of the action, by field."""
    own = context.own
    table = f"var__m_{ACTION_OUTPUT}_{own.sys_id}"
    pills = {output.element: context.step_pill(output.element) for output in context.action.outputs}
    return _by_field(
        _mapping(context, own, "output", field=field, table=table, value=value)
        for field, value in {**pills, ACTION_STATUS: "", NO_ERROR: ""}.items()
    )


def step_mappings(context: HalfContext) -> tuple[Fields, ...]:
    """What feeds each input of the step, by field."""
    step = context.step
    table = f"var__m_{STEP_INPUT}_{step.sys_id}"
    return _by_field(
        [
            *(
                _mapping(context, step, "step", field=given.element, table=table, value=given.pill)
                for given in context.action.step_inputs
            ),
            *(
                _mapping(
                    context,
                    step,
                    "step_definition",
                    field=field,
                    table=STEP_DEFINITION_INPUTS,
                    value="",
                )
                for field in ("application", "script")
            ),
        ]
    )


def label_cache(context: HalfContext) -> str:
    """One entry for each pill that a mapping uses (section 6.1)."""
    inputs = {variable.element: variable for variable in context.action.inputs}
    entries = [
        *(_action_pill(given, inputs[given.source]) for given in context.action.step_inputs),
        *(_step_pill(context, output) for output in context.action.outputs),
    ]
    return _compact(entries)


def action_status() -> str:
    """Value of `__action_status__`: an empty complex object with its schema (section 6.2)."""
    empty = {"$cv": {"$c": "java.lang.String", "$v": ""}}
    return _compact(
        {
            "version": "1.0",
            "complexObjectSchema": {
                "FlowDesigner:FDACTIONSTATUS": {
                    "code": "Integer",
                    "code.$field_facets": _facets("Integer", "Code", order="1", max_length="40"),
                    "message": "String",
                    "message.$field_facets": _facets(
                        "String", "Message", order="2", max_length="4000"
                    ),
                },
                "FlowDesigner:FDACTIONSTATUS.$type_facets": _simple_map(
                    {
                        "default_value": "",
                        "label": "Action Status",
                        "action_error_output": "true",
                        "mandatory": "false",
                        "uiUniqueId": _STATUS_UUID,
                        "uiTypeLabel": "Object",
                        "co_type_name": "FDACTIONSTATUS",
                        "element_mapping_provider": MAPPER,
                        "read_only": "false",
                        "hint": None,
                        "uiType": "object",
                        "order": "1",
                        "max_length": "65000",
                    }
                ),
            },
            "complexObject": {"code": empty, "message": empty},
            "serializationFormat": "JSON",
        }
    )


def plan_pointer(form: PlanForm, plan: SysId) -> str:
    """The plan's text: only a pointer at chunks that are never exported (section 6.3).

    Args:
        form: What the release writes.
        plan: sys_id of the plan record itself.
    """
    if form is PlanForm.PROXY:
        return _compact(
            {
                "type": "PlanProxy",
                "persistor": {"@class": ".ChunkingPlanPersistor", **_chunks(plan)},
            }
        )
    return _compact(
        {
            "@class": "com.snc.process_flow.engine.serialization.plan_data.ChunkingPlanData",
            "chunk_data": _chunks(plan),
            "plan_data": "CHUNKING_PLAN",
        }
    )


def _chunks(plan: SysId) -> dict[str, str | None]:
    return {"table": PLAN_TABLE, "id": plan, "name": "plan", "plan_signature": None}


def _action_pill(given: StepInput, source: Variable) -> dict[str, object]:
    return _pill(
        given.pill,
        f"action{_ARROW}{source.label}",
        kind="action",
        reference_display=source.table_label,
        base_type=source.type.value,
    )


def _step_pill(context: HalfContext, output: Variable) -> dict[str, object]:
    return _pill(
        context.step_pill(output.element),
        f"step{_ARROW}{context.action.step_label}{_ARROW}{output.label}",
        kind="step",
        base_type=output.type.value,
        attributes={
            "uiTypeLabel": TYPE_FORMS[output.type].ui_label,
            "element_mapping_provider": MAPPER,
            "uiType": output.type.value,
            "uiUniqueId": context.uuid(STEP_OUTPUT, output.element),
        },
    )


def _pill(
    name: str,
    label: str,
    *,
    kind: str,
    base_type: str,
    reference_display: str = "",
    attributes: dict[str, str] | None = None,
) -> dict[str, object]:
    return {
        "name": name,
        "label": label,
        "type": kind,
        "ref": "",
        "reference_display": reference_display,
        "base_type": base_type,
        "parent_table_name": "",
        "column_name": "",
        "choices": None,
        "attributes": attributes or {},
    }


def _facets(kind: str, label: str, *, order: str, max_length: str) -> dict[str, str]:
    return _simple_map(
        {
            "uiTypeLabel": kind,
            "read_only": "false",
            "hint": "",
            "uiType": kind.lower(),
            "default_value": "",
            "label": label,
            "action_error_output": "true",
            "mandatory": "false",
            "order": order,
            "max_length": max_length,
        }
    )


def _simple_map(facets: dict[str, str | None]) -> dict[str, str]:
    """Facets are JSON inside a string."""
    return {"SimpleMapFacet": _compact(facets)}


def _value(
    context: HalfContext,
    owner: Owner,
    part: str,
    *,
    order: str,
    value: str,
    variable: Reference,
) -> Fields:
    sys_id = context.part("sys_variable_value", part)
    return {
        **stamp_fields(context.inputs, sys_id),
        "document": owner.table,
        "document_key": owner.sys_id,
        "order": order,
        "sys_class_name": "sys_variable_value",
        "value": value,
        "variable": variable,
    }


def _mapping(
    context: HalfContext, owner: Owner, kind: str, *, field: str, table: str, value: str
) -> Fields:
    sys_id = context.part("sys_element_mapping", f"{kind}/{field}")
    return {
        **stamp_fields(context.inputs, sys_id),
        "field": field,
        "id": owner.sys_id,
        "table": table,
        "value": value,
    }


def _by_field(records: Iterable[Fields]) -> tuple[Fields, ...]:
    # Compared in upper case, so that `_` comes after the letters (section 1.2).
    return tuple(sorted(records, key=lambda fields: str(fields["field"]).upper()))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
