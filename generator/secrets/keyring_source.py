"""`keyring:SERVICE/USER`: a secret in the system's keyring, with the `keyring` extra."""

from __future__ import annotations

from dataclasses import dataclass

from generator.errors import ConfigError
from generator.secrets.acceptable import refusal, secret_of_text
from generator.secrets.interface import Secret


@dataclass(frozen=True, slots=True)
class KeyringSource:
    """One entry of the keyring."""

    service: str
    user: str
    key: str
    """The key that names this source, for messages."""

    @property
    def description(self) -> str:
        """`keyring:SERVICE/USER`."""
        return f"keyring:{self.service}/{self.user}"

    def fetch(self) -> Secret:
        """The entry's secret, as it is.

        Raises:
            ConfigError: The extra is not installed, the keyring does not answer or has no such
                entry, or what it has is no secret.
        """
        try:
            # Slow to load, and an extra.
            import keyring
        except ImportError:
            absent = True
        else:
            absent = False
        if absent:
            raise self._refused(
                "the keyring library is not installed.",
                "pip install 'sn-smtp-oauth[keyring]', or name another source",
            )
        reason = ""
        value: str | None = None
        try:
            value = keyring.get_password(self.service, self.user)
        except Exception as error:  # Each system's keyring has errors of its own.
            reason = type(error).__name__
        if reason:
            raise self._refused(
                f"the keyring does not answer ({reason}).",
                "unlock it, or name another source; `python -m keyring diagnose` tells which it is",
            )
        if value is None:
            raise self._refused(
                "the keyring has no such entry.",
                f"add it: keyring set {self.service} {self.user}",
            )
        return secret_of_text(value, source=self.description, key=self.key)

    def _refused(self, message: str, step: str) -> ConfigError:
        return refusal("secret-keyring", message, source=self.description, key=self.key, next=step)
