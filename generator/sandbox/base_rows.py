"""What every sandbox holds from the start (`spec/instance-http.md` B2): names and values only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

Rows = tuple[Mapping[str, str], ...]

ADMIN_ID = "6816f79cc0a8016401c5a33be04be441"
"""sys_id of the first user of an instance, `admin`."""

MACHINE_USER = "sn_smtp.machine"
"""A user for web services only; has every role and no UI session."""

PLAIN_USER = "sn_smtp.nobody"
"""A user without roles."""

PRODUCTION = "glide.installation.production"
WAR = "glide.war"
INSTANCE_NAME = "instance_name"
CLIENT_CREDENTIALS = "glide.oauth.inbound.client.credential.grant_type.enabled"
EMAIL_OAUTH = "com.glide.email.oauth"
CICD = "com.glide.continuousdelivery"
API_KEYS = "com.glide.tokenbased_auth"


def fixed_id(table: str, name: str) -> str:
    """The sys_id of a base record: the same in every sandbox."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox/{table}/{name}").hex


PROPERTIES: Mapping[str, str] = {
    # A18, with the documented defaults.
    "glide.email.smtp.active": "true",
    "glide.email.read.active": "true",
    "glide.email.test.user": "",
    "glide.smtp.defer_retry_ids": "421,450,451,452",
    "glide.smtp.fail_message_ids": "500,501,502,503,504,550,551,552,553,554",
    "glide.smtp.default_retry": "true",
    "glide.smtp.precedence_bulk": "true",
    # A3 to A5, A15.
    CLIENT_CREDENTIALS: "true",
    "glide.authenticate.multifactor.for_integrations": "false",
    "glide.db.clone.allow_clone_target": "true",
    "glide.invalid_query.returns_no_rows": "false",
    "glide.security.csrf.strict.validation.mode": "true",
    "glide.update_set.auto_preview": "true",
}
"""System properties beside those of the instance itself."""

PLUGINS: Mapping[str, str] = {
    EMAIL_OAUTH: "Email - OAuth support for IMAP and SMTP",
    CICD: "Continuous Integration and Continuous Delivery (CICD) API",
    API_KEYS: "Token Based Authentication",
    "com.snc.platform.security.oauth": "OAuth 2.0",
    "com.glide.hub.flow_engine": "ServiceNow Flow Engine",
    "com.glide.hub.flow_designer": "Flow Designer",
    "com.glide.scanner": "Instance Scan",
    "com.snc.change_management": "Change Management",
}
"""Plugin id to name; all active."""

ROLES: tuple[str, ...] = (
    "admin",
    "security_admin",
    "sn_cicd.sys_ci_automation",
    "oauth_admin",
    "email_account_admin",
    "itil",
    "sn_change_read",
    "change_manager",
    "web_service_admin",
    "snc_platform_rest_api_access",
)
"""Roles that exist."""

ADMIN_ROLES: tuple[str, ...] = ("admin",)
"""Of the administrator; the others come with it, `security_admin` must be elevated to [DOC]."""

MACHINE_ROLES: tuple[str, ...] = ("admin", "sn_cicd.sys_ci_automation")

ACCOUNTS: Rows = (
    {
        "name": "ServiceNow SMTP",
        "type": "smtp",
        "active": "true",
        "servicenow_configured": "true",
        "authentication": "password",
        "connection_security": "starttls",
        "server": "relay.servicenow.example",
        "port": "25",
        "user_name": "instance",
    },
    {
        "name": "ServiceNow POP3",
        "type": "pop3",
        "active": "true",
        "servicenow_configured": "true",
        "authentication": "password",
        "connection_security": "ssl",
        "server": "pop.servicenow.example",
        "port": "995",
        "user_name": "instance",
    },
)
"""Email accounts of a new instance."""

REFERENCED: Mapping[str, Rows] = {
    # What the records of a Flow Designer action point to; ids and names as real exports have them
    # (`spec/flow-action.md`).
    "sys_hub_step_type": (
        {"sys_id": "106afb6647032200b4fad7527c9a71e7", "name": "Script", "active": "true"},
    ),
    "var_dictionary": (
        {"sys_id": "71aa7f6647032200b4fad7527c9a719b", "element": "script", "label": "Script"},
        {
            "sys_id": "f5e56d79b3101300176b051a16a8dce4",
            "element": "mid_application",
            "label": "MID Application",
        },
    ),
    "ecc_agent_application": ({"sys_id": "35aa573fd7802200bdbaee5b5e610375", "name": "ALL"},),
    "sys_notification_category": (
        {"sys_id": "c97d83137f4432005f58108c3ffa917a", "name": "Uncategorized"},
    ),
}
"""Table to rows that payloads of ours reference."""

DESCRIBED = (
    "sys_email_account",
    "oauth_entity",
    "oauth_entity_profile",
    "oauth_entity_scope",
    "oauth_entity_profile_scope",
)
"""Tables whose columns `sys_dictionary` lists; of all others it lists the table alone."""
