"""API keys: who a key stands for (`spec/instance-http.md` A3, B1).

A key comes as header or query parameter `x-sn-apikey`, on `/api/*` only, never on UI pages [DOC].
Key record, inbound authentication profile and access policy are taken as set up.
"""

from __future__ import annotations

from werkzeug.wrappers import Request

from generator.sandbox.oauth_tokens import digest

NAME = "x-sn-apikey"


class ApiKeys:
    """The keys of one sandbox; kept as digests only."""

    def __init__(self) -> None:
        """No key."""
        self._users: dict[bytes, str] = {}

    def add(self, key: str, *, user: str) -> None:
        """Let a key stand for the user of a sys_id."""
        self._users[digest(key)] = user

    def user(self, key: str) -> str | None:
        """sys_id of the user of a key."""
        return self._users.get(digest(key))


def given(request: Request) -> str | None:
    """The key that a request carries, if any."""
    return request.headers.get(NAME) or request.args.get(NAME)
