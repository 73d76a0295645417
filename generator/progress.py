"""What long work reports to; knows no screen and no domain. Silent by default."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where long work says how far it is."""

    def start(self, what: str, *, total: int) -> None:
        """A piece of work of `total` steps begins."""

    def step(self, what: str) -> None:
        """One step is done; `what` names it."""

    def finish(self) -> None:
        """The work is over, for better or worse."""


class Silent:
    """A `Progress` that says nothing."""

    def start(self, what: str, *, total: int) -> None:
        """Say nothing."""

    def step(self, what: str) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""
