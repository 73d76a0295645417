"""Basic authentication alone, for the administrator; `login` has all ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.sessions import UiSession


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks."""

    user: dict[str, str] | None
    auth: str = "none"
    session: UiSession | None = None
    refusal: Response | None = None


def authenticate(sandbox: Sandbox, request: Request) -> Identity:
    """Who a request's `Authorization` names."""
    given = request.authorization
    if given is None or given.type != "basic":
        return Identity(None)
    if (given.username, given.password) != (sandbox.admin_user, sandbox.admin_password):
        return Identity(None)
    rows = sandbox.database.query("sys_user", f"user_name={sandbox.admin_user}")
    return Identity(rows[0], "basic")
