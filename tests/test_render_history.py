"""Several renders of one environment: time moves only when content does (design decision 4)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from packages import (
    LATER,
    MUCH_LATER,
    START,
    manifest,
    moved_records,
    record_file,
    render,
    set_files,
    shipped,
    snapshot,
    texts,
)

from generator.config.environment import Environment, Layout
from generator.packaging import Mode

Make = Callable[..., Environment]
FORM = "%Y-%m-%d %H:%M:%S"
ENTITY, ACCOUNT = "oauth_entity", "sys_email_account"


def built(directory: Path) -> datetime:
    text = str(manifest(directory)["build_time"])
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def stamps(directory: Path, table: str) -> tuple[str, str, str]:
    record = texts(record_file(snapshot(directory), table))
    return record["sys_created_on"], record["sys_updated_on"], record["sys_mod_count"]


def said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(FORM)


def test_the_first_render(environment: Make) -> None:
    made = environment()
    package = render(made)
    assert package.first
    assert package.moved
    assert built(made.directory) == START
    born = said(START - timedelta(seconds=60))
    files = snapshot(made.directory)
    for update in shipped(files).updates:
        assert f"<sys_created_on>{born}</sys_created_on>" in update.payload
        assert f"<sys_updated_on>{born}</sys_updated_on>" in update.payload
        assert "<sys_mod_count>0</sys_mod_count>" in update.payload
        assert update.value("sys_created_on") == update.value("sys_updated_on") == said(START)
    for update_set in shipped(files).sets:
        assert update_set.value("sys_created_on") == said(START)
    assert f'unload_date="{said(START)}"'.encode() in files[set_files(files)[0]]


@pytest.mark.parametrize("now", [START, LATER, START - timedelta(days=400)])
def test_rendering_again_writes_no_byte(environment: Make, now: datetime) -> None:
    made = environment()
    render(made)
    before = snapshot(made.directory)
    times = {path: path.stat().st_mtime_ns for path in made.directory.rglob("*")}
    package = render(made, now)
    assert package.changed == ()
    assert not package.first
    assert not package.moved
    assert snapshot(made.directory) == before
    assert {path: path.stat().st_mtime_ns for path in made.directory.rglob("*")} == times


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"oauth__comments": "new"}, {ENTITY}),
        ({"azure__scope": "https://other.example/.default"}, {"oauth_entity_scope"}),
        ({"email_account__port": 465}, {ACCOUNT}),
        ({"email_account__live": True}, {ACCOUNT}),
        ({"azure__secret_expires_on": None}, {"sys_properties.secret_expires_on"}),
        ({"app__version": "1.0.1"}, {"sys_app"}),
        ({"app__vendor": "Acme"}, {"sys_app"}),
        ({"instance_url": "https://other.service-now.com"}, {ENTITY}),
        # The sets' name and the number of files are content, but of no record.
        ({"version": "1.0.1"}, set()),
        ({"layout": Layout.SEPARATE}, set()),
    ],
    ids=lambda value: ",".join(value) or "none",
)
def test_only_what_changed_moves(
    environment: Make, changes: dict[str, object], moved: set[str]
) -> None:
    made = environment()
    render(made)
    before = manifest(made.directory)
    package = render(environment(**changes), LATER)
    after = manifest(made.directory)
    assert package.moved
    assert built(made.directory) == LATER
    assert moved_records(before, after) == moved
    assert {entry["sys_id"] for entry in before["sets"]}.isdisjoint(
        entry["sys_id"] for entry in after["sets"]
    )
    for entry in after["records"].values():
        if entry["logical_name"] in moved:
            assert entry["sys_created_on"] == said(START - timedelta(seconds=60))
            assert entry["sys_updated_on"] == said(LATER - timedelta(seconds=60))
            assert entry["sys_mod_count"] == 1
    for update in shipped(snapshot(made.directory)).updates:
        assert update.value("sys_created_on") == said(LATER)


def test_renaming_the_app_leaves_the_mail_chain_alone(environment: Make) -> None:
    made = environment()
    render(made)
    before = manifest(made.directory)
    render(environment(app__name="Renamed"), LATER)
    moved = moved_records(before, manifest(made.directory))
    chain = {ENTITY, "oauth_entity_scope", "oauth_entity_profile", "oauth_entity_profile_scope"}
    assert "sys_app" in moved
    assert not moved & {*chain, ACCOUNT}


def test_a_change_and_its_way_back_are_two_changes(environment: Make) -> None:
    made = environment()
    render(made)
    first = snapshot(made.directory)
    render(environment(oauth__comments="x"), LATER)
    render(environment(), MUCH_LATER)
    assert stamps(made.directory, ENTITY) == (
        said(START - timedelta(seconds=60)),
        said(MUCH_LATER - timedelta(seconds=60)),
        "2",
    )
    assert built(made.directory) == MUCH_LATER
    assert set(first) & set(set_files(snapshot(made.directory))) == set()


def test_a_clock_that_goes_backwards(environment: Make) -> None:
    made = environment()
    render(made)
    for step in range(1, 4):
        render(environment(oauth__comments=str(step)), START - timedelta(days=step))
        expected = START + step * timedelta(seconds=61)
        assert built(made.directory) == expected
        updated = stamps(made.directory, ENTITY)[1]
        assert updated == said(expected - timedelta(seconds=60))
        # Newer than all the last package said, so preview sees no older update.
        assert updated > said(START + (step - 1) * timedelta(seconds=61) - timedelta(seconds=60))


def test_changes_within_a_minute(environment: Make) -> None:
    made = environment()
    render(made)
    render(environment(oauth__comments="x"), START + timedelta(seconds=5))
    assert built(made.directory) == START + timedelta(seconds=61)
    render(environment(oauth__comments="y"), START + timedelta(seconds=123))
    assert built(made.directory) == START + timedelta(seconds=123)


def test_the_clock_s_zone_and_fraction_do_not_matter(environment: Make) -> None:
    one, other = environment("one"), environment("two")
    render(one, START)
    shifted = START.astimezone(timezone(timedelta(hours=5, minutes=45)))
    render(replace(other, name="one"), shifted + timedelta(microseconds=999_999))
    assert snapshot(one.directory) == snapshot(other.directory)


# ---- again ----


def test_again_moves_every_record(environment: Make) -> None:
    made = environment()
    render(made)
    before = manifest(made.directory)
    package = render(made, LATER, again=("*",))
    after = manifest(made.directory)
    assert package.moved
    # A minute on, so that the stamps are not older than a local change of this very moment.
    assert built(made.directory) == LATER + timedelta(seconds=60)
    assert len(moved_records(before, after)) == len(after["records"]) == 36
    assert stamps(made.directory, ENTITY) == (
        said(START - timedelta(seconds=60)),
        said(LATER),
        "1",
    )
    assert before["content"] == after["content"]
    assert before["digest"] != after["digest"]


@pytest.mark.parametrize("named", [ACCOUNT, "sys_email_account_bf539c3b7955596b87460b3ca1f61735"])
@pytest.mark.parametrize("live", [True, False])
def test_again_moves_the_record_that_is_named(environment: Make, named: str, live: bool) -> None:
    made = environment(email_account__live=live)
    render(made)
    before = manifest(made.directory)
    render(made, again=(named,))
    after = manifest(made.directory)
    assert moved_records(before, after) == {ACCOUNT}
    # The later of the clock + 60 s and the last build + 61 s.
    assert built(made.directory) == START + timedelta(seconds=61)
    assert before["sets"] != after["sets"]
    assert render(made, LATER).changed == ()


def test_again_with_a_change_moves_both(environment: Make) -> None:
    made = environment()
    render(made)
    before = manifest(made.directory)
    render(environment(oauth__comments="x"), LATER, again=(ACCOUNT,))
    after = manifest(made.directory)
    assert moved_records(before, after) == {ENTITY, ACCOUNT}


# ---- the same anywhere ----


def test_a_fresh_clone_renders_the_same(environment: Make, tmp_path: Path) -> None:
    made = environment()
    render(made)
    render(environment(oauth__comments="x"), LATER)
    clone = tmp_path / "clone" / "dev"
    shutil.copytree(made.directory, clone)
    for path in clone.rglob("*"):
        path.touch()
    cloned = replace(environment(oauth__comments="x"), directory=clone)
    assert render(cloned, MUCH_LATER, mode=Mode.CHECK).changed == ()
    assert render(cloned, MUCH_LATER).changed == ()
    # And goes on the same.
    for directory in (made.directory, clone):
        render(replace(environment(oauth__comments="y"), directory=directory), MUCH_LATER)
    assert snapshot(clone) == snapshot(made.directory)


def test_two_machines_with_one_epoch(environment: Make) -> None:
    one, other = environment("one"), environment("two")
    for made in (one, other):
        render(replace(made, name="x"))
        render(replace(made, name="x", version="2.0"), LATER)
    assert snapshot(one.directory) == snapshot(other.directory)


def test_the_manifest_holds_nothing_of_this_machine(environment: Make) -> None:
    made = environment()
    render(made)
    text = (made.directory / "manifest.json").read_text(encoding="ascii")
    assert str(made.directory.parent) not in text
    assert json.loads(text)["build_time"] == "2026-11-23T12:00:00Z"
    for name, data in snapshot(made.directory).items():
        assert str(made.directory.parent).encode() not in data, name
