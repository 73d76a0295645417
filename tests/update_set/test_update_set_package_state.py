"""A package is whole, or what it is instead is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from update_set_makers import package_files, sys_id

from generator.errors import ExitCode, Refused
from generator.update_set import manifest as manifests
from generator.update_set.package_state import (
    STAGING,
    Condition,
    examine,
    require_finished,
    require_whole,
    staging_name,
)

FILES, MANIFEST = package_files(1)
NEXT_FILES, NEXT = package_files(2)


def put(directory: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def stage(directory: Path, files: dict[str, bytes]) -> None:
    put(directory / STAGING, {staging_name(name): data for name, data in files.items()})


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """An environment's directory with its inputs and no package."""
    directory = tmp_path / "dev"
    directory.mkdir()
    (directory / "environment.yaml").write_text("release: xanadu\n", encoding="utf-8")
    (directory / "azure.json").write_text("{}", encoding="utf-8")
    return directory


@pytest.fixture
def whole(dev: Path) -> Path:
    """The same with a whole package."""
    put(dev, FILES)
    return dev


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.exit_code is ExitCode.REFUSED
    (fault,) = caught.value.faults
    assert fault.file
    assert fault.next
    return fault.code, str(caught.value)


def test_empty(dev: Path) -> None:
    state = examine(dev)
    assert state.condition is Condition.EMPTY
    assert (state.manifest, state.staged, state.differing) == (None, None, ())
    require_finished(state)
    code, said = refusal(lambda: require_whole(dev))
    assert code == "no-package"
    assert "sn-smtp render dev" in said


def test_whole(whole: Path) -> None:
    state = examine(whole)
    assert state.condition is Condition.WHOLE
    assert state.manifest == MANIFEST
    require_finished(state)
    assert require_whole(whole) == MANIFEST


@pytest.mark.parametrize("name", sorted(MANIFEST.files))
@pytest.mark.parametrize(
    "edit",
    [
        lambda path: path.write_bytes(path.read_bytes() + b" "),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.rename(path.with_suffix(".moved")), path.symlink_to("x.moved")),
    ],
)
def test_edited(whole: Path, name: str, edit: Callable[[Path], object]) -> None:
    edit(whole / name)
    state = examine(whole)
    assert state.condition is Condition.EDITED
    assert state.differing == (name,)
    require_finished(state)
    code, said = refusal(lambda: require_whole(whole))
    assert code == "package-edited"
    assert name in said


def test_not_every_edited_file_is_listed(whole: Path) -> None:
    for name in MANIFEST.files:
        (whole / name).unlink()
    assert "..." in refusal(lambda: require_whole(whole))[1]


def test_a_directory_that_is_a_link_is_not_the_packages(whole: Path, tmp_path: Path) -> None:
    (whole / "records").rename(tmp_path / "outside")
    (whole / "records").symlink_to(tmp_path / "outside")
    assert len(examine(whole).differing) == 3


def test_files_beside_the_package_are_nobodys_business(whole: Path) -> None:
    (whole / "notes.txt").write_text("mine", encoding="utf-8")
    (whole / "records" / "oauth_thing" / "notes.xml").write_text("mine", encoding="utf-8")
    assert examine(whole).condition is Condition.WHOLE


@pytest.mark.parametrize(
    "name",
    [
        "SUMMARY.md",
        "email_account.xml",
        f"records/t/{sys_id(1)}.xml",
        f"sys_remote_update_set_{sys_id(1)}.xml",
    ],
)
def test_package_files_without_a_manifest(dev: Path, name: str) -> None:
    put(dev, {name: b"x"})
    for call in (examine, require_whole):
        code, said = refusal(lambda call=call: call(dev))  # type: ignore[misc]
        assert code == "manifest-missing"
        assert "restore manifest.json" in said
        assert name.split("/")[0] in said


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<<<<<<< HEAD\n", "manifest-conflicted"),
        (b'{"schema": 99}', "manifest-newer"),
        (b"{", "manifest-corrupt"),
    ],
)
def test_a_manifest_that_cannot_be_used(whole: Path, data: bytes, code: str) -> None:
    (whole / manifests.NAME).write_bytes(data)
    assert refusal(lambda: examine(whole))[0] == code


def test_a_manifest_that_cannot_be_read(whole: Path) -> None:
    (whole / manifests.NAME).unlink()
    (whole / manifests.NAME).mkdir()
    assert refusal(lambda: examine(whole))[0] == "manifest-unreadable"


# What waits in `.render/`.


def test_staged_and_nothing_renamed_is_the_old_package(whole: Path) -> None:
    stage(whole, NEXT_FILES)
    assert examine(whole).condition is Condition.WHOLE
    assert require_whole(whole) == MANIFEST


def interrupted(directory: Path) -> None:
    state = examine(directory)
    assert state.condition is Condition.INTERRUPTED
    assert state.staged == NEXT
    for call in (lambda: require_finished(state), lambda: require_whole(directory)):
        code, said = refusal(call)
        assert code == "render-interrupted"
        assert "sn-smtp render dev" in said


@pytest.mark.parametrize("name", [name for name in NEXT.files if name not in MANIFEST.files])
def test_a_first_rename_that_replaces_nothing_is_seen(whole: Path, name: str) -> None:
    """All old files are still there: only the new one tells."""
    stage(whole, NEXT_FILES)
    (whole / name).parent.mkdir(exist_ok=True)
    (whole / STAGING / staging_name(name)).rename(whole / name)
    interrupted(whole)


def test_renamed_in_part(whole: Path) -> None:
    stage(whole, NEXT_FILES)
    (whole / STAGING / "SUMMARY.md").replace(whole / "SUMMARY.md")
    interrupted(whole)


def test_all_but_the_manifest_renamed(whole: Path) -> None:
    put(whole, {name: data for name, data in NEXT_FILES.items() if name != manifests.NAME})
    stage(whole, {manifests.NAME: NEXT_FILES[manifests.NAME]})
    interrupted(whole)


def test_a_first_render_that_was_interrupted(dev: Path) -> None:
    stage(dev, NEXT_FILES)
    interrupted(dev)


def test_what_cannot_be_finished_is_edited(whole: Path) -> None:
    stage(whole, NEXT_FILES)
    (whole / STAGING / "SUMMARY.md").write_bytes(b"half of")
    (whole / "email_account.xml").write_bytes(b"mine")
    assert examine(whole).condition is Condition.EDITED


def test_half_a_staged_manifest_was_before_the_renames(whole: Path) -> None:
    stage(whole, NEXT_FILES)
    staged = whole / STAGING / manifests.NAME
    staged.write_bytes(staged.read_bytes()[:-30])
    assert examine(whole).condition is Condition.WHOLE


def test_nothing_is_read_through_a_link(whole: Path, tmp_path: Path) -> None:
    stage(tmp_path, NEXT_FILES)
    (whole / STAGING).symlink_to(tmp_path / STAGING)
    (whole / "SUMMARY.md").write_bytes(NEXT_FILES["SUMMARY.md"])
    assert examine(whole).condition is Condition.EDITED


def test_examining_writes_nothing(whole: Path) -> None:
    stage(whole, NEXT_FILES)
    before = sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*"))
    examine(whole)
    assert sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*")) == before
