"""`prompt`: a secret that a person types, where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from generator.secrets.acceptable import refusal, secret_of_text
from generator.secrets.interface import Secret


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A question at the terminal."""

    prompt: Callable[[str], str] | None = field(repr=False)
    """Asks without showing what is typed; None if there is no terminal."""

    key: str
    """The key that names this source, for messages and for the question."""

    @property
    def description(self) -> str:
        """`prompt`."""
        return "prompt"

    def fetch(self) -> Secret:
        """What was typed, as it is.

        Raises:
            ConfigError: There is no terminal, or nothing was typed.
        """
        typed = self._typed()
        if typed is None:
            raise refusal(
                "secret-no-terminal",
                "the secret is asked for at the terminal, and there is none.",
                source=self.description,
                key=self.key,
                next="run this in a terminal, or name another source: env:NAME, file:PATH, "
                "command:COMMAND or keyring:SERVICE/USER",
            )
        return secret_of_text(typed, source=self.description, key=self.key)

    def _typed(self) -> str | None:
        try:
            return None if self.prompt is None else self.prompt(f"Secret for {self.key}: ")
        except EOFError:
            return None
