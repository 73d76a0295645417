"""Objects of the Terraform provider azuread, by resource type or, exported whole, by keys.

Names of version 3 and of version 2 (`application_id` is now `client_id`,
`application_object_id` is now `application_id`); Pulumi's azuread has the same objects in
camelCase. `id` is `/applications/<guid>` or `/servicePrincipals/<guid>`; a credential's is
`<object id>/password/<key id>` (`spec/azure-and-smtp.md` sections 2.2 and 2.3 (d)).
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import IdKind, Permission, Reader, RoleDefined
from generator.azure.nodes import Node, Record
from generator.azure.readers.credentials import certificate, first, password
from generator.azure.readers.graph import audience_of, not_ours
from generator.azure.readers.permissions import SEND_AS_APP, assigned, permissions_of
from generator.azure.values import EXCHANGE_APP_ID, guid, is_microsoft_app, split_id_path

_OF_APPLICATION = (
    "required_resource_access",
    "required_resource_accesses",
    "publisher_domain",
    "identifier_uris",
    "prevent_duplicate_names",
)
_OF_SERVICE_PRINCIPAL = (
    "application_tenant_id",
    "app_role_assignment_required",
    "service_principal_names",
)


def _id_kind(record: Record) -> IdKind | None:
    value = record.get("id").value
    return split_id_path(value)[0] if isinstance(value, str) else None


def _has_both_ids(record: Record) -> bool:
    return record.has("object_id") and record.any("client_id", "application_id")


class Application:
    """`azuread_application` and `azuread_application_registration`."""

    shape = "azuread_application"
    hallmarks = ("object_id",)

    def recognises(self, record: Record) -> bool:
        """By both ids with an application's keys or an `/applications/` id."""
        return _has_both_ids(record) and (
            record.any(*_OF_APPLICATION) or _id_kind(record) is IdKind.APPLICATION_OBJECT
        )

    def read(self, record: Record, facts: Facts) -> None:
        """Ids, permissions, redirect URIs and the inline password."""
        facts.identifier(IdKind.CLIENT, first(record, "client_id", "application_id"))
        facts.identifier(IdKind.APPLICATION_OBJECT, first(record, "object_id", "id"))
        for key in ("required_resource_access", "required_resource_accesses"):
            permissions_of(record, facts, key=key)
        for web in facts.objects(record.get("web")):
            facts.redirect_uris(web.get("redirect_uris"))
        for entry in facts.objects(first(record, "password", "passwords")):
            password(entry, facts, secret="value")  # noqa: S106 - a key's name
        audience_of(record, facts)


class ServicePrincipal:
    """`azuread_service_principal`, resource or data source."""

    shape = "azuread_service_principal"
    hallmarks = ("object_id",)

    def recognises(self, record: Record) -> bool:
        """By both ids with a service principal's keys or a `/servicePrincipals/` id."""
        return _has_both_ids(record) and (
            record.any(*_OF_SERVICE_PRINCIPAL)
            or _id_kind(record) is IdKind.SERVICE_PRINCIPAL_OBJECT
        )

    def read(self, record: Record, facts: Facts) -> None:
        """Ids and home tenant; of Exchange's own one, the GUID of the role."""
        client = first(record, "client_id", "application_id")
        resource = guid(client.value) if isinstance(client.value, str) else None
        if resource is not None and is_microsoft_app(resource):
            if resource == EXCHANGE_APP_ID:
                _exchange_roles(record, facts)
            not_ours(record, facts)
            return
        facts.identifier(IdKind.CLIENT, client)
        facts.identifier(IdKind.SERVICE_PRINCIPAL_OBJECT, first(record, "object_id", "id"))
        facts.identifier(IdKind.TENANT, record.get("application_tenant_id"))
        facts.redirect_uris(record.get("redirect_uris"))


class Password:
    """`azuread_application_password` and `azuread_service_principal_password`."""

    shape = "azuread_application_password"
    hallmarks = ("key_id",)

    def recognises(self, record: Record) -> bool:
        """By key id, `end_date` and `value`, without a certificate's keys."""
        return record.has("key_id", "end_date", "value") and not record.any(
            "encoding", "type", "hint"
        )

    def read(self, record: Record, facts: Facts) -> None:
        """The owner by its path, key id and validity; the value is tested and dropped."""
        _owner(record, facts)
        key_id = None if record.get("key_id").value else _parts_of_id(record)[1]
        password(
            record,
            facts,
            secret="value",  # noqa: S106 - a key's name
            null_is_usual=False,
            key_id=key_id,
        )


class Certificate:
    """`azuread_application_certificate` and `azuread_service_principal_certificate`."""

    shape = "azuread_application_certificate"
    hallmarks = ("key_id",)

    def recognises(self, record: Record) -> bool:
        """By key id, `end_date` and `encoding`."""
        return record.has("key_id", "end_date", "encoding")

    def read(self, record: Record, facts: Facts) -> None:
        """Only that there is one, and its validity; `value` is the public part."""
        _owner(record, facts)
        certificate(record, facts)


class RoleAssignment:
    """`azuread_app_role_assignment`: this is the admin consent."""

    shape = "azuread_app_role_assignment"
    hallmarks = ("app_role_id",)

    def recognises(self, record: Record) -> bool:
        """By its three ids in Terraform's names."""
        return record.has("app_role_id", "principal_object_id", "resource_object_id")

    def read(self, record: Record, facts: Facts) -> None:
        """Who holds which role of which API."""
        assigned(record, facts, principal="principal_object_id", resource="resource_object_id")


class ClientConfig:
    """`azuread_client_config`: whoever ran Terraform, so only its tenant is ours."""

    shape = "azuread_client_config"
    hallmarks = ("object_id",)

    def recognises(self, record: Record) -> bool:
        """By its three ids beside an `id` that is composed of them and no GUID."""
        place = record.get("id").value
        return (
            record.has("client_id", "object_id", "tenant_id")
            and isinstance(place, str)
            and guid(place) is None
            and _id_kind(record) is None
        )

    def read(self, record: Record, facts: Facts) -> None:
        """The tenant; client and object id are the deployer's."""
        facts.identifier(IdKind.TENANT, record.get("tenant_id"))


class ApiAccess:
    """`azuread_application_api_access`: permissions that stand beside the application."""

    shape = "azuread_application_api_access"
    hallmarks = ("api_client_id",)

    def recognises(self, record: Record) -> bool:
        """By the API and the owner's path."""
        return record.has("api_client_id", "application_id") and record.any("role_ids", "scope_ids")

    def read(self, record: Record, facts: Facts) -> None:
        """The permissions, application and delegated."""
        api = facts.guid(record.get("api_client_id"), what="API client ID")
        for key, application in (("role_ids", True), ("scope_ids", False)):
            for place in record.get(key).elements():
                role = facts.guid(place, what="permission ID")
                if role is not None:
                    facts.add(Permission(role, api.value if api else None, application))


class RedirectUris:
    """`azuread_application_redirect_uris`: redirect URIs that stand beside the application."""

    shape = "azuread_application_redirect_uris"
    hallmarks = ("redirect_uris",)

    def recognises(self, record: Record) -> bool:
        """By the URIs and the owner's path."""
        return record.has("redirect_uris", "application_id", "type") and not record.any("object_id")

    def read(self, record: Record, facts: Facts) -> None:
        """The URIs."""
        facts.redirect_uris(record.get("redirect_uris"))


def _owner(record: Record, facts: Facts) -> None:
    """Add whose credential it is: from its path, else from the credential's own id."""
    for key, kind in (
        ("application_id", IdKind.APPLICATION_OBJECT),
        ("application_object_id", IdKind.APPLICATION_OBJECT),
        ("service_principal_id", IdKind.SERVICE_PRINCIPAL_OBJECT),
    ):
        if record.get(key).value is not None:
            facts.identifier(kind, record.get(key))
            return
    owner = _parts_of_id(record)[0]
    if owner is not None:
        facts.identifier(IdKind.APPLICATION_OBJECT, owner)


def _parts_of_id(record: Record) -> tuple[Node | None, Node | None]:
    """Owner and key id in a credential's own id, `<object id>/password/<key id>`."""
    place = record.get("id")
    parts = str(place.value).split("/")
    if len(parts) != 3 or parts[1].lower() not in ("password", "certificate"):
        return None, None
    return Node(place.file, place.path, parts[0]), Node(place.file, place.path, parts[2])


def _exchange_roles(record: Record, facts: Facts) -> None:
    resource = facts.guid(first(record, "object_id", "id"), what="object ID of Exchange Online")
    by_name = record.get("app_role_ids").value
    role_id = by_name.get(SEND_AS_APP) if isinstance(by_name, dict) else None
    known = guid(role_id) if isinstance(role_id, str) else None
    if known is not None:
        facts.add(RoleDefined(known, resource.value if resource else None))


READERS: tuple[Reader, ...] = (
    Application(),
    ServicePrincipal(),
    Password(),
    Certificate(),
    RoleAssignment(),
    ClientConfig(),
    ApiAccess(),
    RedirectUris(),
)
"""Their shapes exclude each other, so the order means nothing."""

BY_TYPE: dict[str, Reader] = {
    "azuread_application": Application(),
    "azuread_application_registration": Application(),
    "azuread_service_principal": ServicePrincipal(),
    "azuread_application_password": Password(),
    "azuread_service_principal_password": Password(),
    "azuread_application_certificate": Certificate(),
    "azuread_service_principal_certificate": Certificate(),
    "azuread_app_role_assignment": RoleAssignment(),
    "azuread_client_config": ClientConfig(),
    "azurerm_client_config": ClientConfig(),
    "azuread_application_api_access": ApiAccess(),
    "azuread_application_redirect_uris": RedirectUris(),
}
"""Resource type to its reader; other types are passed over."""
