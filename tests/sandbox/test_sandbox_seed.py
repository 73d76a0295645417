"""What a new sandbox holds, and how its data follows the switches."""

from __future__ import annotations

from pathlib import Path

import pytest
from door_calls import USERS, admin, ask, made

from generator.sandbox.base_rows import PLUGINS, PRODUCTION
from generator.sandbox.behaviour import parse
from generator.sandbox.instance import Sandbox


def value(sandbox: Sandbox, name: str) -> str | None:
    """The value of a property, as the data has it; None without a row."""
    ask(sandbox, "GET", "/login.do")
    rows = sandbox.database.query("sys_properties", f"name={name}")
    assert len(rows) <= 1
    return rows[0].get("value", "unreadable") if rows else None


def count(sandbox: Sandbox, table: str, query: str = "") -> int:
    ask(sandbox, "GET", "/login.do")
    return sandbox.database.count(table, query)


def test_a_new_sandbox_says_who_it_is() -> None:
    sandbox = made()
    assert value(sandbox, "instance_name") == "acme-dev"
    assert value(sandbox, PRODUCTION) == "false"
    war = value(sandbox, "glide.war")
    assert war is not None
    assert war.startswith("glide-australia-")
    assert war.endswith(".zip")
    assert count(sandbox, "sys_cluster_state", "build_name=Australia") == 1


def test_users_and_roles() -> None:
    sandbox = made()
    (machine,) = sandbox.database.query("sys_user", "user_name=sn_smtp.machine")
    assert machine["web_service_access_only"] == "true"
    (nobody,) = sandbox.database.query("sys_user", "user_name=sn_smtp.nobody")
    assert count(sandbox, "sys_user_has_role", f"user={nobody['sys_id']}") == 0
    assert count(sandbox, "sys_user_has_role", "user.user_name=admin^role.name=admin") == 1
    assert all("user_password" not in row or ":" in row["user_password"] for row in (machine,))


def test_one_smtp_account_is_active() -> None:
    sandbox = made()
    (account,) = sandbox.database.query("sys_email_account", "type=smtp^active=true")
    assert (account["name"], account["servicenow_configured"]) == ("ServiceNow SMTP", "true")


def test_the_dictionary_proves_the_plugin_and_says_what_is_tracked() -> None:
    sandbox = made()
    column = "name=sys_email_account^element=oauth_profile"
    assert count(sandbox, "sys_dictionary", column) == 1
    (table,) = sandbox.database.query(
        "sys_dictionary", "name=sys_email_account^internal_type=collection"
    )
    assert table["attributes"] == ""
    (table,) = sandbox.database.query(
        "sys_dictionary", "name=oauth_entity^internal_type=collection"
    )
    assert table["attributes"] == "update_synch=true"
    assert count(sandbox, "sys_db_object", "name=sys_email_account^super_class=") == 1
    sandbox.behaviour.set({"email_oauth_plugin": "inactive"})
    assert count(sandbox, "sys_dictionary", column) == 0
    assert count(sandbox, "v_plugin", "id=com.glide.email.oauth^active=inactive") == 1
    assert "oauth_profile" not in sandbox.dictionary.columns("sys_email_account")
    sandbox.behaviour.set({"email_oauth_plugin": "on"})
    assert count(sandbox, "sys_dictionary", column) == 1
    assert "oauth_profile" in sandbox.dictionary.columns("sys_email_account")


@pytest.mark.parametrize(
    ("said", "found"),
    [("true", "true"), ("false", "false"), ("missing", None), ("unreadable", "unreadable")],
)
def test_production(said: str, found: str | None) -> None:
    sandbox = made()
    assert value(sandbox, PRODUCTION) == "false"
    sandbox.behaviour.set({"production": said})
    assert value(sandbox, PRODUCTION) == found
    is_production = "false" if said == "false" else "true"
    assert count(sandbox, "instance", f"production={is_production}") == 1


def test_an_upgrade_and_the_mutex() -> None:
    sandbox = made()
    unfinished, held = "upgrade_finishedISEMPTY", "name=Update-Mutex^acquiredISNOTEMPTY"
    assert count(sandbox, "sys_upgrade_history", unfinished) == 0
    assert count(sandbox, "sys_upgrade_history") == 1
    assert count(sandbox, "sys_mutex", held) == 0
    sandbox.behaviour.set({"upgrading": True, "mutex_held": True})
    assert count(sandbox, "sys_upgrade_history", unfinished) == 1
    assert count(sandbox, "sys_mutex", held) == 1


def test_plugins() -> None:
    sandbox = made()
    assert count(sandbox, "v_plugin", "active=active") == len(PLUGINS)
    sandbox.behaviour.set({"missing_plugins": ["com.glide.email.oauth"], "cicd": "inactive"})
    assert count(sandbox, "v_plugin", "id=com.glide.email.oauth") == 0
    assert count(sandbox, "v_plugin", "active=inactive") == 1
    sandbox.behaviour.set({"v_plugin_lag": True})
    assert count(sandbox, "v_plugin", "active=active") == 0


def test_change_requests_are_what_passes_but_for_what_is_said() -> None:
    sandbox = made(change_requests=["CHG0030001", {"number": "CHG0030002", "approval": "rejected"}])
    ask(sandbox, "GET", "/login.do")
    first, second = sandbox.database.query("change_request", "ORDERBYnumber")
    assert (first["state"], first["approval"], first["on_hold"]) == ("-1", "approved", "false")
    assert first["start_date"] == "2026-11-23 11:00:10"
    assert second["approval"] == "rejected"


def test_what_was_written_over_rest_outlives_other_switches() -> None:
    sandbox = made()
    ask(sandbox, "GET", "/login.do")
    (row,) = sandbox.database.query("sys_properties", f"name={PRODUCTION}")
    sandbox.database.update("sys_properties", row["sys_id"], {"value": "true"}, by="admin")
    sandbox.behaviour.set({"upgrading": True})
    assert value(sandbox, PRODUCTION) == "true"


def test_an_older_release_lacks_columns() -> None:
    sandbox = made(missing_columns=["oauth_entity.client_uuid", "nonsense"], release="xanadu")
    war = value(sandbox, "glide.war")
    assert war is not None
    assert war.startswith("glide-xanadu-")
    assert "client_uuid" not in sandbox.dictionary.columns("oauth_entity")
    assert "client_id" in sandbox.dictionary.columns("oauth_entity")


def entries(sandbox: Sandbox, column: str) -> list[str]:
    ask(sandbox, "GET", "/login.do")
    rows = sandbox.database.query("sys_dictionary", f"element={column}")
    return [row["name"] for row in rows]


def test_the_dictionary_knows_no_missing_column() -> None:
    sandbox = made()
    before = entries(sandbox, "client_uuid")
    assert "oauth_entity" in before
    sandbox.behaviour.set({"missing_columns": ["oauth_entity.client_uuid"]})
    assert "oauth_entity" not in entries(sandbox, "client_uuid")
    sandbox.behaviour.set({"missing_columns": []})
    assert entries(sandbox, "client_uuid") == before


def test_the_plugins_column_is_missing_for_either_reason() -> None:
    sandbox = made()
    before = entries(sandbox, "oauth_profile")
    assert "sys_email_account" in before
    for inactive, missing, found in (
        ("inactive", ["sys_email_account.oauth_profile"], False),
        ("inactive", [], False),
        ("on", ["sys_email_account.oauth_profile"], False),
        ("on", [], True),
    ):
        sandbox.behaviour.set({"email_oauth_plugin": inactive, "missing_columns": missing})
        assert ("sys_email_account" in entries(sandbox, "oauth_profile")) is found
    assert entries(sandbox, "oauth_profile") == before


def grants(sandbox: Sandbox) -> list[str]:
    path = "/api/now/table/sys_user_has_role?sysparm_fields=role.name"
    said = ask(sandbox, "GET", path, auth=admin(sandbox))
    return sorted(row["role.name"] for row in said.json()["result"])


def test_a_missing_role_is_not_listed(tmp_path: Path) -> None:
    sandbox = Sandbox(data=tmp_path / "data")
    before = grants(sandbox)
    assert before.count("admin") > 0
    sandbox.behaviour.set({"missing_roles": ["admin"]})
    assert "admin" not in grants(sandbox)
    assert len(grants(sandbox)) == len(before) - before.count("admin")
    sandbox.close()
    # Kept data gets back what only a switch took.
    again = Sandbox(data=tmp_path / "data")
    try:
        assert grants(again) == before
    finally:
        again.close()


def test_strict_queries_are_a_property() -> None:
    sandbox = made(strict_query=True)
    assert value(sandbox, "glide.invalid_query.returns_no_rows") == "true"


def test_a_kept_sandbox_keeps_its_data_and_gets_a_new_password(tmp_path: Path) -> None:
    first = Sandbox(data=tmp_path / "data", name="one")
    ask(first, "GET", "/login.do")
    (nobody,) = first.database.query("sys_user", "user_name=sn_smtp.nobody")
    first.database.delete("sys_user", nobody["sys_id"])
    first.close()
    second = Sandbox(data=tmp_path / "data", name="two", behaviour=parse(["production=true"]))
    try:
        assert value(second, "instance_name") == "two"
        assert value(second, PRODUCTION) == "true"
        assert second.database.count("sys_user") == 2
        assert ask(second, "GET", USERS, auth=admin(second)).status_code == 200
        assert ask(second, "GET", USERS, auth=admin(first)).status_code == 401
    finally:
        second.close()
