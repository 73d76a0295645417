"""The decoded claims of an access token, version 1.0 or 2.0 names.

`spec/azure-and-smtp.md` sections 1 and 5.2: in an app-only token `oid` is the service
principal's object id, the proof that resolves the object-id trap. A missing `roles` claim is
wrong in the app role model and right with App RBAC, so it tells nothing.
"""

from __future__ import annotations

from generator.azure.endpoints import known_login
from generator.azure.facts import Facts
from generator.azure.interface import IdKind, RoleInToken
from generator.azure.model import Severity
from generator.azure.nodes import Record
from generator.azure.readers.credentials import first
from generator.azure.readers.permissions import SEND_AS_APP

SHAPE = "access token claims"
_AUDIENCES = frozenset(
    {
        "https://outlook.office365.com",
        "https://outlook.office.com",
        "https://outlook.office365.us",
        "https://outlook-dod.office365.us",
        "https://partner.outlook.cn",
    }
)


class TokenClaims:
    """Claims, decoded; never the token itself."""

    shape = SHAPE
    hallmarks = ("aud",)

    def recognises(self, record: Record) -> bool:
        """By audience, issuer and tenant."""
        return record.has("aud", "iss", "tid")

    def read(self, record: Record, facts: Facts) -> None:
        """Tenant, client ID, the proven object id, and whether the token fits SMTP."""
        facts.identifier(IdKind.TENANT, record.get("tid"))
        facts.identifier(IdKind.CLIENT, first(record, "appid", "azp", "app_id"))
        issuer = record.get("iss")
        if isinstance(issuer.value, str) and known_login(issuer.value):
            facts.login(issuer)
        if record.any("scp") or record.get("idtyp").value not in (None, "app"):
            facts.notice(
                "token-not-app-only",
                Severity.WARNING,
                "the token belongs to a user, so its oid is no service principal",
                record.node,
                next="ask for the token with grant_type=client_credentials",
            )
            return
        facts.identifier(IdKind.SERVICE_PRINCIPAL_OBJECT, record.get("oid"))
        _permission(record, facts)


def _permission(record: Record, facts: Facts) -> None:
    audience, roles = record.get("aud"), record.get("roles")
    if str(audience.value).rstrip("/") not in _AUDIENCES:
        facts.notice(
            "token-audience",
            Severity.WARNING,
            "the token is not for Exchange Online, so SMTP would refuse it (535 5.7.3)",
            audience,
            next="ask with scope=https://outlook.office365.com/.default",
        )
        return
    if not isinstance(roles.value, list):
        return
    if SEND_AS_APP in roles.value:
        facts.add(RoleInToken(roles.file, roles.path))
    else:
        facts.notice(
            "token-role",
            Severity.WARNING,
            f"the token carries roles, but not {SEND_AS_APP}",
            roles,
            next=f"grant {SEND_AS_APP} of Office 365 Exchange Online and consent to it",
            concerns="consent",
        )
