"""Where a secret comes from: a source by reference, and the secret it yields."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Secret:
    """A secret in memory: it has no `str`, no `repr` and no pickle that shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Args: value: The secret itself."""
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one request that carries it."""
        return self._value

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Secret(...)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        """Never leaves the process."""
        raise TypeError("a secret is not pickled")


class SecretSource(Protocol):
    """One place where a secret lies."""

    @property
    def description(self) -> str:
        """The source as the user wrote it (`env:NAME`); never holds the secret."""

    def fetch(self) -> Secret:
        """Get the secret, now.

        Raises:
            ConfigError: It is not there, is empty, or may be read by others.
        """


@runtime_checkable
class WritableSecretSource(SecretSource, Protocol):
    """A vault that keeps versions of one secret, and into which a new version can be written.

    Besides `ConfigError` (what the vault said no to, or what the user must set), every method
    raises `NetworkError` if the vault did not answer, and `ResponseError` if it answered what
    cannot be understood.
    """

    def store(self, secret: Secret, *, note: str) -> str:
        """Write a new version; older ones stay.

        Args:
            secret: The new value.
            note: Said beside it, where the vault has a place for it: who wrote it and why, at
                most 256 characters, never a part of the secret.

        Returns:
            The new version's name, for `fetch_version`.

        Raises:
            ConfigError: The vault said no: nothing was written.
            OutcomeUnknown: It was sent and its answer lost: read `current_version` before
                anything else.
        """

    def fetch_version(self, version: str) -> Secret:
        """The value of one version, whatever version the source names.

        Raises:
            ConfigError: There is no such version, or it can no longer be read.
        """

    def current_version(self) -> str:
        """The name of the version that `fetch` yields.

        Raises:
            ConfigError: There is none, or it may not be looked at.
        """
