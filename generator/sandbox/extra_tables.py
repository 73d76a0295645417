"""Tables the sandbox has beyond the package's dictionary, and which columns are secret.

`spec/instance-http.md` B2, from typings of a live instance [PLAT]; a column is `[type]` or
`["reference", table]`, as in `table_columns.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class Entry(TypedDict):
    """One table as the dictionary's source writes it."""

    extends: str | None
    columns: dict[str, list[str]]


def _strings(names: str) -> dict[str, list[str]]:
    return {name: ["string"] for name in names.split()}


def _reference(table: str) -> list[str]:
    return ["reference", table]


EXTRA_TABLES: Mapping[str, Entry] = {
    "v_plugin": {
        "extends": None,
        "columns": _strings(
            "id name active version available_version state type scope provider path"
        ),
    },
    "sys_plugins": {
        "extends": "sys_package",
        "columns": {
            "parent": _reference("sys_plugins"),
            "install_date": ["any"],
            "batch_install_plan": _reference("sys_batch_install_plan"),
        },
    },
    "sys_store_app": {
        "extends": "sys_scope",
        "columns": {
            "latest_version": ["string"],
            "install_date": ["any"],
            "update_available": ["boolean"],
        },
    },
    "task": {
        "extends": None,
        "columns": {
            **_strings("number approval short_description description sys_class_name"),
            **dict.fromkeys(("state", "priority", "impact", "urgency"), ["number"]),
            "active": ["boolean"],
            "cmdb_ci": _reference("cmdb_ci"),
            "assigned_to": _reference("sys_user"),
            "assignment_group": _reference("sys_user_group"),
            "opened_by": _reference("sys_user"),
            **dict.fromkeys(("opened_at", "closed_at", "work_notes"), ["any"]),
        },
    },
    "change_request": {
        "extends": "task",
        "columns": {
            **_strings("type phase_state on_hold_reason conflict_status scope category chg_model"),
            **_strings("backout_plan test_plan implementation_plan"),
            **dict.fromkeys(("start_date", "end_date"), ["any"]),
            **dict.fromkeys(("on_hold", "cab_required", "unauthorized"), ["boolean"]),
            "risk": ["number"],
        },
    },
    "sys_mutex": {"extends": None, "columns": _strings("name acquired touched system_id")},
    "sys_cluster_state": {
        "extends": None,
        "columns": _strings("node_id system_id build_name status"),
    },
    "syslog": {
        "extends": None,
        "columns": {**_strings("level message source"), "sequence": ["number"]},
    },
    "instance": {
        "extends": None,
        "columns": {
            **_strings("instance_name war_version"),
            "production": ["boolean"],
            "primary": ["boolean"],
        },
    },
    "scan_check_suite": {
        "extends": "sys_metadata",
        "columns": {**_strings("name description"), "active": ["boolean"]},
    },
    "scan_result": {
        "extends": None,
        "columns": {**_strings("number state progress_id scan_type"), "finding_count": ["number"]},
    },
    "scan_finding": {
        "extends": None,
        "columns": {
            **_strings("check source source_table finding_details"),
            "result": _reference("scan_result"),
            "task": _reference("task"),
            "count": ["number"],
            "muted": ["boolean"],
        },
    },
    "sys_hub_action_type_base": {"extends": "sys_metadata", "columns": {}},
    "sys_hub_action_type_definition": {
        "extends": "sys_hub_action_type_base",
        "columns": {
            **_strings("state pre_compiled"),
            "active": ["boolean"],
            "latest_snapshot": _reference("sys_hub_action_type_snapshot"),
            "master_snapshot": _reference("sys_hub_action_type_snapshot"),
        },
    },
    "sys_hub_action_type_snapshot": {
        "extends": "sys_hub_action_type_base",
        "columns": {"parent_action": _reference("sys_hub_action_type_definition")},
    },
}
"""Tables and their own columns."""

READ_ONLY: Mapping[str, frozenset[str]] = {
    "change_request": frozenset({"conflict_status"}),
    "instance": frozenset({"production", "primary"}),
    "scan_result": frozenset({"number", "state", "progress_id", "finding_count", "scan_type"}),
    "scan_finding": frozenset(
        {"result", "check", "source", "source_table", "finding_details", "count", "muted"}
    ),
    "sys_update_set": frozenset({"base_update_set"}),
}
"""Columns that a REST write leaves as they are [PLAT]."""

SECRETS: Mapping[tuple[str, str], str] = {
    ("oauth_entity", "client_secret"): "two_way",
    ("sys_auth_profile_basic", "password"): "two_way",
    # Beyond these two, which columns are password2 is our inference [INF].
    ("sys_email_account", "password"): "two_way",
    ("sys_update_set_source", "password"): "two_way",
    ("sys_auth_profile_oauth2", "password"): "two_way",
    ("discovery_credentials", "password"): "two_way",
    ("sys_certificate", "key_store_password"): "two_way",
    ("sys_rest_message", "basic_auth_password"): "two_way",
    ("sys_rest_message_fn", "basic_auth_password"): "two_way",
    ("sys_user", "user_password"): "one_way",
}
"""Secret columns: `two_way` is `password2`, `one_way` is `password`."""
