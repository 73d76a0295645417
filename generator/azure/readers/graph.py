"""Graph directory objects: applications, service principals, the portal's old manifest.

Both objects have `appId`, `id` and `displayName`; what tells them apart are the keys that only
one of them has (`spec/azure-and-smtp.md` section 2.3 (a)). az, Graph and PowerShell write the
same objects.
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import IdKind, RoleDefined
from generator.azure.model import Severity
from generator.azure.nodes import Record
from generator.azure.readers.credentials import credentials_of
from generator.azure.readers.permissions import SEND_AS_APP, permissions_of
from generator.azure.values import EXCHANGE_APP_ID, guid, is_microsoft_app

_APPLICATION = (
    "required_resource_access",
    "web",
    "spa",
    "public_client",
    "identifier_uris",
    "publisher_domain",
)
_SERVICE_PRINCIPAL = (
    "service_principal_type",
    "app_owner_organization_id",
    "service_principal_names",
    "app_role_assignment_required",
)
_MANIFEST = ("reply_urls_with_type", "access_token_accepted_version", "oauth2_allow_implicit_flow")


class GraphApplication:
    """`az ad app create|show|list`, Graph `application`, `Get-MgApplication`."""

    shape = "Graph application (az ad app show, Get-MgApplication)"
    hallmarks = ("app_id",)

    def recognises(self, record: Record) -> bool:
        """By `appId` and `id` with a key that only applications have."""
        return (
            record.has("app_id", "id") and record.any(*_APPLICATION) and not record.any(*_MANIFEST)
        )

    def read(self, record: Record, facts: Facts) -> None:
        """`id` is the APPLICATION object id, never what Exchange wants."""
        facts.identifier(IdKind.CLIENT, record.get("app_id"))
        facts.identifier(IdKind.APPLICATION_OBJECT, record.get("id"))
        credentials_of(record, facts)
        permissions_of(record, facts)
        for web in facts.objects(record.get("web")):
            facts.redirect_uris(web.get("redirect_uris"))
        audience_of(record, facts)


class PortalManifest:
    """The manifest of the portal in its older (Azure AD Graph) format."""

    shape = "portal manifest (older names)"
    hallmarks = ("app_id",)

    def recognises(self, record: Record) -> bool:
        """By names that Graph does not use."""
        return record.has("app_id", "id") and record.any(*_MANIFEST)

    def read(self, record: Record, facts: Facts) -> None:
        """As an application; credentials end with `endDate` and hold their secret in `value`."""
        facts.identifier(IdKind.CLIENT, record.get("app_id"))
        facts.identifier(IdKind.APPLICATION_OBJECT, record.get("id"))
        credentials_of(record, facts, secret="value")  # noqa: S106 - a key's name
        permissions_of(record, facts)
        for reply in facts.objects(record.get("reply_urls_with_type")):
            facts.redirect_uris(reply.get("url"))
        audience_of(record, facts)


class GraphServicePrincipal:
    """`az ad sp show|list`, Graph `servicePrincipal`, `Get-MgServicePrincipal`."""

    shape = "Graph servicePrincipal (az ad sp show)"
    hallmarks = ("app_id",)

    def recognises(self, record: Record) -> bool:
        """By `appId` and `id` with a key that only service principals have."""
        return record.has("app_id", "id") and record.any(*_SERVICE_PRINCIPAL)

    def read(self, record: Record, facts: Facts) -> None:
        """`id` is what Exchange calls ObjectId; Exchange's own one tells the roles instead."""
        app_id = record.get("app_id").value
        resource = guid(app_id) if isinstance(app_id, str) else None
        if resource is not None and is_microsoft_app(resource):
            if resource == EXCHANGE_APP_ID:
                _roles(record, facts)
            not_ours(record, facts)
            return
        facts.identifier(IdKind.CLIENT, record.get("app_id"))
        facts.identifier(IdKind.SERVICE_PRINCIPAL_OBJECT, record.get("id"))
        facts.identifier(IdKind.TENANT, record.get("app_owner_organization_id"))
        credentials_of(record, facts)
        facts.redirect_uris(record.get("reply_urls"))
        audience_of(record, facts)


def audience_of(record: Record, facts: Facts) -> None:
    """Warn of an application that other tenants may sign in to."""
    place = record.get("sign_in_audience")
    audience = facts.text(place)
    if audience is not None and audience != "AzureADMyOrg":
        facts.notice(
            "multi-tenant",
            Severity.WARNING,
            "the app registration is open to accounts beyond this tenant; one tenant is enough",
            place,
            next="az ad app update --id <client id> --sign-in-audience AzureADMyOrg",
        )


def not_ours(record: Record, facts: Facts) -> None:
    """Say that a service principal is one of Microsoft's own, so none of its ids was taken."""
    facts.notice(
        "microsoft-service-principal",
        Severity.NOTE,
        "this is the service principal of one of Microsoft's own applications, not yours: "
        "none of its ids was taken",
        record.node,
    )


def _roles(record: Record, facts: Facts) -> None:
    resource = facts.guid(record.get("id"), what="object ID of Exchange Online")
    for role in facts.objects(record.get("app_roles")):
        if role.get("value").value == SEND_AS_APP:
            role_id = facts.guid(role.get("id"), what="app role ID")
            if role_id is not None:
                facts.add(RoleDefined(role_id.value, resource.value if resource else None))
