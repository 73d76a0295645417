"""The link `exchange`: exports of Exchange's objects against what the chain needs.

SMTP answers `535 5.7.3` or `430` to many different mistakes (`spec/azure-and-smtp.md` 1, 6.3);
Exchange's own objects tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from generator.azure.values import guid
from generator.config.environment import Authorization
from generator.mail.claims import new_service_principal
from generator.mail.exchange_exports import ACCEPTED, Exports, Principal, Right
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.scrubbing import printable

LINK = ("exchange", "Objects of Exchange Online")
_ROLE = "application smtp.sendasapp"


@dataclass(frozen=True, slots=True)
class _Finding:
    code: str
    cause: Cause
    fails: bool = True


def judge_exports(exports: Exports, settings: MailSettings, *, object_id: str | None) -> LinkResult:
    """Whether Exchange's objects let the application send.

    Args:
        exports: What the files say.
        settings: What is expected.
        object_id: The service principal's object ID by the token; None if there was no token.
    """
    expected = object_id or settings.service_principal_object_id
    ours = _ours(exports, settings)
    findings = [
        *_principal(exports, settings, ours, expected),
        *_reach(exports, settings, ours, expected),
        *_smtp_auth(exports, settings),
        *_send_as(exports, settings, ours, expected),
    ]
    findings.sort(key=lambda one: not one.fails)
    verdict = Verdict.OK
    if findings:
        verdict = Verdict.FAILED if findings[0].fails else Verdict.WARNING
    missing = [name for name in _wanted(settings) if name not in exports.given]
    answered = "what was given fits" if missing else "everything fits"
    if findings:
        answered = f"{len(findings)} found"
    if exports.principals is not None and expected is None:
        answered += "; the ObjectId was not compared, since no token told the right one"
    if missing:
        answered += f"; not given: {', '.join(missing)}"
    return LinkResult(
        *LINK,
        verdict,
        ", ".join(exports.given),
        answered,
        findings[0].code if findings else "",
        tuple(one.cause for one in findings),
    )


def fits(result: LinkResult, exports: Exports, settings: MailSettings) -> bool:
    """Whether everything that decides about a sign-in was seen and is right.

    Args:
        result: The link.
        exports: What it judged.
        settings: What was expected.
    """
    deciding = (ACCEPTED[0], _reach_by(settings))
    return result.verdict is Verdict.OK and all(name in exports.given for name in deciding)


def _reach_by(settings: MailSettings) -> str:
    is_rbac = settings.authorization is Authorization.APP_RBAC
    return "Test-ServicePrincipalAuthorization" if is_rbac else "Get-MailboxPermission"


def _wanted(settings: MailSettings) -> tuple[str, ...]:
    other = ("Get-RecipientPermission",) if settings.sends_as_other else ()
    return (
        "Get-ServicePrincipal",
        _reach_by(settings),
        *other,
        "Get-CASMailbox",
        "Get-TransportConfig",
    )


def _ours(exports: Exports, settings: MailSettings) -> Principal | None:
    for one in exports.principals or ():
        if one.app_id == settings.client_id:
            return one
    return None


def _principal(
    exports: Exports, settings: MailSettings, ours: Principal | None, expected: str | None
) -> Iterator[_Finding]:
    if exports.principals is None:
        return
    shown = expected or f"$(az ad sp show --id {settings.client_id} --query id -o tsv)"
    line = new_service_principal(settings, object_id=shown)
    if ours is None:
        what = f"Exchange has no service principal with the AppId {settings.client_id}."
        yield _Finding("exchange-no-principal", Cause(what, f"{line}, then the permission."))
    elif expected is not None and ours.object_id != expected:
        # It stands in a command to copy: nothing but a GUID may get there.
        wrong = guid(ours.object_id) or "<its Identity>"
        yield _Finding(
            "exchange-object-id",
            Cause(
                f"Exchange's service principal has the ObjectId {wrong}, but the right one is "
                f"{expected}: most likely the object ID of the app registration was used.",
                f"Remove-ServicePrincipal -Identity {wrong}, then {line}, then give "
                "the permission anew (it cannot be changed: Set-ServicePrincipal changes the name "
                "only).",
            ),
        )


def _holders(ours: Principal | None, expected: str | None, client_id: str) -> frozenset[str]:
    names = ours.names if ours is not None else frozenset()
    return names | {client_id} | ({expected} if expected else frozenset())


def _of(rights: tuple[Right, ...], address: str) -> tuple[Right, ...]:
    """Rows about an address; a row whose identity is a name or an alias cannot be told apart."""
    return tuple(
        one for one in rights if one.identity == address.lower() or "@" not in one.identity
    )


def _of_others(command: str, address: str) -> _Finding:
    return _Finding(
        "exchange-other-mailbox",
        Cause(
            f"{command} tells of other mailboxes than {address}, or of it by another address.",
            f"Export {command} -Identity {address}",
        ),
        fails=False,
    )


def _reach(
    exports: Exports, settings: MailSettings, ours: Principal | None, expected: str | None
) -> Iterator[_Finding]:
    if settings.authorization is Authorization.APP_RBAC:
        yield from _scope(exports, settings, expected)
        return
    if exports.mailbox_rights is None:
        return
    holders = _holders(ours, expected, settings.client_id)
    user = expected or "<ObjectId of Get-ServicePrincipal>"
    grant = (
        f"Add-MailboxPermission -Identity {settings.user_name} -User {user} -AccessRights "
        "FullAccess -AutoMapping $false; then wait 15 to 60 minutes."
    )
    rows = _of(exports.mailbox_rights, settings.user_name)
    if not rows:
        yield _of_others("Get-MailboxPermission", settings.user_name)
        return
    own = [one for one in rows if one.holders & holders and "fullaccess" in one.rights]
    if any(one.denied for one in own):
        what = f"FullAccess to {settings.user_name} is denied to the application, which wins."
        fix = f"Remove-MailboxPermission -Identity {settings.user_name} -User {user} -Deny ..."
        yield _Finding("exchange-permission-denied", Cause(what, f"{fix}; then {grant}"))
    elif not own and ours is None and any(_is_sid(one) for one in rows):
        yield _Finding(
            "exchange-sid-unknown",
            Cause(
                "The permissions name their holders by Sid, and which is the application's is not "
                "known.",
                "Give the output of Get-ServicePrincipal, too.",
            ),
            fails=False,
        )
    elif not own and ours is not None and _bears_its_name(rows, ours):
        name = printable(ours.display_name, limit=80)
        what = (
            f"FullAccess to {settings.user_name} is shown for {name}, which is the application's "
            "name and may be another's."
        )
        yield _Finding("exchange-name-only", Cause(what, f"To be sure: {grant}"), fails=False)
    elif not own:
        what = f"The application has no FullAccess to the mailbox {settings.user_name}."
        yield _Finding("exchange-no-permission", Cause(what, grant))


def _bears_its_name(rows: tuple[Right, ...], ours: Principal) -> bool:
    return any(ours.display_name in one.holders and "fullaccess" in one.rights for one in rows)


def _is_sid(right: Right) -> bool:
    return any(one.startswith("s-1-5-21-") for one in right.holders)


def _scope(exports: Exports, settings: MailSettings, expected: str | None) -> Iterator[_Finding]:
    if exports.roles is None:
        return
    app = expected or "<ObjectId of Get-ServicePrincipal>"
    states = [state for role, state in exports.roles if role == _ROLE]
    if not states:
        yield _Finding(
            "exchange-no-role",
            Cause(
                "The application has no role Application SMTP.SendAsApp.",
                "New-ManagementRoleAssignment -Role 'Application SMTP.SendAsApp' -App "
                f"{app} -CustomResourceScope <scope>",
            ),
        )
    elif "true" not in states:
        told = printable(states[0], limit=20)
        yield _Finding(
            "exchange-out-of-scope",
            Cause(
                f"{settings.user_name} is not in the scope of Application SMTP.SendAsApp "
                f"(InScope {told}).",
                "Add the mailbox to the scope's group or filter, wait up to two hours; ask with "
                f"Test-ServicePrincipalAuthorization -Identity {app} -Resource "
                f"{settings.user_name}",
            ),
            fails="false" in states,
        )


def _smtp_auth(exports: Exports, settings: MailSettings) -> Iterator[_Finding]:
    fix = (
        f"Set-CASMailbox -Identity {settings.user_name} -SmtpClientAuthenticationDisabled $false; "
        "then wait up to an hour. It overrides the organisation, which may stay off."
    )
    off = exports.organisation_disabled
    if exports.mailboxes is None:
        if off:
            what = (
                "SMTP AUTH is off for the organisation; whether the mailbox has it on is not known."
            )
            yield _Finding("exchange-smtp-auth-unknown", Cause(what, fix), fails=False)
        return
    user = settings.user_name.lower()
    named = [state for address, state in exports.mailboxes if address == user]
    nameless = [state for address, state in exports.mailboxes if "@" not in address]
    # One that is told by a name or alias is ours only where there is no other.
    rows = named or (nameless if len(nameless) == 1 else [])
    if not rows:
        yield _of_others("Get-CASMailbox", settings.user_name)
    elif rows[0] is True:
        what = f"SMTP AUTH is switched off for the mailbox {settings.user_name}."
        yield _Finding("exchange-smtp-auth-mailbox", Cause(what, fix))
    elif rows[0] is None and off is not False:
        known = "is off for the organisation" if off else "may be off for the organisation"
        what = f"SMTP AUTH {known}, and the mailbox {settings.user_name} inherits that."
        yield _Finding("exchange-smtp-auth-organisation", Cause(what, fix), fails=bool(off))


def _send_as(
    exports: Exports, settings: MailSettings, ours: Principal | None, expected: str | None
) -> Iterator[_Finding]:
    if not settings.sends_as_other or exports.recipient_rights is None:
        return
    holders = _holders(ours, expected, settings.client_id) | {settings.user_name.lower()}
    rows = _of(exports.recipient_rights, settings.from_address)
    if not rows:
        yield _of_others("Get-RecipientPermission", settings.from_address)
        return
    own = [one for one in rows if one.holders & holders and "sendas" in one.rights]
    if own and not any(one.denied for one in own):
        return
    trustee = expected or settings.user_name
    yield _Finding(
        "exchange-no-send-as",
        Cause(
            f"Neither the application nor {settings.user_name} may send as "
            f"{settings.from_address}.",
            f"Add-RecipientPermission -Identity {settings.from_address} -Trustee {trustee} "
            "-AccessRights SendAs; or leave email_account.from_address out.",
        ),
    )
