"""Table labels: the `type` of a row (`spec/update-set-format.md` section 7).

One label per table, counted over native update sets; the labels of the mail chain stand in
`spec/records.md` section 2.3, those of the app in `spec/flow-action.md` section 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ROW_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "oauth_entity": "Application Registries",
        "oauth_entity_profile": "OAuth Entity Profile",
        "oauth_entity_profile_scope": "OAuth Entity Profile Scope",
        "oauth_entity_scope": "OAuth Entity Scope",
        "sys_app": "Custom Application",
        "sys_email_account": "Email Account",
        "sys_hub_action_type_definition": "Action Type",
        "sys_properties": "System Property",
        "sys_scope_privilege": "Cross scope privilege",
        "sys_script_include": "Script Include",
        "sys_user_role": "Role",
        "sysevent_email_action": "Notification",
        "sysevent_register": "Event Registration",
    }
)
"""Table of the payload to the `type` of its row."""
