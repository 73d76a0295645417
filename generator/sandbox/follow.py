"""Data follows the switches: properties, plugins, upgrades, locks and change requests.

Only what a switch that changed is about is written, so that what somebody wrote over REST stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from generator.sandbox.base_rows import (
    API_KEYS,
    CICD,
    CLIENT_CREDENTIALS,
    EMAIL_OAUTH,
    PLUGINS,
    PRODUCTION,
    WAR,
    fixed_id,
)
from generator.sandbox.database import MOMENT
from generator.sandbox.seed import drop_property, put_property
from generator.sandbox.taken import take_columns, take_roles

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

MUTEX = "Update-Mutex"


def follow(sandbox: Sandbox) -> None:
    """Write what the switches that changed since the last call are about."""
    behaviour, known = sandbox.behaviour, sandbox.door.followed
    with sandbox.database.transaction():
        for names, write in _WRITERS:
            values = tuple(getattr(behaviour, name) for name in names)
            if known.get(names) != values:
                write(sandbox)
                known[names] = values


def _production(sandbox: Sandbox) -> None:
    """`glide.installation.production`; fallback of the platform is true [DOC]."""
    said = sandbox.behaviour.production
    if said == "missing":
        drop_property(sandbox, PRODUCTION)
    else:
        # Unreadable: the row is there, an ACL keeps its value [INF].
        put_property(sandbox, PRODUCTION, None if said == "unreadable" else said)
    # [INF] Clone code fills this column from the property [PLAT].
    row = {
        "instance_name": sandbox.name,
        "production": "false" if said == "false" else "true",
        "primary": "true",
    }
    _put(sandbox, "instance", row, name="self")


def _release(sandbox: Sandbox) -> None:
    """`glide.war` names the family; its form is measured [MEAS]."""
    family = sandbox.behaviour.release
    war = f"glide-{family}-02-11-2026__patch2-03-12-2026_03-20-2026_1042.zip"
    put_property(sandbox, WAR, war)
    node = {"node_id": "1", "system_id": sandbox.name, "status": "online"}
    _put(sandbox, "sys_cluster_state", {**node, "build_name": family.title()}, name="1")


def _plugins(sandbox: Sandbox) -> None:
    behaviour = sandbox.behaviour
    off = {
        name
        for name, is_off in (
            (EMAIL_OAUTH, behaviour.email_oauth_plugin == "inactive"),
            (CICD, behaviour.cicd == "inactive"),
            (API_KEYS, behaviour.api_keys == "inactive"),
        )
        if is_off
    }
    for plugin, name in PLUGINS.items():
        if plugin in behaviour.missing_plugins:
            sandbox.database.delete("v_plugin", fixed_id("v_plugin", plugin))
            continue
        # The value is measured: `active` [MEAS]; it lags behind an activation [TP].
        is_active = plugin not in off and not behaviour.v_plugin_lag
        row = {
            "id": plugin,
            "name": name,
            "active": "active" if is_active else "inactive",
            "version": "1.0.0",
            "type": "plugin",
            "scope": "global",
        }
        _put(sandbox, "v_plugin", row, name=plugin)


def _columns(sandbox: Sandbox) -> None:
    """Entries of columns; that of `oauth_profile` proves the plugin [PLAT]."""
    name = "sys_email_account.oauth_profile"
    if sandbox.behaviour.email_oauth_plugin != "inactive":
        row = {
            "name": "sys_email_account",
            "element": "oauth_profile",
            "internal_type": "reference",
            "reference": "oauth_entity_profile",
            "active": "true",
        }
        _put(sandbox, "sys_dictionary", row, name=name)
    take_columns(sandbox)


def _upgrade(sandbox: Sandbox) -> None:
    started = sandbox.database.now()
    finished = "" if sandbox.behaviour.upgrading else started
    row = {"upgrade_started": started, "upgrade_finished": finished, "to_version": "next"}
    _put(sandbox, "sys_upgrade_history", row, name="last")


def _mutex(sandbox: Sandbox) -> None:
    acquired = sandbox.database.now() if sandbox.behaviour.mutex_held else ""
    _put(sandbox, "sys_mutex", {"name": MUTEX, "acquired": acquired}, name=MUTEX)


def _client_credentials(sandbox: Sandbox) -> None:
    is_on = sandbox.behaviour.client_credentials != "property_off"
    put_property(sandbox, CLIENT_CREDENTIALS, "true" if is_on else "false")


def _strict_query(sandbox: Sandbox) -> None:
    is_on = sandbox.behaviour.strict_query
    put_property(sandbox, "glide.invalid_query.returns_no_rows", "true" if is_on else "false")


def _machines(sandbox: Sandbox) -> None:
    """Identity type Machine sets *Web service access only* [DOC]; back, only who had not."""
    made = sandbox.door.machines
    is_on = sandbox.behaviour.machine_user
    for user in sandbox.database.query("sys_user"):
        if is_on and user.get("web_service_access_only") != "true":
            made.add(user["sys_id"])
        if user["sys_id"] in made:
            value = "true" if is_on else "false"
            sandbox.database.put("sys_user", {**user, "web_service_access_only": value})
    if not is_on:
        made.clear()


def _changes(sandbox: Sandbox) -> None:
    """Change requests as an approved one that is being implemented, but for what is given."""
    now = sandbox.clock.now()
    usual = {
        "type": "normal",
        "state": "-1",
        "approval": "approved",
        "on_hold": "false",
        "active": "true",
        "start_date": (now - timedelta(hours=1)).strftime(MOMENT),
        "end_date": (now + timedelta(hours=8)).strftime(MOMENT),
        "conflict_status": "No Conflict",
        "short_description": "Outbound mail through SMTP OAuth",
    }
    for given in sandbox.behaviour.change_requests:
        _put(sandbox, "change_request", {**usual, **given}, name=given["number"])


def _put(sandbox: Sandbox, table: str, values: Mapping[str, str], *, name: str) -> None:
    sys_id, now = fixed_id(table, name), sandbox.database.now()
    sandbox.database.put(table, {"sys_id": sys_id, "sys_updated_on": now, **values})


_WRITERS: tuple[tuple[tuple[str, ...], Callable[[Sandbox], None]], ...] = (
    (("production",), _production),
    (("release",), _release),
    (
        ("missing_plugins", "v_plugin_lag", "email_oauth_plugin", "cicd", "api_keys"),
        _plugins,
    ),
    (("email_oauth_plugin", "missing_columns"), _columns),
    (("missing_roles",), take_roles),
    (("upgrading",), _upgrade),
    (("mutex_held",), _mutex),
    (("client_credentials",), _client_credentials),
    (("strict_query",), _strict_query),
    (("machine_user",), _machines),
    (("change_requests",), _changes),
)
"""Switches to what is written when one of them changes."""
