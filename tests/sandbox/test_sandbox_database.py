"""Rows: stamps, inheritance, all or nothing, and what is kept on disk."""

import random
from datetime import UTC, datetime

import pytest

from generator.clock import SteppedClock
from generator.sandbox.database import INDEXED, Database, DuplicateError
from generator.sandbox.dictionary import Dictionary, SecretKind

NOW = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)


def seeded(seed):
    return random.Random(seed)  # noqa: S311 - ids that tests can repeat


@pytest.fixture
def clock():
    return SteppedClock(NOW)


@pytest.fixture
def database(clock):
    made = Database(None, dictionary=Dictionary(), clock=clock, randomness=seeded(1))
    yield made
    made.close()


def test_stamps_follow_the_clock_and_the_user(database, clock):
    row = database.insert("sys_email_account", {"name": "a", "sys_mod_count": "7"}, by="ann")
    assert row["sys_created_on"] == "2026-03-12 10:00:00"
    assert row["sys_mod_count"] == "0"
    assert "sys_class_name" not in row
    clock.sleep(5)
    changed = database.update("sys_email_account", row["sys_id"], {"name": "b"}, by="bob")
    assert changed == {
        **row,
        "name": "b",
        "sys_updated_by": "bob",
        "sys_updated_on": "2026-03-12 10:00:05",
        "sys_mod_count": "1",
    }
    assert database.get("sys_email_account", row["sys_id"]) == changed


def test_a_record_is_found_under_each_parent(database):
    row = database.insert("sys_app", {"name": "a"}, by="t")
    assert row["sys_class_name"] == "sys_app"
    for table in ("sys_app", "sys_scope", "sys_package"):
        assert database.get(table, row["sys_id"]) == row
    assert database.get("sys_store_app", row["sys_id"]) is None
    assert database.update("sys_package", row["sys_id"], {"name": "b"}, by="t")["name"] == "b"
    assert database.delete("sys_package", row["sys_id"])
    assert not database.delete("sys_app", row["sys_id"])
    assert database.update("sys_app", row["sys_id"], {}, by="t") is None


def test_a_given_sys_id_is_taken_once(database):
    database.insert("sys_user", {}, by="t", sys_id="a" * 32)
    with pytest.raises(DuplicateError):
        database.insert("sys_user", {}, by="t", sys_id="a" * 32)


def test_put_writes_what_it_is_given(database):
    database.put("sys_user", {"sys_id": "b" * 32, "sys_mod_count": "9"})
    assert database.put("sys_user", {"sys_id": "b" * 32, "name": "x"}) == {
        "sys_id": "b" * 32,
        "name": "x",
    }
    assert database.count("sys_user") == 1


def test_a_failed_transaction_leaves_nothing(database):
    with pytest.raises(RuntimeError), database.transaction():
        database.insert("sys_user", {"name": "outer"}, by="t")
        with database.transaction():
            database.insert("sys_user", {"name": "inner"}, by="t")
        raise RuntimeError
    assert database.count("sys_user") == 0


def test_an_inner_failure_takes_back_only_its_own(database):
    with database.transaction():
        database.insert("sys_user", {"name": "outer"}, by="t")
        with pytest.raises(RuntimeError), database.transaction():
            database.insert("sys_user", {"name": "inner"}, by="t")
            raise RuntimeError
    assert [row["name"] for row in database.query("sys_user")] == ["outer"]


def test_a_directory_keeps_rows_files_and_learnt_tables(tmp_path, clock):
    path = tmp_path / "s.sqlite"
    first = Database(path, dictionary=Dictionary(), clock=clock, randomness=seeded(1))
    first.dictionary.ensure_table("sys_hub_step", columns=("sys_id", "step"))
    row = first.insert("sys_hub_step", {"step": "1"}, by="t")
    first.put_content("f", b"\0bytes")
    first.close()
    again = Database(path, dictionary=Dictionary(), clock=clock, randomness=seeded(1))
    assert again.query("sys_hub_step", "step=1") == [row]
    assert again.content("f") == b"\0bytes"
    again.delete_content("f")
    assert again.content("f") is None
    again.close()


def test_same_seed_same_ids(clock):
    made = [
        Database(None, dictionary=Dictionary(), clock=clock, randomness=seeded(3)) for _ in range(2)
    ]
    assert made[0].new_id() == made[1].new_id() != made[0].new_id()
    for database in made:
        database.close()


def test_columns_are_inherited_and_typed():
    dictionary = Dictionary()
    columns = dictionary.columns("sys_app")
    assert columns["scope"].name == "scope"
    assert columns["sys_id"].read_only
    assert dictionary.parents("sys_app") == ("sys_scope", "sys_package")
    assert "sys_app" in dictionary.children("sys_package")
    assert dictionary.columns("sys_update_xml")["update_set"].reference == "sys_update_set"
    assert dictionary.columns("oauth_entity")["client_secret"].secret is SecretKind.TWO_WAY
    assert dictionary.columns("sys_user")["user_password"].secret is SecretKind.ONE_WAY
    assert dictionary.columns("no_such_table") == {}
    assert not dictionary.exists("no_such_table")


def test_payloads_add_tables_and_columns_only_where_the_dictionary_has_none():
    dictionary = Dictionary()
    told = []
    dictionary.on_learn = lambda *arguments: told.append(arguments)
    dictionary.ensure_table("sys_user", columns=("colour",))
    assert "colour" not in dictionary.columns("sys_user")
    dictionary.ensure_table("sys_hub_thing", columns=("a", "sys_name"))
    dictionary.ensure_table("sys_hub_thing", columns=("a",))
    dictionary.ensure_table("sys_hub_thing", columns=("b",))
    assert {"a", "b", "sys_id"} <= set(dictionary.columns("sys_hub_thing"))
    assert told == [
        ("sys_hub_thing", "sys_metadata", ("a",)),
        ("sys_hub_thing", "sys_metadata", ("a", "b")),
    ]
    dictionary.ensure_table("sys_hub_action_type_definition", columns=("acls",))
    assert "acls" in dictionary.columns("sys_hub_action_type_definition")
    dictionary.ensure_table("alone", extends=None, columns=("x",))
    assert {"x", "sys_id"} <= set(dictionary.columns("alone"))


def test_hidden_columns_are_gone_from_descendants_too():
    dictionary = Dictionary()
    dictionary.hide(("sys_package", "version"))
    assert "version" not in dictionary.columns("sys_app")
    dictionary.hide()
    assert "version" in dictionary.columns("sys_app")


@pytest.mark.parametrize("name", INDEXED)
def test_columns_of_large_tables_are_found_by_an_index(database, name):
    table = "sys_user_has_role" if name == "user" else "sys_update_xml"
    table = "sys_update_preview_xml" if name == "remote_update" else table
    found = database.compile(table, f"{name}=x")
    plan = database._execute(
        "EXPLAIN QUERY PLAN SELECT data FROM record AS r0 "  # noqa: S608 - both are compiled
        f"WHERE {found.where} ORDER BY {found.order}",
        found.parameters,
    )
    assert f"USING INDEX record_{name} " in str(plan)
