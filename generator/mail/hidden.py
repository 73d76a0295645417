"""Keeps a secret out of what a server says, whole or in pieces.

A hostile or chatty server may repeat what it was sent, cut at any place: any word that shares a
dozen letters in a row with the secret is left out.
"""

from __future__ import annotations

import re

from generator.scrubbing import Scrubber, printable

_RUN = re.compile(r"\S{8,}")
_PIECE = 12
"""Letters in common that are no accident."""


class Hidden:
    """The secrets of one exchange."""

    __slots__ = ("_pieces", "_scrubber")

    def __init__(self, *secrets: str) -> None:
        """Args: secrets: What must not be shown."""
        self._scrubber = Scrubber()
        self._pieces: set[str] = set()
        for secret in secrets:
            self._scrubber.learn(secret)
            last = max(len(secret) - _PIECE, 0)
            self._pieces |= {secret[at : at + _PIECE] for at in range(last + 1)}

    def __repr__(self) -> str:
        """Nothing of them."""
        return "Hidden(...)"

    def clean(self, text: str, *, limit: int) -> str:
        """A server's text as it may be shown: one line, cut, and without the secrets.

        Args:
            text: What the server said.
            limit: Characters.
        """
        # Cut last: what is cut off must not hide that the rest is a part of a secret.
        whole = self._scrubber.clean(text, limit=4 * limit)
        return printable(_RUN.sub(self._shown, whole), limit=limit)

    def _shown(self, run: re.Match[str]) -> str:
        text = run[0]
        pieces = (text[at : at + _PIECE] for at in range(max(len(text) - _PIECE, 0) + 1))
        return "[secret]" if any(piece in self._pieces for piece in pieces) else text
