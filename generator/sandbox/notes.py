"""What the sandbox does not do, said on its log and kept for `GET /__sandbox__/unsupported`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

MOST = 1000
"""How many are kept; beyond that only the log has them."""

LONGEST = 80

_NAME = re.compile(r"[A-Za-z][\w.$]*", re.ASCII)


def note(
    sandbox: Sandbox,
    what: str,
    *,
    given: str = "",
    known: Iterable[str] = (),
    once: bool = False,
) -> None:
    """Note a request that the sandbox knows and does not serve.

    Args:
        sandbox: Where.
        what: The request.
        given: A name in it that is not known.
        known: The names that are, of which the nearest is said.
        once: Whether to say nothing where the same is listed already.
    """
    line = what
    if given:
        close = difflib.get_close_matches(given[:LONGEST], list(known), n=1, cutoff=0.5)
        nearest = f"nearest is {close[0]}" if close else "none is near"
        # A name is told; anything else may be a value that is nobody's business.
        named = repr(given[:LONGEST]) if _NAME.fullmatch(given[:LONGEST]) else "that is no name"
        line = f"{what} {named}: {nearest}"
    if once and line in sandbox.unsupported:
        return
    if len(sandbox.unsupported) < MOST:
        sandbox.unsupported.append(line)
    sandbox.say(f"unsupported {line}")
