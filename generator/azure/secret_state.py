"""Which credential is in use, when it ends, and what is to be said about it.

`spec/azure-and-smtp.md` sections 2.3 (i), 2.4 and 9. Credentials of all documents are merged by
key id; what has none (an output by name, `az ad app credential reset`) is matched by hint and
end. If several live ones remain, nothing is chosen: nobody can tell which one ServiceNow holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from generator.azure.interface import CopiedExpiry, Credential, CredentialKind, Finding
from generator.azure.model import Notice, Severity, Sourced
from generator.azure.secret_door import SECRET
from generator.errors import Fault

WARN_DAYS = (14, 30, 60)
"""Before the end of the secret (`spec/azure-and-smtp.md` section 9)."""

LONGEST = timedelta(days=366)
"""Microsoft recommends less than 12 months; a leap year still counts as 12."""

_SAME = timedelta(seconds=1)
"""Producers keep between none and seven decimals of a second."""

_EXPIRY = "secret_expires_on"


@dataclass(frozen=True, slots=True)
class SecretState:
    """What is known of the client secret, which itself is not."""

    ends: Sourced[datetime] | None
    hint: Sourced[str] | None
    key_id: Sourced[str] | None
    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


def assess(findings: Sequence[Finding], *, now: datetime) -> SecretState:
    """Find the credential in use.

    Args:
        findings: Those about our application.
        now: Aware; what is expired and what is about to.

    Returns:
        End, hint and key id of the one credential in use, as far as they are told.
    """
    facts = [fact for finding in findings for fact in finding.facts]
    credentials = [fact for fact in facts if isinstance(fact, Credential)]
    secrets = [one for one in credentials if one.kind is CredentialKind.SECRET]
    certificates = [one for one in credentials if one.kind is CredentialKind.CERTIFICATE]
    copies = [fact.ends for fact in facts if isinstance(fact, CopiedExpiry)]
    merged, faults = _merge(secrets, now=now)
    faults += [fault for one in merged for fault in _hint_fits(one)]
    notices: list[Notice] = []
    in_use = _in_use(merged, now=now)
    chosen = in_use[0] if len(in_use) == 1 else None
    if len(in_use) > 1 and not faults:
        notices.append(_several(in_use))
    if certificates and not any(_is_evidence(one) for one in secrets):
        notices.append(_certificate_only(certificates[0]))
    ends = chosen.ends if chosen else None
    if copies and len(in_use) < 2:
        if ends is None:
            ends = copies[0]
        elif abs(ends.value - copies[0].value) > _SAME:
            notices.append(_copy_differs(copies[0], ends))
    if ends is not None:
        notices += _lifetime(ends, chosen.starts if chosen else None, now=now)
    return SecretState(
        ends,
        chosen.hint if chosen else None,
        chosen.key_id if chosen else None,
        tuple(faults),
        tuple(notices),
    )


def _merge(
    credentials: Sequence[Credential], *, now: datetime
) -> tuple[list[Credential], list[Fault]]:
    """Bring together what several documents say about the same credential."""
    faults: list[Fault] = []
    named: dict[str, Credential] = {}
    for one in credentials:
        if one.key_id is not None:
            known = named.get(one.key_id.value)
            if known is not None:
                faults += _differences(known, one)
            named[one.key_id.value] = _join(known, one) if known else one
    merged = list(named.values())
    for one in credentials:
        if one.key_id is not None:
            continue
        fitting = [index for index, other in enumerate(merged) if not _differences(other, one)]
        live = [index for index in fitting if not _expired(merged[index], now=now)]
        if len(live or fitting) == 1:
            index = (live or fitting)[0]
            merged[index] = _join(merged[index], one)
        elif fitting:
            # It fits several: all of them stay candidates.
            for index in live or fitting:
                merged[index] = _join(merged[index], one)
        elif merged and not _stands_alone(merged, one):
            faults += _differences(merged[0], one)
        else:
            merged.append(one)
    return merged, faults


def _stands_alone(merged: Sequence[Credential], one: Credential) -> bool:
    """Whether a secret that fits no other is one of a file's own several."""
    return all(other.key_id is None and other.file == one.file for other in merged)


def _join(known: Credential, other: Credential) -> Credential:
    return replace(
        known,
        key_id=known.key_id or other.key_id,
        hint=known.hint or other.hint,
        starts=known.starts or other.starts,
        ends=known.ends or other.ends,
        opening=known.opening or other.opening,
        singled_out=known.singled_out or other.singled_out,
    )


def _differences(known: Credential, other: Credential) -> list[Fault]:
    """What keeps two descriptions from being of one credential."""
    faults: list[Fault] = []
    if known.ends and other.ends and abs(known.ends.value - other.ends.value) > _SAME:
        faults.append(
            Fault(
                "conflicting-secret-expiry",
                f"the client secret ends {_shown(other.ends)} here, but {_shown(known.ends)} "
                f"in {known.ends.file} at {known.ends.path}",
                file=other.ends.file,
                path=other.ends.path,
                next="hand over outputs of the same moment",
            )
        )
    told = known.hint or known.opening
    said = other.hint or other.opening
    if told and said and told.value != said.value:
        faults.append(_mismatch(said, told))
    return faults


def _hint_fits(one: Credential) -> Iterator[Fault]:
    if one.hint and one.opening and one.hint.value != one.opening.value:
        yield _mismatch(one.opening, one.hint)


def _mismatch(here: Sourced[str], there: Sourced[str]) -> Fault:
    return Fault(
        "secret-hint-mismatch",
        "the client secret or hint here does not begin with the three characters that "
        f"{there.file} tells at {there.path}: they belong to different secrets",
        file=here.file,
        path=here.path,
        next="compare with the hints of: az ad app credential list --id <client id>",
    )


def _in_use(merged: Sequence[Credential], *, now: datetime) -> list[Credential]:
    """The credentials that ServiceNow could hold; none, one, or several if nothing tells."""
    candidates = [one for one in merged if one.singled_out] or list(merged)
    live = [one for one in candidates if not _expired(one, now=now)]
    if live or not candidates:
        return live
    # All are expired: the last of them says best since when.
    return [max(candidates, key=lambda one: one.ends.value if one.ends else now)]


def _expired(one: Credential, *, now: datetime) -> bool:
    return one.ends is not None and one.ends.value <= now


def _is_evidence(one: Credential) -> bool:
    """Whether a description shows that there is a secret at all, not only an empty place."""
    return one.singled_out or bool(one.key_id or one.ends or one.hint)


def _several(live: Sequence[Credential]) -> Notice:
    return Notice(
        "secret-ambiguous",
        Severity.ERROR,
        f"the application has {len(live)} live client secrets, and nothing here tells which one "
        "ServiceNow holds; no expiry was taken",
        live[0].file,
        live[0].path or None,
        "set azure.secret_expires_on in the environment file, or add the output that created "
        "the secret in use",
        _EXPIRY,
    )


def _certificate_only(certificate: Credential) -> Notice:
    return Notice(
        "certificate-only",
        Severity.WARNING,
        "the application has a certificate and no client secret; sending by certificate is "
        "documented by ServiceNow but contested, and is not generated",
        certificate.file,
        certificate.path or None,
        "add a client secret: az ad app credential reset --id <client id> --append",
        SECRET,
    )


def _copy_differs(copy: Sourced[datetime], ends: Sourced[datetime]) -> Notice:
    return Notice(
        "vault-expiry-differs",
        Severity.WARNING,
        f"the vault's copy ends {_shown(copy)}, the client secret itself {_shown(ends)}; "
        "the latter counts",
        copy.file,
        copy.path,
        "set the vault's expiry to that of the client secret",
        _EXPIRY,
    )


def _lifetime(
    ends: Sourced[datetime], starts: Sourced[datetime] | None, *, now: datetime
) -> Iterator[Notice]:
    left = ends.value - now
    renew = "create a new one beside it: az ad app credential reset --id <client id> --append"
    if left <= timedelta(0):
        yield _about(ends, "secret-expired", f"the client secret ended {_shown(ends)}", renew)
    else:
        limit = next((days for days in WARN_DAYS if left <= timedelta(days=days)), None)
        if limit is not None:
            yield _about(
                ends,
                "secret-expiring",
                f"the client secret ends {_shown(ends)}, within {limit} days",
                renew,
            )
    if starts is not None and ends.value - starts.value > LONGEST:
        yield _about(
            ends,
            "secret-long-lived",
            f"the client secret lives from {_shown(starts)} to {_shown(ends)}, longer than the "
            "12 months that Microsoft recommends at most",
            "create shorter ones: az ad app credential reset --append --end-date",
        )


def _about(ends: Sourced[datetime], code: str, message: str, next: str) -> Notice:
    return Notice(code, Severity.WARNING, message, ends.file, ends.path, next, _EXPIRY)


def _shown(moment: Sourced[datetime]) -> str:
    return moment.value.strftime("%Y-%m-%d %H:%M UTC")
