"""Back out: what it brings back, what it leaves behind, and what collides afterwards."""

from __future__ import annotations

from update_set_desk import LATER, Desk, base_of, change, desk, example, hex_id, unload

SET = hex_id("Set")
ONE = change("sys_script_include", "One", script="1")


def back_out(at: Desk, local: str) -> dict[str, str]:
    return at.cicd("back_out", None, update_set_id=local, rollback_installs="true")


def test_the_example_is_gone_but_for_the_account_and_the_deletions() -> None:
    at = desk()
    (data,) = example("dev")
    tables = ("oauth_entity", "oauth_entity_profile", "sys_app", "sys_hub_action_output")
    local = at.install(data)
    assert all(at.rows(table) for table in tables)
    assert back_out(at, local)["status"] == "2"
    assert all(at.rows(table) == [] for table in tables)
    assert at.rows("sys_email_account", "name=Exchange Online SMTP")
    base, child = at.set(base_of(data)), at.rows("sys_remote_update_set", "parentISNOTEMPTY")[0]
    assert (base["state"], child["state"]) == ("loaded", "in_hierarchy")
    assert base["update_set"] == base["commit_date"] == child["update_set"] == ""
    (default,) = at.rows("sys_update_set")
    deletions = at.rows("sys_update_xml", f"update_set={default['sys_id']}")
    assert len(deletions) == 35
    assert {row["action"] for row in deletions} == {"DELETE"}
    assert at.rows("sys_update_preview_xml") == []


def test_a_preview_afterwards_collides() -> None:
    at = desk()
    (data,) = example("dev")
    back_out(at, at.install(data))
    assert at.preview(base_of(data))["status"] == "3"
    assert set(at.problems()) == {"Found a local update that is newer than this one"}
    assert at.set(base_of(data))["collisions"] == "4"


def test_newer_content_does_not_collide_afterwards() -> None:
    at = desk()
    back_out(at, at.install(unload([ONE])))
    at.install(unload([change("sys_script_include", "One", script="2", updated=LATER)], name="N"))
    assert at.rows("sys_script_include", "name=One")[0]["script"] == "2"


def test_the_version_before_is_restored() -> None:
    at = desk()
    at.install(unload([ONE]))
    newer = change("sys_script_include", "One", script="2", updated=LATER)
    local = at.install(unload([newer], name="Next"))
    assert at.rows("sys_script_include", "name=One")[0]["script"] == "2"
    back_out(at, local)
    assert at.rows("sys_script_include", "name=One")[0]["script"] == "1"
    assert [row["state"] for row in at.rows("sys_update_version", f"name={ONE.name}")] == [
        "current"
    ]
    assert at.rows("sys_update_xml", "action=DELETE") == []


def test_a_record_of_the_instance_s_own_is_restored_to_its_baseline() -> None:
    at = desk()
    at.box.database.put(
        "sys_script_include",
        {
            "name": "One",
            "sys_id": hex_id("One"),
            "script": "own",
            "sys_class_name": "sys_script_include",
        },
    )
    local = at.install(unload([ONE]))
    back_out(at, local)
    assert at.rows("sys_script_include", "name=One")[0]["script"] == "own"


def test_a_deletion_is_undone() -> None:
    at = desk()
    at.install(unload([ONE]))
    gone = change("sys_script_include", "One", action="DELETE", updated=LATER)
    local = at.install(unload([gone], name="Gone"))
    assert at.rows("sys_script_include", "name=One") == []
    back_out(at, local)
    assert at.rows("sys_script_include", "name=One")[0]["script"] == "1"


def test_deletions_go_to_the_caller_s_current_set() -> None:
    at = desk()
    local = at.install(unload([ONE]))
    made = at.call(
        "POST", "/api/sn_cicd/update_set/create", update_set_name="Bin", scope="global"
    ).json["result"]["update_set_id"]
    chosen = at.call("PUT", "/api/now/ui/concoursepicker/updateset", {"sysId": made})
    assert chosen.json["result"]["name"] == "Bin"
    back_out(at, local)
    (row,) = at.rows("sys_update_xml", "action=DELETE")
    assert row["update_set"] == made


def test_what_cannot_be_backed_out() -> None:
    at = desk()
    local = at.install(unload([ONE]))
    at.call("GET", "/api/now/ui/concoursepicker/updateset")
    (default,) = at.rows("sys_update_set", "is_default=true")
    assert back_out(at, default["sys_id"])["status"] == "3"
    row = at.box.database.get("sys_update_set", local)
    assert row is not None
    at.box.database.put("sys_update_set", {**row, "state": "in progress"})
    assert back_out(at, local)["status"] == "3"
    assert at.set(SET)["state"] == "committed"
    assert at.rows("sys_script_include", "name=One")


def test_a_local_set_that_goes_meanwhile_fails() -> None:
    at = desk()
    local = at.install(unload([ONE]))
    answer = at.call("POST", "/api/sn_cicd/update_set/back_out", update_set_id=local)
    at.box.database.delete("sys_update_set", local)
    assert at.ended(answer.json["result"]["links"]["progress"]["id"])["state"] == "3"


def test_the_set_that_is_backed_out_does_not_take_its_own_deletions() -> None:
    at = desk()
    local = at.install(unload([ONE]))
    for session in at.box.door.sessions._open.values():
        session.update_set = local
    back_out(at, local)
    (row,) = at.rows("sys_update_xml", "action=DELETE")
    assert row["update_set"] == at.rows("sys_update_set", "is_default=true")[0]["sys_id"]


def test_a_failed_record_and_a_broken_payload_have_nothing_to_reverse() -> None:
    at = desk(fail_records=["*"])
    at.upload(unload([ONE]))
    at.preview(SET)
    at.commit(SET)
    assert back_out(at, at.set(SET)["update_set"])["status"] == "2"
    assert at.rows("sys_update_xml", "update_setISNOTEMPTY") == []
