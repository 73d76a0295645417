"""Whether admin consent for SMTP.SendAsApp was seen (`spec/azure-and-smtp.md` sections 2.4, 3).

Evidence is an app role assignment or a token that carries the role. A requested permission is
only configured. Whether consent is wanted at all depends on the authorisation model, so every
notice here names `consent` as what it concerns and the caller decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.azure.interface import (
    Assignment,
    AssignmentsListed,
    Finding,
    Permission,
    RoleDefined,
    RoleInToken,
)
from generator.azure.model import Consent, Notice, Severity, Sourced
from generator.azure.readers.permissions import SEND_AS_APP
from generator.azure.values import EXCHANGE_APP_ID

SEND_AS_APP_ROLE = "7146a1f0-8703-45b3-9eae-527a64c00995"
"""The role's GUID, as a published manifest has it; Exchange's own `appRoles` win over it."""

NEIGHBOURS: dict[str, str] = {
    "5e5addcd-3e8d-4e90-baf5-964efab2b20a": "IMAP.AccessAsApp",
    "cb842b43-da6e-4506-86fe-bb12199c656d": "POP.AccessAsApp",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40": "full_access_as_app",
    "dc50a0fb-09a3-484d-be87-e023b12c6440": "Exchange.ManageAsApp",
    "76faac2a-0f20-42f1-928a-50de5b9dbe52": "SMTP.Send (delegated)",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Microsoft Graph Mail.Send",
}
"""Permissions that people grant instead; community tables of GUIDs."""


@dataclass(frozen=True, slots=True)
class ConsentSeen:
    """What was seen about consent."""

    consent: Sourced[Consent] | None
    notices: tuple[Notice, ...]


def judge(findings: Sequence[Finding], service_principal: str | None) -> ConsentSeen:
    """Weigh what was requested against what was granted.

    Args:
        findings: Those about our application.
        service_principal: Its service principal object ID, if known; assignments of others in
            the same list do not count.

    Returns:
        Granted; configured only, if a complete list of assignments lacks the role; unknown, if
        the role is requested and no list was seen; None if nothing was said.
    """
    facts = [fact for finding in findings for fact in finding.facts]
    defined = [fact for fact in facts if isinstance(fact, RoleDefined)]
    roles = {fact.role_id for fact in defined} or {SEND_AS_APP_ROLE}
    exchange = {fact.resource_id for fact in defined} - {None}
    requested = [fact for fact in facts if isinstance(fact, Permission)]
    configured = next((fact for fact in requested if _is_role(fact, roles)), None)
    everyones = [fact for fact in facts if isinstance(fact, Assignment)]
    assignments = [fact for fact in everyones if _is_ours(fact, service_principal)]
    granted = next(
        (
            fact
            for fact in assignments
            if fact.role_id.value in roles
            and (not exchange or fact.resource_id in exchange | {None})
        ),
        None,
    )
    several = service_principal is None and _several_holders(everyones)
    if granted is not None and not several:
        where = granted.role_id
        return ConsentSeen(Sourced(Consent.GRANTED, where.file, where.path), ())
    proof = next((fact for fact in facts if isinstance(fact, RoleInToken)), None)
    if proof is not None:
        return ConsentSeen(Sourced(Consent.GRANTED, proof.file, proof.path), ())
    listed = next((fact for fact in facts if isinstance(fact, AssignmentsListed)), None)
    if several:
        return ConsentSeen(None, (_whose(everyones[0]),))
    instead = _instead([fact.role_id for fact in assignments])
    if configured is None:
        wrong = instead or _instead([fact.role_id for fact in requested])
        wrong = wrong or _delegated(requested, roles)
        return ConsentSeen(None, wrong)
    if listed is None:
        where = configured.role_id
        return ConsentSeen(Sourced(Consent.UNKNOWN, where.file, where.path), instead)
    seen = Sourced(Consent.CONFIGURED_ONLY, listed.file, listed.path)
    return ConsentSeen(seen, (_configured_only(configured, listed), *instead))


def _is_role(permission: Permission, roles: set[str]) -> bool:
    return (
        permission.application
        and permission.role_id.value in roles
        and permission.resource_app_id in (EXCHANGE_APP_ID, None)
    )


def _is_ours(assignment: Assignment, service_principal: str | None) -> bool:
    holder = assignment.principal_id
    return service_principal is None or holder is None or holder.value == service_principal


def _several_holders(assignments: Sequence[Assignment]) -> bool:
    return len({fact.principal_id.value for fact in assignments if fact.principal_id}) > 1


def _whose(first: Assignment) -> Notice:
    return Notice(
        "assignments-of-several",
        Severity.WARNING,
        "the assignments belong to several service principals, and ours is not known",
        first.role_id.file,
        first.role_id.path,
        "add the output of az ad sp show --id <client id>",
        "consent",
    )


def _configured_only(configured: Permission, listed: AssignmentsListed) -> Notice:
    where = configured.role_id
    return Notice(
        "consent-configured-only",
        Severity.WARNING,
        f"{SEND_AS_APP} is requested ({where.file} at {where.path}), but it is not among the "
        "assignments: configured, not consented",
        listed.file,
        listed.path or None,
        "grant admin consent: az ad app permission admin-consent --id <client id>",
        "consent",
    )


def _instead(roles: Sequence[Sourced[str]]) -> tuple[Notice, ...]:
    """Warn of a neighbour that does not work with SMTP."""
    return tuple(
        Notice(
            "wrong-permission",
            Severity.WARNING,
            f"{NEIGHBOURS[role.value]} is there, but SMTP needs the application permission "
            f"{SEND_AS_APP} of Office 365 Exchange Online",
            role.file,
            role.path,
            f"add {SEND_AS_APP} under APIs my organization uses, and consent to it",
            "consent",
        )
        for role in roles
        if role.value in NEIGHBOURS
    )


def _delegated(requested: Sequence[Permission], roles: set[str]) -> tuple[Notice, ...]:
    """Warn of the right role, requested as a delegated permission."""
    return tuple(
        Notice(
            "permission-delegated",
            Severity.WARNING,
            f"{SEND_AS_APP} is requested as a delegated permission (Scope); client credentials "
            "need it as an application permission (Role)",
            fact.role_id.file,
            fact.role_id.path,
            "set its type to Role in requiredResourceAccess",
            "consent",
        )
        for fact in requested
        if fact.role_id.value in roles and not fact.application
    )
