"""The app's Scripted REST API: one definition, one resource for each thing that can be asked.

`spec/flow-action.md` section 9. The platform demands authentication and its default access rule
for Scripted REST APIs; who has the app's role, `SmtpOAuthRest` asks. No set of ours holds an
access rule of its own: those want an elevated role on the target (`spec/instance-http.md` A3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from generator.integration import app_api
from generator.integration.app_inputs import (
    AppInputs,
    app_application,
    app_identities,
    file_fields,
)
from generator.integration.app_scripts import REST
from generator.update_set.records import Record, Reference, Script

DEFINITION = "sys_ws_definition"
OPERATION = "sys_ws_operation"
NAME = "SMTP OAuth check"

_DEFAULT_RULE = "cf9d01d3e73003009d6247e603f6a990"
"""Access rule "Scripted REST External Default", out of the box on every instance."""

_MEDIA = "application/json,application/xml,text/xml"

_DEFINITION_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {
        "active": "true",
        "consumes": _MEDIA,
        "consumes_customized": "false",
        "default_version": "No active default version",
        "doc_link": "",
        "enforce_acl": _DEFAULT_RULE,
        "is_versioned": "false",
        "name": NAME,
        "produces": _MEDIA,
        "produces_customized": "false",
        "service_id": app_api.SERVICE,
        "short_description": "Asks the check of an SMTP OAuth email account.",
    }
)
_OPERATION_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {
        "active": "true",
        "consumes": _MEDIA,
        "consumes_customized": "false",
        "default_operation_uri": "",
        "enforce_acl": _DEFAULT_RULE,
        "produces": _MEDIA,
        "produces_customized": "false",
        "request_example": "",
        "requires_acl_authorization": "true",
        "requires_authentication": "true",
        "requires_snc_internal_role": "true",
        "web_service_version": "",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that can be asked."""

    name: str
    """Name of the record."""

    method: str
    """HTTP method."""

    path: str
    """Relative path, from `/`."""

    function: str
    """Method of `SmtpOAuthRest` that answers."""

    description: str

    @property
    def logical_name(self) -> str:
        """`sys_ws_operation.<function>`."""
        return f"{OPERATION}.{self.function}"


RESOURCES = (
    Resource(
        "Health", "GET", app_api.HEALTH, "health", "Asks for a new token for an email account."
    ),
    Resource(
        "Test message",
        "POST",
        app_api.TEST,
        "test",
        "Asks for a new token for an email account, and queues a test message if it came.",
    ),
)


def rest_logical_names() -> tuple[str, ...]:
    """Logical names of the records of this module."""
    return (DEFINITION, *(resource.logical_name for resource in RESOURCES))


def rest_records(inputs: AppInputs) -> tuple[Record, ...]:
    """The definition, then one record for each of `RESOURCES`."""
    definition = _definition(inputs)
    return (definition, *(_operation(inputs, resource, definition) for resource in RESOURCES))


def _definition(inputs: AppInputs) -> Record:
    sys_id = app_identities(inputs).sys_id(DEFINITION, DEFINITION)
    return Record(
        table=DEFINITION,
        logical_name=DEFINITION,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, DEFINITION, sys_id, sys_name=NAME),
            **_DEFINITION_CONSTANTS,
            "base_uri": app_api.base_uri(inputs.scope),
            "namespace": inputs.scope,
        },
        label=NAME,
        purpose="The REST API over which the check can be asked from outside.",
        highlights=("name", "base_uri"),
    )


def _operation(inputs: AppInputs, resource: Resource, definition: Record) -> Record:
    sys_id = app_identities(inputs).sys_id(OPERATION, resource.logical_name)
    return Record(
        table=OPERATION,
        logical_name=resource.logical_name,
        sys_id=sys_id,
        application=app_application(inputs),
        fields={
            **file_fields(inputs, OPERATION, sys_id, sys_name=resource.name),
            **_OPERATION_CONSTANTS,
            "http_method": resource.method,
            "name": resource.name,
            "operation_script": _script(resource),
            "operation_uri": app_api.base_uri(inputs.scope) + resource.path,
            "relative_path": resource.path,
            "short_description": resource.description,
            "web_service_definition": Reference(definition.sys_id, NAME),
        },
        label=resource.name,
        purpose=resource.description,
        highlights=("http_method", "operation_uri", "requires_authentication"),
    )


def _script(resource: Resource) -> Script:
    return Script(
        "(function process(/*RESTAPIRequest*/ request, /*RESTAPIResponse*/ response) {\n"
        f"    new {REST.name}().{resource.function}(request, response);\n"
        "})(request, response);\n"
    )
