"""The CI/CD API: bodies, codes, gates."""

from __future__ import annotations

import pytest
from update_set_desk import REST, Desk, base_of, change, desk, hex_id, one_set, sandbox, unload
from werkzeug.test import TestResponse

SET = hex_id("Set")
ONE = change("sys_script_include", "One")
DANGLING = change("oauth_entity_profile", "P", oauth_entity="f" * 32)
BASE = "/api/sn_cicd"


def refused(answer: TestResponse) -> tuple[int, str]:
    body = answer.json
    assert body["status"] == "failure"
    return answer.status_code, body["error"]["message"]


def test_a_call_answers_with_a_progress_that_moves() -> None:
    at = desk(slow_polls=3)
    at.upload(unload([ONE]))
    body = at.call("POST", f"{BASE}/update_set/preview/{SET}").json
    progress = body["result"]["links"]["progress"]
    assert body["result"] == {
        "links": {
            "progress": {
                "id": progress["id"],
                "url": f"http://localhost{BASE}/progress/{progress['id']}",
            }
        },
        "status": "0",
        "status_label": "Pending",
        "status_message": "",
        "status_detail": "",
        "error": "",
        "percent_complete": 0,
    }
    seen = []
    for _ in range(5):
        found = at.call("GET", f"{BASE}/v1/progress/{progress['id']}").json["result"]
        seen.append((found["status"], found["status_label"], found["percent_complete"]))
    assert seen == [
        ("1", "Running", 25),
        ("1", "Running", 50),
        ("1", "Running", 75),
        ("2", "Successful", 100),
        ("2", "Successful", 100),
    ]
    assert found["status_detail"] == found["remote_update_set_id"] == SET
    commit = at.commit(SET)
    assert commit["status_message"] == "This operation succeeded"
    assert commit["local_update_set_id"] == at.set(SET)["update_set"]


def test_the_extra_ids_may_be_missing() -> None:
    at = desk(progress_extra_ids=False)
    at.upload(unload([ONE]))
    assert "remote_update_set_id" not in at.preview(SET)
    assert "local_update_set_id" not in at.commit(SET)


@pytest.mark.parametrize("path", ["progress/" + "0" * 32, "progress/x^y"])
def test_an_unknown_progress_is_not_found(path: str) -> None:
    answer = desk().call("GET", f"{BASE}/{path}")
    assert refused(answer) == (404, "Not found. The requested item wasn't found.")


@pytest.mark.parametrize("call", ["preview/", "commit/"])
def test_an_unknown_set_is_not_found(call: str) -> None:
    at = desk()
    for wrong in ("0" * 32, "x", "A" * 32):
        assert refused(at.call("POST", f"{BASE}/update_set/{call}{wrong}"))[0] == 404
    assert refused(at.call("POST", f"{BASE}/update_set/back_out", update_set_id=SET))[0] == 404
    assert refused(at.call("POST", f"{BASE}/update_set/back_out"))[0] == 400


def test_an_inactive_plugin_knows_no_such_resource() -> None:
    at = desk(cicd="inactive")
    found = refused(at.call("GET", f"{BASE}/progress/{'0' * 32}"))
    assert found == (400, "Requested URI does not represent any resource")


def test_without_the_role_it_is_forbidden() -> None:
    at = desk(cicd="no_role")
    assert refused(at.call("POST", f"{BASE}/update_set/preview/{SET}"))[0] == 403
    assert at.box.behaviour.cicd == "no_role"


def test_nobody_is_not_let_in() -> None:
    answer = Desk(sandbox()).client.post(f"{BASE}/update_set/preview/{SET}", headers=REST)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Type": "text/plain"}, 415), ({"Content-Type": ""}, 400), ({"Accept": ""}, 400)],
)
def test_headers_are_demanded(headers: dict[str, str], status: int) -> None:
    at = desk()
    given = {**REST, "Content-Type": "application/json", "X-UserToken": at.token, **headers}
    answer = at.client.post(f"{BASE}/update_set/preview/{SET}", headers=given, data=b"{}")
    assert refused(answer)[0] == status


@pytest.mark.parametrize("body", [b"{", b"7", b'{"force_commit":"perhaps"}', b"[" * 100_000])
def test_a_body_that_is_nothing_to_go_by(body: bytes) -> None:
    at = desk()
    at.upload(unload([ONE]))
    headers = {**REST, "Content-Type": "application/json", "X-UserToken": at.token}
    answer = at.client.post(f"{BASE}/update_set/commit/{SET}", headers=headers, data=body)
    assert answer.status_code == 400
    assert at.set(SET)["state"] == "loaded"


def test_a_set_that_was_not_previewed_is_not_committed() -> None:
    at = desk()
    at.upload(unload([ONE]))
    assert at.commit(SET)["status"] == "3"
    assert at.set(SET)["state"] == "loaded"
    assert at.rows("sys_update_set", "is_default!=true") == []
    assert at.commit(SET, force="true")["status"] == "2"
    assert at.set(SET)["state"] == "committed"


@pytest.mark.parametrize(("gate", "state"), [("refuse", "previewed"), ("allow", "committed")])
def test_open_problems_at_the_gate(gate: str, state: str) -> None:
    at = desk(cicd_gate=gate)
    at.upload(unload([DANGLING]))
    at.preview(SET)
    at.commit(SET)
    assert at.set(SET)["state"] == state


@pytest.mark.parametrize("status", ["ignored", "skipped"])
def test_resolved_problems_open_the_gate(status: str) -> None:
    at = desk()
    at.upload(unload([DANGLING]))
    at.preview(SET)
    (problem,) = at.rows("sys_update_preview_problem")
    at.box.database.put("sys_update_preview_problem", {**problem, "status": status})
    assert at.commit(SET)["status"] == "2"
    assert at.rows("oauth_entity_profile", "name=P")


def test_problems_of_a_child_close_the_gate_of_the_base() -> None:
    at = desk()
    links = {"state": "in_hierarchy", "parent": SET, "remote_base_update_set": SET}
    child = one_set([DANGLING], name="Inner", links=links)
    at.upload(unload([ONE], links={"remote_base_update_set": SET}, children=child))
    assert at.preview(SET)["status"] == "3"
    assert at.commit(SET)["status"] == "3"
    assert at.set(SET)["state"] == "previewed"


def test_a_second_commit_fails_and_changes_nothing() -> None:
    at = desk()
    local = at.install(unload([ONE]))
    assert at.commit(SET, force="true")["status"] == "3"
    assert at.set(SET)["update_set"] == local
    assert len(at.rows("sys_update_set", "is_default!=true")) == 1


def test_a_commit_of_a_set_that_is_committing_conflicts() -> None:
    at = desk()
    at.upload(unload([ONE]))
    at.preview(SET)
    path = f"{BASE}/update_set/commit/{SET}"
    at.call("POST", path, {"force_commit": "false"})
    assert refused(at.call("POST", path, {"force_commit": "false"}))[0] == 409


def test_a_new_local_set() -> None:
    at = desk()
    path = f"{BASE}/update_set/create"
    answer = at.call("POST", path, update_set_name="Mine", scope="global", description="why")
    assert answer.status_code == 201
    made = answer.json["result"]
    assert made["status_message"] == "Successfully created update set: Mine"
    (row,) = at.rows("sys_update_set", "name=Mine")
    assert (row["sys_id"], row["state"]) == (made["update_set_id"], "in progress")
    assert refused(at.call("POST", path, update_set_name="Mine", scope="global"))[0] == 409
    assert refused(at.call("POST", path, update_set_name="Other", scope="x_nowhere"))[0] == 400
    assert refused(at.call("POST", path, update_set_name="Other"))[0] == 400
    app = unload([change("sys_app", "App", scope="x_app", source="x_app")])
    at.install(app)
    assert at.call("POST", path, update_set_name="Other", scope="x_app").status_code == 201


def test_nothing_is_retrieved() -> None:
    at = desk()
    answer = at.call("POST", f"{BASE}/update_set/retrieve", update_set_id=SET)
    assert refused(answer)[0] == 404
    assert at.box.unsupported


def test_several_sets_are_committed_in_order() -> None:
    at = desk()
    files = [
        unload([ONE], name="A", links={"sys_created_on": "2026-01-01 00:00:00"}),
        unload([ONE], name="B", links={"sys_created_on": "2026-01-02 00:00:00"}),
    ]
    for data in files:
        at.upload(data)
        at.preview(base_of(data))
    a, b = (base_of(data) for data in files)
    path = f"{BASE}/update_set/commitMultiple"
    assert refused(at.call("POST", path, remote_update_set_ids=f"{b},{a}"))[0] == 409
    assert refused(at.call("POST", path, remote_update_set_ids=f"{a},{'0' * 32}"))[0] == 404
    assert refused(at.call("POST", path))[0] == 400
    assert at.cicd("commitMultiple", None, remote_update_set_ids=f"{a},{b}")["status"] == "2"
    assert {at.set(a)["state"], at.set(b)["state"]} == {"committed"}
    assert refused(at.call("POST", path, remote_update_set_ids=a))[0] == 409
    force = {"force_commit": "true"}
    assert at.cicd("commitMultiple", force, remote_update_set_ids=a)["status"] == "3"
