"""What the sources of vaults share: what they are made of, and how a question to one ends."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from generator.errors import GeneratorError
from generator.secrets.deadline import within
from generator.secrets.interface import Secret
from generator.secrets.vault_failures import Asked

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class VaultReference:
    """What names a secret in a vault."""

    reference: str
    """As it was written; its form was checked."""

    variables: Mapping[str, str] = field(repr=False)
    """The environment variables."""

    key: str
    """The key that names this source, for messages."""

    @property
    def description(self) -> str:
        """The reference: `keyvault:URL` or `vault:MOUNT/PATH#KEY`."""
        return self.reference


def answer_within(
    seconds: float,
    work: Callable[[], Answer],
    *,
    asked: Asked,
    explain: Callable[[Exception], NoReturn],
) -> Answer:
    """The answer to one question.

    Args:
        seconds: How long it may take.
        work: Asks it.
        asked: For the message where it takes longer.
        explain: Raises what an exception of the client means.

    Raises:
        NetworkError: It took longer.
        OutcomeUnknown: It took longer, and was to write.
    """
    ended = within(seconds, work)
    if not ended.is_over:
        asked.too_long()
    if ended.error is not None:
        explain(ended.error)
    # It is over, and raised nothing.
    return ended.result  # type: ignore[return-value]


def reads_back(secret: Secret, *, read: Callable[[], str]) -> bool:
    """Whether a vault gives back what was written.

    Args:
        secret: What was written.
        read: Reads it.
    """
    try:
        value = read()
    except GeneratorError:
        return False
    return hmac.compare_digest(value.encode(), secret.reveal().encode())
