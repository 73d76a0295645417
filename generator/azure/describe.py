"""What was understood, for people and for programs; `sn-smtp azure read` prints it.

The shape of `outputs_json` is published as `docs/json/azure-read.schema.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from generator.azure.identity import OBJECT_IDS_EQUAL
from generator.azure.model import AzureOutputs, Notice, Severity, Sourced
from generator.errors import Fault

T = TypeVar("T")

_UNUSABLE = {
    "client_id": ("Application (client) ID", "render needs azure.client_id"),
    "service_principal_object_id": (
        "Service principal object ID",
        "New-ServicePrincipal of Exchange Online cannot be given one",
    ),
    "secret_expires_on": ("Client secret ends", "render needs azure.secret_expires_on"),
}
"""What an error can concern: its label, and what cannot be done with it."""


def outputs_table(outputs: AzureOutputs) -> tuple[tuple[str, str, str], ...]:
    """Rows of label, value and `file: path`; ServiceNow's and Entra's labels.

    Of what is known, and of what was told in a way that cannot be used.
    """
    rows = (
        _row("Directory (tenant) ID", outputs.tenant_id),
        _row("Application (client) ID", outputs.client_id),
        _row("Application object ID (not for Exchange)", outputs.application_object_id),
        _row("Service principal object ID", outputs.service_principal_object_id),
        _row("Cloud", outputs.cloud),
        _row("OAuth 2.0 token endpoint (v2)", outputs.token_endpoint),
        _row("Client secret ends", outputs.secret_expires_on, show=_moment),
        _row("Client secret hint", outputs.secret_hint),
        _row("Secret ID", outputs.secret_key_id),
        _row("Admin consent", outputs.consent),
        *(_row("Redirect URI", uri) for uri in outputs.redirect_uris),
    )
    unusable = tuple(
        (_UNUSABLE[concern][0], "not usable", "; ".join(map(_where, notices)))
        for concern, notices in _errors(outputs).items()
    )
    return (*(row for row in rows if row is not None), *unusable)


def notice_line(notice: Notice) -> str:
    """A notice for people, as one line; one of severity error says what cannot be done."""
    unusable = _UNUSABLE.get(notice.concerns or "")
    lead = f"{notice.severity.value}: "
    if notice.severity is Severity.ERROR and unusable is not None:
        lead = f"not usable: {unusable[0]}, so {unusable[1]}: "
    where = " ".join(part for part in (notice.file, notice.path) if part)
    line = lead + notice.message + (f" ({where})" if where else "")
    return f"{line} Next: {notice.next}" if notice.next else line


def contradictions(outputs: AzureOutputs) -> tuple[Fault, ...]:
    """What the files say against each other, or against themselves.

    Not a `ConfigError` of the reader, because a render uses none of it.
    """
    return tuple(
        Fault(notice.code, notice.message, file=notice.file, path=notice.path, next=notice.next)
        for notice in outputs.notices
        if notice.code == OBJECT_IDS_EQUAL
    )


def outputs_json(outputs: AzureOutputs) -> dict[str, object]:
    """The JSON-ready result: every key always there, null where nothing was said."""
    return {
        "tenant_id": _sourced(outputs.tenant_id),
        "client_id": _sourced(outputs.client_id),
        "application_object_id": _sourced(outputs.application_object_id),
        "service_principal_object_id": _sourced(outputs.service_principal_object_id),
        "cloud": _sourced(outputs.cloud),
        "token_endpoint": _sourced(outputs.token_endpoint),
        "secret_expires_on": _sourced(outputs.secret_expires_on, show=_moment),
        "secret_hint": _sourced(outputs.secret_hint),
        "secret_key_id": _sourced(outputs.secret_key_id),
        "consent": _sourced(outputs.consent),
        "redirect_uris": [_sourced(uri) for uri in outputs.redirect_uris],
        "unusable": list(_errors(outputs)),
        "notices": [_notice(notice) for notice in outputs.notices],
    }


def _errors(outputs: AzureOutputs) -> dict[str, list[Notice]]:
    """The notices of severity error, by the value that they concern."""
    found: dict[str, list[Notice]] = {}
    for notice in outputs.notices:
        if notice.severity is Severity.ERROR and notice.concerns is not None:
            found.setdefault(notice.concerns, []).append(notice)
    return found


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _row(
    label: str, found: Sourced[T] | None, *, show: Callable[[T], str] = str
) -> tuple[str, str, str] | None:
    if found is None:
        return None
    return label, show(found.value), _where(found)


def _where(place: Sourced[T] | Notice) -> str:
    return ": ".join(part for part in (place.file, place.path) if part)


def _sourced(
    found: Sourced[T] | None, *, show: Callable[[T], str] = str
) -> dict[str, object] | None:
    if found is None:
        return None
    return {"value": show(found.value), "file": found.file, "path": found.path}


def _notice(notice: Notice) -> dict[str, object]:
    return {
        "code": notice.code,
        "severity": str(notice.severity),
        "message": notice.message,
        "file": notice.file,
        "path": notice.path,
        "next": notice.next,
        "concerns": notice.concerns,
    }
