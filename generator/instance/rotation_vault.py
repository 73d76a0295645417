"""What a vault holds now, where "nothing" is told from "not for you"."""

from __future__ import annotations

from hmac import compare_digest

from generator.errors import ConfigError
from generator.secrets.interface import Secret, WritableSecretSource

_NOTHING = ("-absent", "-key", "-disabled", "-deleted", "-destroyed")
"""Ends of the codes by which a vault says that it has no value, and not that nobody may read it."""


def version_of(vault: WritableSecretSource) -> str:
    """The version that a vault yields now; empty where it holds none.

    Raises:
        ConfigError: It may not be looked at.
        RemoteError: The vault did not clearly answer.
    """
    try:
        return vault.current_version()
    except ConfigError as error:
        if not error.faults[0].code.endswith(_NOTHING):
            raise
    return ""


def value_in(vault: WritableSecretSource, version: str) -> Secret | None:
    """The value of a version, whatever dates the vault keeps beside it; None if it has none.

    Raises:
        ConfigError: It may not be read.
        RemoteError: The vault did not clearly answer.
    """
    if not version:
        return None
    try:
        return vault.fetch_version(version)
    except ConfigError as error:
        if not error.faults[0].code.endswith(_NOTHING):
            raise
    return None


def same(one: Secret, other: Secret) -> bool:
    """Whether two secrets are one, told in constant time."""
    return compare_digest(one.reveal().encode(), other.reveal().encode())
