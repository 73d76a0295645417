"""Variables of an action and their field labels (`spec/flow-action.md` sections 2.6, 2.7, 3).

Inputs and outputs of the action and of its step are records of four tables with one layout of
76 fields; the action output has two more. All but a dozen never vary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from generator.integration.app_inputs import package_reference, scope_reference, stamp_fields
from generator.integration.flow_model import (
    ACTION_INPUT,
    ACTION_OUTPUT,
    MAPPER,
    STEP_INPUT,
    STEP_OUTPUT,
    Half,
    HalfContext,
    Owner,
    StepInput,
    Variable,
    VariableType,
    by_sys_id,
)
from generator.update_set.records import Fields, Reference, Script

ACTION_STATUS = "__action_status__"
NO_ERROR = "__dont_treat_as_error__"

_CALCULATION = """\
(function calculatedFieldValue(current) {

\t// Add your code here
\treturn '';  // return the calculated value

})(current);"""

_EMPTY = (
    "choice choice_field choice_table column_label comments create_roles default_value defaultsort"
    " delete_roles dependent dependent_on_field dynamic_creation_script dynamic_default_value"
    " dynamic_ref_qual element_prototype foreign_database formula function_definition help hint"
    " internal_link next_element read_roles reference reference_cascade_rule reference_key"
    " reference_qual reference_qual_condition reference_type sizeclass sys_name sys_package"
    " sys_policy sys_update_name widget write_roles"
).split()
_FALSE = (
    "array array_denormalized audit display dynamic_creation element_reference function_field"
    " primary read_only reference_floats spell_check staged table_reference text_index unique"
    " use_dependent_field use_dynamic_default virtual xml_view"
).split()

_CONSTANTS: Fields = MappingProxyType(
    {
        **dict.fromkeys(_EMPTY, ""),
        **dict.fromkeys(_FALSE, "false"),
        "active": "true",
        "calculation": Script(_CALCULATION),
        "use_reference_qualifier": "simple",
        "virtual_type": "script",
    }
)


@dataclass(frozen=True, slots=True)
class TypeForm:
    """How the editor writes a variable of one type (section 3)."""

    shown: str
    """`display_value` of `internal_type`; empty for some types."""

    max_length: str
    ui_label: str
    """`uiTypeLabel`."""

    initial: str | None
    """Value of an output's variable value; None where there is no such record (section 2.4)."""


TYPE_FORMS: Mapping[VariableType, TypeForm] = MappingProxyType(
    {
        VariableType.STRING: TypeForm("String", "8000", "String", None),
        VariableType.BOOLEAN: TypeForm("", "40", "True/False", "0"),
        VariableType.INTEGER: TypeForm("Integer", "40", "Integer", ""),
        VariableType.REFERENCE: TypeForm("Reference", "32", "Reference", None),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class VariableRecord:
    """A variable of the action and the two markers that may follow it."""

    fields: Fields
    instances: str
    """Query of the `sys_hub_action_input_action_instance` marker."""

    scripts: str
    """Query of the `sys_hub_input_scripts` marker; only outputs have it."""


def action_inputs(context: HalfContext) -> tuple[VariableRecord, ...]:
    """The inputs of the action, ascending by sys_id."""
    return _with_markers(
        {
            **_variable(context, ACTION_INPUT, context.own, variable.element, order=order),
            **_typed(variable.type),
            **_reference(variable.table),
            "attributes": _attributes(
                _shown_as(variable.type), uiUniqueId=context.uuid(ACTION_INPUT, variable.element)
            ),
            "label": variable.label,
            "mandatory": _boolean(variable.mandatory),
        }
        for order, variable in enumerate(context.action.inputs, start=1)
    )


def action_outputs(context: HalfContext) -> tuple[VariableRecord, ...]:
    """The outputs of the action, its two special ones included, ascending by sys_id."""
    outputs = context.action.outputs
    return _with_markers(
        [
            *(
                _action_output(context, variable, order=order)
                for order, variable in enumerate(outputs, start=1)
            ),
            _action_status(context, order=len(outputs) + 1),
            _no_error(context, order=len(outputs) + 2),
        ]
    )


def step_inputs(context: HalfContext) -> tuple[Fields, ...]:
    """The inputs of the step, ascending by sys_id; the editor makes all of them mandatory."""
    return by_sys_id(
        _step_input(context, variable, order=100 * position)
        for position, variable in enumerate(context.action.step_inputs)
    )


def step_outputs(context: HalfContext) -> tuple[Fields, ...]:
    """The outputs of the step, one for each output of the action, ascending by sys_id."""
    return by_sys_id(
        {
            **_variable(context, STEP_OUTPUT, context.step, variable.element, order=order),
            **_typed(variable.type),
            "attributes": _attributes(
                _shown_as(variable.type), uiUniqueId=context.uuid(STEP_OUTPUT, variable.element)
            ),
            "label": variable.label,
            "mandatory": _boolean(variable.mandatory),
        }
        for order, variable in enumerate(context.action.outputs, start=1)
    )


def field_labels(
    context: HalfContext, variables: Iterable[Fields], *, hints: Mapping[str, str] | None = None
) -> tuple[Fields, ...]:
    """One `sys_documentation` for each variable, ascending by sys_id.

    Args:
        context: The half.
        variables: Records of variables of one table.
        hints: Hint by element, for inputs.
    """
    return by_sys_id(
        {
            **stamp_fields(
                context.inputs,
                context.part(
                    "sys_documentation", f"{variable['sys_class_name']}/{variable['element']}"
                ),
            ),
            "element": variable["element"],
            "help": "",
            "hint": (hints or {}).get(str(variable["element"]), ""),
            "label": variable["label"],
            "language": "en",
            "name": variable["name"],
            "plural": "",
            "sys_class_name": "sys_documentation",
            "sys_name": "",
            "sys_package": package_reference(context.inputs),
            "sys_policy": "",
            "sys_scope": scope_reference(context.inputs),
            "sys_update_name": "",
            "url": "",
            "url_target": "",
        }
        for variable in variables
    )


def _action_output(context: HalfContext, variable: Variable, *, order: int) -> Fields:
    droppable = {"pwd2droppable": "true"} if variable.type is VariableType.STRING else {}
    return {
        **_variable(context, ACTION_OUTPUT, context.own, variable.element, order=order),
        **_typed(variable.type),
        "attributes": _attributes(
            {**_shown_as(variable.type), **droppable},
            uiUniqueId=context.uuid(ACTION_OUTPUT, variable.element),
        ),
        "label": variable.label,
        "mandatory": _boolean(variable.mandatory),
    }


def _action_status(context: HalfContext, *, order: int) -> Fields:
    return {
        **_variable(context, ACTION_OUTPUT, context.own, ACTION_STATUS, order=order),
        "attributes": _attributes(
            {
                "action_error_output": "true",
                "co_type_name": "FDACTIONSTATUS",
                "uiType": "object",
                "uiTypeLabel": "Object",
            },
            uiUniqueId=context.uuid(ACTION_OUTPUT, ACTION_STATUS),
        ),
        "internal_type": Reference("string", "String"),
        "label": "Action Status",
        "mandatory": "false",
        "max_length": "65000",
    }


def _no_error(context: HalfContext, *, order: int) -> Fields:
    return {
        **_variable(context, ACTION_OUTPUT, context.own, NO_ERROR, order=order),
        **_typed(VariableType.BOOLEAN),
        "attributes": _attributes(
            {
                **_shown_as(VariableType.BOOLEAN),
                "action_error_output": "true",
                "visible_in_ui": "false",
            },
            uiUniqueId=context.uuid(ACTION_OUTPUT, NO_ERROR),
        ),
        "default_value": "true",
        "label": "Don't Treat as Error",
        "mandatory": "false",
    }


def _step_input(context: HalfContext, variable: StepInput, *, order: int) -> Fields:
    return {
        **_variable(context, STEP_INPUT, context.step, variable.element, order=order),
        **_typed(VariableType.STRING),
        "attributes": _attributes(_shown_as(VariableType.STRING)),
        # The one field in which the halves differ beside their identities (section 5).
        "label": variable.element if context.half is Half.SNAPSHOT else "",
        "mandatory": "true",
    }


def _variable(
    context: HalfContext, table: str, owner: Owner, element: str, *, order: int
) -> Fields:
    """What every variable has."""
    return {
        **_CONSTANTS,
        **stamp_fields(context.inputs, context.part(table, element)),
        "element": element,
        "model": Reference(owner.sys_id, owner.label),
        "model_id": owner.sys_id,
        "model_table": owner.table,
        "name": f"var__m_{table}_{owner.sys_id}",
        "order": str(order),
        "sys_class_name": table,
        "sys_scope": scope_reference(context.inputs),
    }


def _typed(kind: VariableType) -> Fields:
    form = TYPE_FORMS[kind]
    return {
        "internal_type": Reference(kind.value, form.shown),
        "max_length": form.max_length,
    }


def _reference(table: str) -> Fields:
    if not table:
        return {}
    # A table is named by its name, and has no display value here.
    return {"choice_table": table, "reference": Reference(table, "", name=table)}


def _shown_as(kind: VariableType) -> dict[str, str]:
    return {"uiType": kind.value, "uiTypeLabel": TYPE_FORMS[kind].ui_label}


def _attributes(pairs: Mapping[str, str], **more: str) -> str:
    """`key=value` pairs sorted by key, the mapper always among them (section 3)."""
    whole = {"element_mapping_provider": MAPPER, **pairs, **more}
    return ",".join(f"{key}={value}" for key, value in sorted(whole.items()))


def _with_markers(variables: Iterable[Fields]) -> tuple[VariableRecord, ...]:
    return tuple(
        VariableRecord(
            fields=fields,
            instances=f"action_input={fields['sys_id']}",
            scripts=f"instance={fields['sys_id']}",
        )
        for fields in by_sys_id(variables)
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"
