"""What was understood, for people and for programs; `sn-smtp azure read` prints it.

The shape of `outputs_json` is published as `docs/json/azure-read.schema.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from generator.azure.model import AzureOutputs, Notice, Sourced

T = TypeVar("T")


def outputs_table(outputs: AzureOutputs) -> tuple[tuple[str, str, str], ...]:
    """Rows of label, value and `file: path`, of what is known; ServiceNow's and Entra's labels."""
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
    return tuple(row for row in rows if row is not None)


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
        "notices": [_notice(notice) for notice in outputs.notices],
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(
    label: str, found: Sourced[T] | None, *, show: Callable[[T], str] = str
) -> tuple[str, str, str] | None:
    if found is None:
        return None
    where = f"{found.file}: {found.path}" if found.path else found.file
    return label, show(found.value), where


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
