"""Packages on disk: what is written, what is left alone, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packages import LATER, MUCH_LATER, START, manifest, render, set_files, snapshot

from generator.config.environment import Environment, Layout
from generator.errors import InternalError, Refused
from generator.packaging import Mode
from generator.update_set.package_state import require_whole
from generator.update_set.store import locked

Make = Callable[..., Environment]
CHANGED = {"oauth__comments": "changed"}


# ---- modes ----


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.CHECK])
def test_looking_writes_nothing_at_all(environment: Make, mode: Mode) -> None:
    made = environment()
    package = render(made, mode=mode)
    assert package.first
    assert list(made.directory.iterdir()) == []
    assert set(package.changed) == set(package.files)
    render(made)
    before = snapshot(made.directory)
    times = {path: path.stat().st_mtime_ns for path in made.directory.rglob("*")}
    looked = render(environment(**CHANGED), LATER, mode=mode)
    assert looked.changed
    assert snapshot(made.directory) == before
    assert {path: path.stat().st_mtime_ns for path in made.directory.rglob("*")} == times
    assert render(environment(**CHANGED), LATER).changed == looked.changed


def test_only_what_changed_is_written(environment: Make) -> None:
    made = environment()
    render(made)
    before = snapshot(made.directory)
    inodes = {name: (made.directory / name).stat().st_ino for name in before}
    package = render(environment(**CHANGED), LATER)
    after = snapshot(made.directory)
    entity = next(name for name in after if name.startswith("records/oauth_entity/"))
    expected = {"SUMMARY.md", "email_account.xml", "manifest.json", entity}
    expected |= {*set_files(before), *set_files(after)}
    assert set(package.changed) == expected
    assert len(expected) == 6
    for name in set(after) - expected:
        assert (made.directory / name).stat().st_ino == inodes[name]
    assert not (made.directory / ".render").exists()


def test_what_was_edited_by_hand_is_put_right(environment: Make) -> None:
    made = environment()
    render(made)
    before = snapshot(made.directory)
    record = next((made.directory / "records").rglob("*.xml"))
    record.unlink()
    (made.directory / "SUMMARY.md").write_bytes(b"edited\n")
    name = record.relative_to(made.directory).as_posix()
    assert set(render(made, LATER, mode=Mode.CHECK).changed) == {"SUMMARY.md", name}
    assert set(render(made, LATER).changed) == {"SUMMARY.md", name}
    assert snapshot(made.directory) == before


def test_what_was_edited_by_hand_is_told_apart_from_what_only_changed(environment: Make) -> None:
    made = environment()
    render(made)
    assert render(environment(**CHANGED), LATER, mode=Mode.DRY_RUN).edited == ()
    before = snapshot(made.directory)
    (old_set,) = set_files(before)
    record = next(name for name in before if name.startswith("records/oauth_entity/"))
    for name in (old_set, record):
        (made.directory / name).write_bytes(before[name] + b"<!-- mine -->")
    (made.directory / "email_account.xml").unlink()
    for mode in (Mode.CHECK, Mode.DRY_RUN, Mode.WRITE):
        package = render(environment(**CHANGED), LATER, mode=mode)
        assert package.edited == (record, old_set)
        assert package.removed == (old_set,)
        assert package.added == ("email_account.xml", *set_files(package.files))
    assert render(environment(**CHANGED), LATER).edited == ()


def test_a_file_of_the_user_s_where_a_new_one_belongs_counts_as_edited(environment: Make) -> None:
    made = environment(integration="first")
    render(made)
    second = environment(integration="second")
    name = next(
        name
        for name in render(second, LATER, mode=Mode.DRY_RUN).added
        if name.startswith("records/")
    )
    (made.directory / name).write_bytes(b"<mine/>")
    assert render(second, LATER).edited == (name,)


def test_live_taken_back_is_told_once(environment: Make) -> None:
    live = environment(email_account__live=True)
    assert not render(environment()).live_withdrawn
    assert not render(live, LATER).live_withdrawn
    assert manifest(live.directory)["live"] is True
    assert render(environment(), MUCH_LATER, mode=Mode.DRY_RUN).live_withdrawn
    assert render(environment(), MUCH_LATER).live_withdrawn
    assert not render(environment(), MUCH_LATER).live_withdrawn


# ---- what is not ours ----


def test_foreign_files_survive_every_render(environment: Make) -> None:
    made = environment()
    own = made.directory
    foreign = {
        "environment.yaml": b"release: xanadu\n",
        "azure.json": b"{}",
        "notes.txt": b"mine",
        "records/README.md": b"mine",
        "records/oauth_entity/mine.xml": b"<mine/>",
        "records/my_table/0123456789abcdef0123456789abcdef.xml": b"<mine/>",
        "attachments/deep/down/picture.png": b"\x89PNG",
    }
    render(made)
    for name, data in foreign.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(data)
    renders: tuple[dict[str, object], ...] = (
        {},
        CHANGED,
        {"layout": Layout.SEPARATE},
        {"layout": Layout.BATCH},
        {"integration": "second"},
        {"app__scope": "x_acme_other"},
        {"email_account__live": True},
    )
    for changes in renders:
        render(environment(**changes), LATER)
        files = snapshot(own)
        assert {name: files[name] for name in foreign} == foreign, changes
        assert set(files) - set(foreign) == {*manifest(own)["files"], "manifest.json"}


def test_an_export_of_the_user_s_beside_the_package_is_left(environment: Make) -> None:
    made = environment()
    render(made)
    export = made.directory / f"sys_remote_update_set_{'0' * 32}.xml"
    export.write_bytes(b"<unload/>")
    for mode in (Mode.CHECK, Mode.DRY_RUN, Mode.WRITE, Mode.CHECK):
        package = render(environment(**CHANGED), LATER, mode=mode)
        assert package.strays == (export.name,)
    assert package.changed == ()
    assert export.read_bytes() == b"<unload/>"


def test_switching_the_layout_removes_the_old_sets_and_only_them(environment: Make) -> None:
    made = environment()
    render(made)
    before = snapshot(made.directory)
    package = render(environment(layout=Layout.SEPARATE), LATER)
    after = snapshot(made.directory)
    assert len(set_files(before)) == 1
    assert len(set_files(after)) == 2
    assert set(before) - set(after) == set(set_files(before))
    assert set(after) - set(before) == set(set_files(after))
    same = {name for name in after if name.startswith("records/")}
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert set(set_files(before)) <= set(package.changed)
    render(environment(), MUCH_LATER)
    assert len(set_files(snapshot(made.directory))) == 1
    assert require_whole(made.directory).layout == "batch"


def test_empty_directories_of_gone_records_go_too(environment: Make) -> None:
    made = environment(integration="first")
    render(made)
    tables = {path.name for path in (made.directory / "records").iterdir()}
    render(environment(integration="second"), LATER)
    assert {path.name for path in (made.directory / "records").iterdir()} == tables
    for path in (made.directory / "records").iterdir():
        assert list(path.iterdir())


# ---- manifests that say no ----


def conflicted(data: bytes) -> bytes:
    ours = data.splitlines(keepends=True)
    return b"".join([*ours[:3], b"<<<<<<< HEAD\n", ours[3], b"=======\n", ours[3], b">>>>>>> x\n"])


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: data.replace(b'"schema": 1', b'"schema": 2'), "manifest-newer"),
        (lambda data: data[: len(data) // 2], "manifest-corrupt"),
        (lambda data: b"", "manifest-corrupt"),
        (lambda data: b"[]", "manifest-corrupt"),
        (lambda data: b"\xff\xfe", "manifest-corrupt"),
        (lambda data: b"[" * 100_000, "manifest-corrupt"),
        (lambda data: data.replace(b"2026-11-23T", b"2026-13-23T"), "manifest-corrupt"),
        (lambda data: data.replace(b'"SUMMARY.md"', b'"../other/notes.txt"'), "manifest-corrupt"),
        (lambda data: data.replace(b'"SUMMARY.md"', b'"environment.yaml"'), "manifest-corrupt"),
        (conflicted, "manifest-conflicted"),
        (None, "manifest-missing"),
    ],
    ids=[
        *("newer", "half", "empty", "list", "no text", "deep", "no day", "outside", "user's"),
        *("conflict", "missing"),
    ],
)
def test_a_history_that_cannot_be_trusted_is_refused(
    environment: Make, damage: Callable[[bytes], bytes] | None, code: str, mode: Mode
) -> None:
    made = environment()
    render(made)
    path = made.directory / "manifest.json"
    if damage is None:
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(damage(data))
        assert path.read_bytes() != data
    before = snapshot(made.directory)
    with pytest.raises(Refused) as caught:
        render(environment(**CHANGED), LATER, mode=mode)
    (fault,) = caught.value.faults
    assert fault.code == code
    assert fault.file == str(path)
    assert fault.next
    assert snapshot(made.directory) == before


def test_an_environment_that_was_copied_goes_on_from_the_other_s_history(environment: Make) -> None:
    made = environment()
    render(made)
    other = environment("other")
    for name, data in snapshot(made.directory).items():
        (other.directory / name).parent.mkdir(parents=True, exist_ok=True)
        (other.directory / name).write_bytes(data)
    render(other, LATER)
    assert manifest(other.directory)["environment"] == "other"
    assert {e["sys_id"] for e in manifest(made.directory)["sets"]}.isdisjoint(
        e["sys_id"] for e in manifest(other.directory)["sets"]
    )


# ---- the file system ----


def test_two_renders_at_once(environment: Make) -> None:
    made = environment()
    render(made)
    before = snapshot(made.directory)
    with locked(made.directory), pytest.raises(Refused) as caught:
        render(environment(**CHANGED), LATER)
    assert caught.value.faults[0].code == "locked"
    assert snapshot(made.directory) == before
    with locked(made.directory):
        assert render(environment(**CHANGED), LATER, mode=Mode.DRY_RUN).changed
    assert render(environment(**CHANGED), LATER).changed


def test_a_directory_that_may_not_be_written(
    environment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = environment()
    plain = Path.mkdir

    def denied(self: Path, *args: object, **kwargs: object) -> None:
        # What mode 0555 says to all but root, who runs these tests in containers.
        if self.parent == made.directory:
            raise PermissionError(13, "Permission denied", str(self))
        plain(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(InternalError) as caught:
        render(made)
    (fault,) = caught.value.faults
    assert (fault.code, fault.file) == ("cannot-write", str(made.directory / ".render"))
    assert "Permission denied" in fault.message
    assert snapshot(made.directory) == {}


@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_leaves_the_old_package(
    environment: Make, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    made = environment()
    if not first:
        render(made)
    before = snapshot(made.directory)
    plain, room = Path.write_bytes, 4

    def full(self: Path, data: bytes) -> int:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(28, "No space left on device", str(self))
        return plain(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InternalError) as caught:
            render(environment(app__name="All records change"), LATER)
    (fault,) = caught.value.faults
    assert fault.code == "cannot-write"
    assert "No space left on device" in fault.message
    assert snapshot(made.directory) == before
    assert render(environment(**CHANGED), LATER).changed
    require_whole(made.directory)


@pytest.mark.parametrize("place", ["records", "records/oauth_entity", ".render"])
def test_a_link_in_place_of_a_directory_is_not_followed(
    environment: Make, tmp_path: Path, place: str
) -> None:
    made = environment()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_bytes(b"precious")
    (made.directory / place).parent.mkdir(exist_ok=True)
    (made.directory / place).symlink_to(outside, target_is_directory=True)
    with pytest.raises(Refused) as caught:
        render(made)
    assert str(made.directory / place) == caught.value.faults[0].file
    assert snapshot(outside) == {"precious.txt": b"precious"}


@pytest.mark.parametrize("place", ["SUMMARY.md", "email_account.xml", "manifest.json"])
def test_a_link_in_place_of_a_file_is_not_followed(
    environment: Make, tmp_path: Path, place: str
) -> None:
    made = environment()
    render(made)
    whole = snapshot(made.directory)
    outside = tmp_path / "precious"
    outside.write_bytes(whole[place])
    (made.directory / place).unlink()
    (made.directory / place).symlink_to(outside)
    render(environment(**CHANGED), LATER)
    assert outside.read_bytes() == whole[place]
    assert not (made.directory / place).is_symlink()
    require_whole(made.directory)


def test_a_moved_environment_needs_no_other_render(environment: Make, tmp_path: Path) -> None:
    made = environment()
    render(made, START)
    made.directory.rename(tmp_path / "moved")
    moved = replace(made, directory=tmp_path / "moved")
    assert render(moved, LATER).changed == ()
    assert json.loads((moved.directory / "manifest.json").read_bytes())["environment"] == "dev"


def test_a_finished_package_keeps_no_bytes(environment: Make) -> None:
    # A thousand of them are held until the answer is printed.
    assert len(repr(render(environment()))) < 20_000
