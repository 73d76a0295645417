"""The current update set of a user: where changes over REST are captured.

A user's choice is kept as the preference `sys_update_set`; a session that chose keeps its own, so
that reused REST cookies go on writing into it (`spec/instance-http.md` B3.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from generator.sandbox.database import Row
from generator.sandbox.versions import LOCAL_SETS

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.sessions import UiSession

IN_PROGRESS = "in progress"
COMPLETE = "complete"
PREFERENCE = "sys_update_set"
GLOBAL = "global"


def default_set(sandbox: Sandbox, application: str = GLOBAL) -> Row:
    """The Default update set of an application, made when it is first needed."""
    query = f"is_default=true^application={application}"
    found = sandbox.database.query(LOCAL_SETS, query, limit=1)
    if found:
        return found[0]
    values = {
        "name": "Default",
        "is_default": "true",
        "application": application,
        "state": IN_PROGRESS,
        "description": "",
    }
    return sandbox.database.insert(LOCAL_SETS, values, by="system")


def current_set(
    sandbox: Sandbox,
    user: Mapping[str, str] | None,
    *,
    session: UiSession | None = None,
    application: str = GLOBAL,
) -> Row:
    """The set that a change of this user's goes to.

    Args:
        sandbox: Where.
        user: Row of `sys_user`.
        session: The session of the request, if it has one.
        application: Application of the changed record; a set holds one application only, so
            another one's change goes to that application's Default set.
    """
    chosen = _chosen(sandbox, user, session=session)
    if (chosen.get("application") or GLOBAL) == application:
        return chosen
    return default_set(sandbox, application)


def _chosen(sandbox: Sandbox, user: Mapping[str, str] | None, *, session: UiSession | None) -> Row:
    """The session's set, else the user's preference, else Default; a session keeps what it got."""
    for choice in (session.update_set if session else "", _preference(sandbox, user).get("value")):
        row = sandbox.database.get(LOCAL_SETS, choice) if choice else None
        if row is not None and row.get("state") == IN_PROGRESS:
            break
    else:
        row = default_set(sandbox)
    if session is not None:
        session.update_set = row["sys_id"]
    return row


def choose_set(
    sandbox: Sandbox, user: Mapping[str, str], set_id: str, *, session: UiSession | None
) -> None:
    """Make a set the user's current one."""
    if session is not None:
        session.update_set = set_id
    known = _preference(sandbox, user)
    if known:
        changes = {"value": set_id}
        sandbox.database.update("sys_user_preference", known["sys_id"], changes, by=_name(user))
        return
    values = {"name": PREFERENCE, "user": user["sys_id"], "value": set_id, "type": "reference"}
    sandbox.database.insert("sys_user_preference", values, by=_name(user))


def _preference(sandbox: Sandbox, user: Mapping[str, str] | None) -> Row:
    if user is None:
        return {}
    query = f"name={PREFERENCE}^user={user['sys_id']}"
    rows = sandbox.database.query("sys_user_preference", query, limit=1)
    return rows[0] if rows else {}


def _name(user: Mapping[str, str]) -> str:
    return user.get("user_name", "system")
