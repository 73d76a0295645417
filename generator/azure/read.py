"""Files in, one `AzureOutputs` out.

    files ─> documents ─> walk (readers) ─> select ─> identity, place, secret_state, consent

What is always wrong is a `ConfigError` with the faults of all files at once; what may be right
is a `Notice`. No fault, notice or result holds a secret. The codes:

==================================== ===================================================
of a file                            file-missing, file-unreadable, file-too-large,
                                     file-empty, not-text, not-json, terraform-text,
                                     duplicate-key, too-deep, too-many-faults
of a document                        unknown-shape, ambiguous-shape, bare-string,
                                     empty-list, no-outputs, graph-object-unclear,
                                     access-token, token-error, terraform-plan,
                                     terraform-state-version, terraform-nothing
of a value                           key-clash, wrong-type, not-a-guid,
                                     id-of-another-kind, client-id-is-microsoft,
                                     date-unreadable, hint-form, secret-not-text,
                                     login-form, token-endpoint-form,
                                     token-endpoint-common
between documents                    conflicting-client-id, conflicting-tenant-id,
                                     conflicting-application-object-id,
                                     conflicting-service-principal-object-id,
                                     conflicting-cloud, conflicting-token-endpoint,
                                     conflicting-secret-expiry, secret-hint-mismatch,
                                     client-id-is-tenant-id, several-applications,
                                     client-id-not-in-list
notices, error where the value       object-ids-equal, object-id-ambiguous,
is used                              application-id-ambiguous, secret-ambiguous,
                                     service-principal-object-id-unknown
notices, warning                     secret-in-input, secret-id-not-value,
                                     secret-white-space, secret-percent-encoded,
                                     secret-expired, secret-expiring, secret-long-lived,
                                     vault-expiry-differs, certificate-only,
                                     consent-configured-only, wrong-permission,
                                     permission-delegated, assignments-of-several,
                                     token-not-app-only, token-audience, token-role,
                                     token-endpoint-v1, cloud-unknown, multi-tenant,
                                     depth-truncated, list-incomplete,
                                     mailbox-permission-denied, smtp-auth-disabled,
                                     not-in-scope
notices, note                        secret-masked-pulumi, secret-masked-terraform,
                                     secret-masked-powershell, secret-not-known-yet,
                                     secret-redacted, secret-placeholder,
                                     secret-reference, secret-withheld, secret-null,
                                     secret-empty, value-masked, cloud-ambiguous,
                                     create-for-rbac, credential-reset,
                                     account-not-default, redirect-uri-unreadable,
                                     microsoft-service-principal, nothing-to-render,
                                     smtp-auth-disabled-by-default
==================================== ===================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from generator.azure.consent import judge
from generator.azure.documents import load
from generator.azure.identity import identify
from generator.azure.interface import Finding, IdKind, RedirectUri
from generator.azure.model import (
    ApplicationObjectId,
    AzureOutputs,
    ClientId,
    Notice,
    ServicePrincipalObjectId,
    Sourced,
    TenantId,
)
from generator.azure.place import locate
from generator.azure.secret_state import assess
from generator.azure.select import select
from generator.azure.walk import interpret
from generator.errors import ConfigError, Fault

MOST_FAULTS = 20
"""Per file; a document of another kind altogether would fill the screen."""


def read_azure_outputs(
    files: Sequence[Path], *, now: datetime, expected_client_id: str | None = None
) -> AzureOutputs:
    """Understand what Azure's tools wrote.

    Args:
        files: In any shape of `spec/azure-and-smtp.md` section 2; at least one.
        now: Aware; decides what is expired.
        expected_client_id: The client ID that the caller knows. It picks from lists; whether
            it equals what is read is the caller's to compare.

    Returns:
        What all of them together say, each value with the file and path it came from.

    Raises:
        ConfigError: With every fault of every file.
    """
    findings: list[Finding] = []
    faults: list[Fault] = []
    for file in files:
        root = load(file)
        if isinstance(root, Fault):
            faults.append(root)
        else:
            findings += interpret(root)
    wanted = expected_client_id.lower() if expected_client_id else None
    selection = select(findings, expected_client_id=wanted)
    outputs, crossed = _combine(selection.findings, now=now)
    faults += [
        fact for finding in selection.findings for fact in finding.facts if isinstance(fact, Fault)
    ]
    faults += [*selection.faults, *crossed]
    if faults:
        raise ConfigError(*_limited(dict.fromkeys(faults)))
    return outputs


def _combine(
    findings: Sequence[Finding], *, now: datetime
) -> tuple[AzureOutputs, tuple[Fault, ...]]:
    identity = identify(findings)
    tenant = identity.ids.get(IdKind.TENANT)
    client = identity.ids.get(IdKind.CLIENT)
    application = identity.ids.get(IdKind.APPLICATION_OBJECT)
    principal = identity.ids.get(IdKind.SERVICE_PRINCIPAL_OBJECT)
    place = locate(findings, tenant)
    secret = assess(findings, now=now)
    consent = judge(findings, principal.value if principal else None)
    told = (fact for finding in findings for fact in finding.facts if isinstance(fact, Notice))
    notices = (
        *told,
        *identity.notices,
        *place.notices,
        *secret.notices,
        *consent.notices,
    )
    outputs = AzureOutputs(
        tenant_id=Sourced(TenantId(tenant.value), tenant.file, tenant.path) if tenant else None,
        client_id=Sourced(ClientId(client.value), client.file, client.path) if client else None,
        application_object_id=Sourced(
            ApplicationObjectId(application.value), application.file, application.path
        )
        if application
        else None,
        service_principal_object_id=Sourced(
            ServicePrincipalObjectId(principal.value), principal.file, principal.path
        )
        if principal
        else None,
        cloud=place.cloud,
        possible_clouds=place.possible_clouds,
        login=place.login,
        token_endpoint=place.token_endpoint,
        secret_expires_on=secret.ends,
        secret_hint=secret.hint,
        secret_key_id=secret.key_id,
        consent=consent.consent,
        redirect_uris=_redirect_uris(findings),
        notices=tuple(dict.fromkeys(notices)),
    )
    return outputs, (*identity.faults, *place.faults, *secret.faults)


def _redirect_uris(findings: Iterable[Finding]) -> tuple[Sourced[str], ...]:
    uris: dict[str, Sourced[str]] = {}
    for finding in findings:
        for fact in finding.facts:
            if isinstance(fact, RedirectUri):
                uris.setdefault(fact.uri.value, fact.uri)
    return tuple(uris.values())


def _limited(faults: Iterable[Fault]) -> list[Fault]:
    """At most `MOST_FAULTS` of each file, and how many more there are."""
    counts: Counter[str | None] = Counter()
    kept: list[Fault] = []
    for fault in faults:
        counts[fault.file] += 1
        if counts[fault.file] <= MOST_FAULTS:
            kept.append(fault)
    kept += [
        Fault("too-many-faults", f"and {count - MOST_FAULTS} more faults", file=file)
        for file, count in counts.items()
        if count > MOST_FAULTS
    ]
    return kept
