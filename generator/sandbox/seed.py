"""Fill a new sandbox with what an instance has from the start (`spec/instance-http.md` B2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.base_rows import (
    ACCOUNTS,
    ADMIN_ID,
    ADMIN_ROLES,
    DESCRIBED,
    INSTANCE_NAME,
    MACHINE_ROLES,
    MACHINE_USER,
    PLAIN_USER,
    PROPERTIES,
    REFERENCED,
    ROLES,
    fixed_id,
)
from generator.sandbox.identity import user_named
from generator.sandbox.passwords import encrypt, hash_password

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

SYSTEM = "system"
SALT_BITS = 128


def seed(sandbox: Sandbox) -> None:
    """Fill a sandbox; one that was kept on disk only gets its name and passwords anew."""
    database = sandbox.database
    with database.transaction():
        if database.get("sys_user", ADMIN_ID) is None:
            _scopes(sandbox)
            _tables(sandbox)
            _people(sandbox)
            _settings(sandbox)
            _referenced(sandbox)
        _passwords(sandbox)
        put_property(sandbox, INSTANCE_NAME, sandbox.name)


def add_oauth_client(
    sandbox: Sandbox, client_id: str, *, secret: str, user: str = ADMIN_ID
) -> None:
    """Register an inbound OAuth client.

    Args:
        sandbox: Where.
        client_id: Its id.
        secret: Its secret; kept encrypted.
        user: sys_id of its OAuth Application User; empty for none.
    """
    values = {
        "name": f"External client {client_id}",
        "client_id": client_id,
        "client_secret": encrypt(sandbox, secret),
        "type": "client",
        "active": "true",
        "user": user,
        "inbound_grant_type": "client_credentials",
    }
    _add(sandbox, "oauth_entity", values, name=f"inbound/{client_id}")


def add_administrator(sandbox: Sandbox, name: str, *, password: str) -> None:
    """Another user who may do everything, or the first one's new password."""
    found = user_named(sandbox, name)
    sys_id = found["sys_id"] if found else fixed_id("sys_user", name)
    if found is None:
        _person(sandbox, sys_id, user_name=name, name=name, roles=ADMIN_ROLES)
    _password(sandbox, sys_id, password)


def add_api_key(sandbox: Sandbox, key: str, *, user: str = ADMIN_ID) -> None:
    """Let an API key stand for a user."""
    sandbox.door.api_keys.add(key, user=user)


def put_property(sandbox: Sandbox, name: str, value: str | None) -> None:
    """Set a system property; None leaves a row without a readable value."""
    values = {"name": name, "type": "string", "sys_scope": "global"}
    if value is not None:
        values["value"] = value
    _add(sandbox, "sys_properties", values, name=name)


def drop_property(sandbox: Sandbox, name: str) -> None:
    """Take a system property away."""
    sandbox.database.delete("sys_properties", fixed_id("sys_properties", name))


def _add(sandbox: Sandbox, table: str, values: dict[str, str], *, name: str) -> None:
    """Write a base record under its fixed sys_id, stamped as if by the platform."""
    database = sandbox.database
    sys_id = values.get("sys_id") or fixed_id(table, name)
    now = database.now()
    stamps = {
        "sys_id": sys_id,
        "sys_created_by": SYSTEM,
        "sys_created_on": now,
        "sys_updated_by": SYSTEM,
        "sys_updated_on": now,
        "sys_mod_count": "0",
    }
    database.put(table, {**stamps, **values})


def _scopes(sandbox: Sandbox) -> None:
    """The global application: its sys_id is the word, as references to it hold."""
    values = {"sys_id": "global", "name": "Global", "scope": "global", "active": "true"}
    _add(sandbox, "sys_scope", values, name="global")
    # The set in which changes of the global application are captured by default.
    default = {
        "name": "Default",
        "application": "global",
        "is_default": "true",
        "state": "in progress",
    }
    _add(sandbox, "sys_update_set", default, name="Default/global")


def _tables(sandbox: Sandbox) -> None:
    """`sys_db_object` and `sys_dictionary` of the tables that the sandbox knows."""
    dictionary = sandbox.dictionary
    for table in dictionary.tables():
        parents = dictionary.parents(table)
        above = fixed_id("sys_db_object", parents[0]) if parents else ""
        row = {"name": table, "label": table, "super_class": above}
        _add(sandbox, "sys_db_object", row, name=table)
        # Only tables with this attribute are tracked in update sets [DOC].
        is_tracked = table == "sys_metadata" or "sys_metadata" in parents
        attributes = "update_synch=true" if is_tracked else ""
        entry = {"name": table, "internal_type": "collection", "attributes": attributes}
        _add(sandbox, "sys_dictionary", entry, name=table)
    for table in DESCRIBED:
        for column in dictionary.columns(table).values():
            entry = {
                "name": table,
                "element": column.name,
                "internal_type": column.type,
                "reference": column.reference or "",
                "active": "true",
            }
            _add(sandbox, "sys_dictionary", entry, name=f"{table}.{column.name}")


def _people(sandbox: Sandbox) -> None:
    for role in ROLES:
        _add(sandbox, "sys_user_role", {"name": role, "sys_scope": "global"}, name=role)
    people = (
        (ADMIN_ID, sandbox.admin_user, "System Administrator", "false", ADMIN_ROLES),
        ("", MACHINE_USER, "Machine", "true", MACHINE_ROLES),
        ("", PLAIN_USER, "Without roles", "false", ()),
    )
    for sys_id, user_name, name, is_machine, roles in people:
        sys_id = sys_id or fixed_id("sys_user", user_name)
        _person(sandbox, sys_id, user_name=user_name, name=name, roles=roles, is_machine=is_machine)


def _person(
    sandbox: Sandbox,
    sys_id: str,
    *,
    user_name: str,
    name: str,
    roles: tuple[str, ...],
    is_machine: str = "false",
) -> None:
    user = {
        "sys_id": sys_id,
        "user_name": user_name,
        "name": name,
        "active": "true",
        "web_service_access_only": is_machine,
    }
    _add(sandbox, "sys_user", user, name=user_name)
    for role in roles:
        row = {
            "user": sys_id,
            "role": fixed_id("sys_user_role", role),
            "state": "active",
            "inherited": "false",
        }
        _add(sandbox, "sys_user_has_role", row, name=f"{user_name}/{role}")


def _settings(sandbox: Sandbox) -> None:
    for name, value in PROPERTIES.items():
        put_property(sandbox, name, value)
    for account in ACCOUNTS:
        _add(sandbox, "sys_email_account", dict(account), name=account["name"])


def _referenced(sandbox: Sandbox) -> None:
    for table, rows in REFERENCED.items():
        columns = dict.fromkeys(name for row in rows for name in row)
        sandbox.dictionary.ensure_table(table, columns=tuple(columns))
        for row in rows:
            _add(sandbox, table, dict(row), name=row["sys_id"])


def _passwords(sandbox: Sandbox) -> None:
    """One random password for the three users; the first may have been renamed."""
    for sys_id in (ADMIN_ID, *(fixed_id("sys_user", n) for n in (MACHINE_USER, PLAIN_USER))):
        _password(sandbox, sys_id, sandbox.admin_password)
    admin = sandbox.database.get("sys_user", ADMIN_ID)
    if admin is not None:
        sandbox.database.put("sys_user", {**admin, "user_name": sandbox.admin_user})


def _password(sandbox: Sandbox, sys_id: str, password: str) -> None:
    user = sandbox.database.get("sys_user", sys_id)
    if user is not None:
        salt = sandbox.random.getrandbits(SALT_BITS).to_bytes(SALT_BITS // 8, "big")
        stored = hash_password(password, salt=salt)
        sandbox.database.put("sys_user", {**user, "user_password": stored})
