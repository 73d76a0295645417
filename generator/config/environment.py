"""One environment, fully understood: what `generator.integration` renders from.

Values here have passed every check of the environment file (`docs/environment-file.md`);
nothing in it can hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from generator.azure.clouds import Cloud
from generator.azure.model import ClientId, Notice, ServicePrincipalObjectId, TenantId
from generator.config.instance_settings import ImportSettings, InstanceSettings


class Release(StrEnum):
    """The lowest release among the instances that the content will travel to."""

    XANADU = "xanadu"
    YOKOHAMA = "yokohama"
    ZURICH = "zurich"
    AUSTRALIA = "australia"


class Layout(StrEnum):
    """How the two update sets are packed."""

    BATCH = "batch"
    """One file, the global set as base and the app's as child."""

    SEPARATE = "separate"
    """Two files, for those who must not use batches."""


class Authorization(StrEnum):
    """The authorisation model of the Azure side (`spec/azure-and-smtp.md` section 3)."""

    APP_ROLE = "app_role"
    APP_RBAC = "app_rbac"


class ConnectionSecurity(StrEnum):
    """Stored values of `sys_email_account.connection_security` that are accepted."""

    STARTTLS = "starttls"
    SSL = "ssl"


@dataclass(frozen=True, slots=True)
class App:
    """The scoped application."""

    name: str
    """Display name, at most 64 characters."""

    scope: str
    """`x_...`, at most 18 characters."""

    version: str
    """Version of the application."""

    vendor: str
    """Vendor, or empty."""


@dataclass(frozen=True, slots=True)
class AzureSettings:
    """The Azure side, from the outputs and the inline values together."""

    tenant_id: TenantId
    """Directory (tenant) ID, lower case GUID."""

    client_id: ClientId
    """Application (client) ID, lower case GUID."""

    service_principal_object_id: ServicePrincipalObjectId | None
    """Object ID of the enterprise application, where known; not rendered."""

    cloud: Cloud
    """The cloud whose endpoints hold unless overridden."""

    login: str
    """`https://host` of the token endpoint."""

    scope: str
    """OAuth scope of the token request."""

    smtp: str
    """SMTP host of the cloud."""

    token_url: str
    """OAuth 2.0 token endpoint (v2)."""

    authorization: Authorization
    """Which of the two models verification will expect."""

    secret_expires_on: datetime | None
    """When the client secret ends, aware, UTC; None if nobody said."""

    client_secret_from: str | None
    """Where the secret comes from (`env:NAME`), never the secret."""

    secret_hint: str | None = None
    """First three characters of the secret in use, as Graph tells them; not rendered."""


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """What the OAuth records are called."""

    name: str
    """Name of the application registry entry, at most 40 characters."""

    comments: str
    """Free text, may hold line ends."""


@dataclass(frozen=True, slots=True)
class EmailAccountSettings:
    """The SMTP email account."""

    name: str
    user_name: str
    """The mailbox, a full address."""

    from_address: str
    """The From address, or empty: then `user_name` is used."""

    label: str
    """Display name of the sender, or empty."""

    server: str
    """SMTP host: as written, or the cloud's."""

    port: int
    connection_security: ConnectionSecurity
    live: bool
    """Whether the cut-over has happened (`activate`)."""

    enable_debug_output: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """One directory under the root, understood."""

    name: str
    """The directory's name."""

    directory: Path
    """Where its files are and the package is written."""

    release: Release
    version: str
    """Version of this configuration; part of the update set's name."""

    integration: str
    """Part of every sys_id."""

    deletions: bool
    """Whether records that a former render had become DELETE rows."""

    layout: Layout
    author: str
    """`sys_created_by` and `sys_updated_by`."""

    app: App
    instance_url: str
    """`https://host`, nothing after it."""

    azure: AzureSettings
    oauth: OAuthSettings
    email_account: EmailAccountSettings
    sys_ids: Mapping[str, str]
    """Logical name of a record to the sys_id that an instance already gave it."""

    notices: tuple[Notice, ...]
    """Notes and warnings to tell the user at render; none of them stops it."""

    instance: InstanceSettings = InstanceSettings()
    """How the instance is reached; no part of what is rendered."""

    imports: ImportSettings = ImportSettings()
    """What an import may do about preview problems; no part of what is rendered."""
