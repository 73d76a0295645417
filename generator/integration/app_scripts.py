"""The app's script includes: the check itself, and what answers the app's REST API."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from generator.integration.app_inputs import (
    AppInputs,
    app_application,
    app_identities,
    file_fields,
)
from generator.update_set.records import Record, Script
from generator.update_set.templates import builtin_root

SCRIPT_INCLUDE = "sys_script_include"


@dataclass(frozen=True, slots=True)
class Include:
    """One script include, its text being `templates/scripts/<name>.js`."""

    name: str
    """Name of the record, and of its class."""

    logical_name: str
    description: str
    purpose: str


HEALTH = Include(
    "SmtpOAuthHealth",
    # As it was named when it was the only one: a sys_id never moves.
    SCRIPT_INCLUDE,
    "Asks the platform for a new token for an SMTP OAuth email account.",
    "The check itself: asks for a new token and says what came of it.",
)
REST = Include(
    "SmtpOAuthRest",
    f"{SCRIPT_INCLUDE}.SmtpOAuthRest",
    "Answers the app's Scripted REST API, for callers with the app's role.",
    "Decides who may ask the REST API, and what was asked.",
)
INCLUDES = (HEALTH, REST)


def script_include_records(inputs: AppInputs) -> tuple[Record, ...]:
    """One record for each of `INCLUDES`, in their order."""
    return tuple(_record(inputs, include) for include in INCLUDES)


def _record(inputs: AppInputs, include: Include) -> Record:
    sys_id = app_identities(inputs).sys_id(SCRIPT_INCLUDE, include.logical_name)
    return Record(
        table=SCRIPT_INCLUDE,
        logical_name=include.logical_name,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, SCRIPT_INCLUDE, sys_id, sys_name=include.name),
            "access": "package_private",
            "active": "true",
            "api_name": f"{inputs.scope}.{include.name}",
            "caller_access": "",
            "client_callable": "false",
            "description": include.description,
            "mobile_callable": "false",
            "name": include.name,
            "sandbox_callable": "false",
            "script": _script(include.name),
        },
        label=include.name,
        purpose=include.purpose,
        highlights=("api_name", "access"),
    )


@cache
def _script(name: str) -> Script:
    path = builtin_root() / "scripts" / f"{name}.js"
    return Script(path.read_bytes().decode("utf-8").replace("\r\n", "\n"))
