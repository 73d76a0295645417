"""`env:NAME`: a secret in an environment variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generator.secrets.acceptable import refusal, secret_of_text
from generator.secrets.interface import Secret


@dataclass(frozen=True, slots=True)
class EnvSource:
    """One environment variable."""

    name: str
    variables: Mapping[str, str] = field(repr=False)
    """The environment variables."""

    key: str
    """The key that names this source, for messages."""

    @property
    def description(self) -> str:
        """`env:NAME`."""
        return f"env:{self.name}"

    def fetch(self) -> Secret:
        """The variable's value, as it is.

        Raises:
            ConfigError: It is not set, is empty, or holds control characters.
        """
        value = self.variables.get(self.name)
        if value is None:
            raise refusal(
                "secret-unset",
                "the environment variable is not set.",
                source=self.description,
                key=self.key,
                next=f"set {self.name} for this call, or name another source",
            )
        return secret_of_text(value, source=self.description, key=self.key)
