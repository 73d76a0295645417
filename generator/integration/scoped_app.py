"""The scoped app: which records it has, built once for equal inputs.

`spec/flow-action.md` section 9. Everything but the property `secret_expires_on` is the same in
every environment of one release, so those records are shared by all that have equal inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from generator.integration import app_api
from generator.integration.app_inputs import (
    APP,
    AppInputs,
    app_application,
    app_identities,
    file_fields,
    stamp_fields,
)
from generator.integration.app_message import (
    EVENT,
    NOTIFICATION,
    event_record,
    notification_record,
)
from generator.integration.app_privileges import PRIVILEGES, privilege_records
from generator.integration.app_rest import rest_logical_names, rest_records
from generator.integration.app_scripts import INCLUDES, script_include_records
from generator.integration.flow_action import ACTION, action_record
from generator.update_set.history import timestamp
from generator.update_set.records import Record

__all__ = [
    "AppInputs",
    "app_application",
    "app_logical_names",
    "app_records",
    "secret_expires_on_record",
]

ROLE = "sys_user_role"
PROPERTY = "sys_properties"

EXPIRY = "secret_expires_on"
WARNING = "warn_days"
DEFAULT_WARN_DAYS = 30
"""Days before the end of the client secret from which the check warns."""

_APP_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {
        "active": "true",
        "can_edit_in_studio": "true",
        "enforce_license": "none",
        "guided_setup_guid": "",
        "hide_on_ui": "false",
        "ide_created": "DS",
        "installed_as_dependency": "false",
        # The script is ES5: this level runs it everywhere, and needs no second script record.
        "js_level": "helsinki_es5",
        "licensable": "true",
        "license": "",
        "license_category": "none",
        "license_definition": "",
        "license_model": "none",
        "logo": "",
        "menu": "",
        "package_json": "",
        "private": "false",
        "restrict_table_access": "false",
        "runtime_access_tracking": "permissive",
        "scoped_administration": "false",
        "short_description": "Checks that mail can leave through an SMTP OAuth email account.",
        "store_correlation_id": "",
        "store_url": "",
        "subscription_entitlement": "",
        "sys_class_name": APP,
        "sys_code": "",
        "template": "",
        "trackable": "true",
        "uninstall_blocked": "false",
        "user_role": "",
        "vendor_prefix": "",
    }
)
"""Fields of `sys_app` that are the same in every app of ours."""


@lru_cache(maxsize=128)
def app_records(inputs: AppInputs) -> tuple[Record, ...]:
    """All records of the app but the property `secret_expires_on`, in dependency order.

    Equal inputs give the same objects, so that they are rendered and hashed once.
    """
    return (
        _app(inputs),
        _role(inputs),
        *privilege_records(inputs),
        _warn_days(inputs),
        event_record(inputs),
        notification_record(inputs),
        *script_include_records(inputs),
        *rest_records(inputs),
        action_record(inputs),
    )


@lru_cache(maxsize=128)
def secret_expires_on_record(inputs: AppInputs, secret_expires_on: datetime | None) -> Record:
    """The property that says when the client secret ends.

    Args:
        inputs: What the app is made from.
        secret_expires_on: End of the secret, aware; None if nobody said: the value is empty.
    """
    return _property(
        inputs,
        EXPIRY,
        kind="string",
        value="" if secret_expires_on is None else timestamp(secret_expires_on),
        description="When the Azure client secret ends, UTC, YYYY-MM-DD HH:MM:SS. Empty: unknown.",
        purpose="Tells the check when the client secret ends.",
    )


def app_logical_names() -> tuple[str, ...]:
    """Every logical name of the app that `sys_ids:` can adopt."""
    return (
        APP,
        ROLE,
        *(privilege.logical_name for privilege in PRIVILEGES),
        _property_logical_name(EXPIRY),
        _property_logical_name(WARNING),
        EVENT,
        NOTIFICATION,
        *(include.logical_name for include in INCLUDES),
        *rest_logical_names(),
        ACTION,
    )


def _app(inputs: AppInputs) -> Record:
    application = app_application(inputs)
    sys_id = app_identities(inputs).sys_id(APP, APP)
    return Record(
        table=APP,
        logical_name=APP,
        sys_id=sys_id,
        application=application,
        fields={
            **_APP_CONSTANTS,
            **stamp_fields(inputs, sys_id),
            "name": inputs.name,
            "scope": inputs.scope,
            "source": inputs.scope,
            "vendor": inputs.vendor,
            "version": inputs.version,
        },
        label=inputs.name,
        purpose="The application that holds the check.",
        highlights=("name", "scope", "version", "vendor"),
    )


def _role_name(inputs: AppInputs) -> str:
    return app_api.role_name(inputs.scope)


def _role(inputs: AppInputs) -> Record:
    sys_id = app_identities(inputs).sys_id(ROLE, ROLE)
    name = _role_name(inputs)
    return Record(
        table=ROLE,
        logical_name=ROLE,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, ROLE, sys_id, sys_name=name),
            "assignable_by": "",
            "can_delegate": "true",
            "description": "May ask the SMTP OAuth check over REST, and read its properties.",
            "elevated_privilege": "false",
            "grantable": "true",
            "includes_roles": "",
            "name": name,
            "scoped_admin": "false",
            "suffix": app_api.ROLE_SUFFIX,
        },
        label=name,
        purpose="Lets people who are no administrators ask the app's REST API.",
        highlights=("name",),
    )


def _warn_days(inputs: AppInputs) -> Record:
    return _property(
        inputs,
        WARNING,
        kind="integer",
        value=str(DEFAULT_WARN_DAYS),
        description="The check warns when the Azure client secret ends within so many days.",
        purpose="How early the check warns of the end of the client secret.",
    )


def _property_logical_name(suffix: str) -> str:
    return f"{PROPERTY}.{suffix}"


def _property(
    inputs: AppInputs, suffix: str, *, kind: str, value: str, description: str, purpose: str
) -> Record:
    logical_name = _property_logical_name(suffix)
    sys_id = app_identities(inputs).sys_id(PROPERTY, logical_name)
    name = f"{inputs.scope}.{suffix}"
    return Record(
        table=PROPERTY,
        logical_name=logical_name,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, PROPERTY, sys_id, sys_name=name),
            "choices": "",
            "description": description,
            # A change must not flush the caches of the whole instance.
            "ignore_cache": "true",
            "is_private": "false",
            "name": name,
            "read_roles": f"{_role_name(inputs)},admin",
            "suffix": suffix,
            "type": kind,
            "value": value,
            "write_roles": "admin",
        },
        label=name,
        purpose=purpose,
        highlights=("name", "value"),
    )
