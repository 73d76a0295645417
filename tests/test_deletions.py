"""Records that disappear: named, deleted on request by the app's own set, or only named."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree
from packages import (
    LATER,
    MUCH_LATER,
    START,
    Shipped,
    manifest,
    render,
    set_files,
    shipped,
    snapshot,
)

import generator.integration.integration as integration_module
from generator.checks.lint import lint_file
from generator.config.environment import Environment, Layout
from generator.errors import Refused
from generator.packaging import Mode, Package
from generator.update_set.model import Update
from generator.update_set.records import Record

Make = Callable[..., Environment]
Drop = Callable[[str | None], None]

GONE = "sys_script_include"
CHAIN = {
    "oauth_entity",
    "oauth_entity_scope",
    "oauth_entity_profile",
    "oauth_entity_profile_scope",
    "sys_email_account",
}


@pytest.fixture
def drop(monkeypatch: pytest.MonkeyPatch) -> Drop:
    """A release of the tool whose app lacks one record; None brings it back."""
    whole = integration_module.app_records

    def lacking(logical_name: str | None) -> None:
        def fewer(inputs: object) -> tuple[Record, ...]:
            return tuple(r for r in whole(inputs) if r.logical_name != logical_name)

        monkeypatch.setattr(integration_module, "app_records", fewer)

    return lacking


@pytest.fixture(params=Layout)
def layout(request: pytest.FixtureRequest) -> Layout:
    return Layout(request.param)


def rows(directory: Path) -> Shipped:
    return shipped(snapshot(directory))


def deletions(directory: Path) -> list[str]:
    return [u.name for u in rows(directory).updates if u.value("action") == "DELETE"]


def is_gone(update: Update) -> bool:
    """Whether it is the row of `GONE`; its table has another record."""
    return update.value("target_name") == "SmtpOAuthHealth"


def named(package: Package) -> list[str]:
    return [entry.logical_name for entry in package.retired]


def hasher(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hasher", shared / "tools" / "payload_hash.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_the_key_it_is_only_named(environment: Make, drop: Drop) -> None:
    made = environment()
    render(made)
    last = rows(made.directory)
    drop(GONE)
    package = render(made, LATER)
    assert named(package) == [GONE]
    assert deletions(made.directory) == []
    assert package.updates == 35
    (entry,) = package.retired
    assert entry.label == "SmtpOAuthHealth"
    assert entry.payload == last.update(entry.name).payload
    assert not entry.acknowledged
    gone = entry.name.removeprefix(f"{GONE}_")
    assert not (made.directory / "records" / GONE / f"{gone}.xml").exists()
    summary = (made.directory / "SUMMARY.md").read_text(encoding="utf-8")
    assert "## Left behind\n" in summary
    assert f"- SmtpOAuthHealth (`{entry.name}`)" in summary
    # It is named for as long as nobody decided.
    assert render(made, MUCH_LATER).changed == ()
    assert named(render(environment(version="2.0"), MUCH_LATER)) == [GONE]


def test_with_the_key_it_becomes_a_deletion(
    environment: Make, drop: Drop, layout: Layout, shared: Path
) -> None:
    made = environment(deletions=True, layout=layout)
    render(made)
    last = next(u for u in rows(made.directory).updates if is_gone(u))
    drop(GONE)
    package = render(made, LATER)
    assert package.updates == 36
    found = rows(made.directory)
    row = found.update(last.name)
    # Everything as it was, but that it deletes (format, section 12).
    assert row.value("action") == "DELETE"
    assert row.payload == last.payload.replace(
        f'<{GONE} action="INSERT_OR_UPDATE">', f'<{GONE} action="DELETE">'
    )
    assert row.payload != last.payload
    record = etree.fromstring(row.payload.encode())[0]
    assert record.get("action") == "DELETE"
    assert len(record) == 22
    assert record.findtext("sys_updated_on") == "2026-11-23 11:59:00"
    for name in ("type", "table", "target_name", "category", "application", "update_domain"):
        assert row.value(name) == last.value(name), name
    assert row.value("type") == "Script Include"
    assert row.value("target_name") == "SmtpOAuthHealth"
    assert row.display("application") == last.display("application") == "Mail OAuth"
    assert row.value("payload_hash") == hasher(shared).payload_hash(row.payload)
    assert row.value("payload_hash") != last.value("payload_hash")
    (app_set,) = {s.sys_id for s in found.sets if s.value("application") != "global"}
    assert row.set_sys_id == app_set
    gone = last.name.removeprefix(f"{GONE}_")
    assert not (made.directory / "records" / GONE / f"{gone}.xml").exists()
    summary = (made.directory / "SUMMARY.md").read_text(encoding="utf-8")
    assert "## Deleted by this package\n" in summary
    assert "Left behind" not in summary
    for file in set_files(snapshot(made.directory)):
        assert hasher(shared).main([str(made.directory / file)]) == 0


@pytest.mark.parametrize(
    "gone", ["sys_hub_action_type_definition", "sysevent_email_action", "sys_properties.warn_days"]
)
def test_rows_of_every_shape_are_deleted_whole(environment: Make, drop: Drop, gone: str) -> None:
    made = environment(deletions=True)
    render(made)
    last = {update.name: update for update in rows(made.directory).updates}
    drop(gone)
    render(made, LATER)
    (name,) = deletions(made.directory)
    row = rows(made.directory).update(name)
    before = etree.fromstring(last[name].payload.encode())
    after = etree.fromstring(row.payload.encode())
    assert (after[0].get("action"), before[0].get("action")) == ("DELETE", "INSERT_OR_UPDATE")
    after[0].set("action", "INSERT_OR_UPDATE")
    assert etree.tostring(after) == etree.tostring(before)
    assert row.value("table") == last[name].value("table")


def test_the_row_stays_until_the_key_is_taken_out(environment: Make, drop: Drop) -> None:
    made = environment(deletions=True)
    render(made)
    drop(GONE)
    render(made, LATER)
    (name,) = deletions(made.directory)
    payload = rows(made.directory).update(name).payload
    assert render(made, MUCH_LATER).changed == ()
    for version in ("1.1", "1.2"):
        package = render(environment(deletions=True, version=version), MUCH_LATER)
        assert named(package) == [GONE]
        assert deletions(made.directory) == [name]
        assert rows(made.directory).update(name).payload == payload
    render(environment(deletions=True, version="1.2"), MUCH_LATER, again=("*",))
    assert rows(made.directory).update(name).payload == payload
    package = render(environment(version="1.2"), MUCH_LATER)
    assert package.moved
    assert named(package) == []
    assert deletions(made.directory) == []
    assert manifest(made.directory)["retired"] == {}
    assert b"Deleted by" not in (made.directory / "SUMMARY.md").read_bytes()


def test_the_key_may_come_after_the_record_went(environment: Make, drop: Drop) -> None:
    made = environment()
    render(made)
    (before,) = [u for u in rows(made.directory).updates if is_gone(u)]
    drop(GONE)
    render(made, LATER)
    render(environment(version="1.1"), LATER)
    package = render(environment(version="1.1", deletions=True), MUCH_LATER)
    assert deletions(made.directory) == [before.name]
    payload = rows(made.directory).update(before.name).payload
    assert payload == before.payload.replace("INSERT_OR_UPDATE", "DELETE", 1)
    assert package.moved


@pytest.mark.parametrize("key", [True, False])
def test_it_comes_back(environment: Make, drop: Drop, key: bool) -> None:
    made = environment(deletions=key)
    render(made)
    drop(GONE)
    render(made, LATER)
    drop(None)
    package = render(made, MUCH_LATER)
    assert named(package) == []
    assert deletions(made.directory) == []
    (row,) = [u for u in rows(made.directory).updates if is_gone(u)]
    assert row.value("action") == "INSERT_OR_UPDATE"
    # Newer than the deletion, or the instance would keep that.
    assert "<sys_updated_on>2026-12-23 11:59:00</sys_updated_on>" in row.payload
    gone = row.name.removeprefix(f"{GONE}_")
    assert (made.directory / "records" / GONE / f"{gone}.xml").exists()


def test_two_that_go_one_after_the_other(environment: Make, drop: Drop) -> None:
    made = environment(deletions=True)
    render(made)
    drop(GONE)
    render(made, LATER)
    whole = integration_module.app_records

    def fewer(inputs: object) -> Iterator[Record]:
        return tuple(r for r in whole(inputs) if r.table != "sys_scope_privilege")

    integration_module.app_records, restore = fewer, whole
    try:
        package = render(made, MUCH_LATER)
    finally:
        integration_module.app_records = restore
    assert len(deletions(made.directory)) == 20
    assert len(package.retired) == 20
    names = [entry.name for entry in package.retired]
    assert names == sorted(names)


# ---- what no set may delete ----


@pytest.mark.parametrize("live", [True, False])
def test_the_mail_chain_is_named_and_never_deleted(environment: Make, live: bool) -> None:
    made = environment(deletions=True, email_account__live=live, sys_ids={"sys_app": "a" * 32})
    render(made)
    other = environment(
        deletions=True,
        email_account__live=live,
        integration="second",
        sys_ids={"sys_app": "a" * 32},
    )
    package = render(other, LATER)
    # The app is the same one, so what it had under the old names is deleted.
    assert set(named(package)) >= CHAIN
    gone = deletions(made.directory)
    assert len(gone) == 30
    assert not [name for name in gone if name.startswith(("oauth_", "sys_email_account"))]
    chain = [e for e in package.retired if e.logical_name in CHAIN]
    assert {(e.application, e.payload) for e in chain} == {("global", "")}
    summary = (made.directory / "SUMMARY.md").read_text(encoding="utf-8")
    left = summary.split("## Left behind")[1].split("\n## ")[0]
    assert all(entry.name in left for entry in chain)
    # Once told with the key set, they are forgotten when it is taken out.
    assert named(render(environment(integration="second", sys_ids={"sys_app": "a" * 32}))) == []


@pytest.mark.parametrize("key", [True, False])
def test_another_scope_is_another_application(environment: Make, key: bool) -> None:
    made = environment(deletions=key)
    render(made)
    package = render(environment(deletions=key, app__scope="x_acme_other"), LATER)
    assert len(named(package)) == 31
    assert not set(named(package)) & CHAIN
    assert deletions(made.directory) == []
    assert all(entry.payload == "" for entry in package.retired)
    assert {entry.label for entry in package.retired} >= {"Mail OAuth"}
    summary = (made.directory / "SUMMARY.md").read_text(encoding="utf-8")
    assert "## Left behind" in summary
    assert "## Deleted" not in summary


@pytest.mark.parametrize("key", [True, False])
def test_what_a_former_scope_left_is_never_said_to_be_deleted(
    environment: Make, drop: Drop, key: bool
) -> None:
    made = environment(deletions=key)
    render(made)
    drop(GONE)
    render(made, LATER)
    drop(None)
    package = render(environment(deletions=True, app__scope="x_acme_other"), MUCH_LATER)
    assert len(named(package)) == 31
    assert deletions(made.directory) == []
    assert all(entry.payload == "" for entry in package.retired)
    assert b"## Deleted" not in (made.directory / "SUMMARY.md").read_bytes()


def test_a_former_mail_chain_is_named(environment: Make) -> None:
    made = environment()
    render(made)
    package = render(environment(integration="second", app__scope="x_acme_other"), LATER)
    assert set(named(package)) >= CHAIN
    assert len(named(package)) == 36
    # It is back with the old name, and the new one is what was left.
    back = render(environment(), MUCH_LATER)
    assert {entry.name[-32:] for entry in back.retired}.isdisjoint(
        name[-32:] for name in manifest(made.directory)["records"]
    )


def test_an_adopted_record_replaces_the_derived_one(environment: Make) -> None:
    made = environment(deletions=True)
    render(made)
    (old,) = [u.name for u in rows(made.directory).updates if is_gone(u)]
    adopting = environment(deletions=True, sys_ids={GONE: "c" * 32, "oauth_entity": "d" * 32})
    package = render(adopting, LATER)
    assert deletions(made.directory) == [old]
    assert rows(made.directory).update(f"{GONE}_{'c' * 32}").value("action") == "INSERT_OR_UPDATE"
    assert set(named(package)) == {GONE, "oauth_entity"}


# ---- the last package must be what was rendered ----


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("damage", ["edited", "missing"])
def test_an_edited_package_gives_no_last_state(
    environment: Make, drop: Drop, damage: str, mode: Mode
) -> None:
    made = environment(deletions=True)
    render(made)
    (file,) = set_files(snapshot(made.directory))
    path = made.directory / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"SmtpOAuthHealth", b"SmtpOAuthOther"))
    before = snapshot(made.directory)
    drop(GONE)
    with pytest.raises(Refused) as caught:
        render(made, LATER, mode=mode)
    (fault,) = caught.value.faults
    assert fault.code == "last-package-edited"
    assert fault.file == str(path)
    assert "version control" in (fault.next or "")
    assert snapshot(made.directory) == before


def test_an_edit_elsewhere_does_not_matter(environment: Make, drop: Drop) -> None:
    made = environment(deletions=True)
    render(made)
    (made.directory / "SUMMARY.md").write_bytes(b"mine\n")
    drop(GONE)
    assert "SUMMARY.md" in render(made, LATER).changed
    assert len(deletions(made.directory)) == 1


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.CHECK])
def test_looking_first_says_the_same_and_writes_nothing(
    environment: Make, drop: Drop, mode: Mode
) -> None:
    made = environment(deletions=True)
    render(made, START)
    before = snapshot(made.directory)
    drop(GONE)
    looked = render(made, LATER, mode=mode)
    assert named(looked) == [GONE]
    assert snapshot(made.directory) == before
    assert looked.changed == render(made, LATER).changed


# ---- what lint makes of it ----


def adopted(directory: Path) -> dict[str, str]:
    """Another sys_id for every record of the app but the application itself."""
    records = manifest(directory)["records"]
    assert isinstance(records, dict)
    logical = {entry["logical_name"] for entry in records.values()} - CHAIN - {"sys_app"}
    return {name: f"{number:032x}" for number, name in enumerate(sorted(logical), start=1)}


def test_lint_finds_nothing_wrong_with_deletions(environment: Make, layout: Layout) -> None:
    made = environment(deletions=True, layout=layout)
    render(made)
    adopting = adopted(made.directory)
    assert len(adopting) == 30
    render(environment(deletions=True, layout=layout, sys_ids=adopting), LATER)
    deleted = {
        etree.fromstring(u.payload.encode()).get("table")
        for u in rows(made.directory).updates
        if u.value("action") == "DELETE"
    }
    assert len(deletions(made.directory)) == 30
    assert deleted >= {
        *("sys_user_role", "sys_properties", "sys_script_include", "sys_scope_privilege"),
        *("sys_hub_action_type_definition", "sysevent_register", "sysevent_email_action"),
    }
    for file in set_files(snapshot(made.directory)):
        report = lint_file(made.directory / file, ours=True)
        assert [found for found in report.findings if found.severity != "note"] == []


def test_lint_judges_a_deleted_action_as_one_that_stays(environment: Make) -> None:
    made = environment(deletions=True)
    render(made)
    gone = {"sys_hub_action_type_definition": "b" * 32}
    render(environment(deletions=True, sys_ids=gone), LATER)
    (file,) = set_files(snapshot(made.directory))
    path = made.directory / file
    (name,) = deletions(made.directory)
    start = path.read_text(encoding="utf-8").index(f"<name>{name}</name>")
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text[:start] + text[start:].replace("&lt;sys_name&gt;", "&lt;sys_name&gt;Other ", 1),
        encoding="utf-8",
    )
    found = {(f.rule, f.update) for f in lint_file(path, ours=True).findings}
    assert ("A5", name) in found
