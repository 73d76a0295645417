"""What the SMTP server's refusals mean (`spec/azure-and-smtp.md` 6.2 and 6.3), as data.

The texts are Exchange Online's as others logged them [COMM], and the order of causes is how often
they were met.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.mail.interface import Cause


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `{user_name}` and the like are filled in."""

    name: str
    """Stable identifier: `smtp-535-5.7.3`."""

    code: int
    """0: any code."""

    holds: tuple[str, ...]
    """Words that the text has, all of them, in lower case."""

    causes: tuple[Cause, ...]
    """The likeliest first."""

    rbac: tuple[Cause, ...] = ()
    """In place of `causes` with `app_rbac`, where they differ."""


_CONNECT = "Exchange Online PowerShell: "
_UNKNOWN_PRINCIPAL = Cause(
    "Exchange Online does not know the application: New-ServicePrincipal was never run, or with "
    "another object ID than {object_id}.",
    _CONNECT + "Get-ServicePrincipal | Where-Object AppId -eq {client_id}; if its ObjectId "
    "differs, Remove-ServicePrincipal -Identity <that one>; then New-ServicePrincipal -AppId "
    "{client_id} -ObjectId {object_id} -DisplayName 'ServiceNow SMTP OAuth', then the permission.",
)
TOO_EARLY = Cause(
    "It was set up less than two hours ago: Exchange takes up to that long.",
    "Wait, then run it again.",
)
_WRONG_MAILBOX = Cause(
    "{user_name} is no mailbox of the tenant, or only another name of one.",
    _CONNECT + "Get-Mailbox {user_name}; use its primary address as email_account.user_name.",
)
_GRANT = (
    _CONNECT + "Add-MailboxPermission -Identity {user_name} -User {object_id} -AccessRights "
    "FullAccess -AutoMapping $false; then wait 15 to 60 minutes."
)
_IN_SCOPE = (
    _CONNECT + "Test-ServicePrincipalAuthorization -Identity {object_id} -Resource {user_name}; "
    "Application SMTP.SendAsApp must be there with InScope True. Add the mailbox to the scope's "
    "group, or assign the role: New-ManagementRoleAssignment -Role 'Application SMTP.SendAsApp' "
    "-App {object_id} -CustomResourceScope <scope>"
)
_OUT_OF_SCOPE = Cause(
    "The application has no role Application SMTP.SendAsApp, or {user_name} is outside its scope.",
    _IN_SCOPE,
)
_NOT_OAUTH = Cause(
    "Basic authentication was used, not OAuth 2.0: something on the way signed in with a password.",
    "See that the email account's Authentication is OAUTH 2.0 and its OAuth profile is set; that "
    "no mail relay stands between.",
)
_SMTP_AUTH_ON = (
    _CONNECT + "Set-CASMailbox -Identity {user_name} -SmtpClientAuthenticationDisabled $false; "
    "then wait up to an hour."
)
_SEND_AS = (
    Cause(
        "From ({from_address}) is not the mailbox that signs in ({user_name}), which may not send "
        "as it.",
        _CONNECT + "Add-RecipientPermission -Identity {from_address} -Trustee {object_id} "
        "-AccessRights SendAs; or leave email_account.from_address out.",
    ),
    Cause(
        "The right was given to the application only, and Exchange wants the mailbox to have it.",
        _CONNECT + "Add-RecipientPermission -Identity {from_address} -Trustee {user_name} "
        "-AccessRights SendAs",
    ),
    TOO_EARLY,
)
NO_TLS = Cause(
    "The server offers STARTTLS and does not begin it: its certificate may be missing for now.",
    "Try again later; if it stays, see that no mail gateway stands between.",
)
_NOT_SIGNED_IN = (
    Cause(
        "The server does not count this session as signed in, although AUTH was accepted.",
        "See that nothing between (relay, inspection) opens another session; try again. On "
        "the instance: the email account's Authentication must be OAUTH 2.0.",
    ),
)
LATER = Cause("The server is busy or being worked on.", "Try again later.")

ROWS: tuple[Row, ...] = (
    Row(
        "smtp-535-5.7.139-tenant",
        535,
        ("5.7.139", "disabled for the tenant"),
        (
            Cause(
                "SMTP AUTH is off for the organisation, and the mailbox {user_name} inherits that; "
                "OAuth needs it too.",
                _SMTP_AUTH_ON + " The mailbox overrides the organisation, which may stay off.",
            ),
            Cause(
                "Security defaults switch SMTP AUTH off.",
                "Replace security defaults by Conditional Access policies.",
            ),
        ),
    ),
    Row(
        "smtp-535-5.7.139-mailbox",
        535,
        ("5.7.139", "disabled for the mailbox"),
        (Cause("SMTP AUTH is switched off for the mailbox {user_name}.", _SMTP_AUTH_ON),),
    ),
    Row(
        "smtp-535-5.7.139-security-defaults",
        535,
        ("5.7.139", "security defaults"),
        (
            _NOT_OAUTH,
            Cause(
                "Security defaults lock the user, who signed in with a password.",
                "Use OAuth 2.0, or Conditional Access policies instead of security defaults.",
            ),
        ),
    ),
    Row(
        "smtp-535-5.7.139-criteria",
        535,
        ("5.7.139", "did not meet the criteria"),
        (
            _NOT_OAUTH,
            Cause(
                "A Conditional Access or authentication policy refuses the sign-in.",
                "Look at the sign-in logs of the mailbox and of the application in Entra.",
            ),
        ),
    ),
    Row(
        "smtp-535-5.7.139-basic",
        535,
        ("5.7.139", "basic authentication is disabled"),
        (_NOT_OAUTH,),
    ),
    Row("smtp-550-5.7.30", 550, ("5.7.30",), (_NOT_OAUTH,)),
    Row(
        "smtp-535-5.7.3",
        535,
        ("5.7.3",),
        (
            _UNKNOWN_PRINCIPAL,
            TOO_EARLY,
            Cause("The application has no permission on the mailbox {user_name}.", _GRANT),
            _WRONG_MAILBOX,
            Cause(
                "The consent to SMTP.SendAsApp was withdrawn, or the token is another server's.",
                "See the claims above.",
            ),
        ),
        (_UNKNOWN_PRINCIPAL, TOO_EARLY, _OUT_OF_SCOPE, _WRONG_MAILBOX),
    ),
    Row("smtp-530-5.7.57", 530, ("5.7.57",), _NOT_SIGNED_IN),
    # Older servers say it without that number.
    Row("smtp-530-5.7.57", 530, ("not authenticated",), _NOT_SIGNED_IN),
    Row(
        "smtp-430-4.2.0",
        430,
        ("storedrv",),
        (
            Cause(
                "The application may sign in, but has no right to open the mailbox {user_name} "
                "(if this lasts more than two hours, it is no passing fault).",
                _GRANT,
            ),
            TOO_EARLY,
            _WRONG_MAILBOX,
        ),
        (_OUT_OF_SCOPE, TOO_EARLY, _WRONG_MAILBOX),
    ),
    Row("smtp-554-5.2.252", 554, ("5.2.252",), _SEND_AS),
    Row("smtp-554-5.2.0-send-as", 554, ("5.2.0", "sendasdenied"), _SEND_AS),
    Row("smtp-550-5.7.60", 550, ("5.7.60",), _SEND_AS),
    Row(
        "smtp-554-5.2.2",
        554,
        ("5.2.2", "mailbox full"),
        (
            Cause(
                "The mailbox {user_name} is full: every message sent is kept in its Sent Items.",
                "Empty Sent Items, add a retention policy, or raise the quota.",
            ),
        ),
    ),
    Row(
        "smtp-554-5.2.0-quota",
        554,
        ("5.2.0", "submissionquotaexceeded"),
        (
            Cause(
                "The mailbox {user_name} has sent to more than 10,000 recipients within a day.",
                "Wait a day; spread mail over several mailboxes, or use another service for bulk.",
            ),
        ),
    ),
    Row(
        "smtp-432-4.3.2",
        432,
        ("4.3.2",),
        (
            Cause(
                "The mailbox has more than three connections at a time.",
                "See who else sends through {user_name}; the instance opens several of its own.",
            ),
        ),
    ),
    Row("smtp-421", 421, (), (LATER,)),
    Row("smtp-451", 451, (), (LATER,)),
    # No published log shows a 454 for XOAUTH2 (MEM).
    Row("smtp-454", 454, (), (LATER,)),
)
"""Every refusal of the specification; the first row that fits counts."""
