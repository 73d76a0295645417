"""What Key Vault and Azure's sign-in say when they say no.

Source: Microsoft, "Azure Key Vault REST API error codes"; the inner codes are seen in issues of the
client libraries (community reports), so a status without a known one is told all the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from generator.secrets.azure_sign_in import sign_in_failure
from generator.secrets.vault_failures import Asked

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_CODE: Final = re.compile(r"[A-Za-z0-9]{1,60}")


def explain(asked: Asked, error: Exception, *, name: str) -> NoReturn:
    """Tell what an exception of the client library means.

    Args:
        asked: The question.
        error: What was raised; nothing of it is kept.
        name: The secret's name.

    Raises:
        ConfigError: The vault said no, or nobody is signed in.
        RemoteError: It did not clearly answer; `OutcomeUnknown` if it may have written.
    """
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        IncompleteReadError,
    )

    if isinstance(error, ClientAuthenticationError) and error.response is None:
        asked.refuse(
            "secret-key-vault-sign-in",
            f"Azure gave no token for the vault: {sign_in_failure(error.message)}.",
            next="az login --tenant TENANT; or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET of somebody who may read the vault",
        )
    if isinstance(error, IncompleteReadError):
        asked.no_answer(error)
    if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError):
        status = error.status_code
        if status is not None and status >= 300:
            _said_no(asked, status, _inner_code(error), name=name)
    elif isinstance(error, (AzureError, OSError)) and not isinstance(error, DecodeError):
        asked.no_answer(error)
    asked.unclear(f"what answered is no Key Vault ({type(error).__name__}).")


def is_absent(error: HttpResponseError) -> bool:
    """Whether there is no version to be read, which keeps nobody from writing one."""
    return error.status_code == 404 or _inner_code(error) == "SecretDisabled"


def _said_no(asked: Asked, status: int, code: str, *, name: str) -> NoReturn:
    told = f" ({code})" if code else ""
    if status == 401:
        asked.refuse(
            "secret-key-vault-sign-in",
            f"the vault does not accept who signed in{told}.",
            next="sign in to the vault's own tenant: az login --tenant TENANT",
        )
    if status == 403:
        _forbidden(asked, code, told, name=name)
    if status == 404:
        asked.refuse(
            "secret-key-vault-absent",
            f"the vault has no such secret, or not this version{told}.",
            next=f"az keyvault secret list-versions --vault-name {_short(asked)} --name {name}",
        )
    if status == 409:
        asked.refuse(
            "secret-key-vault-conflict",
            "the vault has another operation on this secret under way, or keeps it as "
            f"deleted{told}; nothing was written.",
            next=f"az keyvault secret recover --vault-name {_short(asked)} --name {name}",
        )
    if status == 429:
        asked.turned_away(
            "the vault has too many requests and did nothing.",
            next="run it again in a minute",
            status=status,
        )
    if 400 <= status < 500:
        asked.refuse(
            "secret-key-vault-refused",
            f"the vault refused with status {status}{told}.",
            next=f"check the secret's name: {name}",
        )
    asked.unclear(
        f"the vault answered with status {status}{told}.", next="run it again", status=status
    )


def _forbidden(asked: Asked, code: str, told: str, *, name: str) -> NoReturn:
    if code == "SecretDisabled":
        asked.refuse(
            "secret-key-vault-disabled",
            "this version is disabled.",
            next=f"az keyvault secret set-attributes --vault-name {_short(asked)} --name {name} "
            "--enabled true; or store a new version",
        )
    if code == "ForbiddenByFirewall":
        asked.refuse(
            "secret-key-vault-firewall",
            "the vault's firewall does not let this machine's address in.",
            next="run it from an allowed network, or allow the address in the vault's Networking",
        )
    may, role = (
        ("write", "Key Vault Secrets Officer (or an access policy with get and set)")
        if asked.writes
        else ("read", "Key Vault Secrets User (or an access policy with get)")
    )
    asked.refuse(
        "secret-key-vault-forbidden",
        f"who signed in may not {may} this secret{told}.",
        next=f"give them the role {role}; a new role takes some minutes to count",
    )


def _inner_code(error: HttpResponseError) -> str:
    """The most exact code of the answer, if it looks like one."""
    told = error.error
    if told is None:
        return ""
    if "disabled secret" in (told.message or ""):
        return "SecretDisabled"
    for code in (_code_of(told.innererror), told.code):
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return ""


def _code_of(inner: object) -> object:
    return inner.get("code") if isinstance(inner, dict) else None


def _short(asked: Asked) -> str:
    return asked.host.partition(".")[0]
