"""What an instance does around reads and writes over REST: rules, captures, closed doors.

The Table API calls `before_read` before it reads a table (also for `/api/now/stats`),
`before_write` before it stores, and `after_write` after it has, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from generator.sandbox.capture import capture, class_of
from generator.sandbox.current_set import current_set
from generator.sandbox.database import Row
from generator.sandbox.dictionary import SecretKind
from generator.sandbox.email_accounts import ACCOUNTS, activated, looked_at_accounts, settle
from generator.sandbox.mail_sender import EMAILS, send_due
from generator.sandbox.passwords import encrypt, hash_password, seal
from generator.sandbox.progress import looked
from generator.sandbox.removal import removed
from generator.sandbox.retrieved_sets import SETS, UPDATES
from generator.sandbox.tracking import is_tracked

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.sessions import UiSession

Refusal: TypeAlias = tuple[int, str, str]
"""Status, message and detail of an error (A16)."""

FAILED = "Operation Failed"

ACL_TABLES = frozenset({"sys_security_acl", "sys_security_acl_role"})
"""Need the elevated role, which REST cannot have. [MEAS ARK]"""

_MOVE_RULE = "Handle updates moving between sets^8a29dd9f7f0212004da3a3fe7dfa9148"
_CONFIGURED_RULE = "Prevent edit of ServiceNow account^3c1f3a0bc3101200b6dcdfdc64d3ae29"
"""Names are measured (NF) for the first and ours for the second; both sys_ids are made up."""


def before_read(sandbox: Sandbox, *, table: str) -> None:
    """Somebody is about to read a table: what runs in the background moves on."""
    looked(sandbox, table)
    if table == ACCOUNTS:
        looked_at_accounts(sandbox)
    if table == EMAILS:
        send_due(sandbox)


def before_write(
    sandbox: Sandbox,
    *,
    table: str,
    before: Mapping[str, str] | None,
    values: Mapping[str, str] | None,
    user: Mapping[str, str] | None,
    session: UiSession | None = None,
    input_display_value: bool = False,
) -> Refusal | dict[str, str]:
    """Judge a write, and say what is to be stored.

    Args:
        sandbox: Where.
        table: Table of the record.
        before: The row as it is; None for an insert.
        values: The columns to write; None for a delete.
        user: Row of `sys_user` of the caller.
        session: The session of the request, if it has one.
        input_display_value: `sysparm_input_display_value`.

    Returns:
        The values to store, or why nothing is stored.
    """
    refusal = _closed_door(table, before=before, values=values)
    if refusal is not None or values is None:
        return refusal or {}
    stored = dict(values)
    columns = sandbox.database.dictionary.columns(table)
    for name, column in columns.items():
        if name not in stored:
            continue
        if column.read_only:
            del stored[name]
        elif column.secret is not SecretKind.NONE:
            _secret(sandbox, stored, name, kind=column.secret, usable=input_display_value)
    if table == SETS and before is not None:
        # Accepted, and reverted without a word. [MEAS ARK, BST]
        stored.pop("state", None)
    if before is None and is_tracked(sandbox, table) and "sys_scope" in columns:
        # Accepted and demoted: scoped records are born in update sets. [MEAS NF]
        stored["sys_scope"] = stored["sys_package"] = "global"
    return stored


def _closed_door(
    table: str, *, before: Mapping[str, str] | None, values: Mapping[str, str] | None
) -> Refusal | None:
    verb = "Insert" if before is None else "Delete" if values is None else "Update"
    if table in ACL_TABLES or (table == UPDATES and before is None):
        return 403, FAILED, f"ACL Exception {verb} Failed due to security constraints"
    if before is None or values is None:
        return None
    if table == UPDATES and any(
        name in values and values[name] != before.get(name, "")
        for name in ("update_set", "remote_update_set")
    ):
        return _aborted(UPDATES, _MOVE_RULE)
    if table == ACCOUNTS and before.get("servicenow_configured") == "true":
        # [DOC] can be deactivated, not edited; that a rule says so is inferred [INF].
        changed = {name for name, value in values.items() if value != before.get(name, "")}
        if changed - {"active"}:
            return _aborted(ACCOUNTS, _CONFIGURED_RULE)
    return None


def _aborted(table: str, rule: str) -> Refusal:
    """[MEAS NF] for the words."""
    name = rule.partition("^")[0]
    detail = (
        f"Operation against file '{table}' was aborted by Business Rule '{rule}'. "
        f"Business Rule Stack:{name}"
    )
    return 403, FAILED, detail


def _secret(
    sandbox: Sandbox, stored: dict[str, str], name: str, *, kind: SecretKind, usable: bool
) -> None:
    if kind is SecretKind.ONE_WAY:
        if usable and stored[name]:
            salt = bytes.fromhex(sandbox.database.new_id())
            stored[name] = hash_password(stored[name], salt=salt)
        else:
            # It is stored, and no login can use it. [MEAS servicenow.itsm#221]
            stored[name] = seal(sandbox, stored[name])
    elif usable:
        stored[name] = encrypt(sandbox, stored[name])
    else:
        # [DOC] c_RESTAPI.md: "values submitted to encrypted fields are not saved"; some clients
        # report success without the parameter [TP], so the strict reading is taken.
        del stored[name]


def after_write(
    sandbox: Sandbox,
    *,
    table: str,
    before: Row | None,
    after: Row | None,
    user: Mapping[str, str] | None,
    session: UiSession | None = None,
) -> None:
    """Follow up a write that was stored; `after` is completed in place.

    Args:
        sandbox: Where.
        table: Table of the record.
        before: The row as it was; None for an insert.
        after: The row as it is; None for a delete.
        user: Row of `sys_user` of the caller.
        session: The session of the request, if it has one.
    """
    row = after if after is not None else before
    if row is None:
        return
    actual = class_of(table, row)
    if actual == SETS and after is None:
        removed(sandbox, row)
    if actual == ACCOUNTS:
        if after is not None and (before or {}).get("active") != after.get("active"):
            activated(sandbox, after)
        else:
            settle(sandbox)
    if is_tracked(sandbox, actual):
        if after is not None and before is None:
            _complete(sandbox, actual, after)
        by = user.get("user_name", "guest") if user else "guest"
        application = row.get("sys_scope") or "global"
        target = current_set(sandbox, user, session=session, application=application)
        capture(sandbox, actual, row, update_set=target, delete=after is None, by=by)


def _complete(sandbox: Sandbox, table: str, row: Row) -> None:
    """Fill what the platform fills in a new application file."""
    columns = sandbox.database.dictionary.columns(table)
    filled = {
        "sys_name": row.get("sys_name") or row.get("name", ""),
        "sys_update_name": f"{table}_{row['sys_id']}",
    }
    row.update({name: value for name, value in filled.items() if name in columns})
    sandbox.database.put(table, row)
