"""The link `inputs`: what the environment, Azure's outputs and the secret say, held together.

What only warns at render is an error here where mail cannot flow with it (`spec/azure-and-smtp.md`
2.3, 2.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.azure.model import Notice, Severity
from generator.azure.secret_state import WARN_DAYS
from generator.azure.values import guid, is_reference, mask_of
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.secrets.interface import Secret

LINK = ("inputs", "Environment, Azure's outputs and secret")

STOPS = frozenset(
    {
        "secret-expired",
        "secret-id-not-value",
        "secret-hint-mismatch",
        "certificate-only",
        "consent-configured-only",
        "mailbox-permission-denied",
        "not-in-scope",
        "smtp-auth-disabled",
    }
)
"""Notices of Azure's outputs with which mail cannot flow."""

_ADD = "az ad app credential reset --id {} --append"
_SHORTEST, _LONGEST = 16, 64
"""Characters of a secret that Entra makes."""


@dataclass(frozen=True, slots=True)
class _Finding:
    code: str
    cause: Cause
    fails: bool = True


def judge_inputs(
    settings: MailSettings, secret: Secret, *, notices: Sequence[Notice], now: datetime
) -> LinkResult:
    """Whether what is known before anybody is asked can be right.

    Args:
        settings: The mail chain.
        secret: The client secret; nothing of it is kept or shown.
        notices: Of the environment.
        now: Aware.
    """
    findings = [*_secret(settings, secret), *_expiry(settings, now=now), *_noticed(notices)]
    findings.sort(key=lambda one: not one.fails)
    verdict = Verdict.OK
    if findings:
        verdict = Verdict.FAILED if findings[0].fails else Verdict.WARNING
    ends = settings.secret_expires_on
    left = f"secret ends {ends:%Y-%m-%d}" if ends else "nobody said when the secret ends"
    return LinkResult(
        *LINK,
        verdict,
        "IDs, dates and warnings of the outputs; form and hint of the client secret",
        left,
        findings[0].code if findings else "",
        tuple(one.cause for one in findings),
    )


def _secret(settings: MailSettings, secret: Secret) -> Iterator[_Finding]:
    value = secret.reveal()
    put = "Put the Value of the secret where azure.client_secret_from points"
    if guid(value.strip()) is not None:
        yield _Finding(
            "inputs-secret-id",
            Cause(
                "The client secret is a GUID: that is its Secret ID, and Entra would refuse it "
                "(AADSTS7000215).",
                f"{put}. It is shown once; if it is lost: {_ADD.format(settings.client_id)}",
            ),
        )
        return
    if mask_of(value) is not None or is_reference(value):
        what = "In place of the client secret stands a placeholder, a mask or a vault's address."
        yield _Finding("inputs-secret-placeholder", Cause(what, f"{put}."))
        return
    if value != value.strip():
        what = "The client secret has white space around it, which Entra takes for a part of it."
        yield _Finding("inputs-secret-white-space", Cause(what, f"{put}, without it."))
    if "%7e" in value.lower():
        what = "The client secret holds %7E: its ~ was URL-encoded, and Entra would refuse it."
        yield _Finding("inputs-secret-encoded", Cause(what, f"{put}, as it was shown."))
    hint = settings.secret_hint
    if hint and value.strip()[: len(hint)] != hint:
        yield _Finding(
            "inputs-secret-hint",
            Cause(
                f"The client secret does not begin with {hint}, as the one in Azure's outputs "
                "does: they are two secrets.",
                f"See which are there: az ad app credential list --id {settings.client_id}; "
                "take the newer one, or export Azure's outputs again.",
            ),
        )
    elif not _SHORTEST <= len(value) <= _LONGEST:
        what = f"The client secret has {len(value)} characters; Entra's have 16 to 64."
        yield _Finding("inputs-secret-length", Cause(what, f"{put}, whole."), fails=False)


def _expiry(settings: MailSettings, *, now: datetime) -> Iterator[_Finding]:
    ends = settings.secret_expires_on
    if ends is None:
        return
    left = ends - now
    renew = f"Add a new one beside it and deliver it: {_ADD.format(settings.client_id)}"
    if left <= timedelta(0):
        what = f"The client secret ended on {ends:%Y-%m-%d %H:%M} UTC."
        fix = f"{renew}. If it was renewed already, write its date in azure.secret_expires_on."
        yield _Finding("inputs-secret-expired", Cause(what, fix))
        return
    limit = next((days for days in WARN_DAYS if left <= timedelta(days=days)), None)
    if limit is not None:
        what = f"The client secret ends on {ends:%Y-%m-%d}, within {limit} days."
        yield _Finding("inputs-secret-ends", Cause(what, renew), fails=False)


def _noticed(notices: Sequence[Notice]) -> Iterator[_Finding]:
    for notice in notices:
        # Told with the date, above.
        if notice.severity is Severity.NOTE or notice.code in ("secret-expired", "secret-expiring"):
            continue
        where = " ".join(part for part in (notice.file, notice.path) if part)
        said = f"{notice.message[:1].upper()}{notice.message[1:]}"
        fix = notice.next or "Correct it."
        if notice.code in STOPS:
            fix += ". If that is done already, export Azure's outputs again."
        cause = Cause(f"{said} ({where})." if where else f"{said}.", fix)
        yield _Finding(f"inputs-{notice.code}", cause, fails=notice.code in STOPS)
