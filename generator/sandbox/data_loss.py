"""What a commit would lose: the UI's own question before it (`spec/instance-http.md` A8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.payloads import DELETE
from generator.sandbox.retrieved_sets import members, updates_of

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_BEGINNINGS = (
    "sys_dictionary",
    "sys_db_object",
    "var_dictionary",
    "svc_extension_variable",
    "wf_activity_variable",
    "atf_input_variable",
    "atf_output_variable",
    "sys_atf_variable",
    "sys_atf_remembered_values",
)
"""[TP] SNC, copied from the platform."""


def data_loss(sandbox: Sandbox, row: Row) -> list[str]:
    """Names of updates that delete tables or columns."""
    return [
        update["name"]
        for member in members(sandbox, row)
        for update in updates_of(sandbox, member)
        if update.get("action") == DELETE
        and update["name"].startswith(_BEGINNINGS)
        and "sys_dictionary_override" not in update["name"]
    ]


def data_loss_query(row: Row) -> str:
    """The encoded query of the same question."""
    names = "^OR".join(f"nameSTARTSWITH{beginning}" for beginning in _BEGINNINGS)
    return (
        f"action=DELETE^remote_update_set={row['sys_id']}"
        f"^ORremote_update_set.remote_base_update_set={row['sys_id']}"
        f"^nameDOES NOT CONTAINsys_dictionary_override^{names}"
    )
