"""The commit: what it writes, what it leaves alone, and what it says."""

from __future__ import annotations

import pytest
from lxml import etree
from update_set_desk import (
    LATER,
    Change,
    base_of,
    change,
    desk,
    example,
    hex_id,
    unload,
)

from generator.sandbox.passwords import KeyModule, decrypt, is_ciphertext
from generator.sandbox.payloads import read_payload
from generator.sandbox.tracking import is_tracked

SET = hex_id("Set")
ONE = change("sys_script_include", "One", script="1")
TWO = change("sys_script_include", "Two", script="2")


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_every_record_of_the_examples_arrives_field_by_field(name: str) -> None:
    at = desk()
    files = example(name)
    for data in files:
        at.install(data)
    compared = 0
    for data in files:
        for update in etree.fromstring(data).iter("sys_update_xml"):
            found = read_payload(update.findtext("payload") or "")
            assert found is not None
            for entry in found.entries:
                if entry.action != "INSERT_OR_UPDATE":
                    continue
                row = at.box.database.get(entry.table, entry.sys_id)
                assert row is not None, entry.table
                assert {k: row.get(k, "") for k in entry.values} == dict(entry.values)
                compared += 1
    assert compared > 100
    (entity,) = at.rows("oauth_entity")
    assert "client_secret" not in entity
    for row in at.rows("sys_remote_update_set"):
        local = at.box.database.get("sys_update_set", row["update_set"])
        assert local is not None
        assert row["state"] == "committed"
        assert row["commit_date"]
        assert local["remote_sys_id"] == row["sys_id"]
        copies = at.rows("sys_update_xml", f"update_set={local['sys_id']}")
        assert len(copies) == int(row["summary"])


def test_a_commit_makes_one_local_set_with_copies_and_versions() -> None:
    at = desk()
    local = at.install(unload([ONE, TWO]))
    (made,) = [row for row in at.rows("sys_update_set") if row.get("is_default") != "true"]
    assert made["sys_id"] == local
    assert made["state"] == "complete"
    assert made["install_date"] == "2027-01-04 09:00:00"
    assert made["origin_sys_id"] == hex_id("Set on its source")
    for original in at.rows("sys_update_xml", f"remote_update_set={SET}"):
        (copy,) = at.rows("sys_update_xml", f"update_set={local}^name={original['name']}")
        for name in ("payload", "action", "application", "sys_recorded_at", "payload_hash"):
            assert copy[name] == original[name]
        assert copy["sys_id"] != original["sys_id"]
        assert copy.get("remote_update_set", "") == ""
        (version,) = at.rows("sys_update_version", f"name={original['name']}")
        assert (version["state"], version["source"]) == ("current", local)
        assert version["source_table"] == "sys_update_set"


def test_a_batch_commits_with_its_children_in_order_of_ancestry() -> None:
    at = desk()
    (data,) = example("dev")
    at.install(data)
    base = at.set(base_of(data))
    (child,) = at.rows("sys_remote_update_set", f"parent={base['sys_id']}")
    assert child["state"] == "committed"
    local = at.box.database.get("sys_update_set", child["update_set"])
    assert local is not None
    assert local["base_update_set"] == local["parent"] == base["update_set"]


def test_only_columns_of_the_payload_change_and_nothing_is_stamped() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E", client_id="1", comments="kept")]))
    at.install(unload([change("oauth_entity", "E", updated=LATER, client_id="2")], name="Next"))
    (row,) = at.rows("oauth_entity")
    assert (row["client_id"], row["comments"]) == ("2", "kept")
    assert row["sys_updated_on"] == LATER
    assert "sys_mod_count" not in row
    assert "active" not in row


def test_an_empty_secret_wipes_and_a_missing_one_leaves() -> None:
    at = desk()
    at.install(unload([change("oauth_entity", "E")]))
    database = at.box.database
    database.put("oauth_entity", {**at.rows("oauth_entity")[0], "client_secret": "stored"})
    at.install(unload([change("oauth_entity", "E", updated=LATER)], name="Next"))
    assert at.rows("oauth_entity")[0]["client_secret"] == "stored"
    wiping = change("oauth_entity", "E", updated="2027-07-01 00:00:00", client_secret="")
    at.install(unload([wiping], name="Third"))
    assert at.rows("oauth_entity")[0]["client_secret"] == ""


def test_another_instance_s_ciphertext_is_stored_and_useless() -> None:
    at = desk()
    foreign = KeyModule("0b" * 16, b"k" * 32).encrypt("x", nonce=bytes(16))
    at.install(unload([change("oauth_entity", "E", client_secret=foreign)]))
    stored = at.rows("oauth_entity")[0]["client_secret"]
    assert stored == foreign
    assert decrypt(at.box, stored) is None


def test_a_plaintext_in_a_payload_is_never_read_and_of_no_use() -> None:
    at = desk()
    plain = "plain" + "-text"
    at.install(unload([change("oauth_entity", "E", client_secret=plain)]))
    stored = at.rows("oauth_entity")[0]["client_secret"]
    assert is_ciphertext(stored)
    assert decrypt(at.box, stored) is None


def test_a_skipped_update_is_left_out_altogether() -> None:
    at = desk()
    at.upload(unload([ONE, TWO]))
    at.preview(SET)
    preview = at.previews(SET)[ONE.name]
    at.box.database.put("sys_update_preview_xml", {**preview, "proposed_action": "skip"})
    at.commit(SET)
    assert [row["name"] for row in at.rows("sys_script_include", "nameINOne,Two")] == ["Two"]
    copies = at.rows("sys_update_xml", f"update_set={at.set(SET)['update_set']}")
    assert [row["name"] for row in copies] == [TWO.name]


def test_a_failed_record_leaves_a_line_and_the_set_is_committed_all_the_same() -> None:
    at = desk(fail_records=[f"*{hex_id('One')}"])
    at.upload(unload([ONE, TWO]))
    at.preview(SET)
    progress = at.commit(SET)
    assert progress["status"] == "3"
    assert (
        progress["error"]
        == progress["status_message"]
        == (
            "The update set commit completed but some updates failed to commit due to errors. "
            "Review the Commit log for details."
        )
    )
    assert at.set(SET)["state"] == "committed"
    assert [row["name"] for row in at.rows("sys_script_include", "nameINOne,Two")] == ["Two"]
    assert len(at.rows("sys_update_xml", f"update_set={at.set(SET)['update_set']}")) == 2
    (line,) = at.rows("syslog", "levelISNOTEMPTY^messageLIKEwas not committed")
    assert "permission denied: no thrown error" in line["message"]
    worker = at.rows("sys_progress_worker", "nameSTARTSWITHCommitting")
    assert [(w["state"], w["state_code"]) for w in worker] == [("error", "error")]
    assert at.rows("sys_update_version", f"name={ONE.name}") == []


def test_some_tables_are_refused_though_the_preview_was_clean() -> None:
    at = desk(preview_columns="ignored")
    at.upload(unload([change("sys_user_has_role", "R")]))
    assert at.preview(SET)["status"] == "2"
    assert at.commit(SET)["status"] == "3"
    assert at.box.database.get("sys_user_has_role", hex_id("R")) is None


@pytest.mark.parametrize(("switch", "found"), [("applied", 1), ("ignored", 0)])
def test_rows_of_data_tables(switch: str, found: int) -> None:
    at = desk(data_rows=switch)
    local = at.install(unload([change("sys_email_account", "A", active="false"), ONE]))
    assert len(at.rows("sys_email_account", "name=A")) == found
    assert len(at.rows("sys_update_xml", f"update_set={local}")) == 2
    assert len(at.rows("sys_script_include", "name=One")) == 1


def test_an_older_release_ignores_columns_it_does_not_know() -> None:
    at = desk(missing_columns=["oauth_entity.public_client"], preview_columns="ignored")
    at.install(unload([change("oauth_entity", "E", public_client="false", client_id="1")]))
    (row,) = at.rows("oauth_entity")
    assert "public_client" not in row
    assert row["client_id"] == "1"


def test_a_private_property_is_not_imported() -> None:
    at = desk()
    at.install(unload([change("sys_properties", "acme.private", is_private="true")]))
    assert at.rows("sys_properties", "name=acme.private") == []


def test_deletions_and_lists_of_deletions_are_carried_out() -> None:
    at = desk()
    at.install(unload([ONE, TWO]))
    gone = change("sys_script_include", "One", action="DELETE", updated=LATER)
    table = "sys_script_include"
    also = f'<{table} action="delete_multiple" query="sys_id={hex_id("Two")}"/></record_update>'
    dropped = f'<{table} action="delete_multiple" query="no_such_column=1"/></record_update>'
    unknown = '<x_no_table action="delete_multiple" query="name=1"/></record_update>'
    three = change(table, "Three", updated=LATER)
    text = three.payload
    for more in (also, dropped, unknown):
        text = text.replace("</record_update>", more)
    at.install(unload([gone, Change(text, three.name)], name="Next"))
    assert [row["name"] for row in at.rows(table, "nameINOne,Two,Three")] == ["Three"]


def test_without_a_preview_records_are_matched_by_key_all_the_same() -> None:
    at = desk()
    at.install(unload([change("sys_properties", "acme.limit", value="1")], name="First"))
    stranger = "c" * 32
    twin = change("sys_properties", "acme.limit", value="2")
    text = twin.payload.replace(hex_id("acme.limit"), stranger)
    at.upload(unload([Change(text, f"sys_properties_{stranger}")]))
    assert at.commit(SET, force="true")["status"] == "2"
    (row,) = at.rows("sys_properties", "name=acme.limit")
    assert (row["sys_id"], row["value"]) == (hex_id("acme.limit"), "2")


def test_a_payload_of_an_unknown_platform_table_makes_the_table() -> None:
    at = desk()
    at.install(unload([change("sys_odd_thing", "T", colour="red")]))
    (row,) = at.rows("sys_odd_thing", "colour=red")
    assert row["sys_class_name"] == "sys_odd_thing"
    assert is_tracked(at.box, "sys_odd_thing")
    assert at.rows("sys_metadata", f"sys_id={row['sys_id']}")


def test_a_broken_payload_fails_even_when_forced() -> None:
    at = desk()
    at.upload(unload([Change("<x", "x_1"), ONE]))
    assert at.commit(SET, force="true")["status"] == "3"
    assert len(at.rows("sys_script_include", "name=One")) == 1


def test_a_set_that_goes_while_it_is_committed_fails() -> None:
    at = desk()
    at.upload(unload([ONE]))
    at.preview(SET)
    answer = at.call("POST", f"/api/sn_cicd/update_set/commit/{SET}", {"force_commit": "false"})
    at.box.database.delete("sys_remote_update_set", SET)
    assert at.ended(answer.json["result"]["links"]["progress"]["id"])["state"] == "3"
