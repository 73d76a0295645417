"""Permissions: what the application requests, and what was granted.

`requiredResourceAccess` is configured, not consented; an `appRoleAssignment` is the evidence of
admin consent (`spec/azure-and-smtp.md` section 2.2).
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import Assignment, Permission
from generator.azure.nodes import Node, Record

SEND_AS_APP = "SMTP.SendAsApp"
"""Name of the one app role that SMTP submission needs in the app role model."""


class PermissionList:
    """An entry of `az ad app permission list`."""

    shape = "requiredResourceAccess (az ad app permission list)"
    hallmarks = ("resource_access",)

    def recognises(self, record: Record) -> bool:
        """By its two keys."""
        return record.has("resource_access", "resource_app_id")

    def read(self, record: Record, facts: Facts) -> None:
        """The permissions of one API."""
        requested(record, facts)


class AppRoleAssignment:
    """An entry of Graph `appRoleAssignments` or the answer to creating one."""

    shape = "appRoleAssignments"
    hallmarks = ("app_role_id",)

    def recognises(self, record: Record) -> bool:
        """By its three ids."""
        return record.has("app_role_id", "principal_id", "resource_id")

    def read(self, record: Record, facts: Facts) -> None:
        """Who holds which role of which API."""
        assigned(record, facts, principal="principal_id", resource="resource_id")


def permissions_of(record: Record, facts: Facts, *, key: str = "required_resource_access") -> None:
    """Add what an application object requests."""
    for entry in facts.objects(record.get(key)):
        requested(entry, facts)


def requested(record: Record, facts: Facts) -> None:
    """Add the permissions of one API; azuread writes the same keys in snake_case."""
    resource = facts.guid(record.get("resource_app_id"), what="resource application ID")
    for access in facts.objects(record.get("resource_access")):
        role = facts.guid(access.get("id"), what="permission ID")
        if role is not None:
            application = facts.text(access.get("type")) != "Scope"
            facts.add(Permission(role, resource.value if resource else None, application))


def assigned(record: Record, facts: Facts, *, principal: str, resource: str) -> None:
    """Add one assignment; users and groups can hold roles too and are passed over."""
    kind = facts.text(record.get("principal_type"))
    role = facts.guid(record.get("app_role_id"), what="app role ID")
    holder = facts.guid(record.get(principal), what="principal ID")
    owner = facts.guid(record.get(resource), what="resource ID")
    if role is not None and kind in (None, "ServicePrincipal"):
        facts.add(Assignment(role, holder, owner.value if owner else None))


def is_empty_list_of_assignments(record: Record) -> bool:
    """Whether an answer says that nothing was granted; its context alone tells of what it is."""
    value: Node = record.get("value")
    return value.value == [] and not record.has_more and "approleassign" in record.context.lower()
