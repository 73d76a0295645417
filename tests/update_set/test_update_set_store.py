"""Storing puts a package in place whole, and touches nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from update_set_makers import package_files, sys_id

from generator.errors import ExitCode, InternalError, Refused
from generator.update_set import manifest as manifests
from generator.update_set import store as module
from generator.update_set.package_state import STAGING, Condition, examine, require_whole
from generator.update_set.store import changes, locked, recover, store, sync_each

ONE, FIRST = package_files(1)
TWO, SECOND = package_files(2)
OWN = {"environment.yaml": b"release: xanadu\n", "azure.json": b"{}", "notes/mine.txt": b"kept"}


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, links by where they lead."""
    return {
        str(path.relative_to(directory)): (
            b"-> " + os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        )
        for path in directory.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """An environment's directory with files of the user's."""
    directory = tmp_path / "dev"
    for name, data in OWN.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    return directory


@pytest.fixture
def whole(dev: Path) -> Path:
    """The same with the first package in it."""
    store(dev, ONE, new=FIRST, old=None)
    return dev


def test_a_first_package(dev: Path) -> None:
    written = store(dev, ONE, new=FIRST, old=None)
    assert written == tuple(sorted(ONE))
    assert tree(dev) == ONE | OWN
    assert not (dev / STAGING).exists()
    assert require_whole(dev) == FIRST


def test_the_next_package_replaces_adds_and_removes(whole: Path) -> None:
    same = "records/oauth_thing/" + sys_id(1) + ".xml"
    before = (whole / same).stat()
    written = store(whole, TWO, new=SECOND, old=FIRST)
    assert tree(whole) == TWO | OWN
    assert same not in written
    assert set(written) == {name for name in ONE | TWO if ONE.get(name) != TWO.get(name)}
    after = (whole / same).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    # A directory that became empty goes with its last file.
    assert not (whole / "records" / "table_1").exists()
    assert require_whole(whole) == SECOND


def test_nothing_changed_touches_nothing(whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (whole, *whole.rglob("*"))}
    assert changes(whole, ONE, FIRST) == ()
    assert store(whole, ONE, new=FIRST, old=FIRST) == ()
    assert {path: path.stat().st_mtime_ns for path in (whole, *whole.rglob("*"))} == before


def test_edited_and_missing_files_are_put_back(whole: Path) -> None:
    (whole / "SUMMARY.md").write_bytes(b"edited")
    (whole / "email_account.xml").unlink()
    assert examine(whole).differing == ("SUMMARY.md", "email_account.xml")
    assert examine(whole, verify=False).condition is Condition.UNVERIFIED
    written = store(whole, ONE, new=FIRST, old=FIRST)
    assert written == ("SUMMARY.md", "email_account.xml")
    assert tree(whole) == ONE | OWN


def test_changes_tells_what_storing_would_do_and_does_not(whole: Path) -> None:
    foreseen = changes(whole, TWO, FIRST)
    assert tree(whole) == ONE | OWN
    assert store(whole, TWO, new=SECOND, old=FIRST) == foreseen


def test_only_listed_files_are_removed(whole: Path) -> None:
    beside = whole / "records" / "table_1" / "mine.xml"
    beside.write_bytes(b"mine")
    stray = whole / f"sys_remote_update_set_{sys_id(5)}.xml"
    stray.write_bytes(b"from a colleague")
    store(whole, TWO, new=SECOND, old=FIRST)
    assert tree(whole) == TWO | OWN | {
        "records/table_1/mine.xml": b"mine",
        stray.name: b"from a colleague",
    }


def test_a_listed_file_that_is_gone_already(whole: Path) -> None:
    (whole / f"sys_remote_update_set_{sys_id(1001)}.xml").unlink()
    written = store(whole, TWO, new=SECOND, old=FIRST)
    assert f"sys_remote_update_set_{sys_id(1001)}.xml" not in written
    assert tree(whole) == TWO | OWN


def test_what_a_former_render_left_is_cleared(whole: Path) -> None:
    (whole / STAGING).mkdir()
    (whole / STAGING / "SUMMARY.md").write_bytes(b"half")
    assert recover(examine(whole)) is False
    assert tree(whole) == ONE | OWN
    assert recover(examine(whole)) is False


# Links.


def refused(call: Callable[[], object], path: Path) -> None:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.exit_code is ExitCode.REFUSED
    (fault,) = caught.value.faults
    assert fault.code == "in-the-way"
    assert fault.file == str(path)


@pytest.mark.parametrize("name", ["records", "records/oauth_thing", "records/table_2"])
def test_a_linked_directory_is_never_written_through(
    whole: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    if (whole / name).exists():
        (whole / name).rename(outside)
    else:
        outside.mkdir()
    (whole / name).symlink_to(outside)
    before = (tree(whole), tree(outside))
    refused(lambda: store(whole, TWO, new=SECOND, old=FIRST), whole / name)
    assert (tree(whole), tree(outside)) == before


def test_a_linked_directory_is_never_removed_from(whole: Path, tmp_path: Path) -> None:
    """A table that is no longer rendered: its directory leads outside by now."""
    outside = tmp_path / "outside"
    (whole / "records" / "table_1").rename(outside)
    (whole / "records" / "table_1").symlink_to(outside)
    before = tree(outside)
    refused(lambda: store(whole, TWO, new=SECOND, old=FIRST), whole / "records" / "table_1")
    assert tree(outside) == before


@pytest.mark.parametrize("exists", [True, False])
def test_linked_staging_is_never_written_through(whole: Path, tmp_path: Path, exists: bool) -> None:
    outside = tmp_path / "outside"
    if exists:
        outside.mkdir()
        (outside / "SUMMARY.md").write_bytes(b"outside")
    (whole / STAGING).symlink_to(outside)
    refused(lambda: recover(examine(whole)), whole / STAGING)
    refused(lambda: store(whole, TWO, new=SECOND, old=FIRST), whole / STAGING)
    assert outside.exists() == exists
    assert not exists or tree(outside) == {"SUMMARY.md": b"outside"}


@pytest.mark.parametrize(
    "name", ["SUMMARY.md", manifests.NAME, f"records/oauth_thing/{sys_id(2)}.xml"]
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_linked_file_is_replaced_its_target_is_not(
    whole: Path, tmp_path: Path, name: str, exists: bool
) -> None:
    outside = tmp_path / "outside.txt"
    if exists:
        outside.write_bytes(ONE[name])
    (whole / name).unlink()
    (whole / name).symlink_to(outside)
    store(whole, TWO, new=SECOND, old=FIRST)
    assert tree(whole) == TWO | OWN
    assert not (whole / name).is_symlink()
    assert outside.exists() == exists
    assert not exists or outside.read_bytes() == ONE[name]


def test_a_linked_file_that_is_no_longer_rendered(whole: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_bytes(b"outside")
    name = f"sys_remote_update_set_{sys_id(1001)}.xml"
    (whole / name).unlink()
    (whole / name).symlink_to(outside)
    store(whole, TWO, new=SECOND, old=FIRST)
    assert tree(whole) == TWO | OWN
    assert outside.read_bytes() == b"outside"


@pytest.mark.parametrize("name", ["SUMMARY.md", f"sys_remote_update_set_{sys_id(1001)}.xml"])
def test_a_directory_in_place_of_a_file_stops_before_the_first_rename(
    whole: Path, name: str
) -> None:
    (whole / name).unlink()
    (whole / name).mkdir()
    (whole / name / "mine.txt").write_bytes(b"mine")
    before = tree(whole)
    refused(lambda: store(whole, TWO, new=SECOND, old=FIRST), whole / name)
    assert tree(whole) == before


@pytest.mark.parametrize("name", ["records", "records/table_2", STAGING])
def test_a_file_in_place_of_a_directory(dev: Path, name: str) -> None:
    (dev / name).parent.mkdir(exist_ok=True)
    (dev / name).write_bytes(b"mine")
    refused(lambda: store(dev, TWO, new=SECOND, old=None), dev / name)
    assert (dev / name).read_bytes() == b"mine"
    if name == STAGING:
        refused(lambda: recover(examine(dev)), dev / name)


def interrupted(directory: Path, *, renamed: str = "SUMMARY.md") -> None:
    """As a crash after the first rename leaves it."""
    staging = directory / STAGING
    staging.mkdir()
    for name, data in TWO.items():
        (staging / name.replace("/", "+")).write_bytes(data)
    (staging / renamed.replace("/", "+")).replace(directory / renamed)
    assert examine(directory).condition is Condition.INTERRUPTED


def test_recovery_finishes(whole: Path) -> None:
    interrupted(whole)
    assert recover(examine(whole)) is True
    assert tree(whole) == TWO | OWN
    assert require_whole(whole) == SECOND


def test_recovery_follows_no_link_either(whole: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (whole / "records" / "table_1").rename(outside)
    (whole / "records" / "table_1").symlink_to(outside)
    before = tree(outside)
    interrupted(whole)
    refused(lambda: recover(examine(whole)), whole / "records" / "table_1")
    assert tree(outside) == before


def test_recovery_moves_nothing_that_is_not_of_the_package(whole: Path, tmp_path: Path) -> None:
    """A file that is in place already is not replaced by what waits under its name."""
    interrupted(whole)
    (tmp_path / "outside.txt").write_bytes(TWO["SUMMARY.md"])
    (whole / STAGING / "SUMMARY.md").symlink_to(tmp_path / "outside.txt")
    same = "records/oauth_thing/" + sys_id(1) + ".xml"
    (whole / STAGING / same.replace("/", "+")).write_bytes(b"something else")
    assert recover(examine(whole)) is True
    assert tree(whole) == TWO | OWN
    assert (tmp_path / "outside.txt").exists()


# The machine says no.


def said_no(call: Callable[[], object]) -> str:
    with pytest.raises(InternalError) as caught:
        call()
    assert caught.value.exit_code is ExitCode.FAILED
    (fault,) = caught.value.faults
    assert fault.code == "cannot-write"
    assert fault.file
    return fault.message


@pytest.mark.parametrize("which", range(7))
def test_a_full_disk_at_each_write(
    whole: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    calls = 0
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > which:
            write_bytes(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write_bytes(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        if which == 6:
            store(whole, TWO, new=SECOND, old=FIRST)
            assert calls == 6
            return
        said = said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST))
    assert "No space left" in said
    assert "Nothing was changed" in said
    assert tree(whole) == ONE | OWN
    assert not (whole / STAGING).exists()
    assert require_whole(whole) == FIRST


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_directory_that_takes_no_files(
    whole: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(path: Path, *args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST))
    assert os.strerror(code) in said
    assert tree(whole) == ONE | OWN


def test_a_sync_that_fails_before_the_renames(whole: Path) -> None:
    def failing(directory: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    said = said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST, sync=failing))
    assert "Nothing was changed" in said
    assert tree(whole) == ONE | OWN


def test_a_sync_that_fails_after_the_renames(whole: Path) -> None:
    def failing(directory: Path) -> None:
        if directory.name != STAGING:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    said = said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST, sync=failing))
    assert "next render finishes" in said
    assert examine(whole).condition is Condition.INTERRUPTED
    assert recover(examine(whole)) is True
    assert tree(whole) == TWO | OWN


def test_a_rename_that_fails(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if target.name == "email_account.xml":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", failing)
        said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST))
    assert examine(whole).condition is Condition.INTERRUPTED
    assert recover(examine(whole)) is True
    assert tree(whole) == TWO | OWN


def test_staging_that_cannot_be_cleared(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole / STAGING).mkdir()

    def refuse(path: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))

    monkeypatch.setattr(module.shutil, "rmtree", refuse)
    assert "Nothing was changed" in said_no(lambda: recover(examine(whole)))


# Syncing.


def test_syncfs_that_fails_is_an_error(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_syncfs", lambda: lambda handle: -1)
    monkeypatch.setattr(module.ctypes, "get_errno", lambda: errno.EIO)
    said = said_no(lambda: store(whole, TWO, new=SECOND, old=FIRST))
    assert os.strerror(errno.EIO) in said
    assert tree(whole) == ONE | OWN


def test_where_there_is_no_syncfs_each_file_is_synced(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync

    def remember(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(module, "_syncfs", lambda: None)
    monkeypatch.setattr(os, "fsync", remember)
    store(dev, ONE, new=FIRST, old=None)
    assert tree(dev) == ONE | OWN
    # Every file, and every directory whose entries changed.
    wanted = [dev, *(path for name in ONE for path in (dev / name, (dev / name).parent))]
    assert {path.stat().st_ino for path in wanted} <= set(synced)


def test_each_file_is_synced_but_no_link(dev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dev / "link").symlink_to(dev / "environment.yaml")
    (dev / "dangling").symlink_to(dev / "nowhere")
    (dev / "azure.json").chmod(0o400)
    if hasattr(os, "mkfifo"):
        os.mkfifo(dev / "pipe")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    sync_each(dev)
    plain = [path for path in dev.rglob("*") if path.name not in ("link", "dangling", "pipe")]
    assert sorted(synced) == sorted(path.stat().st_ino for path in (dev, *plain))


def test_windows_has_neither_locks_nor_directory_syncs(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise AssertionError("a directory cannot be opened there")

    monkeypatch.setattr(module.sys, "platform", "win32")
    module._syncfs.cache_clear()
    assert module._syncfs() is None
    module._syncfs.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(module, "_syncfs", lambda: None)
        patched.setattr(os, "open", refuse)
        patched.setattr(os, "fsync", lambda handle: None)
        module.sync_directory(dev)
        with locked(dev):
            sync_each(dev)


# The lock.


def test_a_second_process_is_refused(dev: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from generator.errors import Refused\n"
        "from generator.update_set.store import locked\n"
        "try:\n"
        "    with locked(Path(sys.argv[1])):\n"
        "        print('in')\n"
        "except Refused as error:\n"
        "    print(error.faults[0].code)\n"
    )
    command = [sys.executable, "-c", code, str(dev)]
    with locked(dev):
        held = subprocess.run(command, capture_output=True, text=True, check=True)
    free = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (held.stdout.strip(), free.stdout.strip()) == ("locked", "in")


def test_the_lock_is_given_back_after_an_error(dev: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locked(dev):
            raise ZeroDivisionError
    with locked(dev), pytest.raises(Refused), locked(dev):
        pass


@pytest.mark.parametrize("code", [errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_no_obstacle(
    dev: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    with locked(dev):
        store(dev, ONE, new=FIRST, old=None)
    assert require_whole(dev) == FIRST


def test_a_lock_that_fails_otherwise(dev: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    said_no(lambda: locked(dev).__enter__())


def test_a_directory_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "No such file" in said_no(lambda: locked(tmp_path / "none").__enter__())
