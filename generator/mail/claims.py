"""What a token says about itself, held against what the mail chain needs.

`spec/azure-and-smtp.md` 3 and 5.2. Claims come in the names of v1.0 even from the v2 endpoint
[COMM]; those of v2.0 are accepted too. The signature is Exchange's to check, not ours.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from generator.azure.clouds import Cloud
from generator.config.environment import Authorization
from generator.mail.clocks import SKEW_SECONDS
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.mail.token import Token
from generator.scrubbing import printable

LINK = ("claims", "Claims of the token")
ROLE = "SMTP.SendAsApp"
"""Value of the app role, in `roles`."""

EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"
"""Client ID of Office 365 Exchange Online, which v2.0 tokens have as `aud` [INF]."""

# After the SmtpClientDiag module [COMM].
_AUDIENCES: dict[Cloud, frozenset[str]] = {
    Cloud.PUBLIC: frozenset({"https://outlook.office365.com", "https://outlook.office.com"}),
    Cloud.GCC_HIGH: frozenset({"https://outlook.office365.us"}),
}
"""Beside the cloud's own scope."""

_DOUBTFUL = "https://ps.outlook.com"
"""Documented for the consent of POP and IMAP; the audience of one failing report [COMM]."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that is wrong."""

    code: str
    cause: Cause
    others: tuple[Cause, ...] = ()
    fails: bool = True


def read_claims(token: Token) -> Mapping[str, object]:
    """The claims of a token; empty if it is no JWT that can be read.

    Args:
        token: The access token.
    """
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        value: object = json.loads(text)
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def judge_claims(
    claims: Mapping[str, object], settings: MailSettings, *, now: datetime
) -> LinkResult:
    """Whether a token fits the model, tenant, application and server.

    Args:
        claims: As `read_claims` gives them.
        settings: What is expected.
        now: The present moment by the server's clock, where it told one.
    """
    checked = (
        f"tid, {'azp' if 'azp' in claims else 'appid'}, aud, idtyp, roles, exp and oid of the "
        f"token, for {settings.authorization.value}"
    )
    if not claims:
        return _result(checked, "The token is no JWT whose claims can be read.", (_opaque(),))
    findings = [
        one
        for one in (
            _tenant(claims, settings),
            _application(claims, settings),
            _audience(claims, settings),
            _delegated(claims),
            _role(claims, settings),
            _times(claims, now=now),
            _object_id(claims, settings),
        )
        if one is not None
    ]
    findings.sort(key=lambda one: not one.fails)
    return _result(checked, _answered(claims, settings), findings)


def object_id(claims: Mapping[str, object]) -> str | None:
    """The service principal's object ID that a token tells; None unless it is a GUID."""
    # It is shown in a command to copy: nothing but a GUID may get there.
    value = claims.get("oid")
    lower = value.lower() if isinstance(value, str) else ""
    return lower if _GUID.fullmatch(lower) else None


def new_service_principal(settings: MailSettings, *, object_id: str) -> str:
    """The line of Exchange Online PowerShell that makes Exchange know the service principal.

    Args:
        settings: Whose.
        object_id: Its object ID.
    """
    return (
        f"New-ServicePrincipal -AppId {settings.client_id} -ObjectId {object_id} "
        "-DisplayName 'ServiceNow SMTP OAuth'"
    )


def _tenant(claims: Mapping[str, object], settings: MailSettings) -> _Finding | None:
    tid = _shown(claims.get("tid"))
    if tid.lower() == settings.tenant_id:
        return None
    return _Finding(
        "claims-tid",
        Cause(
            f"The token is of the tenant {tid}, not of {settings.tenant_id}.",
            "Check azure.tenant_id and azure.endpoints.login.",
        ),
    )


def _application(claims: Mapping[str, object], settings: MailSettings) -> _Finding | None:
    application = _shown(claims.get("appid", claims.get("azp")))
    if application.lower() == settings.client_id:
        return None
    return _Finding(
        "claims-appid",
        Cause(
            f"The token is of the application {application}, not of {settings.client_id}.",
            "Check azure.client_id, and that nothing answers in Microsoft Entra ID's place.",
        ),
    )


def _audience(claims: Mapping[str, object], settings: MailSettings) -> _Finding | None:
    found = claims.get("aud")
    listed = found if isinstance(found, list) else [found]
    audiences = {_shown(one).lower().rstrip("/") for one in listed[:8]}
    expected = settings.scope.removesuffix("/.default").lower().rstrip("/")
    accepted = {expected, EXCHANGE_APP_ID, *_AUDIENCES.get(settings.cloud, ())}
    if audiences & accepted - {_DOUBTFUL}:
        return None
    shown = ", ".join(sorted(audiences))
    if _DOUBTFUL in audiences:
        what = f"The token is for {shown}, which Exchange's SMTP server is not known to accept."
    elif any("graph.microsoft" in one for one in audiences):
        what = f"The token is for Microsoft Graph ({shown}), not for Exchange Online."
    else:
        what = f"The token is for {shown}, not for Exchange Online."
    return _Finding(
        "claims-aud",
        Cause(what, f"Set azure.endpoints.scope to {_scope(settings)}, or remove the key."),
        fails=_DOUBTFUL not in audiences,
    )


def _scope(settings: MailSettings) -> str:
    from generator.azure.clouds import ENDPOINTS

    return ENDPOINTS[settings.cloud].scope


def _delegated(claims: Mapping[str, object]) -> _Finding | None:
    kind = claims.get("idtyp")
    if "scp" not in claims and kind in (None, "app"):
        return None
    return _Finding(
        "claims-delegated",
        Cause(
            "The token is a user's (delegated), not the application's own.",
            "Use the grant client_credentials with the application permission SMTP.SendAsApp; "
            "SMTP.Send is the delegated one.",
        ),
    )


def _role(claims: Mapping[str, object], settings: MailSettings) -> _Finding | None:
    roles = _roles(claims)
    if settings.authorization is Authorization.APP_RBAC:
        if ROLE not in roles:
            return None
        return _Finding(
            "claims-role-not-wanted",
            Cause(
                f"The token carries {ROLE} although azure.authorization is app_rbac: Exchange "
                "then also wants a mailbox permission.",
                "Remove the permission and its consent from the app registration, or write "
                "azure.authorization: app_role",
            ),
            fails=False,
        )
    if ROLE in roles:
        return None
    consent = (
        "Entra admin center > App registrations > API permissions: add Office 365 Exchange Online "
        f"> Application permissions > {ROLE}, then Grant admin consent; or {_consent(settings)}"
    )
    late = Cause(
        "Consent was given a few minutes ago.", "Wait some minutes; a new token then carries it."
    )
    other_model = Cause(
        "Exchange authorises the application itself (App RBAC), without a permission in Entra.",
        "Write azure.authorization: app_rbac",
    )
    if roles:
        told = ", ".join(roles)
        cause = Cause(
            f"The application has another permission than {ROLE}: {told}. It does not open SMTP.",
            consent,
        )
        return _Finding("claims-other-role", cause, (late, other_model))
    cause = Cause(
        f"The application permission {ROLE} is not there, or nobody gave admin consent to it: "
        "the token has no roles.",
        consent,
    )
    delegated = Cause(
        "The delegated permission SMTP.Send was added instead of the application permission.",
        f"Remove it and add {ROLE} under Application permissions.",
    )
    return _Finding("claims-no-role", cause, (delegated, late, other_model))


def _consent(settings: MailSettings) -> str:
    # az refuses it in sovereign clouds (4.2).
    if settings.cloud is Cloud.PUBLIC:
        return f"az ad app permission admin-consent --id {settings.client_id}"
    address = f"{settings.login}/{settings.tenant_id}/v2.0/adminconsent"
    return f"open {address}?client_id={settings.client_id}&scope={settings.scope}"


def _times(claims: Mapping[str, object], *, now: datetime) -> _Finding | None:
    ends, begins = _moment(claims.get("exp")), _moment(claims.get("nbf"))
    ask = "Run it again; if it stays, ask who answers in Microsoft Entra ID's place."
    if ends is None:
        return _Finding("claims-exp", Cause("The token does not say when it ends.", ask))
    if ends <= now:
        what = f"The token ended {ends:%Y-%m-%d %H:%M:%S} UTC, before it was given."
        return _Finding("claims-exp", Cause(what, ask))
    if begins is not None and (begins - now).total_seconds() > SKEW_SECONDS:
        what = f"The token is valid only from {begins:%Y-%m-%d %H:%M:%S} UTC."
        return _Finding("claims-nbf", Cause(what, ask))
    return None


def _object_id(claims: Mapping[str, object], settings: MailSettings) -> _Finding | None:
    ours, theirs = settings.service_principal_object_id, object_id(claims)
    if ours is None or ours == theirs:
        return None
    if theirs is None:
        cause = Cause(
            "The token does not tell the service principal's object ID.",
            f"Compare {ours} with: az ad sp show --id {settings.client_id} --query id",
        )
        return _Finding("claims-no-oid", cause, fails=False)
    line = new_service_principal(settings, object_id=theirs)
    return _Finding(
        "claims-oid",
        Cause(
            f"azure.service_principal_object_id is {ours}, but the service principal's object ID "
            f"is {theirs}: most likely it is the object ID of the app registration. Where Exchange "
            "was given it, it refuses every sign-in (535 5.7.3).",
            f"Write {theirs} in the environment file. In Exchange Online PowerShell: "
            f"Remove-ServicePrincipal -Identity {ours} (if it is there), then {line}, then give "
            "the mailbox permission anew.",
        ),
    )


def _answered(claims: Mapping[str, object], settings: MailSettings) -> str:
    roles = ", ".join(_roles(claims)) or "none"
    oid = object_id(claims)
    told = f"aud {_shown(claims.get('aud'))}; roles {roles}; oid {oid or 'not told'}"
    if oid is not None and settings.service_principal_object_id is None:
        # The one number that the Exchange side needs and that is copied wrongly most often.
        told += f". For Exchange: {new_service_principal(settings, object_id=oid)}"
    return told


def _roles(claims: Mapping[str, object]) -> tuple[str, ...]:
    found = claims.get("roles")
    listed = found if isinstance(found, list) else []
    return tuple(printable(one, limit=64) for one in listed[:16] if isinstance(one, str))


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _shown(value: object) -> str:
    return printable(value, limit=120) if isinstance(value, str) and value else "(none)"


def _opaque() -> _Finding:
    return _Finding(
        "claims-opaque",
        Cause(
            "It is no access token for Exchange Online, whose tokens are JWTs: it is for another "
            "kind of account or resource.",
            "Check azure.tenant_id (a tenant's, not consumers), azure.endpoints.login and scope.",
        ),
    )


def _result(checked: str, answered: str, findings: Sequence[_Finding]) -> LinkResult:
    verdict = Verdict.OK
    if findings:
        verdict = Verdict.FAILED if findings[0].fails else Verdict.WARNING
    causes = tuple(one.cause for one in findings) + tuple(
        other for one in findings for other in one.others
    )
    code = findings[0].code if findings else ""
    return LinkResult(*LINK, verdict, checked, answered, code, causes)
