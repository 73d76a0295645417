"""What a HashiCorp Vault answers: a version of a secret, or no.

Source: HashiCorp, "KV secrets engine version 2 (API)", "HTTP API: status codes". The phrases
that are looked for (`check-and-set`, `sealed`) are Vault's own and only make a message more exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

from generator.secrets.vault_failures import Asked

STATUSES = {
    "InvalidRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "InvalidPath": 404,
    "RateLimitExceeded": 429,
    "InternalServerError": 500,
    "VaultNotInitialized": 501,
    "BadGateway": 502,
    "VaultDown": 503,
}
"""hvac's exceptions to the statuses they stand for; it keeps the status of no other."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a path."""

    number: int
    data: Mapping[str, object] = field(repr=False)
    """All its keys and values."""


def read_version(asked: Asked, answer: object) -> Version:
    """The version that an answer holds.

    Raises:
        ResponseError: It holds none.
    """
    data = _mapping(_mapping(answer).get("data"))
    number = _mapping(data.get("metadata")).get("version")
    values = data.get("data")
    if not isinstance(number, int) or not isinstance(values, dict):
        asked.unclear(
            "what answered is no Vault with a KV engine of version 2 there.",
            next="check VAULT_ADDR (a standby's redirect is not followed) and the mount",
        )
    return Version(number, values)


def written_version(asked: Asked, answer: object) -> int:
    """The number of the version that was written.

    Raises:
        OutcomeUnknown: The answer does not say.
    """
    number = _mapping(_mapping(answer).get("data")).get("version")
    if not isinstance(number, int):
        asked.unclear("the Vault did not name the new version.")
    return number


def explain(asked: Asked, error: Exception, *, mount: str, path: str) -> NoReturn:
    """Tell what an exception of hvac or requests means.

    Args:
        asked: The question.
        error: What was raised; nothing of it is kept.
        mount: The engine's mount.
        path: The secret's path below it.

    Raises:
        ConfigError: The Vault said no.
        RemoteError: It did not clearly answer; `OutcomeUnknown` if it may have written.
    """
    from hvac.exceptions import VaultError  # type: ignore[import-untyped]
    from requests.exceptions import InvalidJSONError, RequestException

    if isinstance(error, VaultError):
        _said_no(asked, error, mount=mount, path=path)
    if isinstance(error, (RequestException, OSError)) and not isinstance(error, InvalidJSONError):
        asked.no_answer(error)
    asked.unclear(f"what answered is no Vault ({type(error).__name__}).", next="check VAULT_ADDR")


def _said_no(asked: Asked, error: Exception, *, mount: str, path: str) -> NoReturn:
    status = STATUSES.get(type(error).__name__, 0)
    said = " ".join(map(str, getattr(error, "errors", None) or ())).lower()
    if "/auth/" in str(getattr(error, "url", "")) and 400 <= status < 404:
        asked.refuse(
            "secret-vault-sign-in",
            "the Vault does not accept the AppRole.",
            next="check VAULT_ROLE_ID and the secret ID, which may be used up or expired; "
            "a new one: vault write -f auth/approle/role/ROLE/secret-id",
        )
    if status == 400 and "check-and-set" in said:
        asked.refuse(
            "secret-vault-conflict",
            "somebody else wrote a version meanwhile; nothing was written.",
            next=f"vault kv metadata get -mount={mount} {path}; then run it again",
        )
    if status in (401, 403):
        asked.refuse(
            "secret-vault-forbidden",
            "the Vault does not accept the token, or does not let it "
            f"{'create and update' if asked.writes else 'read'} this path.",
            next=f"vault token capabilities {mount}/data/{path}; vault token lookup tells whether "
            "the token still lives; a namespace is named by VAULT_NAMESPACE",
        )
    if status == 404:
        _absent(asked, getattr(error, "json", None), mount=mount, path=path)
    if status == 429:
        asked.turned_away(
            "the Vault has too many requests and did nothing.", next="run it again", status=status
        )
    if status == 400:
        asked.refuse(
            "secret-vault-refused",
            "the Vault refused the request.",
            next=f"vault kv get -mount={mount} {path} tells more",
        )
    if status == 503 and ("sealed" in said or not asked.writes):
        asked.turned_away(
            "the Vault is sealed or has no active node.",
            next="vault status; then run it again",
            status=status,
        )
    told = f"status {status}" if status else "an unknown status"
    asked.unclear(f"the Vault answered with {told}.", next="run it again", status=status or None)


def _absent(asked: Asked, body: object, *, mount: str, path: str) -> NoReturn:
    metadata = _mapping(_mapping(_mapping(body).get("data")).get("metadata"))
    if metadata.get("destroyed") is True:
        asked.refuse(
            "secret-vault-destroyed",
            "this version is destroyed and cannot come back.",
            next=f"vault kv put -mount={mount} {path} ... writes a new one",
        )
    if metadata.get("deletion_time"):
        asked.refuse(
            "secret-vault-deleted",
            "this version is deleted.",
            next=f"vault kv undelete -mount={mount} -versions={metadata.get('version')} {path}",
        )
    asked.refuse(
        "secret-vault-absent",
        "the Vault has no such path there, not this version, or no KV engine of version 2.",
        next=f"vault kv metadata get -mount={mount} {path}; the mount is everything up to the "
        "first /",
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
