"""Exchange Online PowerShell, as `ConvertTo-Json` writes it.

Only `Get-ServicePrincipal` tells something that is rendered. The other exports prove parts of
the chain; what is plainly wrong in them is said, and that they fill no value.
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import IdKind
from generator.azure.model import Severity
from generator.azure.nodes import Node, Record

_SMTP_AUTH = "smtp_client_authentication_disabled"


class ExchangeServicePrincipal:
    """`Get-ServicePrincipal`: the pointer that Exchange keeps to the service principal."""

    shape = "Exchange Get-ServicePrincipal"
    hallmarks = ("sid",)

    def recognises(self, record: Record) -> bool:
        """By `AppId` and `ObjectId` with Exchange's own `Sid`."""
        return record.has("app_id", "object_id", "sid")

    def read(self, record: Record, facts: Facts) -> None:
        """`ObjectId` is what somebody gave `New-ServicePrincipal`; Exchange never checked it."""
        facts.identifier(IdKind.CLIENT, record.get("app_id"))
        facts.identifier(IdKind.SERVICE_PRINCIPAL_OBJECT, record.get("object_id"))


class MailboxPermission:
    """`Get-MailboxPermission` (`User` shows the Sid) and `Get-RecipientPermission`."""

    shape = "Exchange Get-MailboxPermission, Get-RecipientPermission"
    hallmarks = ("access_rights",)

    def recognises(self, record: Record) -> bool:
        """By the rights and who has them."""
        return record.has("access_rights", "identity") and record.any("user", "trustee")

    def read(self, record: Record, facts: Facts) -> None:
        """Warn of a right that is denied."""
        denied = record.get("deny").value is True
        if denied or record.get("access_control_type").value == "Deny":
            facts.notice(
                "mailbox-permission-denied",
                Severity.WARNING,
                "the permission on the mailbox is denied, which wins over one that is granted",
                record.node,
                next="remove it with Remove-MailboxPermission -Deny",
            )
        _tells_nothing("the permission on a mailbox", record.node, facts)


class SmtpAuthentication:
    """`Get-CASMailbox` and `Get-TransportConfig`: whether SMTP AUTH is switched off."""

    shape = "Exchange Get-CASMailbox, Get-TransportConfig"
    hallmarks = (_SMTP_AUTH,)

    def recognises(self, record: Record) -> bool:
        """By the switch that both have."""
        return record.has(_SMTP_AUTH)

    def read(self, record: Record, facts: Facts) -> None:
        """The mailbox overrides the organisation; null on the mailbox inherits."""
        place = record.get(_SMTP_AUTH)
        mailbox = record.any("primary_smtp_address", "identity")
        if place.value is True and mailbox:
            facts.notice(
                "smtp-auth-disabled",
                Severity.WARNING,
                "SMTP AUTH is switched off for this mailbox; OAuth needs it too",
                place,
                next="Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false",
            )
        elif place.value is True:
            facts.notice(
                "smtp-auth-disabled-by-default",
                Severity.NOTE,
                "SMTP AUTH is off by default in the organisation: the mailbox must switch it on",
                place,
                next="Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false",
            )
        _tells_nothing("the switch for SMTP AUTH", record.node, facts)


class TestAuthorization:
    """`Test-ServicePrincipalAuthorization`: what App RBAC allows."""

    shape = "Exchange Test-ServicePrincipalAuthorization"
    hallmarks = ("in_scope",)

    def recognises(self, record: Record) -> bool:
        """By the role and whether the mailbox is in its scope."""
        return record.has("role_name", "in_scope")

    def read(self, record: Record, facts: Facts) -> None:
        """Warn of the SMTP role without the mailbox in its scope."""
        place = record.get("in_scope")
        smtp = record.get("role_name").value == "Application SMTP.SendAsApp"
        if smtp and str(place.value).lower() == "false":
            facts.notice(
                "not-in-scope",
                Severity.WARNING,
                "the mailbox is outside the management scope of Application SMTP.SendAsApp",
                place,
                next="add the mailbox to the group or filter of the scope",
            )
        _tells_nothing("an authorization test", record.node, facts)


def _tells_nothing(what: str, node: Node, facts: Facts) -> None:
    facts.notice(
        "nothing-to-render",
        Severity.NOTE,
        f"{what} fills no value of the update set",
        node,
    )
