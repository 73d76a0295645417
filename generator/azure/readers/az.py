"""What az prints about credentials and the signed-in account.

Facts: azure-cli 2.91.0 as `spec/azure-and-smtp.md` section 2.2 gives them.
"""

from __future__ import annotations

from generator.azure import secret_door
from generator.azure.facts import Facts
from generator.azure.interface import CredentialKind, IdKind
from generator.azure.model import Severity
from generator.azure.nodes import Node, Record


class AzCredential:
    """`az ad app|sp credential reset` and `az ad sp create-for-rbac`."""

    shape = "az ad app credential reset, az ad sp create-for-rbac"
    hallmarks = ("password",)

    def recognises(self, record: Record) -> bool:
        """By `appId`, `password` and `tenant`, which no other producer writes together."""
        return record.has("app_id", "password", "tenant")

    def read(self, record: Record, facts: Facts) -> None:
        """Client ID and tenant; the expiry is not in it."""
        facts.identifier(IdKind.CLIENT, record.get("app_id"))
        facts.identifier(IdKind.TENANT, record.get("tenant"))
        if _certificate(record, facts, "file_with_cert_and_private_key"):
            return
        facts.credential(record.node, secret=record.get("password"))
        if record.any("display_name", "name"):
            facts.notice(
                "create-for-rbac",
                Severity.NOTE,
                "create-for-rbac deletes all passwords of an app that already has this name: "
                "another instance that used one of them can no longer sign in",
                record.node,
                next="add secrets with: az ad app credential reset --append",
            )
        else:
            facts.notice(
                "credential-reset",
                Severity.NOTE,
                "credential reset deletes all other passwords unless --append was given, "
                "and does not tell when the new one ends",
                record.node,
                next="add the output of az ad app credential list, which tells the expiry",
            )


class AzJsonAuth:
    """`az ad sp create-for-rbac --json-auth` (formerly `--sdk-auth`)."""

    shape = "az ad sp create-for-rbac --json-auth"
    hallmarks = ("active_directory_endpoint_url",)

    def recognises(self, record: Record) -> bool:
        """By the endpoints beside client ID and tenant."""
        return record.has("client_id", "tenant_id", "active_directory_endpoint_url")

    def read(self, record: Record, facts: Facts) -> None:
        """Client ID, tenant, and the cloud by its login endpoint."""
        facts.identifier(IdKind.CLIENT, record.get("client_id"))
        facts.identifier(IdKind.TENANT, record.get("tenant_id"))
        facts.login(record.get("active_directory_endpoint_url"))
        if not _certificate(record, facts, "client_certificate"):
            facts.credential(record.node, secret=record.get("client_secret"))


class AzAccount:
    """`az account show`; entries of `az account list`."""

    shape = "az account show"
    hallmarks = ("environment_name",)

    def recognises(self, record: Record) -> bool:
        """By the environment name beside the tenant."""
        return record.has("environment_name", "tenant_id")

    def read(self, record: Record, facts: Facts) -> None:
        """Tenant and cloud of the signed-in account; `id` is a subscription."""
        listed = record.node.path.endswith("]")
        if listed and record.get("is_default").value is False:
            facts.notice(
                "account-not-default",
                Severity.NOTE,
                "this account is not the default one of the list, so it was passed over",
                record.node,
            )
            return
        facts.identifier(IdKind.TENANT, record.get("tenant_id"))
        facts.environment(record.get("environment_name"))


def _certificate(record: Record, facts: Facts, key: str) -> bool:
    """Add the certificate that stands in place of a secret, if one does."""
    place: Node = record.get(key)
    if not place.value:
        return False
    if isinstance(place.value, str) and "PRIVATE KEY-----" in place.value:
        facts.add(secret_door.met(place, what="a private key"))
    facts.credential(place, kind=CredentialKind.CERTIFICATE)
    return True
