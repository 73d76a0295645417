"""What was understood from Azure's outputs; no field can hold a secret.

The three GUIDs that look alike are kept apart by type (`spec/azure-and-smtp.md` section 2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, NewType, TypeVar

from generator.azure.clouds import Cloud

TenantId = NewType("TenantId", str)
ClientId = NewType("ClientId", str)
ApplicationObjectId = NewType("ApplicationObjectId", str)
ServicePrincipalObjectId = NewType("ServicePrincipalObjectId", str)

T = TypeVar("T")


class Severity(StrEnum):
    """How much a notice weighs."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Consent(StrEnum):
    """What the outputs say about admin consent for SMTP.SendAsApp."""

    GRANTED = "granted"
    """An appRoleAssignment was seen, not only the configured permission."""

    CONFIGURED_ONLY = "configured, not granted"
    """The permission is requested, and an empty list of assignments was seen."""

    UNKNOWN = "unknown"
    """Nothing in the outputs tells."""


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value and where it was read."""

    value: T
    """The value, normalised (GUIDs in lower case, times aware and UTC)."""

    file: str
    """The file as the user named it."""

    path: str
    """Path of the key inside the file: `outputs.client_id.value`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know; `generator.config` decides whether it stops a render."""

    code: str
    """Stable identifier, lower case with hyphens: `secret-expired`."""

    severity: Severity
    """How much it weighs at render."""

    message: str
    """What was seen and what it means; never a secret."""

    file: str | None = None
    """The file as the user named it."""

    path: str | None = None
    """Path of the key inside the file."""

    next: str | None = None
    """The next step for the user."""

    concerns: str | None = None
    """The value it is about (`service_principal_object_id`), where an error only matters if
    that value is used."""


@dataclass(frozen=True, slots=True)
class AzureOutputs:
    """What all the given files together say; None where none of them says it."""

    tenant_id: Sourced[TenantId] | None = None
    """Directory (tenant) ID."""

    client_id: Sourced[ClientId] | None = None
    """Application (client) ID, `appId`."""

    application_object_id: Sourced[ApplicationObjectId] | None = None
    """Object ID of the app registration; never what Exchange wants."""

    service_principal_object_id: Sourced[ServicePrincipalObjectId] | None = None
    """Object ID of the enterprise application; what Exchange wants."""

    cloud: Sourced[Cloud] | None = None
    """The cloud, where an endpoint or an environment name told it."""

    possible_clouds: Sourced[frozenset[Cloud]] | None = None
    """The clouds that remain where something told one, but not which."""

    login: Sourced[str] | None = None
    """`https://host` of the token endpoint, where an address told it: as given, while
    `token_endpoint` may be derived."""

    token_endpoint: Sourced[str] | None = None
    """OAuth 2.0 token endpoint (v2), as given or from cloud (public if unknown) and tenant."""

    secret_expires_on: Sourced[datetime] | None = None
    """When the client secret ends, aware, UTC."""

    secret_hint: Sourced[str] | None = None
    """First three characters of the secret, as Graph returns them."""

    secret_key_id: Sourced[str] | None = None
    """Entra's "Secret ID": identifies the credential, is no secret."""

    consent: Sourced[Consent] | None = None
    """What was seen about admin consent; None if nothing was."""

    redirect_uris: tuple[Sourced[str], ...] = ()
    """Redirect URIs of the app registration, each once; ServiceNow's form wants its own among
    them."""

    notices: tuple[Notice, ...] = ()
    """What to tell the user, in the order of the files."""
