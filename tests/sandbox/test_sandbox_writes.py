"""Writes over REST: closed doors, secrets, captures, accounts, and what goes with a set."""

from __future__ import annotations

import pytest
from update_set_desk import Desk, base_of, change, desk, example, hex_id, one_set, unload
from werkzeug.test import TestResponse

from generator.sandbox.passwords import decrypt, is_ciphertext, password_matches
from generator.sandbox.payloads import read_payload

SET = hex_id("Set")
ONE = change("sys_script_include", "One")
DISPLAY = {"sysparm_input_display_value": "true"}


def rest(
    at: Desk, method: str, path: str, body: dict[str, str] | None = None, **query: str
) -> TestResponse:
    return at.call(method, f"/api/now/table/{path}", body, **query)


def forbidden(answer: TestResponse) -> str:
    assert answer.status_code == 403
    error = answer.json["error"]
    assert error["message"] == "Operation Failed"
    return str(error["detail"])


def loaded(*changes: object) -> Desk:
    at = desk()
    at.upload(unload(changes or [ONE]))  # type: ignore[arg-type]
    return at


def local_changes(at: Desk) -> list[tuple[str, str]]:
    rows = at.rows("sys_update_xml", "update_setISNOTEMPTY^ORDERBYsys_recorded_at")
    return [(row["name"], row["action"]) for row in rows]


def test_updates_are_not_made_over_rest() -> None:
    at = loaded()
    detail = forbidden(rest(at, "POST", "sys_update_xml", {"name": "x", "remote_update_set": SET}))
    assert detail == "ACL Exception Insert Failed due to security constraints"
    assert len(at.rows("sys_update_xml")) == 1


@pytest.mark.parametrize("column", ["update_set", "remote_update_set"])
def test_updates_do_not_move_between_sets(column: str) -> None:
    at = loaded()
    (row,) = at.rows("sys_update_xml")
    detail = forbidden(rest(at, "PATCH", f"sys_update_xml/{row['sys_id']}", {column: "0" * 32}))
    assert detail.startswith(
        "Operation against file 'sys_update_xml' was aborted by Business Rule "
        "'Handle updates moving between sets^"
    )
    kept = rest(at, "PATCH", f"sys_update_xml/{row['sys_id']}", {"comments": "mine"})
    assert kept.json["result"]["comments"] == "mine"


def test_the_state_of_a_set_is_accepted_and_reverted() -> None:
    at = loaded()
    body = {"state": "committed", "description": "changed"}
    answer = rest(at, "PATCH", f"sys_remote_update_set/{SET}", body)
    assert answer.status_code == 200
    assert at.set(SET)["state"] == "loaded"
    assert at.set(SET)["description"] == "changed"


@pytest.mark.parametrize("table", ["sys_security_acl", "sys_security_acl_role"])
def test_acls_need_the_elevated_role(table: str) -> None:
    at = desk()
    assert "ACL Exception Insert" in forbidden(rest(at, "POST", table, {"sys_scope": "global"}))
    at.box.database.put(table, {"sys_id": "1" * 32})
    update = rest(at, "PATCH", f"{table}/{'1' * 32}", {"sys_policy": "x"})
    assert "ACL Exception Update" in forbidden(update)
    assert "ACL Exception Delete" in forbidden(rest(at, "DELETE", f"{table}/{'1' * 32}"))


def test_a_scope_is_demoted_to_global() -> None:
    at = desk()
    at.install(unload([change("sys_app", "App", scope="x_app", source="x_app")]))
    body = {"name": "S", "sys_scope": hex_id("App")}
    made = rest(at, "POST", "sys_script_include", body).json["result"]
    (row,) = at.rows("sys_script_include", "name=S")
    assert (row["sys_scope"], row["sys_package"]) == ("global", "global")
    assert row["sys_update_name"] == f"sys_script_include_{made['sys_id']}"
    assert made["sys_name"] == "S"


def test_a_secret_is_stored_as_ciphertext_and_never_read_again() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E")]))
    secret = "s3" + "cr3t"
    path = f"oauth_entity/{hex_id('E')}"
    answer = rest(at, "PATCH", path, {"client_secret": secret}, **DISPLAY)
    assert answer.status_code == 200
    assert secret not in answer.text
    (row,) = at.rows("oauth_entity")
    assert is_ciphertext(row["client_secret"])
    assert decrypt(at.box, row["client_secret"]) == secret
    assert secret not in rest(at, "GET", path).text
    (captured,) = at.rows("sys_update_xml", "update_set.is_default=true")
    assert row["client_secret"] in captured["payload"]
    assert secret not in captured["payload"]
    assert not any(secret in line for line in at.box.log)


def test_without_the_parameter_a_secret_is_not_saved() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E")]))
    assert (
        rest(at, "PATCH", f"oauth_entity/{hex_id('E')}", {"client_secret": "x"}).status_code == 200
    )
    assert at.rows("oauth_entity")[0].get("client_secret", "") == ""
    emptied = {"client_secret": ""}
    rest(at, "PATCH", f"oauth_entity/{hex_id('E')}", {"client_secret": "x"}, **DISPLAY)
    rest(at, "PATCH", f"oauth_entity/{hex_id('E')}", emptied, **DISPLAY)
    assert at.rows("oauth_entity")[0]["client_secret"] == ""


def test_a_one_way_password_needs_the_parameter_to_be_usable() -> None:
    at = desk()
    word = "pa" + "ss"
    rest(at, "POST", "sys_user", {"user_name": "good", "user_password": word}, **DISPLAY)
    rest(at, "POST", "sys_user", {"user_name": "bad", "user_password": word})
    stored = {
        row["user_name"]: row["user_password"] for row in at.rows("sys_user", "user_nameINgood,bad")
    }
    assert password_matches(stored["good"], word)
    assert not password_matches(stored["bad"], word)
    assert word not in stored["bad"]


def test_changes_of_tracked_records_are_captured_in_the_current_set() -> None:
    at = desk()
    made = rest(at, "POST", "sys_script_include", {"name": "S", "script": "a & b"}).json["result"]
    name = f"sys_script_include_{made['sys_id']}"
    rest(at, "PATCH", f"sys_script_include/{made['sys_id']}", {"script": "c"})
    assert local_changes(at) == [(name, "INSERT_OR_UPDATE")]
    (row,) = at.rows("sys_update_xml", f"name={name}")
    payload = read_payload(row["payload"])
    assert payload is not None
    assert payload.first.values["script"] == "c"
    assert (row["type"], row["target_name"]) == ("Script Include", "S")
    assert row["update_guid_history"] == f"{row['update_guid']}:{row['payload_hash']}"
    states = [
        v["state"] for v in at.rows("sys_update_version", f"name={name}^ORDERBYsys_recorded_at")
    ]
    assert states == ["previous", "current"]
    rest(at, "DELETE", f"sys_script_include/{made['sys_id']}")
    assert local_changes(at) == [(name, "DELETE")]


def test_changes_of_data_are_not_captured() -> None:
    at = desk()
    rest(at, "POST", "sys_email_account", {"name": "A", "type": "smtp", "active": "false"})
    assert local_changes(at) == []


def test_a_change_of_an_application_s_record_goes_to_its_own_default_set() -> None:
    at = desk()
    (data,) = example("dev")
    at.install(data)
    (prop,) = at.rows("sys_properties", "nameENDSWITHwarn_days")
    rest(at, "PATCH", f"sys_properties/{prop['sys_id']}", {"value": "3"})
    (row,) = at.rows("sys_update_xml", f"name={prop['sys_update_name']}^update_set.is_default=true")
    target = at.box.database.get("sys_update_set", row["update_set"])
    assert target is not None
    assert target["application"] == prop["sys_scope"]


def test_a_delivered_secret_collides_with_an_older_package() -> None:
    at = desk()
    (data,) = example("dev")
    at.install(data)
    (entity,) = at.rows("oauth_entity")
    rest(at, "PATCH", f"oauth_entity/{entity['sys_id']}", {"client_secret": "x"}, **DISPLAY)
    for row in at.rows("sys_remote_update_set"):
        rest(at, "DELETE", f"sys_remote_update_set/{row['sys_id']}")
    at.upload(data)
    at.preview(base_of(data))
    assert at.problems() == ["Found a local update that is newer than this one"]


def test_an_activated_account_switches_the_other_off_one_read_later() -> None:
    at = desk()
    (old,) = at.rows("sys_email_account", "type=smtp^active=true")
    body = {"name": "A", "type": "smtp", "active": "true"}
    made = rest(at, "POST", "sys_email_account", body).json["result"]
    query = {"sysparm_query": "type=smtp^active=true", "sysparm_fields": "sys_id"}
    reads = [
        {row["sys_id"] for row in rest(at, "GET", "sys_email_account", **query).json["result"]}
        for _ in range(3)
    ]
    assert reads == [{old["sys_id"], made["sys_id"]}, {made["sys_id"]}, {made["sys_id"]}]
    rest(at, "PATCH", f"sys_email_account/{old['sys_id']}", {"active": "true"})
    rest(at, "PATCH", f"sys_email_account/{made['sys_id']}", {"name": "B"})
    active = at.rows("sys_email_account", "type=smtp^active=true")
    assert [row["sys_id"] for row in active] == [old["sys_id"]]


def test_an_account_that_is_switched_off_at_once_takes_nobody_s_place() -> None:
    at = desk()
    (old,) = at.rows("sys_email_account", "type=smtp^active=true")
    body = {"name": "A", "type": "smtp", "active": "true"}
    made = rest(at, "POST", "sys_email_account", body).json["result"]
    rest(at, "DELETE", f"sys_email_account/{made['sys_id']}")
    for _ in range(3):
        rest(at, "GET", "sys_email_account")
    assert [row["sys_id"] for row in at.rows("sys_email_account", "active=true^type=smtp")] == [
        old["sys_id"]
    ]


def test_the_configured_account_is_only_switched() -> None:
    at = desk()
    (old,) = at.rows("sys_email_account", "type=smtp^servicenow_configured=true")
    path = f"sys_email_account/{old['sys_id']}"
    assert "aborted by Business Rule" in forbidden(rest(at, "PATCH", path, {"server": "x"}))
    assert rest(at, "PATCH", path, {"active": "false"}).status_code == 200


def test_a_set_goes_with_its_updates_previews_and_problems() -> None:
    at = loaded(change("oauth_entity_profile", "P", oauth_entity="f" * 32))
    at.preview(SET)
    assert rest(at, "DELETE", f"sys_remote_update_set/{SET}").status_code == 204
    for table in ("sys_remote_update_set", "sys_update_xml", "sys_update_preview_xml"):
        assert at.rows(table) == []
    assert at.problems() == []


def test_without_the_cascade_they_stay_as_orphans() -> None:
    at = loaded()
    at.box.behaviour.set({"cascade": False})
    rest(at, "DELETE", f"sys_remote_update_set/{SET}")
    assert len(at.rows("sys_update_xml")) == 1
    at.upload(unload([ONE]))
    assert len(at.rows("sys_update_xml")) == 2


def test_children_of_a_batch_stay() -> None:
    at = desk()
    links = {"state": "in_hierarchy", "parent": SET, "remote_base_update_set": SET}
    child = one_set([ONE], name="Inner", links=links)
    at.upload(unload([], links={"remote_base_update_set": SET}, children=child))
    rest(at, "DELETE", f"sys_remote_update_set/{SET}")
    assert [row["name"] for row in at.rows("sys_remote_update_set")] == ["Inner"]


def test_a_problem_is_resolved_by_its_field_and_skipped_by_the_preview_s() -> None:
    at = loaded(change("oauth_entity_profile", "P", oauth_entity="f" * 32), ONE)
    at.preview(SET)
    (problem,) = at.rows("sys_update_preview_problem")
    path = f"sys_update_preview_problem/{problem['sys_id']}"
    assert rest(at, "PATCH", path, {"status": "skipped"}).json["result"]["status"] == "skipped"
    preview = at.previews(SET)[f"oauth_entity_profile_{hex_id('P')}"]
    assert preview["proposed_action"] == "commit"
    path = f"sys_update_preview_xml/{preview['sys_id']}"
    rest(at, "PATCH", path, {"proposed_action": "skip"})
    assert at.commit(SET)["status"] == "2"
    assert at.rows("oauth_entity_profile") == []
    assert at.rows("sys_script_include", "name=One")


def test_a_read_of_the_set_alone_moves_its_work_on() -> None:
    at = loaded()
    at.call("POST", f"/api/sn_cicd/update_set/preview/{SET}")
    states = [
        rest(at, "GET", f"sys_remote_update_set/{SET}").json["result"]["state"] for _ in range(2)
    ]
    assert states == ["previewing", "previewed"]
