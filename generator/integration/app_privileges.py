"""Cross-scope privileges: what the app's scripts may do outside their own scope.

One record per table and per method (`spec/flow-action.md` section 9): the instance adds missing
ones itself only while an app is being developed there, so every one that the scripts use ships.
No privilege opens a table that its own application access closes to other scopes.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.integration.app_inputs import (
    AppInputs,
    app_application,
    app_identities,
    file_fields,
    scope_reference,
)
from generator.update_set.records import Record, Reference

PRIVILEGE = "sys_scope_privilege"
_TABLE = "sys_db_object"
_SCRIPTABLE = "scriptable"


@dataclass(frozen=True, slots=True)
class Privilege:
    """One thing outside the scope that the scripts do."""

    operation: str
    """`read`, `create` or `execute`."""

    target: str
    """A table, `<Class>.<method>` under the platform's name of the class, or a group of methods."""

    target_type: str
    purpose: str

    @property
    def logical_name(self) -> str:
        """`sys_scope_privilege.<operation>.<target>`, as a key of YAML can be written."""
        target = self.target.replace(": ", ".").replace(" ", "_")
        return f"{PRIVILEGE}.{self.operation}.{target}"


def _execute(target: str, purpose: str) -> Privilege:
    return Privilege("execute", target, _SCRIPTABLE, purpose)


PRIVILEGES: tuple[Privilege, ...] = (
    Privilege("read", "sys_email_account", _TABLE, "Lets the check read the email account."),
    Privilege(
        "read", "oauth_entity_profile", _TABLE, "Lets the check see whether the profile exists."
    ),
    # A token request with a profile saves its token for the requestor (section 10).
    Privilege(
        "create", "oauth_requestor_profile", _TABLE, "Lets the new token be kept for the account."
    ),
    Privilege("create", "oauth_credential", _TABLE, "Lets the new token be saved."),
    _execute("GlideOAuthClientRequest.setParameter", "Lets the check name account and profile."),
    _execute("GlideOAuthClient.requestTokenByRequest", "Lets the check ask for a new token."),
    _execute("GlideOAuthClientResponse.getErrorMessage", "Lets the check read why it was refused."),
    _execute("GlideOAuthClientResponse.getResponseCode", "Lets the check read the HTTP status."),
    _execute("GlideOAuthClientResponse.getBody", "Lets the check read the error of a refusal."),
    _execute("GlideOAuthClientResponse.getToken", "Lets the check see whether a token came."),
    _execute("GlideOAuthToken.getAccessToken", "Lets the check see that the token is not empty."),
    _execute("GlideOAuthToken.getExpiresIn", "Lets the check tell how long the token is valid."),
    # The rest is COMM: instances of 2025 and 2026 recorded these names for Scripted REST APIs, and
    # for methods of `gs` in groups; where none was declared, a call over REST was refused.
    _execute("Glide API: properties", "Lets the check read its own properties."),
    _execute("Glide API: event management", "Lets the check queue a test message."),
    _execute("Glide API: user roles and groups", "Lets the REST API see the caller's role."),
    _execute("RESTAPIRequest", "Lets the REST API read what was asked."),
    _execute("RESTAPIRequestBody", "Lets the REST API read the body of a call."),
    _execute("ScriptableServiceResultBuilder.setBody", "Lets the REST API answer."),
    _execute("ScriptableServiceResultBuilder.setError", "Lets the REST API refuse a call."),
)
"""Everything that the scripts do outside their scope; a test holds it against them."""


def privilege_records(inputs: AppInputs) -> tuple[Record, ...]:
    """One record for each of `PRIVILEGES`, in their order."""
    return tuple(_record(inputs, privilege) for privilege in PRIVILEGES)


def _record(inputs: AppInputs, privilege: Privilege) -> Record:
    sys_id = app_identities(inputs).sys_id(PRIVILEGE, privilege.logical_name)
    return Record(
        table=PRIVILEGE,
        logical_name=privilege.logical_name,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, PRIVILEGE, sys_id, sys_name=privilege.target),
            "operation": privilege.operation,
            "source_scope": scope_reference(inputs),
            "status": "allowed",
            "target_name": privilege.target,
            "target_scope": Reference("global", "Global"),
            "target_type": privilege.target_type,
        },
        label=privilege.target,
        purpose=privilege.purpose,
        highlights=("operation", "target_name", "status"),
    )
