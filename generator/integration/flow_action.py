"""The published Flow Designer action "Check SMTP OAuth Email Account".

One Script step that hands its inputs to the script include and copies each value of its answer
to an output; only strings, booleans and integers, no choices (`spec/flow-action.md` 2.12, 11).
"""

from __future__ import annotations

from generator.integration.app_inputs import (
    AppInputs,
    app_application,
    app_identities,
    domain_fields,
    stamp_fields,
)
from generator.integration.flow_half import half_records
from generator.integration.flow_model import (
    DEFINITION_TABLE,
    ActionDescription,
    Half,
    HalfContext,
    StepInput,
    Variable,
    VariableType,
)
from generator.integration.flow_values import PLAN_TABLE, plan_pointer
from generator.integration.releases import ReleaseForm, release_form
from generator.update_set.records import Fields, Record, Reference

ACTION = DEFINITION_TABLE
"""Logical name of the action, and its table."""

_OUTPUTS = (
    Variable("ok", "OK", VariableType.BOOLEAN),
    Variable("status", "Status", VariableType.STRING),
    Variable("message", "Message", VariableType.STRING),
    Variable("token_expires_on", "Token expires on", VariableType.STRING),
    Variable("secret_days_left", "Secret days left", VariableType.INTEGER),
    Variable("test_queued", "Test queued", VariableType.BOOLEAN),
)


def _script(outputs: tuple[Variable, ...]) -> str:
    lines = (
        "(function execute(inputs, outputs) {",
        "    var result = new SmtpOAuthHealth().run(inputs);",
        *(f"    outputs.{output.element} = result.{output.element};" for output in outputs),
        "})(inputs, outputs);",
    )
    return "".join(f"{line}\r\n" for line in lines)


CHECK_ACTION = ActionDescription(
    name="Check SMTP OAuth Email Account",
    description=(
        "Asks for a new OAuth token for an SMTP email account, tells how long its client secret"
        " is valid, and queues a test message if an address is given."
    ),
    step_label="Script step",
    inputs=(
        Variable(
            "email_account",
            "Email account",
            VariableType.REFERENCE,
            mandatory=True,
            hint="The SMTP email account to check; it need not be active.",
            table="sys_email_account",
            table_label="Email Account",
        ),
        Variable(
            "send_test_to",
            "Send test to",
            VariableType.STRING,
            hint="An email address that gets a test message; empty: none is sent.",
        ),
    ),
    step_inputs=(
        # Fed by the reference itself, not by `.sys_id` of it: the step gets the sys_id either way,
        # and ServiceNow's SDK builds a walk into a table only if it knows the table's columns.
        StepInput("email_account", source="email_account"),
        StepInput("send_test_to", source="send_test_to"),
    ),
    outputs=_OUTPUTS,
    script=_script(_OUTPUTS),
)
"""Labels may change; elements are part of identities and must not."""


def action_record(inputs: AppInputs) -> Record:
    """The action with both halves, its plan and the closing update."""
    form = release_form(inputs.release)
    definition = HalfContext(inputs, CHECK_ACTION, Half.DEFINITION)
    snapshot = HalfContext(inputs, CHECK_ACTION, Half.SNAPSHOT)
    own, shot = definition.own.sys_id, snapshot.own.sys_id
    first = half_records(definition, form, twin=shot)
    plan = _plan(definition, form)
    return Record(
        table=ACTION,
        logical_name=ACTION,
        sys_id=own,
        application=app_application(inputs),
        fields=first.head,
        label=CHECK_ACTION.name,
        purpose="The Flow Designer action that runs the check.",
        highlights=("name", "state", "authored_on_release_version"),
        related={
            "definition": first,
            "plan": plan,
            "plans": f"action_id={own}^sys_idNOT IN{plan['sys_id']}",
            "snapshot": half_records(snapshot, form, twin=own),
            # Comes last, because the snapshot must exist before it is named (section 1.3).
            "closing": {
                "sys_id": own,
                "latest_snapshot": shot,
                "compiler_build": form.compiler_build,
            },
        },
    )


def _plan(context: HalfContext, form: ReleaseForm) -> Fields:
    own = context.own
    sys_id = app_identities(context.inputs).part(PLAN_TABLE, "plan")
    return {
        **stamp_fields(context.inputs, sys_id),
        **domain_fields(),
        "action_id": Reference(own.sys_id, own.label),
        "plan": plan_pointer(form.plan, sys_id),
        # Names a record outside the payload in all real exports (section 8).
        "snapshot": app_identities(context.inputs).part(PLAN_TABLE, "snapshot"),
        "sys_scope": "",
    }
