"""What Exchange Online decides: whether a token signs a mailbox in, and whether a message leaves.

The rules of `spec/azure-and-smtp.md` 3 and 6.3, the replies of 6.2 word for word. They model what
others report, and are no evidence of how Exchange behaves.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.sandbox.mail import tokens
from generator.sandbox.mail.mail_switches import HEALTHY

if TYPE_CHECKING:
    from generator.sandbox.mail.stand_in import MailSandbox

HOST = "AM0PR00CA0001.eurprd00.prod.outlook.com"
SIZE = 157_286_400
"""`SIZE` of EHLO [COMM]."""

AUTHENTICATED = "235 2.7.0 Authentication successful"
_OFF = "SmtpClientAuthentication is disabled for the {} Visit https://aka.ms/smtp_auth_disabled"
AUTH_REPLIES = {
    "rejected": "535 5.7.3 Authentication unsuccessful {place}",
    "tenant_disabled": f"535 5.7.139 Authentication unsuccessful, {_OFF.format('Tenant.')} for "
    "more information. {place}",
    "mailbox_disabled": f"535 5.7.139 Authentication unsuccessful, {_OFF.format('Mailbox.')} for "
    "more information. {place}",
    "security_defaults": "535 5.7.139 Authentication unsuccessful, user is locked by your "
    "organization's security defaults policy. Contact your administrator.",
    "criteria": "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria "
    "to be authenticated successfully. Contact your administrator.",
    "basic_disabled": "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
    "basic_unsupported": "550 5.7.30 Basic authentication is not supported for Client Submission.",
}
"""Replies to AUTH, by the name of the switch `smtp_auth`."""

MAIL_REPLIES = {
    "not_authenticated": "530 5.7.57 Client not authenticated to send mail. {place}",
    "not_authenticated_older": "530 5.7.57 SMTP; Client was not authenticated to send anonymous "
    "mail during MAIL FROM {place}",
}
"""Replies to MAIL FROM, by the name of the switch `smtp_mail`."""

DATA_REPLIES = {
    "logon_failure": "430 4.2.0 STOREDRV; mailbox logon failure; STOREDRV.Submission.Exception:"
    "ConnectionFailedTransientException.MapiExceptionLogonFailed; Failed to process message due "
    "to a transient exception with message [BeginDiagnosticData]Cannot open mailbox. "
    "[EndDiagnosticData]",
    "mailbox_full": "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException."
    "MapiExceptionShutoffQuotaExceeded",
    "quota": "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
    "concurrent": "432 4.3.2 Concurrent connections limit exceeded.",
}
"""Replies to the end of DATA, by the name of the switch `smtp_data`."""

SEND_AS_REPLIES = {
    "denied": "554 5.2.252 SendAsDenied; {user} not allowed to send as {sender}; STOREDRV."
    "Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process "
    "message due to a permanent exception with message [BeginDiagnosticData]Cannot submit "
    "message.[EndDiagnosticData]",
    "denied_older": "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException."
    "MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with "
    "message Cannot submit message.",
    "denied_550": "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
}
"""Replies to the end of DATA, by the name of the switch `send_as`."""

TRANSIENT_REPLIES = {
    "unavailable": "421 4.3.2 Service not available",
    "temporary": "451 4.7.0 Temporary server error. Please try again later.",
    "concurrent": "432 4.3.2 Concurrent connections limit exceeded.",
    # [MEM] no published log shows a 454 for XOAUTH2; the text is RFC 4954's.
    "tls": "454 4.7.0 Temporary authentication failure",
}
"""Replies at any phase, by the name of the switch `smtp_transient`."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session is."""

    mailbox: str
    may_open: bool
    """Whether the application may open the mailbox: known at AUTH, said at the end of DATA."""


def place(mail: MailSandbox) -> str:
    """`[host time id]`, which ends most refusals since 2023."""
    moment = mail.now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"[{HOST} {moment} {uuid.uuid4().hex[:16].upper()}]"


def sign_in(mail: MailSandbox, *, user: str, token: str) -> SignedIn | str:
    """Judge XOAUTH2.

    Args:
        mail: The stand-in.
        user: Mailbox that the client names.
        token: Access token that it sent.

    Returns:
        Who is signed in, or the name of a reply of `AUTH_REPLIES`.
    """
    behaviour = mail.behaviour
    if behaviour.smtp_auth != HEALTHY:
        return behaviour.smtp_auth
    claims = tokens.read(token, now=mail.now())
    if claims is None or not _is_ours(mail, claims) or user.lower() != mail.mailbox.lower():
        return "rejected"
    # That SMTP AUTH is off is only told of a token that is right [INF].
    if behaviour.mailbox_smtp_auth == "off":
        return "mailbox_disabled"
    if behaviour.organisation_smtp_auth == "off" and behaviour.mailbox_smtp_auth == "inherit":
        return "tenant_disabled"
    roles = claims.get("roles", ())
    has_role = isinstance(roles, list) and tokens.SEND_AS_APP in roles
    is_rbac = mail.authorization == "app_rbac"
    if not has_role and not is_rbac:
        return "rejected"
    # A role in the token makes Exchange look at the mailbox's permissions, RBAC or not [DOC].
    may_open = behaviour.rbac_scope if is_rbac and not has_role else behaviour.mailbox_permission
    return SignedIn(user, may_open)


def _is_ours(mail: MailSandbox, claims: dict[str, object]) -> bool:
    """Whether a token is for Exchange, of the tenant, and of a principal that Exchange knows."""
    registered = {
        "service_principal": mail.tenant.app.service_principal_object_id,
        "application": mail.tenant.application_object_id,
    }.get(mail.behaviour.exchange_object_id)
    return (
        claims.get("aud") in mail.exchange_resources
        and claims.get("tid") == mail.tenant.tenant_id
        and claims.get("appid", claims.get("azp")) == mail.tenant.app.client_id
        and claims.get("idtyp") == "app"
        and registered is not None
        and claims.get("oid") == registered.lower()
    )


def submit(mail: MailSandbox, *, who: SignedIn, sender: str) -> str | None:
    """Judge a message at the end of DATA.

    Args:
        mail: The stand-in.
        who: Who is signed in.
        sender: Address that it is from.

    Returns:
        The reply of a refusal; None if the message is taken.
    """
    behaviour = mail.behaviour
    if behaviour.smtp_data != HEALTHY:
        return DATA_REPLIES[behaviour.smtp_data]
    if not who.may_open:
        return DATA_REPLIES["logon_failure"]
    if sender.lower() != who.mailbox.lower() and behaviour.send_as != "granted":
        return SEND_AS_REPLIES[behaviour.send_as].format(user=who.mailbox, sender=sender)
    return None
