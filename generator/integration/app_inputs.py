"""What the app's records are made from, and the fields that all of them carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from generator.config.environment import Release
from generator.integration.sys_ids import Identities
from generator.update_set.model import SysId
from generator.update_set.records import (
    CREATED_ON,
    MOD_COUNT,
    UPDATED_ON,
    Application,
    Fields,
    Reference,
)

APP = "sys_app"


@dataclass(frozen=True, slots=True)
class AppInputs:
    """All that decides the app's records; equal inputs give the very same record objects.

    Nothing of one environment is in it, so a fleet shares the work of rendering and hashing.
    """

    name: str
    """Display name of the application."""

    scope: str
    """`x_...`, at most 18 characters."""

    version: str
    """Version of the application."""

    vendor: str
    """Vendor, or empty."""

    integration: str
    """Part of every sys_id."""

    author: str
    """`sys_created_by` and `sys_updated_by`."""

    release: Release
    """The lowest release that the content will travel to."""

    adopted: tuple[tuple[str, str], ...]
    """Logical name and sys_id of records that an instance already has."""


@lru_cache(maxsize=128)
def app_identities(inputs: AppInputs) -> Identities:
    """Where the sys_ids of the app's records come from."""
    return Identities(inputs.scope, inputs.integration, dict(inputs.adopted))


@lru_cache(maxsize=128)
def app_application(inputs: AppInputs) -> Application:
    """The scoped application that every record of the app belongs to."""
    return Application(
        sys_id=app_identities(inputs).sys_id(APP, APP),
        name=inputs.name,
        scope=inputs.scope,
        version=inputs.version,
    )


def stamp_fields(inputs: AppInputs, sys_id: SysId) -> Fields:
    """The six fields of identity and history (`spec/flow-action.md` section 2, "S6")."""
    return {
        "sys_created_by": inputs.author,
        "sys_created_on": CREATED_ON,
        "sys_id": sys_id,
        "sys_mod_count": MOD_COUNT,
        "sys_updated_by": inputs.author,
        "sys_updated_on": UPDATED_ON,
    }


def file_fields(inputs: AppInputs, table: str, sys_id: SysId, *, sys_name: str) -> Fields:
    """The twelve system fields of an application file (`spec/update-set-format.md` section 6)."""
    return {
        **stamp_fields(inputs, sys_id),
        "sys_class_name": table,
        "sys_name": sys_name,
        "sys_package": package_reference(inputs),
        "sys_policy": "",
        "sys_scope": scope_reference(inputs),
        "sys_update_name": f"{table}_{sys_id}",
    }


def scope_reference(inputs: AppInputs) -> Reference:
    """Value of `sys_scope`."""
    application = app_application(inputs)
    return Reference(application.sys_id, application.name)


def package_reference(inputs: AppInputs) -> Reference:
    """Value of `sys_package`."""
    application = app_application(inputs)
    return Reference(application.sys_id, application.name, source=application.scope)


def domain_fields() -> Fields:
    """The fields of a table with domain separation; its payload's root says `sys_domain`."""
    return {"sys_domain": "global", "sys_domain_path": "/", "sys_overrides": ""}
