"""The keys of the environment file: typed, described, closed to any other key.

The annotations are evaluated and read (`generator.config.declared`): whoever adds a key here has
added it to the loader and to the published JSON schema (`docs/environment.schema.json`).
`docs/environment-file.md` explains each key to its user.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Annotated

from generator.azure.clouds import Cloud
from generator.config import values
from generator.config.declared import Key, Keys, Shape, section
from generator.config.environment import Authorization, ConnectionSecurity, Layout, Release
from generator.config.instance_keys import ImportKeys, InstanceKeys
from generator.config.kinds import (
    ACCOUNT_NAME,
    ADDRESS,
    APP_SCOPE,
    APP_VERSION,
    COMMENTS,
    FILE_NAME,
    FLAG,
    GUID,
    HOST,
    HTTPS_HOST,
    LABEL,
    OAUTH_SCOPE,
    SECRET_SOURCE,
    SYS_ID,
    VERSION,
)
from generator.config.rules import choices, line, port_number, text
from generator.secrets.forms import ACCEPTED


@section
class AppKeys(Keys):
    """The scoped application that carries the health check."""

    name: Annotated[
        str,
        Key(
            line(values.LONGEST_APP_NAME),
            "Display name of the application, at most 64 characters.",
        ),
    ]
    scope: Annotated[
        str,
        Key(
            APP_SCOPE,
            "Application scope, x_<company code>_<name>, at most 18 characters. Part of the "
            "sys_id of everything in the application: choose it once.",
        ),
    ]
    version: Annotated[str, Key(APP_VERSION, "Version of the application, such as 1.0.0.")]
    vendor: Annotated[str, Key(LABEL, "Vendor of the application.")] = ""


@section
class EndpointKeys(Keys):
    """Endpoints that replace the cloud's own."""

    login: Annotated[
        str | None, Key(HTTPS_HOST, "https:// and the host name of the token endpoint.")
    ] = None
    scope: Annotated[
        str | None, Key(OAUTH_SCOPE, "OAuth scope of the token request; ends with /.default.")
    ] = None
    smtp: Annotated[str | None, Key(HOST, "Host name for SMTP client submission.")] = None


@section
class AzureKeys(Keys):
    """The Azure side: what its outputs say, or the same values written here."""

    outputs: Annotated[
        tuple[str, ...] | None,
        Key(
            FILE_NAME,
            "Files with Azure's outputs, relative to the environment's directory; azure.json if "
            "it is there. An empty list reads none.",
            Shape.LIST,
            example="[azure.json]",
        ),
    ] = None
    tenant_id: Annotated[str | None, Key(GUID, "Directory (tenant) ID.")] = None
    client_id: Annotated[str | None, Key(GUID, "Application (client) ID.")] = None
    service_principal_object_id: Annotated[
        str | None,
        Key(
            GUID,
            "Object ID of the enterprise application (not of the app registration); what "
            "Exchange Online's New-ServicePrincipal wants.",
        ),
    ] = None
    cloud: Annotated[
        Cloud | None,
        Key(
            choices(Cloud),
            "Microsoft cloud of the tenant; GCC is public. Default: what the outputs say, else "
            "public.",
        ),
    ] = None
    endpoints: Annotated[
        EndpointKeys, Key(EndpointKeys, "Endpoints that replace the cloud's own.")
    ] = EndpointKeys()
    authorization: Annotated[
        Authorization,
        Key(
            choices(Authorization),
            "app_role: the Entra app role SMTP.SendAsApp with admin consent; app_rbac: an "
            "Exchange role assignment instead of it.",
        ),
    ] = Authorization.APP_ROLE
    secret_expires_on: Annotated[
        datetime | None,
        Key(
            text(values.moment, pattern=values.DATE_PATTERN),
            "When the client secret ends: an ISO date (its first moment, UTC), or date and time "
            "with zone.",
        ),
    ] = None
    client_secret_from: Annotated[
        str | None,
        Key(
            SECRET_SOURCE,
            f"Where the client secret is, never the secret: {ACCEPTED}.",
        ),
    ] = None


@section
class OAuthKeys(Keys):
    """The application registry entry (OAuth entity)."""

    name: Annotated[
        str | None,
        Key(
            ACCOUNT_NAME,
            "Name of the application registry entry, at most 40 characters. Default: the email "
            "account's.",
        ),
    ] = None
    comments: Annotated[
        str, Key(COMMENTS, "Comments of the application registry entry; may hold line ends.")
    ] = ""


@section
class EmailAccountKeys(Keys):
    """The SMTP email account."""

    name: Annotated[str, Key(ACCOUNT_NAME, "Name of the email account, at most 40 characters.")]
    user_name: Annotated[
        str, Key(ADDRESS, "Address of the mailbox that sends; the user of the SMTP session.")
    ]
    from_address: Annotated[
        str | None, Key(ADDRESS, "From address. Default: user_name.", written="from")
    ] = None
    label: Annotated[str, Key(LABEL, "Display name of the sender.")] = ""
    server: Annotated[str | None, Key(HOST, "SMTP host. Default: the cloud's.")] = None
    port: Annotated[int, Key(port_number(), "SMTP port.")] = 587
    connection_security: Annotated[
        ConnectionSecurity,
        Key(
            choices(ConnectionSecurity),
            "starttls (port 587) or ssl (TLS from the first byte).",
        ),
    ] = ConnectionSecurity.STARTTLS
    live: Annotated[
        bool,
        Key(
            FLAG,
            "Whether the instance was switched to this account (the cut-over). Only in "
            "environment.yaml, never in common.yaml.",
        ),
    ] = False
    enable_debug_output: Annotated[
        bool, Key(FLAG, "Whether the instance logs the SMTP dialogue.")
    ] = False


@section
class EnvironmentKeys(Keys):
    """One environment: common.yaml, overlaid by the environment's own file."""

    release: Annotated[
        Release,
        Key(
            choices(Release),
            "The lowest release among the instances this content will travel to.",
        ),
    ]
    version: Annotated[
        str, Key(VERSION, "Version of this configuration; part of the update set's name.")
    ]
    integration: Annotated[
        str,
        Key(
            text(values.integration, pattern=values.INTEGRATION_PATTERN),
            "Part of every sys_id. A second mail chain on one instance needs another one, and "
            "another app.scope.",
        ),
    ] = values.DEFAULT_INTEGRATION
    deletions: Annotated[
        bool,
        Key(FLAG, "Whether records of the application that a former render had are deleted."),
    ] = False
    layout: Annotated[
        Layout,
        Key(choices(Layout), "batch: one file with two update sets; separate: two files."),
    ] = Layout.BATCH
    author: Annotated[
        str,
        Key(line(values.LONGEST_AUTHOR), "User name in sys_created_by and sys_updated_by."),
    ] = "admin"
    app: Annotated[AppKeys, Key(AppKeys, "The scoped application that carries the health check.")]
    instance: Annotated[InstanceKeys, Key(InstanceKeys, "The ServiceNow instance.")]
    azure: Annotated[AzureKeys, Key(AzureKeys, "The Azure side; no secret has a key here.")] = (
        AzureKeys()
    )
    oauth: Annotated[
        OAuthKeys, Key(OAuthKeys, "The application registry entry (OAuth entity).")
    ] = OAuthKeys()
    email_account: Annotated[EmailAccountKeys, Key(EmailAccountKeys, "The SMTP email account.")]
    sys_ids: Annotated[
        Mapping[str, str],
        Key(
            SYS_ID,
            "sys_ids that records on the instance already have, by logical name.",
            Shape.NAMED,
        ),
    ] = field(default_factory=dict)
    imports: Annotated[
        ImportKeys,
        Key(ImportKeys, "What an import may do about preview problems.", written="import"),
    ] = ImportKeys()
