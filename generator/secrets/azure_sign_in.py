"""Signing in to Azure as azure-identity does it, with the `azure` extra, within limits."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from generator.errors import Fault, UsageError
from generator.secrets.vault_failures import CONNECTING, READING

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential

EXTRA: Final = "pip install 'sn-smtp-oauth[azure]'"

_CODES: Final = re.compile(r"AADSTS[0-9]{4,9}")
_WAYS: Final = re.compile(r"^\s*([A-Za-z]{3,40}Credential)\b", re.MULTILINE)
_LOOPBACK: Final = re.compile(r"https://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class StandIn:
    """Local servers instead of Azure's (`sn-smtp sandbox --mail`, tests); on loopback only."""

    url: str
    """`https://localhost:PORT` of what is asked."""

    login: str | None
    """`https://localhost:PORT` of what signs in; None for Entra itself."""

    ca_file: str | None
    """PEM file of the authority that issued their certificates."""


def stand_in(variables: Mapping[str, str], name: str) -> StandIn | None:
    """The stand-in that a variable names, if it is set.

    Args:
        variables: The environment variables: that one, `SN_SMTP_ENTRA` and `SN_SMTP_MAIL_CA`.
        name: The variable: `SN_SMTP_KEY_VAULT`.

    Raises:
        UsageError: An address is not on loopback.
    """
    url = variables.get(name)
    if not url:
        return None
    login = variables.get("SN_SMTP_ENTRA") or None
    for variable, value in ((name, url), ("SN_SMTP_ENTRA", login)):
        if value and not _LOOPBACK.fullmatch(value.rstrip("/")):
            raise UsageError(
                Fault(
                    "not-loopback",
                    f"{variable} leads elsewhere than to a stand-in on this machine.",
                    next=f"set {variable} to https://localhost:PORT, or remove it",
                )
            )
    return StandIn(url.rstrip("/"), login, variables.get("SN_SMTP_MAIL_CA") or None)


def make_credential(*, login: str | None, local: StandIn | None = None) -> DefaultAzureCredential:
    """What gets tokens: environment, workload and managed identity, az, azd, PowerShell in turn.

    Args:
        login: `https://host` of the cloud's login; None for azure-identity's own choice, which
            `AZURE_AUTHORITY_HOST` decides.
        local: A stand-in, whose login is used instead.

    Raises:
        ImportError: The `azure` extra is not installed.
    """
    # Slow to load, and an extra.
    from azure.identity import DefaultAzureCredential

    quiet("azure", "msal")
    # A server that says "later" may mean an hour: only connections are tried again.
    limits = {
        "connection_timeout": CONNECTING,
        "read_timeout": READING,
        "retry_total": 1,
        "retry_status": 0,
    }
    if local is not None and local.login is not None:
        return DefaultAzureCredential(
            authority=local.login,
            disable_instance_discovery=True,
            connection_verify=local.ca_file or True,
            exclude_managed_identity_credential=True,
            **limits,
        )
    return DefaultAzureCredential(**({} if login is None else {"authority": login}), **limits)


def quiet(*loggers: str) -> None:
    """Keep to themselves what libraries log: a server's text in it may repeat a secret."""
    for name in loggers:
        logger = logging.getLogger(name)
        # Without a handler, Python prints warnings to the screen.
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        logger.propagate = False
        # Whoever listens to such a logger itself hears nothing, either.
        logger.setLevel(logging.CRITICAL + 1)


def sign_in_failure(message: str) -> str:
    """What azure-identity tells of a failed sign-in, without its free text.

    Args:
        message: Its message.
    """
    codes = list(dict.fromkeys(_CODES.findall(message)))
    ways = list(dict.fromkeys(_WAYS.findall(message)))
    told = f" (tried: {', '.join(ways)})" if ways else ""
    return f"{', '.join(codes)}{told}" if codes else told.strip() or "no reason given"
