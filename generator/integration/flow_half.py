"""One half of an action: its records, and the queries that clear what a former one left.

The names follow the grammar of `spec/flow-action.md` section 1.1, which the template
`records/flow/half.xml.j2` prints top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from generator.integration.app_inputs import (
    domain_fields,
    package_reference,
    scope_reference,
    stamp_fields,
)
from generator.integration.flow_model import (
    ACTION_INPUT,
    ACTION_OUTPUT,
    DEFINITION_TABLE,
    SCRIPT_STEP_TYPE,
    SNAPSHOT_TABLE,
    STEP_OUTPUT,
    Half,
    HalfContext,
)
from generator.integration.flow_values import (
    STEP_DEFINITION_INPUTS,
    label_cache,
    output_mappings,
    output_values,
    step_mappings,
    step_values,
)
from generator.integration.flow_variables import (
    VariableRecord,
    action_inputs,
    action_outputs,
    field_labels,
    step_inputs,
    step_outputs,
)
from generator.integration.releases import ReleaseForm
from generator.update_set.model import SysId
from generator.update_set.records import Fields, Reference


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Records of one kind, and the `delete_multiple` query that comes before them."""

    query: str
    records: tuple[Fields, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """Inputs or outputs of the action, and the query before them."""

    query: str
    records: tuple[VariableRecord, ...]


@dataclass(frozen=True, slots=True, eq=False)
class HalfRecords:
    """What stands in one half, in the order of the payload.

    Fields that are text are queries of `delete_multiple` markers after which nothing follows.
    """

    head: Fields
    texts: str
    output_values: Group
    output_mappings: Group
    steps: Group
    step_values: Group
    step_mappings: Group
    step_output_mappings: str
    step_definition_mappings: str
    step_texts: str
    step_inputs: Group
    step_outputs: Group
    step_input_scripts: str
    step_output_labels: tuple[Fields, ...]
    inputs: Variables
    outputs: Variables
    pill_compounds: str
    status_metadata: Group
    status_conditions: str
    input_labels: tuple[Fields, ...]
    input_choices: str
    output_labels: tuple[Fields, ...]
    output_choices: str


def half_records(context: HalfContext, form: ReleaseForm, *, twin: SysId) -> HalfRecords:
    """All records of one half.

    Args:
        context: The half.
        form: What the release decides.
        twin: sys_id of the other half's head.
    """
    own, step = context.own.sys_id, context.step.sys_id
    inputs, outputs = action_inputs(context), action_outputs(context)
    input_fields = tuple(variable.fields for variable in inputs)
    output_fields = tuple(variable.fields for variable in outputs)
    of_step_inputs, of_step_outputs = step_inputs(context), step_outputs(context)
    metadata = _status_metadata(context)
    return HalfRecords(
        head=_definition(context, form, snapshot=twin)
        if context.half is Half.DEFINITION
        else _snapshot(context, form, definition=twin),
        texts=f"documentkey={own}",
        output_values=Group(f"document_key={own}", output_values(context, output_fields)),
        output_mappings=Group(f"id={own}", output_mappings(context)),
        steps=_spared(f"action={own}", (_step(context),)),
        step_values=Group(f"document_key={step}", step_values(context)),
        step_mappings=Group(f"id={step}", step_mappings(context)),
        step_output_mappings=f"table=var__m_{STEP_OUTPUT}_{step}^id={step}",
        step_definition_mappings=f"table={STEP_DEFINITION_INPUTS}^id={step}",
        step_texts=f"documentkey={step}",
        step_inputs=_spared(f"model={step}", of_step_inputs),
        step_outputs=_spared(f"model={step}", of_step_outputs),
        step_input_scripts=f"instance={step}",
        step_output_labels=field_labels(context, of_step_outputs),
        inputs=Variables(_sparing(f"model={own}", input_fields), inputs),
        outputs=Variables(_sparing(f"model={own}", output_fields), outputs),
        pill_compounds=f"attached_to={own}",
        status_metadata=_spared(f"action_type_id={own}", (metadata,)),
        status_conditions=f"action_status_metadata_id={metadata['sys_id']}",
        input_labels=field_labels(
            context,
            input_fields,
            hints={variable.element: variable.hint for variable in context.action.inputs},
        ),
        input_choices=f"name=var__m_{ACTION_INPUT}_{own}",
        output_labels=field_labels(context, output_fields),
        output_choices=f"name=var__m_{ACTION_OUTPUT}_{own}",
    )


def _spared(query: str, records: tuple[Fields, ...]) -> Group:
    return Group(_sparing(query, records), records)


def _sparing(query: str, records: Iterable[Fields]) -> str:
    """The query with the sys_ids of the records that follow, which it must not delete."""
    return f"{query}^sys_idNOT IN" + ",".join(str(fields["sys_id"]) for fields in records)


def _head(context: HalfContext, form: ReleaseForm, *, sys_id: SysId) -> Fields:
    """What definition and snapshot have in common (sections 2.1 and 2.2)."""
    return {
        **stamp_fields(context.inputs, sys_id),
        **domain_fields(),
        "access": "public",
        "acls": "",
        "action_status": "",
        "action_template": "",
        "annotation": "",
        "attributes": "{labelCacheCleanUpExecuted=true}",
        "authored_on_release_version": form.authored_on,
        "callable_by_client_api": "false",
        "category": "",
        "copied_from": "",
        "copied_from_name": "",
        "description": context.action.description,
        "flow_priority": "",
        "internal_name": context.action.internal_name,
        "label_cache": label_cache(context),
        "name": context.action.name,
        "natlang": "",
        "outputs": "",
        "sys_policy": "",
        "sys_scope": scope_reference(context.inputs),
        "system_level": "false",
        "type": "",
    }


def _definition(context: HalfContext, form: ReleaseForm, *, snapshot: SysId) -> Fields:
    sys_id = context.own.sys_id
    return {
        **_head(context, form, sys_id=sys_id),
        "active": "true",
        "ih_action": "false",
        "master_snapshot": snapshot,
        "master_snapshot_digest": "",
        "pre_compiled": "false",
        "state": "published",
        "sys_class_name": DEFINITION_TABLE,
        "sys_name": context.action.name,
        "sys_package": package_reference(context.inputs),
        "sys_update_name": f"{DEFINITION_TABLE}_{sys_id}",
    }


def _snapshot(context: HalfContext, form: ReleaseForm, *, definition: SysId) -> Fields:
    return {
        **_head(context, form, sys_id=context.own.sys_id),
        "master": "true",
        "parent_action": Reference(definition, context.action.name),
        "sys_class_name": SNAPSHOT_TABLE,
        "sys_name": "",
        "sys_package": "",
        "sys_update_name": "",
    }


def _step(context: HalfContext) -> Fields:
    own, step = context.own, context.step
    return {
        **stamp_fields(context.inputs, step.sys_id),
        "action": Reference(own.sys_id, own.label),
        "cid": context.cid,
        # 1: an exception in the script stops the action (section 2.3).
        "error_handling_type": "1",
        "extended_inputs": "",
        "extended_outputs": "",
        "icon": "",
        "inputs": "",
        "label": step.label,
        "order": "1",
        "outputs": "",
        "section": "",
        "step_type": Reference(SCRIPT_STEP_TYPE, "Script"),
        "sys_scope": scope_reference(context.inputs),
    }


def _status_metadata(context: HalfContext) -> Fields:
    own = context.own
    return {
        **stamp_fields(context.inputs, context.part("sys_hub_action_status_metadata", "status")),
        "action_type_id": Reference(own.sys_id, own.label),
    }
