"""Work beside other work: a thread that ends with the process, and whose error is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """One call, begun at once; it must not touch what others use meanwhile.

    Its thread does not keep the process alive: what hangs in it (a name that DNS never answers)
    must not make an interruption by the user wait.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Args: work: What is done."""
        self._work = work
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="aside", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """What came of it, once it has ended.

        Raises:
            BaseException: What the work raised.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:
            self._error = error
