"""A Flow Designer action with one Script step, as it is described before it is rendered.

`spec/flow-action.md`. The export holds every record twice, as the *definition* that is edited
and as the *snapshot* that runs; each is a *half*, and both are made from one description.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from generator.integration.app_inputs import AppInputs, app_identities
from generator.integration.sys_ids import derived_uuid
from generator.update_set.model import SysId
from generator.update_set.records import Fields

DEFINITION_TABLE = "sys_hub_action_type_definition"
SNAPSHOT_TABLE = "sys_hub_action_type_snapshot"
STEP_TABLE = "sys_hub_step_instance"
STEP_INPUT = "sys_hub_step_ext_input"
STEP_OUTPUT = "sys_hub_step_ext_output"
ACTION_INPUT = "sys_hub_action_input"
ACTION_OUTPUT = "sys_hub_action_output"

SCRIPT_STEP_TYPE = "106afb6647032200b4fad7527c9a71e7"
"""sys_id of the platform's step type Script (section 4)."""

MAPPER = "com.glide.flow_design.action.data.FlowDesignVariableMapper"
"""The `element_mapping_provider` of every variable (section 3)."""


class Half(StrEnum):
    """Which of the two halves of the payload a record belongs to."""

    DEFINITION = "definition"
    SNAPSHOT = "snapshot"


class VariableType(StrEnum):
    """Types of variables that we use: no complex objects, no choices (section 2.12 and 11)."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Variable:
    """An input or an output of the action."""

    element: str
    """Name in pills and scripts; part of its identity."""

    label: str
    """What people see; free to change."""

    type: VariableType
    mandatory: bool = False
    hint: str = ""
    table: str = ""
    """The table that a reference points to."""

    table_label: str = ""
    """That table's label, which stands in the description of pills."""


@dataclass(frozen=True, slots=True)
class StepInput:
    """An input of the script step, a string fed from an input of the action.

    A reference arrives as the sys_id, because the step input is a string: seen in a real export
    whose script looks its record up by it.
    """

    element: str
    """Name in the script: `inputs.<element>`."""

    source: str
    """Element of the action input that feeds it."""

    @property
    def pill(self) -> str:
        """The data pill that feeds it."""
        return f"{{{{action.{self.source}}}}}"


@dataclass(frozen=True, slots=True)
class ActionDescription:
    """All that makes one action different from another."""

    name: str
    description: str
    step_label: str
    inputs: tuple[Variable, ...]
    step_inputs: tuple[StepInput, ...]
    outputs: tuple[Variable, ...]
    """Outputs of the action, each fed by an output of the step with the same element."""

    script: str
    """The step's script, every line ending in CR LF (section 6.4)."""

    @property
    def internal_name(self) -> str:
        """`internal_name` as the editor derives it (section 2.1)."""
        lowered = self.name.lower().replace(" ", "_")
        return "".join(c for c in lowered if c == "_" or (c.isascii() and c.isalnum()))


@dataclass(frozen=True, slots=True)
class Owner:
    """What a variable belongs to: the head of a half, or its step."""

    sys_id: SysId
    label: str
    table: str


@dataclass(frozen=True, slots=True)
class HalfContext:
    """One half of one action in one application: where its identities come from."""

    inputs: AppInputs
    action: ActionDescription
    half: Half

    @property
    def own(self) -> Owner:
        """The head record ("OWN" in the specification)."""
        if self.half is Half.DEFINITION:
            sys_id = app_identities(self.inputs).sys_id(DEFINITION_TABLE, DEFINITION_TABLE)
            return Owner(sys_id, self.action.name, DEFINITION_TABLE)
        return Owner(self.part(SNAPSHOT_TABLE, "head"), self.action.name, SNAPSHOT_TABLE)

    @property
    def step(self) -> Owner:
        """The step instance ("STEP" in the specification)."""
        return Owner(self.part(STEP_TABLE, "script"), self.action.step_label, STEP_TABLE)

    @property
    def cid(self) -> str:
        """The UUID by which pills name the step, equal in both halves."""
        return self.uuid(STEP_TABLE, "script")

    def part(self, table: str, element: str) -> SysId:
        """sys_id of a record of this half."""
        return app_identities(self.inputs).part(table, f"{self.half}/{element}")

    def uuid(self, table: str, element: str) -> str:
        """A UUID that is equal in both halves."""
        return derived_uuid(app_identities(self.inputs).path(table, f"uuid/{element}"))

    def step_pill(self, element: str) -> str:
        """The data pill of an output of the step."""
        return f"{{{{step[{self.cid}].{element}}}}}"


def by_sys_id(records: Iterable[Fields]) -> tuple[Fields, ...]:
    """Records in the order of most runs of an export (section 1.2)."""
    return tuple(sorted(records, key=lambda fields: str(fields["sys_id"])))
