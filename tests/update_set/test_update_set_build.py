"""Identity covers the whole package; the envelope is that of native exports."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from update_set_makers import APP, BUILD, package, payload, row

from generator.update_set.build import (
    DELETE,
    Built,
    PackageDraft,
    SetDraft,
    build,
    content_digest,
)
from generator.update_set.model import SET_ELEMENTS, UPDATE_ELEMENTS, UpdateSet
from generator.update_set.payload import Payload
from generator.update_set.reader import open_export
from generator.update_set.records import GLOBAL

NAMESPACE = UUID(int=7)
TIMESTAMP = "2026-11-23 12:00:00"


def built(draft: PackageDraft, payloads: Mapping[str, Payload] | None = None) -> Built:
    return build(
        draft,
        payloads or {given_row.name: payload(given_row) for given_row in draft.rows()},
        build_time=BUILD,
        namespace=NAMESPACE,
    )


def identities(result: Built) -> set[str]:
    """Every sys_id of sets and rows."""
    rows = [update.value("sys_id") for file in result.files for update in file.unload.updates]
    return {
        *rows,
        *(entry.sys_id for entry in result.sets),
        *(entry.remote_sys_id for entry in result.sets),
    }


def with_set(draft: PackageDraft, number: int, **changes: object) -> PackageDraft:
    sets = list(draft.sets)
    sets[number] = dataclasses.replace(sets[number], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(draft, sets=tuple(sets))


def with_row(draft: PackageDraft, **changes: object) -> PackageDraft:
    first, *others = draft.sets[0].rows
    return with_set(draft, 0, rows=(dataclasses.replace(first, **changes), *others))  # type: ignore[arg-type]


CHANGES: dict[str, Callable[[PackageDraft], PackageDraft]] = {
    "layout": lambda draft: dataclasses.replace(draft, batch=False),
    "role": lambda draft: with_set(draft, 1, role="other"),
    "name": lambda draft: with_set(draft, 1, name="Mail OAuth 1.0.1 (dev)"),
    "description": lambda draft: with_set(draft, 0, description="first\n"),
    "application sys_id": lambda draft: with_set(
        draft, 1, application=dataclasses.replace(APP, sys_id="b" * 32)
    ),
    "application name": lambda draft: with_set(
        draft, 1, application=dataclasses.replace(APP, name="M")
    ),
    "application scope": lambda draft: with_set(
        draft, 1, application=dataclasses.replace(APP, scope="x_m")
    ),
    "application version": lambda draft: with_set(
        draft, 1, application=dataclasses.replace(APP, version="2")
    ),
    "a row's action": lambda draft: with_row(draft, action=DELETE),
    "a row's name": lambda draft: with_row(draft, name="g_9"),
    "a row's payload": lambda draft: with_row(draft, unstamped=row("x", "<other/>").unstamped),
    "a row more": lambda draft: with_set(draft, 0, rows=(*draft.sets[0].rows, row("g_3"))),
    "a row less": lambda draft: with_set(draft, 1, rows=draft.sets[1].rows[:-1]),
    "the order of rows": lambda draft: with_set(draft, 1, rows=draft.sets[1].rows[::-1]),
    "the order of sets": lambda draft: dataclasses.replace(draft, sets=draft.sets[::-1]),
    "a row beside the sets": lambda draft: dataclasses.replace(draft, beside=(row("sys_email"),)),
    "a row moved beside": lambda draft: dataclasses.replace(
        with_set(draft, 1, rows=draft.sets[1].rows[:-1]), beside=draft.sets[1].rows[-1:]
    ),
    "a row moved to the other set": lambda draft: with_set(
        with_set(draft, 0, rows=(*draft.sets[0].rows, draft.sets[1].rows[0])),
        1,
        rows=draft.sets[1].rows[1:],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_anywhere_gives_new_sets_everywhere(what: str) -> None:
    before, after = package(), CHANGES[what](package())
    assert content_digest(before) != content_digest(after)
    assert built(before).digest != built(after).digest
    assert not identities(built(before)) & identities(built(after))


def test_stamps_are_part_of_identity_but_not_of_content() -> None:
    draft = package()
    payloads = {given_row.name: payload(given_row) for given_row in draft.rows()}
    payloads["a_2"] = payload(draft.sets[1].rows[1], BUILD + timedelta(seconds=1))
    assert not identities(built(draft)) & identities(built(draft, payloads))
    assert content_digest(draft) == content_digest(package())


@pytest.mark.parametrize(
    "same",
    [
        lambda draft: draft,
        lambda draft: dataclasses.replace(draft, author="other"),
        lambda draft: with_row(draft, type="Other"),
        lambda draft: with_row(draft, target_name="Other"),
        lambda draft: with_row(draft, table="other"),
        lambda draft: with_row(draft, application_name="Other"),
    ],
)
def test_nothing_else_gives_new_sets(same: Callable[[PackageDraft], PackageDraft]) -> None:
    assert identities(built(package())) == identities(built(same(package())))
    assert content_digest(package()) == content_digest(same(package()))


def test_nor_does_the_build_time_alone() -> None:
    draft = package()
    payloads = {given_row.name: payload(given_row) for given_row in draft.rows()}
    later = build(draft, payloads, build_time=BUILD + timedelta(days=1), namespace=NAMESPACE)
    assert identities(later) == identities(built(draft))
    assert later.digest == built(draft).digest


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=3), max_size=4), min_size=2, max_size=2, unique_by=tuple))
def test_values_never_run_into_each_other(texts: list[list[str]]) -> None:
    """`ab` + `c` is not `a` + `bc`, and a name is not taken for a description."""
    one, other = (
        PackageDraft(
            True,
            "admin",
            (SetDraft("global", *(values + [""] * 4)[:2], GLOBAL, ()),),
            tuple(row(value, "x") for value in values[2:]),
        )
        for values in texts
    )
    same = [(v + [""] * 4)[:2] + v[2:] for v in texts]
    assert (content_digest(one) == content_digest(other)) == (same[0] == same[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "ab", "description": "c"}, {"name": "a", "description": "bc"}),
        ({"role": "", "name": "global"}, {"role": "global", "name": ""}),
        ({"rows": (row("a", "x"), row("b", "x"))}, {"rows": (row("aINSERT_OR_UPDATE b", "x"),)}),
    ],
)
def test_neighbours_never_run_into_each_other(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert content_digest(with_set(package(), 0, **one)) != content_digest(
        with_set(package(), 0, **other)
    )


def test_identities_are_derived_as_written_down() -> None:
    result = built(package())
    for entry, role in zip(result.sets, ("global", "app"), strict=True):
        assert entry.sys_id == uuid5(NAMESPACE, f"set/{role}/{result.digest}").hex
        assert entry.remote_sys_id == uuid5(NAMESPACE, f"local/{role}/{result.digest}").hex
    (file,) = result.files
    ids = {update.name: update.value("sys_id") for update in file.unload.updates}
    assert ids["a_1"] == uuid5(UUID(hex=result.sets[1].sys_id), "a_1").hex
    assert [entry.rows for entry in result.sets] == [2, 3]
    assert [entry.name for entry in result.sets] == ["Mail OAuth 1.0.0 (dev)"] * 2


def test_sys_ids_are_sys_ids_and_unique() -> None:
    found = identities(built(package()))
    assert len(found) == 2 + 2 + 5
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in found)


# The batch (format spec, section 11).


def values(update_set: UpdateSet, *names: str) -> tuple[str, ...]:
    return tuple(update_set.value(name) for name in names)


def test_a_batch_is_one_file_with_the_base_twice() -> None:
    result = built(package())
    (file,) = result.files
    base, again, child = file.unload.sets
    assert again == base
    assert file.name == f"sys_remote_update_set_{base.sys_id}.xml"
    assert base.sys_id == result.sets[0].sys_id
    assert child.sys_id == result.sets[1].sys_id
    assert file.unload.unload_date == TIMESTAMP


def test_the_base_and_the_child_of_a_batch() -> None:
    (file,) = built(package()).files
    base, _, child = file.unload.sets
    assert values(base, "state", "sys_mod_count", "parent") == ("loaded", "1", "")
    assert values(child, "state", "sys_mod_count", "parent") == ("in_hierarchy", "0", base.sys_id)
    assert base.display("parent") == ""
    assert child.display("parent") == base.name
    for member in (base, child):
        assert member.value("remote_base_update_set") == base.sys_id
        assert member.display("remote_base_update_set") == base.name
        assert member.value("remote_parent_id") == ""
        assert member.value("remote_sys_id") != member.sys_id


def test_separate_sets_know_nothing_of_each_other() -> None:
    result = built(package(batch=False))
    assert [file.name for file in result.files] == [
        f"sys_remote_update_set_{entry.sys_id}.xml" for entry in result.sets
    ]
    for file, entry, names in zip(
        result.files, result.sets, ({"g_1", "g_2"}, {"a_1", "a_2", "a_3"}), strict=True
    ):
        (only,) = file.unload.sets
        assert only.sys_id == entry.sys_id
        assert values(only, "state", "sys_mod_count", "parent", "remote_base_update_set") == (
            "loaded",
            "0",
            "",
            "",
        )
        assert only.display("parent") == only.display("remote_base_update_set") == ""
        assert {update.name for update in file.unload.updates} == names


@pytest.mark.parametrize("batch", [True, False])
def test_every_element_stands_in_the_platforms_order(batch: bool) -> None:
    for file in built(package(batch=batch)).files:
        for update_set in file.unload.sets:
            assert tuple(element.name for element in update_set.elements) == SET_ELEMENTS
        for update in file.unload.updates:
            assert tuple(element.name for element in update.elements) == UPDATE_ELEMENTS


def test_the_same_elements_bear_a_display_value_as_in_native_exports(shared: Path) -> None:
    with open_export(shared / "corpus/update_sets/2026-02-erp-objects-batch.xml") as export:
        native_set = export.sets[0]
        native_row = next(export.updates())
    (file,) = built(package()).files
    for ours, native in ((file.unload.sets[0], native_set), (file.unload.updates[0], native_row)):
        assert [(e.name, e.display_value is None) for e in ours.elements] == [
            (e.name, e.display_value is None) for e in native.elements
        ]


def test_what_a_set_says() -> None:
    (file,) = built(package()).files
    base, _, child = file.unload.sets
    assert values(base, "application", "application_name", "application_scope") == (
        "global",
        "Global",
        "global",
    )
    assert base.value("application_version") == ""
    assert values(child, "application", "application_scope", "application_version") == (
        APP.sys_id,
        APP.scope,
        APP.version,
    )
    assert child.display("application") == APP.name
    assert base.value("description") == "first"
    for member in (base, child):
        stamps = ("sys_created_on", "sys_updated_on", "sys_created_by", "sys_updated_by")
        assert values(member, *stamps) == (TIMESTAMP, TIMESTAMP, "admin", "admin")
        assert member.value("sys_class_name") == "sys_remote_update_set"
        empty = (
            *("collisions", "commit_date", "deleted", "inserted", "origin_sys_id"),
            *("release_date", "summary", "update_set", "update_source", "updated"),
        )
        assert set(values(member, *empty)) == {""}


def test_what_a_row_says() -> None:
    draft = with_row(package(), action=DELETE, table="incident")
    result = built(draft)
    (file,) = result.files
    (found,) = [update for update in file.unload.updates if update.name == "g_1"]
    given_payload = payload(draft.sets[0].rows[0])
    assert {element.name: element.text for element in found.elements if element.text} == {
        "action": "DELETE",
        "application": "global",
        "category": "customer",
        "name": "g_1",
        "payload": given_payload.text,
        "payload_hash": given_payload.hash,
        "remote_update_set": result.sets[0].sys_id,
        "replace_on_upgrade": "false",
        "sys_created_by": "admin",
        "sys_created_on": TIMESTAMP,
        "sys_id": uuid5(UUID(hex=result.sets[0].sys_id), "g_1").hex,
        "sys_mod_count": "0",
        "sys_recorded_at": found.value("sys_recorded_at"),
        "sys_updated_by": "admin",
        "sys_updated_on": TIMESTAMP,
        "table": "incident",
        "target_name": "The g_1",
        "type": "Thing",
        "update_domain": "global",
    }
    assert found.display("application") == "Global"
    assert found.display("remote_update_set") == result.sets[0].name
    assert found.display("update_set") == ""


@pytest.mark.parametrize("batch", [True, False])
def test_rows_are_grouped_sorted_and_recorded_in_dependency_order(batch: bool) -> None:
    result = built(package(batch=batch))
    rows = [update for file in result.files for update in file.unload.updates]
    assert [update.set_sys_id for update in rows] == [
        entry.sys_id for entry in result.sets for _ in range(entry.rows)
    ]
    for entry in result.sets:
        own = [update.value("sys_id") for update in rows if update.set_sys_id == entry.sys_id]
        assert own == sorted(own)
    by_moment = sorted(rows, key=lambda update: update.value("sys_recorded_at"))
    assert [update.name for update in by_moment] == ["g_1", "g_2", "a_1", "a_2", "a_3"]
    assert len({update.value("sys_recorded_at") for update in rows}) == 5


def test_rows_beside_the_sets_are_in_no_file() -> None:
    result = built(package(beside=(row("sys_email_account_1"),)))
    names = [update.name for file in result.files for update in file.unload.updates]
    assert "sys_email_account_1" not in names
    assert [entry.rows for entry in result.sets] == [2, 3]


def test_a_base_without_rows_of_its_own() -> None:
    result = built(with_set(package(), 0, rows=()))
    (file,) = result.files
    assert [entry.rows for entry in result.sets] == [0, 3]
    assert len(file.unload.sets) == 3


def test_the_committed_examples_have_every_element(repository: Path) -> None:
    files = sorted((repository / "update_sets").glob("*/sys_remote_update_set_*.xml"))
    assert len(files) >= 3
    for path in files:
        with open_export(path) as export:
            for update in export.updates():
                assert tuple(element.name for element in update.elements) == UPDATE_ELEMENTS
            for update_set in export.sets:
                assert tuple(element.name for element in update_set.elements) == SET_ELEMENTS
            assert path.name in {f"sys_remote_update_set_{s.sys_id}.xml" for s in export.sets}
