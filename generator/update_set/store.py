"""Puts a package in place: staged whole, synced, renamed, the manifest last.

A crash before the renames leaves the old package; one in between is recognised by the
manifest's digests and finished by the next render (`docs/decisions.md`, 8). Symbolic links inside
a package are never followed for writing, and nothing but files that a manifest lists is removed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from generator.errors import Fault, InternalError, Refused
from generator.update_set import manifest as manifests
from generator.update_set.manifest import Manifest
from generator.update_set.package_state import STAGING, Condition, PackageState, staging_name
from generator.update_set.plain_files import PlainFiles

if sys.platform != "win32":
    import fcntl

_NO_LOCKS = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems say that have no locks, or (NFS) none for directories."""

_SHARED = "records/"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep two renders of one environment apart, where the platform can.

    Raises:
        Refused: Another process is at work in the directory.
        InternalError: The directory cannot be opened.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise _said_no(error, directory, "Nothing was changed.") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                Fault(
                    "locked",
                    "Another sn-smtp is at work in this environment.",
                    file=str(directory),
                    next="wait for it to end, then run again",
                )
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise _said_no(error, directory, "Nothing was changed.") from None
        yield
    finally:
        os.close(handle)


def recover(state: PackageState) -> bool:
    """Finish an interrupted render, or clear what one left before its renames.

    Returns:
        Whether files were moved into place.

    Raises:
        InternalError: The file system said no.
        Refused: A symbolic link stands where the package writes.
    """
    if state.condition is Condition.INTERRUPTED and state.staged is not None:
        names = (*state.staged.files, *_gone(state.staged, state.manifest))
        _refuse_obstacles(state.directory, names)
        waiting = _waiting(state.directory / STAGING, state.staged)
        _put_in_place(state.directory, waiting, state.staged, state.manifest, synced)
        return True
    _clear_staging(state.directory)
    return False


def changes(directory: Path, files: Mapping[str, bytes], old: Manifest | None) -> tuple[str, ...]:
    """Names of the files that storing would write or remove, sorted.

    Args:
        directory: The environment's directory.
        files: Every file of the package with its bytes.
        old: The manifest in place; without one nothing in place counts.
    """
    if old is None:
        return tuple(sorted(files))
    package = PlainFiles(directory)
    changed = [name for name, data in files.items() if not package.holds(name, data)]
    changed += [name for name in old.files if name not in files and _lies_there(directory / name)]
    return tuple(sorted(changed))


def store(
    directory: Path,
    files: Mapping[str, bytes],
    *,
    new: Manifest,
    old: Manifest | None,
    changed: tuple[str, ...] | None = None,
    sync: Callable[[Path], None] | None = None,
) -> tuple[str, ...]:
    """Write a package; what did not change is not touched.

    Args:
        directory: The environment's directory; exists.
        files: Every file of the package with its bytes, `manifest.json` among them.
        new: What `manifest.json` says.
        old: The manifest in place, if any.
        changed: What `changes` says, where it was asked already.
        sync: How a directory's files reach the disk; the platform's way by default.

    Returns:
        Names of the files that were written or removed.

    Raises:
        InternalError: The file system said no; the old package is still in place, or the next
            render finishes this one.
        Refused: A symbolic link stands where the package writes.
    """
    if changed is None:
        changed = changes(directory, files, old)
    if not changed:
        return ()
    _refuse_obstacles(directory, (*files, *_gone(new, old)))
    sync = sync or synced
    staging = directory / STAGING
    try:
        _clear_staging(directory)
        staging.mkdir()
        waiting = [name for name in changed if name in files and name != manifests.NAME]
        for name in waiting:
            (staging / staging_name(name)).write_bytes(files[name])
        (staging / manifests.NAME).write_bytes(files[manifests.NAME])
        sync(staging)
    except OSError as error:
        with suppress(OSError):
            shutil.rmtree(staging)
        raise _said_no(error, directory, "Nothing was changed.") from None
    _put_in_place(directory, waiting, new, old, sync)
    return changed


def _gone(new: Manifest, old: Manifest | None) -> tuple[str, ...]:
    """Names of the files that are no longer produced."""
    return () if old is None else tuple(name for name in old.files if name not in new.files)


def _waiting(staging: Path, expected: Manifest) -> list[str]:
    """Names of the files that wait, whole, in `.render/`."""
    staged = PlainFiles(staging)
    return [
        name
        for name, digest in expected.files.items()
        if staged.digest(staging_name(name)) == digest
    ]


def _put_in_place(
    directory: Path,
    waiting: Iterable[str],
    new: Manifest,
    old: Manifest | None,
    sync: Callable[[Path], None],
) -> None:
    """Rename what waits in `.render/`, remove what is no longer produced, the manifest last."""
    staging = directory / STAGING
    gone = _gone(new, old)
    waiting = tuple(waiting)
    try:
        for folder in sorted({name.rpartition("/")[0] for name in waiting}):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        for name in waiting:
            (staging / staging_name(name)).replace(directory / name)
        _remove(directory, gone)
        sync(directory)
        (staging / manifests.NAME).replace(directory / manifests.NAME)
        sync_directory(directory)
    except OSError as error:
        raise _said_no(error, directory, "The next render finishes what this one began.") from None
    with suppress(OSError):
        shutil.rmtree(staging)


def _remove(directory: Path, names: Iterable[str]) -> None:
    for name in names:
        path = directory / name
        path.unlink(missing_ok=True)
        for parent in path.relative_to(directory).parents[:-1]:
            with suppress(OSError):
                (directory / parent).rmdir()


def _refuse_obstacles(directory: Path, names: Iterable[str]) -> None:
    """Refuse what stands in the way of the package before anything is moved.

    A link in place of a directory would lead writes out of the package; a directory in place of
    a file would stop the renames half-way, and those of every later render.
    """
    names = tuple(names)
    folders = {STAGING}
    for name in names:
        parts = name.split("/")[:-1]
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    there = {""}
    for folder in sorted(folders):
        mode = _mode(directory, folder)
        if mode is not None and not stat.S_ISDIR(mode):
            raise _obstacle(
                directory / folder,
                "A symbolic link or a file stands where the package has a directory",
            )
        if mode is not None:
            there.add(folder)
    for name in names:
        if name.rpartition("/")[0] in there and _is_directory(_mode(directory, name)):
            raise _obstacle(directory / name, "A directory stands where the package has a file")


def _mode(directory: Path, name: str) -> int | None:
    try:
        return os.lstat(f"{directory}/{name}").st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_directory(mode: int | None) -> bool:
    return mode is not None and stat.S_ISDIR(mode)


def _obstacle(path: Path, what: str) -> Refused:
    return Refused(
        Fault(
            "in-the-way",
            f"{what}; it is not followed and not replaced.",
            file=str(path),
            next="remove it, then render again",
        )
    )


def _clear_staging(directory: Path) -> None:
    _refuse_obstacles(directory, ())
    try:
        shutil.rmtree(directory / STAGING)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _said_no(error, directory, "Nothing was changed.") from None


def _lies_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def sync_directory(directory: Path) -> None:
    """Make a directory's entries durable, where the platform can."""
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Linux's `syncfs`: one call that returns when everything on the file system is on disk.

    As safe as one `fsync` for each file: it waits, and since Linux 5.8 it reports write errors
    (manual page syncfs(2)).
    """
    if not sys.platform.startswith("linux"):
        return None
    call: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return call


def synced(directory: Path) -> None:
    """Bring everything below a directory to disk, once for the directory where possible.

    Raises:
        OSError: The file system said no.
    """
    call = _syncfs()
    if call is None:
        sync_each(directory)
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        if call(handle) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)


def sync_each(directory: Path) -> None:
    """Bring every file below a directory, and the directories themselves, to disk."""
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            continue
        if path.is_dir():
            sync_directory(path)
        elif path.is_file():
            # Windows flushes only what is open for writing; a file of the user's may be read-only.
            with path.open("rb+" if sys.platform == "win32" else "rb") as handle:
                os.fsync(handle.fileno())
    sync_directory(directory)


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 by name of every file but the manifest."""
    return {
        # Records are the same objects in the packages of many environments, other files never.
        name: _digest(data) if name.startswith(_SHARED) else sha256(data).hexdigest()
        for name, data in files.items()
        if name != manifests.NAME
    }


@lru_cache(maxsize=64)
def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def _said_no(error: OSError, directory: Path, consequence: str) -> InternalError:
    return InternalError(
        Fault(
            "cannot-write",
            f"The package cannot be written: {error.strerror or type(error).__name__}. "
            f"{consequence}",
            file=str(error.filename or directory),
            next="check free space, permissions and quotas of that directory, then render again",
        )
    )
