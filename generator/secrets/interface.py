"""Where a secret comes from: a source by reference, and the secret it yields."""

from __future__ import annotations

from typing import Protocol


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
