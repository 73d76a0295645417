"""The keys of the environment file: typed, described, closed to any other key.

The published JSON schema (`docs/environment.schema.json`) is generated from these models;
`docs/environment-file.md` explains each key to its user.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from generator.azure.clouds import Cloud
from generator.config import values
from generator.config.environment import Authorization, ConnectionSecurity, Layout, Release
from generator.config.rules import choices, flag, port_number, text, written


def _line(longest: int, shortest: int = 1) -> object:
    check = partial(values.one_line, longest=longest, shortest=shortest)
    return text(check, longest=longest, shortest=shortest)


AccountName: TypeAlias = Annotated[str, _line(values.LONGEST_ACCOUNT_NAME)]
AppName: TypeAlias = Annotated[str, _line(values.LONGEST_APP_NAME)]
Author: TypeAlias = Annotated[str, _line(values.LONGEST_AUTHOR)]
Label: TypeAlias = Annotated[str, _line(values.LONGEST_LABEL, 0)]
FileName: TypeAlias = Annotated[str, _line(values.LONGEST_PATH)]
Comments: TypeAlias = Annotated[
    str,
    text(
        partial(values.paragraphs, longest=values.LONGEST_COMMENTS),
        longest=values.LONGEST_COMMENTS,
        multiline=True,
    ),
]
Version: TypeAlias = Annotated[
    str,
    written(values.version, pattern=values.VERSION_PATTERN, longest=values.LONGEST_VERSION),
]
AppVersion: TypeAlias = Annotated[
    str,
    text(values.app_version, pattern=values.APP_VERSION_PATTERN, longest=values.LONGEST_VERSION),
]
Integration: TypeAlias = Annotated[
    str, text(values.integration, pattern=values.INTEGRATION_PATTERN)
]
AppScope: TypeAlias = Annotated[
    str,
    text(values.app_scope, pattern=values.SCOPE_PATTERN, longest=values.LONGEST_SCOPE),
]
Guid: TypeAlias = Annotated[str, text(values.guid, pattern=values.GUID_PATTERN)]
SysId: TypeAlias = Annotated[str, text(values.sys_id, pattern=values.SYS_ID_PATTERN)]
Address: TypeAlias = Annotated[
    str,
    text(values.address, pattern=values.ADDRESS_PATTERN, longest=values.LONGEST_ADDRESS),
]
Host: TypeAlias = Annotated[
    str, text(values.host, pattern=values.HOST_PATTERN, longest=values.LONGEST_HOST)
]
HttpsHost: TypeAlias = Annotated[
    str,
    text(
        values.https_host,
        pattern=f"[Hh][Tt][Tt][Pp][Ss]://{values.HOST_PATTERN}",
        longest=values.LONGEST_HOST + len("https://"),
    ),
]
OAuthScope: TypeAlias = Annotated[
    str,
    text(values.oauth_scope, pattern=values.OAUTH_SCOPE_PATTERN, longest=values.LONGEST_HOST),
]
Moment: TypeAlias = Annotated[datetime, text(values.moment, pattern=values.DATE_PATTERN)]
SecretSource: TypeAlias = Annotated[
    str,
    text(values.secret_source, pattern=values.SOURCE_PATTERN, longest=values.LONGEST_PATH),
]
Port: TypeAlias = Annotated[int, port_number()]
Flag: TypeAlias = Annotated[bool, flag()]


def _one_of(kind: type[values.Choice]) -> object:
    return choices(partial(values.choice, choices=kind), [member.value for member in kind])


class Keys(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, populate_by_name=False
    )


class AppKeys(Keys):
    """The scoped application that carries the health check."""

    name: AppName = Field(description="Display name of the application, at most 64 characters.")
    scope: AppScope = Field(
        description="Application scope, x_<company code>_<name>, at most 18 characters. Part of "
        "the sys_id of everything in the application: choose it once."
    )
    version: AppVersion = Field(description="Version of the application, such as 1.0.0.")
    vendor: Label = Field(default="", description="Vendor of the application.")


class InstanceKeys(Keys):
    """The ServiceNow instance."""

    url: HttpsHost = Field(
        description="https:// and the host name of the instance, nothing after it."
    )


class EndpointKeys(Keys):
    """Endpoints that replace the cloud's own."""

    login: HttpsHost | None = Field(
        default=None, description="https:// and the host name of the token endpoint."
    )
    scope: OAuthScope | None = Field(
        default=None, description="OAuth scope of the token request; ends with /.default."
    )
    smtp: Host | None = Field(default=None, description="Host name for SMTP client submission.")


class AzureKeys(Keys):
    """The Azure side: what its outputs say, or the same values written here."""

    outputs: tuple[FileName, ...] | None = Field(
        default=None,
        description="Files with Azure's outputs, relative to the environment's directory; "
        "azure.json if it is there. An empty list reads none.",
    )
    tenant_id: Guid | None = Field(default=None, description="Directory (tenant) ID.")
    client_id: Guid | None = Field(default=None, description="Application (client) ID.")
    service_principal_object_id: Guid | None = Field(
        default=None,
        description="Object ID of the enterprise application (not of the app registration); "
        "what Exchange Online's New-ServicePrincipal wants.",
    )
    cloud: Annotated[Cloud, _one_of(Cloud)] | None = Field(
        default=None,
        description="Microsoft cloud of the tenant; GCC is public. Default: what the outputs "
        "say, else public.",
    )
    endpoints: EndpointKeys = Field(
        default_factory=EndpointKeys, description="Endpoints that replace the cloud's own."
    )
    authorization: Annotated[Authorization, _one_of(Authorization)] = Field(
        default=Authorization.APP_ROLE,
        description="app_role: the Entra app role SMTP.SendAsApp with admin consent; app_rbac: "
        "an Exchange role assignment instead of it.",
    )
    secret_expires_on: Moment | None = Field(
        default=None,
        description="When the client secret ends: an ISO date (its first moment, UTC), or date "
        "and time with zone.",
    )
    client_secret_from: SecretSource | None = Field(
        default=None,
        description="Where the client secret is, never the secret: env:NAME, file:PATH, "
        "command:COMMAND, prompt or keyring:SERVICE/USER.",
    )


class OAuthKeys(Keys):
    """The application registry entry (OAuth entity)."""

    name: AccountName | None = Field(
        default=None,
        description="Name of the application registry entry, at most 40 characters. Default: "
        "the email account's.",
    )
    comments: Comments = Field(
        default="", description="Comments of the application registry entry; may hold line ends."
    )


class EmailAccountKeys(Keys):
    """The SMTP email account."""

    name: AccountName = Field(description="Name of the email account, at most 40 characters.")
    user_name: Address = Field(
        description="Address of the mailbox that sends; the user of the SMTP session."
    )
    from_address: Address | None = Field(
        default=None, alias="from", description="From address. Default: user_name."
    )
    label: Label = Field(default="", description="Display name of the sender.")
    server: Host | None = Field(default=None, description="SMTP host. Default: the cloud's.")
    port: Port = Field(default=587, description="SMTP port.")
    connection_security: Annotated[ConnectionSecurity, _one_of(ConnectionSecurity)] = Field(
        default=ConnectionSecurity.STARTTLS,
        description="starttls (port 587) or ssl (TLS from the first byte).",
    )
    live: Flag = Field(
        default=False,
        description="Whether the instance was switched to this account (the cut-over). Only in "
        "environment.yaml, never in common.yaml.",
    )
    enable_debug_output: Flag = Field(
        default=False, description="Whether the instance logs the SMTP dialogue."
    )


class EnvironmentKeys(Keys):
    """One environment: common.yaml, overlaid by the environment's own file."""

    release: Annotated[Release, _one_of(Release)] = Field(
        description="The lowest release among the instances this content will travel to."
    )
    version: Version = Field(
        description="Version of this configuration; part of the update set's name."
    )
    integration: Integration = Field(
        default=values.DEFAULT_INTEGRATION,
        description="Part of every sys_id. A second mail chain on one instance needs another "
        "one, and another app.scope.",
    )
    deletions: Flag = Field(
        default=False,
        description="Whether records of the application that a former render had are deleted.",
    )
    layout: Annotated[Layout, _one_of(Layout)] = Field(
        default=Layout.BATCH,
        description="batch: one file with two update sets; separate: two files.",
    )
    author: Author = Field(
        default="admin", description="User name in sys_created_by and sys_updated_by."
    )
    app: AppKeys = Field(description="The scoped application that carries the health check.")
    instance: InstanceKeys = Field(description="The ServiceNow instance.")
    azure: AzureKeys = Field(
        default_factory=AzureKeys, description="The Azure side; no secret has a key here."
    )
    oauth: OAuthKeys = Field(
        default_factory=OAuthKeys, description="The application registry entry (OAuth entity)."
    )
    email_account: EmailAccountKeys = Field(description="The SMTP email account.")
    sys_ids: dict[str, SysId] = Field(
        default_factory=dict,
        description="sys_ids that records on the instance already have, by logical name.",
    )


def known_keys(model: type[Keys]) -> dict[str, type[Keys] | None]:
    """The keys of a mapping as they are written, each with the model of what is below it."""
    known: dict[str, type[Keys] | None] = {}
    for name, field in model.model_fields.items():
        below = field.annotation
        section = below if isinstance(below, type) and issubclass(below, Keys) else None
        known[field.alias or name] = section
    return known
