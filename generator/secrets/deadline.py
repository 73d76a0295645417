"""Work that ends by a deadline, whoever keeps it waiting.

The client libraries of vaults have a timeout for each read and chains of ways to sign in, and so no
limit to the whole. A server that sends a byte now and then would hold a call for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(slots=True)
class Ended(Generic[Result]):
    """How a piece of work ended."""

    result: Result | None = field(default=None, repr=False)
    """What it returned."""

    error: Exception | None = field(default=None, repr=False)
    """What it raised: never passed on, since its frames and chain hold requests and secrets."""

    is_over: bool = False
    """Whether it ended in time."""


def within(seconds: float, work: Callable[[], Result]) -> Ended[Result]:
    """Do work apart, and wait for it no longer than that.

    Args:
        seconds: How long to wait.
        work: What is done; one that does not end is left behind and goes with the process.
    """
    # Read once at the end: what a late thread still writes is in nobody's hands.
    ended: list[Ended[Result]] = []

    def run() -> None:
        try:
            ended.append(Ended(result=work(), is_over=True))
        except Exception as error:
            ended.append(Ended(error=error, is_over=True))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return ended[0] if ended else Ended()
