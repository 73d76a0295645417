"""The first user: an administrator, so that somebody may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

ADMIN_ID = "6816f79cc0a8016401c5a33be04be441"
"""sys_id of `admin` on every instance."""


def seed_admin(sandbox: Sandbox) -> None:
    """Make the administrator and the role, unless they are there."""
    database = sandbox.database
    if database.get("sys_user", ADMIN_ID) is not None:
        return
    database.insert(
        "sys_user",
        {
            "user_name": sandbox.admin_user,
            "name": "System Administrator",
            "active": "true",
            "web_service_access_only": "false",
        },
        by="system",
        sys_id=ADMIN_ID,
    )
    role = database.insert("sys_user_role", {"name": "admin"}, by="system")
    database.insert(
        "sys_user_has_role",
        {"user": ADMIN_ID, "role": role["sys_id"], "state": "active", "inherited": "false"},
        by="system",
    )
