"""A preview finds fields that the table lacks, and values that do not fit; none in real exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from update_set_desk import Change, Desk, base_of, change, desk, hex_id, unload

SET = hex_id("Set")
MISSING = "Could not find a table field ({}) referenced in this update"


def previewed(at: Desk, *changes: Change) -> list[str]:
    """Texts of the problems that a preview of one set finds."""
    at.upload(unload(changes))
    at.preview(SET)
    assert at.set(SET)["state"] == "previewed"
    return at.problems()


def test_a_field_that_the_table_lacks_is_a_problem() -> None:
    at = desk()
    assert previewed(at, change("sys_script_include", "One", u_colour="red", script="x")) == [
        MISSING.format("sys_script_include.u_colour")
    ]
    (problem,) = at.rows("sys_update_preview_problem")
    assert (problem["missing_item"], problem["missing_item_table"]) == (
        "sys_script_include.u_colour",
        "sys_dictionary",
    )


@pytest.mark.parametrize("table", ["sys_script_include", "sys_metadata"])
def test_a_column_that_the_set_brings_is_none(table: str) -> None:
    column = change("sys_dictionary", "D", element="u_colour", internal_type="string")
    brought = Change(column.payload, f"sys_dictionary_{table}_u_colour")
    assert previewed(desk(), change("sys_script_include", "One", u_colour="red"), brought) == []


def test_a_column_that_another_set_brings_is_said_to_be_there() -> None:
    at = desk()
    column = change("sys_dictionary", "D", element="u_colour", internal_type="string")
    brought = Change(column.payload, "sys_dictionary_sys_script_include_u_colour")
    at.upload(unload([brought], name="Other"))
    (said,) = previewed(at, change("sys_script_include", "One", u_colour="red"))
    assert said.endswith(", but did find it in another uncommitted update set")


def test_a_column_that_an_earlier_set_brought_is_known() -> None:
    at = desk()
    values = {"name": "sys_script_include", "element": "u_colour"}
    at.box.database.insert("sys_dictionary", values, by="admin")
    assert previewed(at, change("sys_script_include", "One", u_colour="red")) == []


def test_a_column_of_a_newer_release_is_one() -> None:
    at = desk(missing_columns=["oauth_entity.public_client"])
    found = previewed(at, change("oauth_entity", "E", public_client="false"))
    assert found == [MISSING.format("oauth_entity.public_client")]


@pytest.mark.parametrize(
    ("table", "values"),
    [
        # Only some of its columns are known.
        ("sys_hub_action_type_definition", {"anything": "x"}),
        ("scan_check_suite", {"anything": "x"}),
        # Known from payloads alone.
        ("sysevent_script_action_of_mine", {"anything": "x"}),
        # In real exports of other releases.
        ("sys_script_include", {"sys_customer_update": "true", "sys_replace_on_upgrade": "false"}),
        ("sys_user_role", {"snbe": "x"}),
        ("sys_script_include", {"active": "true", "script": "x" * 9000, "access": "public"}),
        ("sys_script_include", {"active": "0"}),
        ("sys_script_include", {"active": "", "sys_mod_count": ""}),
        ("sys_script_include", {"sys_mod_count": "12"}),
    ],
)
def test_what_is_not_judged_or_fits(table: str, values: dict[str, str]) -> None:
    assert previewed(desk(), change(table, "One", **values)) == []


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("active", "yes", "boolean"),
        ("sys_mod_count", "many", "number"),
        ("sys_mod_count", "1,5", "number"),
        ("sys_package", "a" * 33, "reference"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem(column: str, value: str, kind: str) -> None:
    (said,) = previewed(desk(), change("sys_script_include", "One", **{column: value}))
    assert f"(sys_script_include.{column})" in said
    assert said.endswith(f"does not fit its type, {kind}")
    assert value not in said


def test_a_reference_by_name_may_be_long() -> None:
    assert previewed(desk(), change("sys_dictionary", "D", reference="x_" + "a" * 40)) == []


def test_a_deletion_is_not_judged() -> None:
    gone = change("sys_script_include", "One", action="DELETE", u_colour="red")
    assert previewed(desk(), gone) == []


def test_the_switch_turns_it_off() -> None:
    at = desk(preview_columns="ignored")
    assert previewed(at, change("sys_script_include", "One", u_colour="red", active="yes")) == []


def _exports(shared: Path) -> Sequence[Path]:
    return sorted((shared / "corpus" / "update_sets").glob("*.xml"))


def test_real_exports_have_no_such_problem(repository: Path) -> None:
    shared = repository.parent / "shared"
    if not shared.is_dir():
        pytest.skip("the collection of real exports is not beside the repository")
    judged = 0
    for path in _exports(shared):
        at = desk()
        data = path.read_bytes()
        if at.upload(data).status_code != 200 or not at.rows("sys_remote_update_set"):
            continue
        at.preview(base_of(data))
        said = [text for text in at.problems() if re.search("table field|does not fit", text)]
        # A table of the customer's that nobody brings is another matter.
        assert [text for text in said if ".null)" not in text] == [], path.name
        judged += len(at.rows("sys_update_preview_xml"))
    assert judged > 100
