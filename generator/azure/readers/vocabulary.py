"""The names under which people output Azure's values, folded to snake_case.

A name is in exactly one of these groups. Names that could mean two GUIDs are ambiguous and
never guessed (`spec/azure-and-smtp.md` section 2.1): `service_principal_id` is a client ID in
Azure DevOps and an object ID elsewhere, `application_id` was azuread's client ID in version 2.
"""

from __future__ import annotations

from generator.azure.interface import IdKind

IDENTIFIERS: dict[str, IdKind] = {
    **dict.fromkeys(
        (
            "client_id",
            "app_id",
            "appid",
            "app_client_id",
            "application_client_id",
            "azure_client_id",
            "oauth_client_id",
        ),
        IdKind.CLIENT,
    ),
    **dict.fromkeys(
        (
            "tenant_id",
            "tenant",
            "tenantid",
            "azure_tenant_id",
            "directory_id",
            "directory_tenant_id",
        ),
        IdKind.TENANT,
    ),
    **dict.fromkeys(
        (
            "application_object_id",
            "app_object_id",
            "app_registration_object_id",
            "azuread_application_object_id",
        ),
        IdKind.APPLICATION_OBJECT,
    ),
    **dict.fromkeys(
        (
            "service_principal_object_id",
            "sp_object_id",
            "enterprise_application_object_id",
            "enterprise_app_object_id",
            "azuread_service_principal_object_id",
        ),
        IdKind.SERVICE_PRINCIPAL_OBJECT,
    ),
}

AMBIGUOUS: dict[str, tuple[IdKind, ...]] = {
    "object_id": (IdKind.SERVICE_PRINCIPAL_OBJECT, IdKind.APPLICATION_OBJECT),
    "service_principal_id": (IdKind.SERVICE_PRINCIPAL_OBJECT, IdKind.CLIENT),
    "sp_id": (IdKind.SERVICE_PRINCIPAL_OBJECT, IdKind.CLIENT),
    "application_id": (IdKind.CLIENT, IdKind.APPLICATION_OBJECT),
}

SECRETS = frozenset(
    {
        "client_secret",
        "client_secret_value",
        "client_secret_text",
        "secret",
        "secret_text",
        "secret_value",
        "password",
        "password_value",
        "client_password",
        "app_password",
        "application_password",
        "application_password_value",
        "azure_client_secret",
    }
)

SECRET_GROUPS = frozenset(
    {"client_secrets", "secrets", "passwords", "application_passwords", "credentials"}
)
"""Maps or arrays of secrets, one entry per overlap slot."""

KEY_IDS = frozenset(
    {
        "client_secret_key_id",
        "client_secret_id",
        "secret_key_id",
        "secret_id",
        "password_key_id",
        "key_id",
    }
)

HINTS = frozenset({"client_secret_hint", "secret_hint", "password_hint", "hint"})

_OF_SECRET = ("client_secret", "secret", "password", "application_password")
STARTS = frozenset(
    {"start_date", "start_date_time"}
    | {f"{of}_{what}" for of in _OF_SECRET for what in ("start_date", "start_date_time")}
)
ENDS = frozenset(
    {"end_date", "end_date_time", "expires_on"}
    | {
        f"{of}_{what}"
        for of in _OF_SECRET
        for what in (
            "end_date",
            "end_date_time",
            "expires_on",
            "expires_at",
            "expires",
            "expiry",
            "expiry_date",
            "expiration",
            "expiration_date",
        )
    }
)

TOKEN_ENDPOINTS = frozenset(
    {
        "token_url",
        "token_uri",
        "token_endpoint",
        "token_endpoint_v2",
        "oauth_token_url",
        "oauth_token_endpoint",
        "oauth2_token_endpoint",
        "access_token_url",
    }
)
LOGINS = frozenset(
    {
        "login",
        "login_url",
        "login_endpoint",
        "authority",
        "authority_host",
        "authority_url",
        "azure_authority_host",
        "active_directory_endpoint_url",
    }
)
ENVIRONMENTS = frozenset(
    {"environment_name", "azure_environment", "azure_cloud", "cloud", "cloud_name"}
)
REDIRECT_URIS = frozenset(
    {
        "redirect_uri",
        "redirect_uris",
        "redirect_url",
        "redirect_urls",
        "reply_url",
        "reply_urls",
        "web_redirect_uris",
    }
)

RECOGNISED_BY = (
    IDENTIFIERS.keys() | AMBIGUOUS.keys() | SECRETS | SECRET_GROUPS | KEY_IDS | TOKEN_ENDPOINTS
)
"""One of these must be there; the other names could stand in any document."""

ACCEPTED = (
    "client_id, tenant_id, application_object_id, service_principal_object_id, client_secret, "
    "client_secret_end_date, client_secret_key_id, client_secret_hint, token_url, redirect_uris"
)
"""What messages recommend."""
