"""The preview: what it says of each update, the problems it finds, and how it ends."""

from __future__ import annotations

import pytest
from update_set_desk import (
    BEFORE,
    LATER,
    Change,
    Desk,
    base_of,
    change,
    desk,
    example,
    hex_id,
    one_set,
    unload,
)

SET = hex_id("Set")
NOWHERE = "f" * 32


def previewed(at: Desk, *changes: Change, **header: str) -> list[str]:
    """Texts of the problems that a preview of one set finds."""
    at.upload(unload(changes, links=header))
    at.preview(SET)
    assert at.set(SET)["state"] == "previewed"
    return at.problems()


def batch(children: str, *changes: Change) -> bytes:
    return unload(changes, links={"remote_base_update_set": SET}, children=children)


def child(name: str, *changes: Change, **links: str) -> str:
    given = {"state": "in_hierarchy", "parent": SET, "remote_base_update_set": SET, **links}
    return one_set(changes, name=name, links=given)


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_the_examples_preview_without_a_problem(name: str) -> None:
    at = desk()
    for data in example(name):
        at.upload(data)
        progress = at.preview(base_of(data))
        assert progress["status"] == "2"
        assert "Preview successful for " in progress["status_message"]
        at.commit(base_of(data))
    assert at.problems() == []
    for row in at.rows("sys_remote_update_set"):
        updates = at.rows("sys_update_xml", f"remote_update_set={row['sys_id']}")
        assert row["summary"] == row["inserted"] == str(len(updates))
        assert row["updated"] == row["deleted"] == row["collisions"] == "0"


def test_what_is_here_is_an_update_and_what_goes_is_a_delete() -> None:
    at = desk()
    at.install(unload([change("sys_script_include", "Here"), change("sys_script_include", "Old")]))
    next_set = unload(
        [
            change("sys_script_include", "Here", updated=LATER, script="new"),
            change("sys_script_include", "Old", updated=LATER, action="DELETE"),
            change("sys_script_include", "New"),
        ],
        name="Next",
    )
    at.upload(next_set)
    assert at.preview(base_of(next_set))["status"] == "2"
    seen = {
        name.rsplit("_", 1)[1]: (row["disposition"], row["proposed_action"])
        for name, row in at.previews(base_of(next_set)).items()
    }
    assert seen[hex_id("Here")] == ("update", "commit")
    assert seen[hex_id("Old")] == ("delete", "commit")
    assert seen[hex_id("New")] == ("insert", "commit")
    row = at.set(base_of(next_set))
    assert [row[n] for n in ("inserted", "updated", "deleted", "collisions", "summary")] == list(
        "11103"
    )


def test_a_dangling_reference_is_a_problem_and_the_tracker_ends_failed() -> None:
    at = desk()
    at.upload(unload([change("oauth_entity_profile", "P", oauth_entity=NOWHERE)]))
    progress = at.preview(SET)
    assert progress["status"] == "3"
    assert progress["status_message"] == (
        "Preview problems for Set: 1 Errors | 0 Warnings.  "
        "To commit this update set you must address all problems."
    )
    assert progress["remote_update_set_id"] == SET
    assert at.set(SET)["state"] == "previewed"
    (problem,) = at.rows("sys_update_preview_problem")
    assert problem["description"] == (
        "Could not find a record in oauth_entity for column oauth_entity referenced in this update"
    )
    assert problem["type"] == "error"
    assert problem["status"] == ""
    assert (problem["missing_item"], problem["missing_item_table"]) == (NOWHERE, "oauth_entity")
    assert problem["remote_update_set"] == SET
    assert set(problem["available_actions"].split(",")) == {
        "43d7d01a97b00100f309124eda2975e4",
        "f6f5730c97410100d308124eda29758d",
        "19415110bf010100421cdc2ecf07393c",
        "55711150bf010100421cdc2ecf07398e",
    }
    (tracker,) = at.rows("sys_execution_tracker")
    assert (tracker["state"], tracker["result"]) == ("3", '{"has_preview_problem":true}')


def test_a_reference_is_found_here_in_the_set_or_in_the_payload() -> None:
    at = desk()
    entity = change("oauth_entity", "E")
    assert (
        previewed(at, entity, change("oauth_entity_profile", "P", oauth_entity=hex_id("E"))) == []
    )
    at.commit(SET)
    other = unload([change("oauth_entity_profile", "Q", oauth_entity=hex_id("E"))], name="Other")
    at.upload(other)
    at.preview(base_of(other))
    assert at.problems() == []


def test_a_deletion_in_the_set_brings_nothing() -> None:
    gone = change("oauth_entity", "E", action="DELETE")
    found = previewed(desk(), gone, change("oauth_entity_profile", "P", oauth_entity=hex_id("E")))
    assert len(found) == 1


def test_an_invented_update_name_hides_the_record() -> None:
    entity = change("oauth_entity", "E")
    renamed = Change(entity.payload, "my_nice_name")
    found = previewed(
        desk(), renamed, change("oauth_entity_profile", "P", oauth_entity=hex_id("E"))
    )
    assert len(found) == 1


def test_another_uncommitted_set_has_what_is_missing() -> None:
    at = desk()
    at.upload(unload([change("oauth_entity", "E")], name="First"))
    found = previewed(at, change("oauth_entity_profile", "P", oauth_entity=hex_id("E")))
    assert found == [
        "Could not find a record in oauth_entity for column oauth_entity referenced in this update"
        ", but did find it in another uncommitted update set"
    ]
    (problem,) = at.rows("sys_update_preview_problem")
    assert problem["missing_item_update"]


@pytest.mark.parametrize(
    "made",
    [
        change("sys_script_include", "S", caller_access="x", sys_package=NOWHERE),
        change("sys_properties", "P", sys_scope="global"),
        change("oauth_entity", "E", user=NOWHERE),
        change("oauth_entity_profile", "P", oauth_entity="short"),
        change("oauth_entity_profile", "P", action="DELETE", oauth_entity=NOWHERE),
    ],
    ids=["coalescing", "global", "user", "short", "delete"],
)
def test_what_is_not_looked_up(made: Change) -> None:
    assert previewed(desk(), made) == []


def test_a_customers_table_must_exist() -> None:
    at = desk()
    made = change("x_acme_thing", "T")
    assert previewed(at, made) == [
        "Could not find a table field (x_acme_thing.null) referenced in this update"
    ]
    table = Change(
        made.payload.replace("x_acme_thing", "sys_dictionary"), "sys_dictionary_x_acme_thing_null"
    )
    at = desk()
    assert previewed(at, made, table) == []


def test_an_unknown_table_of_the_platform_is_taken_to_exist_and_logged() -> None:
    at = desk()
    assert previewed(at, change("sys_odd_thing", "T")) == []
    assert any("sys_odd_thing is unknown here" in line for line in at.box.log)


def test_a_table_of_another_uncommitted_set_is_found_there() -> None:
    at = desk()
    text = change("sys_dictionary", "x_acme_thing").payload
    at.upload(unload([Change(text, "sys_dictionary_x_acme_thing_null")], name="First"))
    (found,) = previewed(at, change("x_acme_thing", "T"))
    assert found.endswith(", but did find it in another uncommitted update set")
    at = desk()
    at.box.database.put("sys_db_object", {"name": "x_acme_thing", "sys_id": "7" * 32})
    assert previewed(at, change("x_acme_thing", "T")) == []


def test_a_caret_in_a_name_ends_no_condition() -> None:
    at = desk()
    prop = change("sys_properties", "a^ORname=instance_name", value="1")
    odd = Change(change("sys_script_include", "S").payload, "x^ORnameISNOTEMPTY")
    assert previewed(at, prop, odd) == []
    assert at.set(SET)["inserted"] == "2"
    assert at.commit(SET)["status"] == "2"
    (row,) = at.rows("sys_properties", f"sys_id={hex_id('a^ORname=instance_name')}")
    assert row["value"] == "1"
    assert at.cicd("back_out", None, update_set_id=at.set(SET)["update_set"])["status"] == "2"
    assert at.rows("sys_script_include", "name=S") == []


def test_without_a_date_nothing_collides() -> None:
    at = desk()
    at.install(unload([change("sys_script_include", "S", updated=LATER)], name="First"))
    assert previewed(at, change("sys_script_include", "S", updated="", script="x")) == []


def test_a_payload_that_is_no_xml_is_a_problem() -> None:
    at = desk()
    broken = Change("<record_update table='x'><x", "x_1")
    assert previewed(at, broken) == ["The payload of this update is invalid XML"]


def test_an_update_of_another_application_is_a_problem() -> None:
    at = desk()
    other = change("sys_script_include", "S", application="a" * 32)
    (found,) = previewed(at, other)
    head, _, tail = found.partition(" because: ")
    assert head == "Cannot commit Update Set 'Set'"
    assert tail.startswith(f"Update scope id '{'a' * 32}' is different than ")
    assert tail.endswith("set scope id 'global'. Resolve the problem before committing.")
    at = desk()
    inside = change("sys_script_include", "S", sys_scope="a" * 32)
    assert len(previewed(at, inside)) == 1


def test_an_empty_application_counts_as_global() -> None:
    assert previewed(desk(), change("sys_script_include", "S", application="")) == []


def test_an_unknown_application_is_a_problem_of_each_update() -> None:
    app = "b" * 32
    found = previewed(
        desk(),
        change("sys_script_include", "S", application=app, sys_scope=app),
        application=app,
        application_name="App",
        application_scope="x_app",
    )
    assert found == [
        "Cannot commit Update Set 'Set' because: Scope 'x_app' is not 'App', "
        "not found in instance. Resolve the problem before committing."
    ]


def test_a_global_application_may_stand_in_a_global_set() -> None:
    at = desk()
    app = change("sys_app", "App", scope="global", source="App")
    at.install(unload([app], name="First"))
    made = change("sys_script_include", "S", application=hex_id("App"), sys_scope=hex_id("App"))
    assert previewed(at, made) == []


def test_a_newer_local_change_collides() -> None:
    at = desk()
    at.install(unload([change("sys_script_include", "S", script="local", updated=LATER)]))
    at.upload(unload([change("sys_script_include", "S", script="theirs")], name="Older"))
    at.preview(hex_id("Older"))
    assert at.problems() == ["Found a local update that is newer than this one"]
    row = at.set(hex_id("Older"))
    assert [row[n] for n in ("updated", "collisions", "summary")] == list("011")
    (problem,) = at.rows("sys_update_preview_problem")
    actions = "daaa839a47f31200ee1919fbac9a7159,f6f5730c97410100d308124eda29758d"
    assert problem["available_actions"] == actions
    found = at.rows("sys_update_preview_xml", "disposition=collision_update")
    (local,) = at.rows("sys_update_xml", "update_setISNOTEMPTY")
    assert [(p["proposed_action"], p["local_update"]) for p in found] == [
        ("commit", local["sys_id"])
    ]


@pytest.mark.parametrize(
    ("script", "updated"), [("same", BEFORE), ("theirs", LATER), ("theirs", "2026-12-01 08:00:00")]
)
def test_the_same_content_or_a_newer_one_does_not_collide(script: str, updated: str) -> None:
    at = desk()
    at.install(
        unload([change("sys_script_include", "S", script="same", updated="2026-12-01 08:00:00")])
    )
    at.upload(
        unload([change("sys_script_include", "S", script=script, updated=updated)], name="Next")
    )
    at.preview(hex_id("Next"))
    assert at.problems() == []


def test_a_local_deletion_of_the_same_date_collides() -> None:
    at = desk()
    data = unload([change("sys_script_include", "S")])
    at.install(data)
    at.install(unload([change("sys_script_include", "S", action="DELETE")], name="Gone"))
    at.upload(unload([change("sys_script_include", "S")], name="Again"))
    at.preview(hex_id("Again"))
    assert at.problems() == ["Found a local update that is newer than this one"]
    assert at.rows("sys_update_preview_xml", "disposition=collision_insert")


def test_a_deletion_of_a_table_with_rows_is_a_problem() -> None:
    table = change("sys_db_object", "sys_user", action="DELETE")
    empty = change("sys_db_object", "sys_email", action="DELETE")
    assert previewed(desk(), table, empty) == [
        "Found a row in the table that is going to be deleted"
    ]


def test_one_name_with_two_contents_conflicts() -> None:
    at = desk()
    found = previewed(
        at, change("sys_script_include", "S"), change("sys_script_include", "S", script="x")
    )
    assert len(found) == 2
    assert found[0].startswith(
        "This update has conflicts within the update set with the same name."
    )


def test_planned_problems_are_found_by_pattern() -> None:
    at = desk(
        preview_problems=[
            {"type": "warning", "update": "sys_script_*", "description": "Be careful"},
            {"type": "error", "update": "oauth_*", "description": "Elsewhere"},
        ]
    )
    assert previewed(at, change("sys_script_include", "S")) == ["Be careful"]
    assert at.preview(SET)["status_message"].startswith("Preview problems for Set: 0 Errors | 1 W")


def test_a_preview_again_forgets_the_one_before() -> None:
    at = desk()
    previewed(at, change("oauth_entity_profile", "P", oauth_entity=NOWHERE))
    at.preview(SET)
    assert len(at.problems()) == 1
    assert len(at.previews(SET)) == 1
    names = [row["name"] for row in at.rows("sys_execution_tracker", "ORDERBYname")]
    assert names == [
        "Generating Update Set Preview for: Set",
        "Refreshing Update Set Preview: Set",
    ]


def test_a_batch_is_previewed_as_one() -> None:
    at = desk()
    inner = child("Inner", change("oauth_entity_profile", "P", oauth_entity=hex_id("E")))
    at.upload(batch(inner, change("oauth_entity", "E")))
    assert at.preview(SET)["status"] == "2"
    states = {
        row["name"]: (row["state"], row["summary"]) for row in at.rows("sys_remote_update_set")
    }
    assert states == {"Set": ("previewed", "1"), "Inner": ("previewed_in_hierarchy", "1")}


def test_a_child_alone_is_refused() -> None:
    at = desk()
    at.upload(batch(child("Inner", change("oauth_entity", "E"))))
    for call in ("preview", "commit"):
        answer = at.call("POST", f"/api/sn_cicd/update_set/{call}/{hex_id('Inner')}")
        assert answer.status_code == 400
    assert at.set(hex_id("Inner"))["state"] == "in_hierarchy"


def test_a_child_whose_parent_is_nowhere_belongs_all_the_same() -> None:
    at = desk()
    lost = child("Lost", change("oauth_entity", "E"), parent="e" * 32)
    grandchild = child("Deep", change("oauth_entity", "F"), parent=hex_id("Inner"))
    at.upload(batch(grandchild + child("Inner", change("oauth_entity", "G")) + lost))
    at.preview(SET)
    assert {
        row["summary"] for row in at.rows("sys_remote_update_set", "nameINLost,Deep,Inner")
    } == {"1"}


def test_a_record_that_is_known_by_key_gets_the_sys_id_it_has_here() -> None:
    at = desk()
    at.install(unload([change("sys_properties", "acme.limit", value="1")], name="First"))
    stranger = "c" * 32
    twin = change("sys_properties", "acme.limit", updated=LATER, value="2", sys_id=stranger)
    same_key = Change(
        twin.payload.replace(hex_id("acme.limit"), stranger), f"sys_properties_{stranger}"
    )
    assert previewed(at, same_key) == []
    (update,) = at.rows("sys_update_xml", f"remote_update_set={SET}")
    assert update["name"] == f"sys_properties_{hex_id('acme.limit')}"
    assert stranger not in update["payload"]
    assert at.set(SET)["updated"] == "1"
    at.commit(SET)
    (row,) = at.rows("sys_properties", "name=acme.limit")
    assert (row["sys_id"], row["value"]) == (hex_id("acme.limit"), "2")


def test_a_set_that_is_committed_or_gone_is_not_previewed() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E")]))
    assert at.preview(SET)["status"] == "3"
    assert at.set(SET)["state"] == "committed"
    at.upload(unload([change("oauth_entity", "E")], name="Going"))
    answer = at.call("POST", f"/api/sn_cicd/update_set/preview/{hex_id('Going')}")
    at.box.database.delete("sys_remote_update_set", hex_id("Going"))
    progress = answer.json["result"]["links"]["progress"]["id"]
    assert at.ended(progress)["message"] == "Record not found"
