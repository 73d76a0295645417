"""Which roles may read and write which tables (`spec/instance-http.md` A3, A16, B3.7, B3.21)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from generator.sandbox.context import Context
from generator.sandbox.notes import note
from generator.sandbox.rest import RestError

FORBIDDEN = (403, "User Not Authorized", "Failed API level ACL Validation")
"""A table that is closed to the caller. [MEAS]"""

MISSING = (404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
"""Absent and invisible records alike. [MEAS]"""

PLUGIN_TABLES = frozenset({"sys_plugins", "sys_store_app"})
"""Refused even to an administrator (switch `plugin_tables`). [MEAS]"""

_OAUTH_TABLES = (
    "oauth_entity",
    "oauth_entity_profile",
    "oauth_entity_profile_scope",
    "oauth_entity_scope",
    "oauth_credential",
    "oauth_requestor_profile",
    "oauth_jwt",
    "jwt_provider",
    "jwt_keystore_aliases",
    "jwt_claim_validation",
)
_CICD = "sn_cicd.sys_ci_automation"

EVERYBODY = frozenset(
    {"sys_user", "sys_user_has_role", "sys_user_role", "sys_user_group", "sys_user_preference"}
)
"""Readable by every user: who one is, and one's roles. [MEAS PSS for the first]."""

ROLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_OAUTH_TABLES, ("oauth_admin",)),
    "sys_email_account": ("email_account_admin",),
    "change_request": ("sn_change_read", "itil", "change_manager"),
    "task": ("itil",),
}
"""Roles other than admin that read a table. [DOC]"""

WRITERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_OAUTH_TABLES, ("oauth_admin",)),
    "sys_email_account": ("email_account_admin",),
    "change_request": ("itil", "change_manager"),
    "task": ("itil",),
}
"""Roles other than admin that write a table. [DOC]; for changes and tasks [INF]."""

READERS_OF_SETS: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    (
        "sys_update_set",
        "sys_remote_update_set",
        "sys_update_xml",
        "sys_update_preview_xml",
        "sys_update_preview_problem",
        "sys_execution_tracker",
        "sys_progress_worker",
    ),
    (_CICD,),
)
"""What the CI/CD role sees of its own work. [INF]"""


def check_table(context: Context, table: str) -> None:
    """Refuse a table that is not there, or closed to everybody.

    Raises:
        RestError: 400 or 403.
    """
    if not context.sandbox.dictionary.exists(table):
        tables = context.sandbox.dictionary.tables()
        note(context.sandbox, "table", given=table, known=tables, once=True)
        raise RestError(400, f"Invalid table {table}")
    if is_closed(context, table):
        raise RestError(*FORBIDDEN)
    behaviour = context.sandbox.behaviour
    if table in PLUGIN_TABLES and behaviour.plugin_tables == "closed":
        raise RestError(*FORBIDDEN)


def may_read(context: Context, table: str) -> bool:
    """Whether the caller reads records of a table."""
    if table in EVERYBODY:
        return True
    return not _granting(context, table, _readers(table)).isdisjoint(context.roles)


def may_write(context: Context, table: str) -> bool:
    """Whether the caller writes records of a table; v_plugin is made by the platform. [DOC]."""
    granting = _granting(context, table, WRITERS.get(table, ()))
    return table != "v_plugin" and not granting.isdisjoint(context.roles)


def is_closed(context: Context, table: str) -> bool:
    """Whether the switch `closed_tables` keeps a table from the caller, who would see it else."""
    closed = context.sandbox.behaviour.closed_tables
    if table in closed:
        return True
    if table in EVERYBODY or not any(given.startswith(f"{table}:") for given in closed):
        return False
    held = context.roles & {"admin", *_readers(table), *WRITERS.get(table, ())}
    return bool(held) and held.isdisjoint(_granting(context, table, held))


def is_closed_column(context: Context, table: str, column: str) -> bool:
    """Whether the switch `closed_columns` keeps a column from everybody; inherited ones, too."""
    closed = context.sandbox.behaviour.closed_columns
    if not closed:
        return False
    family = (table, *context.sandbox.dictionary.parents(table))
    return any(f"{name}.{column}" in closed for name in family)


def _readers(table: str) -> tuple[str, ...]:
    return (*ROLES.get(table, ()), *READERS_OF_SETS.get(table, ()))


def _granting(context: Context, table: str, roles: Iterable[str]) -> frozenset[str]:
    """Of admin and these roles, the ones that the switch leaves."""
    closed = context.sandbox.behaviour.closed_tables
    return frozenset(role for role in ("admin", *roles) if f"{table}:{role}" not in closed)
