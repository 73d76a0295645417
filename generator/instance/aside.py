"""Work of this machine that is done while an instance is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Aside(Generic[T]):
    """One piece of work in a thread of its own; it must not touch what others use meanwhile."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Args: work: Begins at once."""
        self._work = work
        self._found: list[T] = []
        self._error: BaseException | None = None
        # A process that ends does not wait for it.
        self._thread = threading.Thread(target=self._run, name="aside", daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What it came to, when it has ended.

        Raises:
            BaseException: Whatever the work raised.
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
