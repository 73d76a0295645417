"""The Azure side of an environment: what the outputs say and what the file says, as one.

Both may say the same; two different things are an error that names both places, never a
choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from generator.azure.clouds import ENDPOINTS, Cloud, Endpoints, token_endpoint
from generator.azure.model import (
    AzureOutputs,
    ClientId,
    Consent,
    Notice,
    ServicePrincipalObjectId,
    Severity,
    Sourced,
    TenantId,
)
from generator.azure.secret_state import WARN_DAYS
from generator.config.cloud_mix import mixed_clouds, same_login
from generator.config.environment import Authorization, AzureSettings
from generator.config.id_mix import id_mix_faults, is_answered
from generator.config.keys import AzureKeys
from generator.config.tree import Location, Section, dotted, find, steps
from generator.errors import Fault

USED_AT_RENDER: Final = frozenset({"tenant_id", "client_id", "cloud", "secret_expires_on"})
"""What a package is made of; an error about anything else can wait until it is used."""

_SAME: Final = timedelta(seconds=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AzureInput:
    """Everything that the Azure settings follow from."""

    keys: AzureKeys
    """The section of the environment file."""

    outputs: AzureOutputs
    """What Azure's files say."""

    tree: Section
    """The merged files, for the places of the keys."""

    file: str
    """The environment's own file."""

    instance_url: str | None
    """The instance; None if its URL is at fault."""

    smtp_server: str | None
    """`email_account.server`; None if it is not written, or at fault."""

    now: datetime
    """Aware; what counts as expired."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The Azure settings, or why there are none."""

    settings: AzureSettings | None
    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


def settle(given: AzureInput) -> Settled:
    """Bring the outputs and the inline values together."""
    keys, outputs = given.keys, given.outputs
    tenant = keys.tenant_id or _value(outputs.tenant_id)
    client = keys.client_id or _value(outputs.client_id)
    # What disagrees with the outputs would be told again as a mix of clouds.
    disagreements = tuple(_disagreements(given))
    faults = (
        *disagreements,
        *(() if disagreements else _mixed(given)),
        *id_mix_faults(keys, outputs, given.tree, file=given.file),
        *_errors(given),
        *_missing("tenant_id", "Directory (tenant) ID", tenant, given),
        *_missing("client_id", "Application (client) ID", client, given),
    )
    notices = (
        *_kept_notices(given),
        *_role_notices(given),
        *_expiry_notices(given),
        *_redirect_notices(given),
    )
    if faults or tenant is None or client is None:
        return Settled(None, faults, notices)
    object_id = keys.service_principal_object_id or _value(outputs.service_principal_object_id)
    cloud = keys.cloud or _value(outputs.cloud) or Cloud.PUBLIC
    endpoints = _endpoints(cloud, keys)
    settings = AzureSettings(
        tenant_id=TenantId(tenant),
        client_id=ClientId(client),
        service_principal_object_id=ServicePrincipalObjectId(object_id) if object_id else None,
        cloud=cloud,
        login=endpoints.login,
        scope=endpoints.scope,
        smtp=endpoints.smtp,
        token_url=token_endpoint(endpoints.login, tenant),
        authorization=keys.authorization,
        secret_expires_on=_value(outputs.secret_expires_on) or keys.secret_expires_on,
        client_secret_from=keys.client_secret_from,
        secret_hint=_value(outputs.secret_hint),
    )
    return Settled(settings, (), notices)


def _value(sourced: Sourced[T] | None) -> T | None:
    return sourced.value if sourced is not None else None


def _endpoints(cloud: Cloud, keys: AzureKeys) -> Endpoints:
    own, known = keys.endpoints, ENDPOINTS[cloud]
    return Endpoints(
        login=own.login or known.login,
        scope=own.scope or known.scope,
        smtp=own.smtp or known.smtp,
    )


def _disagreements(given: AzureInput) -> Iterator[Fault]:
    keys, outputs = given.keys, given.outputs
    pairs: tuple[tuple[str, object, Sourced[str] | Sourced[Cloud] | None], ...] = (
        ("tenant_id", keys.tenant_id, _as_text(outputs.tenant_id)),
        ("client_id", keys.client_id, _as_text(outputs.client_id)),
        (
            "service_principal_object_id",
            keys.service_principal_object_id,
            _as_text(outputs.service_principal_object_id),
        ),
        ("cloud", keys.cloud, outputs.cloud),
    )
    for key, inline, output in pairs:
        if inline is not None and output is not None and inline != output.value:
            yield _disagreement(("azure", key), output, given)
    possible = outputs.possible_clouds
    if keys.cloud is not None and possible is not None and keys.cloud not in possible.value:
        yield _disagreement(("azure", "cloud"), possible, given)
    login = keys.endpoints.login
    if login is not None and outputs.login is not None:
        if not same_login(login, outputs.login.value):
            yield _disagreement(("azure", "endpoints", "login"), outputs.login, given)
    inline_end, end = keys.secret_expires_on, outputs.secret_expires_on
    if inline_end is not None and end is not None and not _same_end(inline_end, end.value):
        yield _disagreement(("azure", "secret_expires_on"), end, given)


def _as_text(sourced: Sourced[T] | None) -> Sourced[str] | None:
    return None if sourced is None else Sourced(str(sourced.value), sourced.file, sourced.path)


def _same_end(inline: datetime, end: datetime) -> bool:
    """Whether both name the same end; a date alone stands for its whole day (UTC)."""
    if inline == inline.replace(hour=0, minute=0, second=0, microsecond=0):
        return inline.date() == end.date()
    return abs(inline - end) < _SAME


def _mixed(given: AzureInput) -> Iterator[Fault]:
    return mixed_clouds(
        given.keys, given.outputs, given.tree, smtp_server=given.smtp_server, file=given.file
    )


def _disagreement(
    location: Location,
    output: Sourced[str] | Sourced[Cloud] | Sourced[frozenset[Cloud]] | Sourced[datetime],
    given: AzureInput,
) -> Fault:
    found = find(given.tree, location)
    file, line = (found[0].file, found[0].line) if found else (given.file, None)
    return Fault(
        "azure-disagrees",
        f"is not what Azure's outputs say: {output.file} at {output.path}.",
        file=file,
        line=line,
        path=dotted(location),
        next="remove the key here to follow the outputs, or export them again",
    )


def _missing(key: str, what: str, value: str | None, given: AzureInput) -> Iterator[Fault]:
    if value is not None:
        return
    places = [place for place, _ in steps(given.tree, ("azure",)) if place.file == given.file]
    yield Fault(
        "missing-key",
        f"is missing: the {what} of the app registration, which no file of Azure's outputs and "
        "no key says.",
        file=given.file,
        line=places[-1].line if places else None,
        path=f"azure.{key}",
        next="save Azure's outputs as azure.json beside this file, or write the key here; "
        "docs/environment-file.md says how. No application yet: sn-smtp azure script",
    )


def _relevant(given: AzureInput) -> Iterator[tuple[Notice, bool]]:
    """Each notice of the outputs that counts here, with whether it stops a render."""
    app_rbac = given.keys.authorization is Authorization.APP_RBAC
    for notice in given.outputs.notices:
        # An Exchange role assignment needs no consent (spec/azure-and-smtp.md section 3).
        if not (app_rbac and notice.concerns == "consent"):
            yield notice, _stops(notice, given)


def _stops(notice: Notice, given: AzureInput) -> bool:
    concern = notice.concerns
    if concern is None:
        return notice.severity is Severity.ERROR
    if concern not in USED_AT_RENDER or getattr(given.keys, concern) is not None:
        return False
    if concern == "cloud":
        # Whatever its severity: the outputs name a cloud that cannot be told, and public would
        # be a guess.
        own = given.keys.endpoints
        return given.outputs.cloud is None and not (own.login and own.scope and own.smtp)
    return notice.severity is Severity.ERROR


def _errors(given: AzureInput) -> Iterator[Fault]:
    for notice, stops in _relevant(given):
        if stops:
            yield Fault(
                notice.code, notice.message, file=notice.file, path=notice.path, next=notice.next
            )


def _kept_notices(given: AzureInput) -> Iterator[Notice]:
    for notice, stops in _relevant(given):
        if stops or is_answered(notice, given.keys):
            continue
        error = notice.severity is Severity.ERROR
        yield replace(notice, severity=Severity.WARNING) if error else notice


def _role_notices(given: AzureInput) -> Iterator[Notice]:
    """The role of the other model: with its claim Exchange checks more than it needs to.

    `spec/azure-and-smtp.md` sections 2.4 and 3 (Microsoft: "Including the SMTP.SendAsApp claim
    would trigger an unnecessary check for mailbox permissions").
    """
    consent = given.outputs.consent
    if given.keys.authorization is not Authorization.APP_RBAC or consent is None:
        return
    granted = consent.value is Consent.GRANTED
    yield Notice(
        "role-with-app-rbac" if granted else "role-requested-with-app-rbac",
        Severity.WARNING,
        "the app registration has the app role SMTP.SendAsApp although azure.authorization is "
        "app_rbac: Exchange then also checks mailbox permissions"
        if granted
        else "the app registration requests the app role SMTP.SendAsApp although "
        "azure.authorization is app_rbac: once it is consented to, Exchange then also checks "
        "mailbox permissions",
        consent.file,
        consent.path or None,
        "remove the permission and its consent from the app registration, or write "
        "azure.authorization: app_role",
        "consent",
    )


def _expiry_notices(given: AzureInput) -> Iterator[Notice]:
    """What the outputs would tell of a secret's end, where only the file names it."""
    end = given.keys.secret_expires_on
    if end is None or given.outputs.secret_expires_on is not None:
        return
    left = end - given.now
    limit = next((days for days in WARN_DAYS if left <= timedelta(days=days)), None)
    if limit is None:
        return
    shown = f"{end:%Y-%m-%d %H:%M} UTC"
    expired = left <= timedelta(0)
    yield Notice(
        "secret-expired" if expired else "secret-expiring",
        Severity.WARNING,
        f"the client secret ended {shown}"
        if expired
        else f"the client secret ends {shown}, within {limit} days",
        given.file,
        "azure.secret_expires_on",
        "create a new one beside it: az ad app credential reset --id <client id> --append",
        "secret_expires_on",
    )


def _redirect_notices(given: AzureInput) -> Iterator[Notice]:
    uris = given.outputs.redirect_uris
    if not uris or given.instance_url is None:
        return
    own = f"{given.instance_url}/oauth_redirect.do"
    if any(uri.value == own for uri in uris):
        return
    yield Notice(
        "redirect-uri-missing",
        Severity.WARNING,
        f"the app registration has redirect URIs, but not this instance's {own}",
        uris[0].file,
        uris[0].path,
        "add it to the app registration (Authentication, Web), or check that these are the "
        "outputs of this environment",
        "redirect_uris",
    )
