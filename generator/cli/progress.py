"""A bar on stderr for long work; silent when quiet, piped, or answering in JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from generator.cli.output import Session
from generator.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Bar:
    """A `Progress` drawn by rich."""

    def __init__(self, *, color: bool | None) -> None:
        """Args: color: False where colour is not wanted (`NO_COLOR`)."""
        self._color = color
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def start(self, what: str, *, total: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True, no_color=self._color is False)
        self._bar = RichProgress(console=console, transient=True)
        self._task = self._bar.add_task(what, total=total)
        self._bar.start()

    def step(self, what: str) -> None:
        """Move it on."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1, description=what)

    def finish(self) -> None:
        """Take it away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def bar(session: Session) -> Progress:
    """What long work of this call reports to."""
    if session.quiet or session.as_json or not sys.stderr.isatty():
        return Silent()
    return Bar(color=session.color)
