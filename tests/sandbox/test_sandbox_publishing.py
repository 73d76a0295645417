"""Publishing actions, choosing the current set, the scripts page, scans."""

from __future__ import annotations

import pytest
from update_set_desk import REST, Desk, change, desk, example, hex_id, sandbox, unload
from werkzeug.test import TestResponse

PATH = "/api/now/wfa_fluent/activate_flows"
PICKER = "/api/now/ui/concoursepicker/updateset"
ACTIONS = "sys_hub_action_type_definition"
DRAFT = {"state": "draft", "active": "false", "master_snapshot": "", "latest_snapshot": ""}


def publish(at: Desk, *sys_ids: str, scope: str, kind: str = "actions") -> TestResponse:
    body = {"flows": [], "actions": []} | {
        kind: [{"sys_id": s, "active": "", "state": ""} for s in sys_ids]
    }
    return at.call("POST", PATH, body, sysparm_transaction_scope=scope)


def with_action(**switches: object) -> tuple[Desk, dict[str, str]]:
    """A desk whose instance has the example's action, as a draft."""
    at = desk(**switches)
    (data,) = example("dev")
    at.install(data)
    (action,) = at.rows(ACTIONS)
    return at, at.box.database.put(ACTIONS, {**action, **DRAFT})


def test_an_action_with_complete_rows_is_published() -> None:
    at, action = with_action()
    answer = publish(at, action["sys_id"], scope=action["sys_scope"])
    assert answer.status_code == 200
    result = answer.json["result"]
    assert result["summary"] == {"total": 1, "succeeded": 1, "failed": 0}
    (found,) = result["results"]
    assert (found["status"], found["sys_id"]) == ("success", action["sys_id"])
    (row,) = at.rows(ACTIONS)
    assert (row["state"], row["active"]) == ("published", "true")
    assert row["latest_snapshot"] == row["master_snapshot"]
    assert at.box.database.get("sys_hub_action_type_snapshot", row["master_snapshot"])


def test_a_snapshot_that_is_there_is_kept() -> None:
    at, action = with_action()
    (snapshot,) = at.rows("sys_hub_action_type_snapshot")
    at.box.database.put(ACTIONS, {**action, "master_snapshot": snapshot["sys_id"]})
    publish(at, action["sys_id"], scope=action["sys_scope"])
    assert at.rows(ACTIONS)[0]["latest_snapshot"] == snapshot["sys_id"]


def test_an_unknown_action_fails_its_entry_and_all_failures_the_call() -> None:
    at, action = with_action()
    scope = action["sys_scope"]
    partly = publish(at, action["sys_id"], "0" * 32, scope=scope)
    assert partly.status_code == 207
    assert partly.json["result"]["summary"] == {"total": 2, "succeeded": 1, "failed": 1}
    none = publish(at, "0" * 32, "x^y", scope=scope)
    assert none.status_code == 422
    assert none.json["result"]["results"][0]["errorMessage"] == "Record not found"
    assert publish(at, action["sys_id"], scope=scope, kind="flows").status_code == 422


def test_another_scope_or_an_incomplete_action_is_not_published() -> None:
    at, action = with_action()
    assert publish(at, action["sys_id"], scope="global").status_code == 422
    for row in at.rows("sys_hub_step_instance", f"action={action['sys_id']}"):
        at.box.database.delete("sys_hub_step_instance", row["sys_id"])
    answer = publish(at, action["sys_id"], scope=action["sys_scope"])
    assert "has no sys_hub_step_instance" in answer.json["result"]["results"][0]["errorMessage"]
    assert at.rows(ACTIONS)[0]["state"] == "draft"


def test_a_header_alone_is_no_action() -> None:
    at = desk()
    at.install(unload([change(ACTIONS, "A", state="draft")]))
    assert publish(at, hex_id("A"), scope="global").status_code == 422


def test_the_endpoint_may_be_absent_or_closed() -> None:
    absent = publish(desk(ide="absent"), "0" * 32, scope="global")
    assert absent.status_code == 400
    assert absent.json["error"]["message"] == "Requested URI does not represent any resource"
    at = desk()
    at.box.behaviour.set({"missing_roles": ["admin"]})
    assert publish(at, "0" * 32, scope="global").status_code == 403


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"actions":1}', b'{"actions":[{"sys_id":1}]}'])
def test_a_body_that_names_nothing(body: bytes) -> None:
    at = desk()
    headers = {**REST, "Content-Type": "application/json", "X-UserToken": at.token}
    assert at.client.post(PATH, data=body, headers=headers).status_code == 400


def test_the_current_set_is_chosen_and_read() -> None:
    at = desk()
    assert at.call("GET", PICKER).json["result"]["current"]["name"] == "Default"
    names = {}
    for name in ("A", "B"):
        made = at.call(
            "POST", "/api/sn_cicd/update_set/create", update_set_name=name, scope="global"
        )
        names[name] = made.json["result"]["update_set_id"]
    for name, sys_id in names.items():
        assert at.call("PUT", PICKER, {"sysId": sys_id}).status_code == 200
        assert at.call("GET", PICKER).json["result"]["current"] == {"sysId": sys_id, "name": name}
    assert len(at.rows("sys_user_preference", "name=sys_update_set")) == 1


def test_a_set_that_is_not_open_is_not_chosen() -> None:
    at = desk()
    local = at.install(unload([change("sys_script_include", "S")]))
    assert at.call("PUT", PICKER, {"sysId": local}).status_code == 404
    assert at.call("PUT", PICKER, {"sysId": "x"}).status_code == 404
    assert at.call("PUT", PICKER, {"id": local}).status_code == 400
    headers = {**REST, "X-UserToken": at.token, "Content-Type": "application/json"}
    assert at.client.put(PICKER, data=b"{", headers=headers).status_code == 400


def test_a_session_s_call_needs_its_token() -> None:
    at = desk()
    assert at.client.put(PICKER, json={"sysId": "0" * 32}, headers=REST).status_code == 401


def test_a_session_keeps_its_set_when_the_preference_changes() -> None:
    at = desk()
    at.call("GET", PICKER)
    other = Desk(at.box).sign_in()
    made = other.call("POST", "/api/sn_cicd/update_set/create", update_set_name="A", scope="global")
    other.call("PUT", PICKER, {"sysId": made.json["result"]["update_set_id"]})
    assert at.call("GET", PICKER).json["result"]["current"]["name"] == "Default"
    assert Desk(at.box).sign_in().call("GET", PICKER).json["result"]["current"]["name"] == "A"


def test_scripts_are_not_run() -> None:
    at = desk()
    assert 'name="sysparm_ck"' in at.client.get("/sys.scripts.do").text
    assert Desk(sandbox()).client.get("/sys.scripts.do").status_code == 302
    answer = at.client.post(
        "/sys.scripts.do", data={"script": "gs.print(1)", "sysparm_ck": at.token}
    )
    assert "not supported by this sandbox" in answer.text
    assert any("sys.scripts.do" in line for line in at.box.unsupported)
    assert Desk(sandbox()).client.post("/sys.scripts.do").status_code == 302


def scanned(at: Desk, answer: TestResponse) -> dict[str, object]:
    assert answer.status_code == 200
    body = answer.json["result"]
    assert "percent_complete" not in body
    progress = body["links"]["progress"]["id"]
    at.ended(progress)
    found: dict[str, object] = at.call("GET", f"/api/sn_cicd/instance_scan/result/{progress}").json[
        "result"
    ]
    return found


def test_a_scan_of_local_sets_runs_and_finds_nothing() -> None:
    at = desk()
    suite = change("scan_check_suite", "Suite")
    local = at.install(unload([suite]))
    path = f"/api/sn_cicd/instance_scan/suite_scan/{hex_id('Suite')}/update_sets"
    found = scanned(at, at.call("POST", path, {"update_set_sys_ids": [local]}))
    assert found["status"] == "2"
    links = found["links"]
    assert isinstance(links, dict)
    assert links["findings"]["label"] == "First 10,000 findings"
    (result,) = at.rows("scan_result")
    assert links["results"]["id"] == result["sys_id"]
    assert result["finding_count"] == "0"
    retrieved = scanned(at, at.call("POST", path, {"update_set_sys_ids": [hex_id("Set")]}))
    assert retrieved["status"] == "3"
    assert at.call("POST", path, {"update_set_sys_ids": []}).status_code == 500


def test_a_scan_of_one_record() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E")]))
    path = "/api/sn_cicd/instance_scan/point_scan"
    query = {"target_table": "oauth_entity", "target_sys_id": hex_id("E")}
    assert scanned(at, at.call("POST", path, **query))["status"] == "2"
    assert scanned(at, at.call("POST", path, target_table="no_such"))["status"] == "3"
    assert at.call("GET", "/api/sn_cicd/instance_scan/result/x").status_code == 404
    at.box.behaviour.set({"cicd": "inactive"})
    assert at.call("POST", path, **query).status_code == 400


def test_an_unreadable_scan_body() -> None:
    at = desk()
    headers = {**REST, "X-UserToken": at.token, "Content-Type": "application/json"}
    path = f"/api/sn_cicd/instance_scan/suite_scan/{'0' * 32}/update_sets"
    assert at.client.post(path, data=b"{", headers=headers).status_code == 400
