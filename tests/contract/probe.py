"""What a probe is: a question of part C of the spec, and how to ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from contract_client import CIPHERTEXT, Answer, Rest, Target, Ui
from contract_scratch import RUNNING, End, Scratch

Lines: TypeAlias = list[str]
"""An answer, line by line; text for people, no verdict."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What a probe works with."""

    target: Target
    """Whom it asks."""

    rest: Rest
    """REST calls as the user."""

    reader: Rest | None
    """REST calls as a user without roles, if there is one."""

    new_ui: Callable[[], Ui]
    """Makes empty UI sessions, which end with the probe."""

    actions: tuple[str, ...]
    """sys_ids of Flow Designer actions that may be published."""

    made: Scratch | None = None
    """Makes things, and removes them; None where nothing may be changed."""

    open_ui: Ui | None = None
    """An open UI session, where things may be changed."""

    @property
    def scratch(self) -> Scratch:
        """Makes things; only for probes that write."""
        assert self.made is not None
        return self.made

    @property
    def ui(self) -> Ui:
        """An open UI session; only for probes that write."""
        assert self.open_ui is not None
        return self.open_ui

    def ended(self, begun: Answer) -> tuple[str, End | None]:
        """What came of a CI/CD call: the refusal, or how its progress ended."""
        if begun.status != 200:
            message, detail = begun.error()
            return (
                f"HTTP {begun.status}: {message or begun.shown()} / {detail or 'no detail'}",
                None,
            )
        if str(begun.result().get("status")) not in RUNNING | {"2", "3", "4"}:
            return f"HTTP 200 with an unknown status: {begun.shown()}", None
        end = self.scratch.finish(begun)
        return f"progress {end.line()}", end


@dataclass(frozen=True, slots=True)
class Probe:
    """One question."""

    key: str
    """`C1` to `C21`."""

    question: str
    """As the spec puts it."""

    how: str
    """What the probe does."""

    ask: Callable[[Asker], Lines]
    """Asks it; raises only if it could not be asked."""

    writes: bool = False
    """Whether it changes something: then it needs `--write`."""

    writes_some: bool = False
    """Whether part of it does: without `--write` that part is left out."""

    needs: tuple[str, ...] = ()
    """Fixtures that skip where the question makes no sense."""


def form_of(value: str, *, planted: str) -> str:
    """What form a secret column reads in; never the value."""
    if not value:
        return "empty"
    if value == planted:
        return "PLAINTEXT"
    if CIPHERTEXT.search(value):
        return f"KMF-shaped ciphertext of {len(value)} characters"
    if set(value) == {"*"}:
        return f"{len(value)} asterisks"
    return f"something else of {len(value)} characters"
