"""What a stranger's text may say on a screen: one line, no control characters, no secret in it."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

_SHORTEST_SECRET = 4
"""A shorter text cannot be told from ordinary words."""


def printable(text: str, *, limit: int = 300) -> str:
    """A stranger's text for a terminal or a log: one line, no control characters, cut."""
    # An escape sequence or a line break of a hostile answer must not forge lines of ours.
    clean = "".join(letter if letter.isprintable() else " " for letter in text[: 8 * limit])
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


class Scrubber:
    """Knows the secrets of a session, so that an answer that echoes one is not shown with it."""

    __slots__ = ("_forms",)

    def __init__(self) -> None:
        """Knows none yet."""
        self._forms: set[str] = set()

    def __repr__(self) -> str:
        """Nothing of them."""
        return "Scrubber(...)"

    def learn(self, secret: str) -> None:
        """Remember a secret in each form that it may come back in."""
        if len(secret) < _SHORTEST_SECRET:
            return
        forms = {
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            html.escape(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            base64.b64encode(secret.encode()).decode(),
            " ".join(secret.split()),
        }
        self._forms |= {form for form in forms if len(form) >= _SHORTEST_SECRET}

    def clean(self, text: str, *, limit: int = 300) -> str:
        """`printable`, with what is known taken out."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, "[secret]")
        text = printable(text, limit=limit)
        for form in self._forms:
            text = text.replace(form, "[secret]")
        return text
