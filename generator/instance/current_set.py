"""A current update set of its own for the deletions that a back out writes down (A11).

The platform captures them in the caller's current set, where they would be found among the user's
own changes. The user's choice is the preference `sys_update_set`; the picker writes it, and it is
read before and afterwards: where it cannot be chosen, or cannot be put back, that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from generator.errors import GeneratorError, RemoteError
from generator.instance.interface import Read
from generator.instance.known_sets import LOCAL_SETS, UPDATES
from generator.instance.run import Run, answered

PREFERENCES = "sys_user_preference"
PREFERENCE = "sys_update_set"
IN_PROGRESS = "in progress"
_ME = "javascript:gs.getUserID()"
_NOT_CHOSEN = "deletions that the platform captures go to the current update set of the user"


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a user has chosen."""

    preference: str
    """sys_id of the preference; empty where there is none."""

    set_sys_id: str


class _NotChosenError(Exception):
    """Why no set of its own was chosen; a remark, no fault."""


@contextmanager
def own_current_set(run: Run) -> Iterator[None]:
    """Let a set made for it be the user's current one for a while; without it where it cannot be.

    Nothing here stops what is done meanwhile: remarks of the report say what could not be done.
    """
    made: str | None = None
    before: _Choice | None = None
    try:
        before = _chosen(run)
        made = _make(run, before)
        _choose(run, made)
    except (_NotChosenError, RemoteError) as error:
        run.report.note(f"{_NOT_CHOSEN}: none of their own could be chosen ({_why(error)})")
    try:
        yield
    finally:
        if made is not None and before is not None:
            _put_back(run, before, made)
            _remove_if_empty(run, made)


def _prefix(run: Run) -> str:
    return f"sn-smtp back out {run.environment.name} "


def _chosen(run: Run) -> _Choice:
    """What the user of the REST calls has chosen.

    Raises:
        _NotChosenError: It cannot be told, or the UI session may be another user's.
    """
    found = run.read(
        {
            "me": Read("sys_user", f"sys_id={_ME}", ("sys_id", "user_name")),
            "preference": Read(
                PREFERENCES,
                f"name={PREFERENCE}^user={_ME}",
                ("sys_id", "name", "user", "value"),
                limit=2,
            ),
        }
    )
    users = answered(found["me"]).rows
    if len(users) != 1:
        raise _NotChosenError("the instance does not say who the user is")
    other = run.environment.instance.upload_auth
    name = users[0].get("user_name", "")
    if other is not None and (other.user or "").casefold() != name.casefold():
        raise _NotChosenError("instance.upload_auth may be another user than instance.auth")
    rows = answered(found["preference"]).rows
    if len(rows) > 1 or any(row.get("user") != users[0]["sys_id"] for row in rows):
        raise _NotChosenError("the instance does not say which set is the user's current one")
    return _Choice(rows[0]["sys_id"], rows[0].get("value", "")) if rows else _Choice("", "")


def _make(run: Run, before: _Choice) -> str:
    """A new local set; the one that an interrupted back out left chosen serves again.

    Raises:
        RemoteError: It cannot be made.
    """
    if before.set_sys_id:
        read = Read(LOCAL_SETS, f"sys_id={before.set_sys_id}", ("sys_id", "name", "state"))
        for row in answered(run.read({"set": read})["set"]).rows:
            if row.get("name", "").startswith(_prefix(run)) and row.get("state") == IN_PROGRESS:
                return before.set_sys_id
    values = {
        "name": f"{_prefix(run)}{run.clock.now().strftime('%Y-%m-%d %H:%M:%S')}",
        "description": "Takes the deletions of a back out by sn-smtp; not to be promoted.",
        "application": "global",
        "state": IN_PROGRESS,
    }
    return run.instance.insert(LOCAL_SETS, values)


def _choose(run: Run, made: str) -> None:
    """Choose, and read that it is so; an answer that was lost is decided by the same read.

    Raises:
        _NotChosenError: The preference names another set.
        RemoteError: It was refused, or cannot be read.
    """
    refused: RemoteError | None = None
    try:
        run.instance.choose_update_set(made)
    except RemoteError as error:
        refused = error
    if _chosen(run).set_sys_id == made:
        run.tell(f"back out: the current update set is {made} for the while")
        return
    if refused is not None:
        raise refused
    raise _NotChosenError("the choice did not arrive in the user's preference")


def _put_back(run: Run, before: _Choice, made: str) -> None:
    """The user's former choice; where there was none, none."""
    if before.set_sys_id == made:
        run.report.note(
            "the current update set of the user was one of an earlier back out already; choose "
            "the right one in the picker of the instance"
        )
        return
    try:
        now = _chosen(run)
        if now.set_sys_id != made:
            return
        why = _write_back(run, before, now)
        if _chosen(run).set_sys_id == before.set_sys_id:
            return
    except (_NotChosenError, GeneratorError) as error:
        why = _why(error)
    former = before.set_sys_id or "none of its own (Default)"
    run.report.note(
        f"the current update set of the user could not be put back ({why}): it was {former}; "
        "choose it in the picker of the instance"
    )


def _write_back(run: Run, before: _Choice, now: _Choice) -> str:
    """Choose again what was chosen before; what the instance said to it, for the case it failed."""
    try:
        if before.set_sys_id:
            run.instance.choose_update_set(before.set_sys_id)
        else:
            run.instance.delete(PREFERENCES, now.preference)
    except GeneratorError as error:
        return _why(error)
    return "the preference names another one"


def _remove_if_empty(run: Run, made: str) -> None:
    """Remove the set that was made where nothing is in it; else it stays with the deletions."""
    try:
        held = Read(UPDATES, f"update_set={made}", count_only=True)
        if (
            answered(run.read({"held": held})["held"]).total == 0
            and _chosen(run).set_sys_id != made
        ):
            run.instance.delete(LOCAL_SETS, made)
    except (_NotChosenError, GeneratorError) as error:
        run.report.note(
            f"whether the update set {made}, made for the deletions, is empty cannot be told "
            f"({_why(error)}); look at it on the instance"
        )


def _why(error: Exception) -> str:
    if isinstance(error, GeneratorError) and error.faults:
        return error.faults[0].message.rstrip(".")
    return str(error)
