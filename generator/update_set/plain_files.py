"""Reads a package's files as they lie on disk: plain ones only, through no symbolic link."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from io import FileIO
from pathlib import Path

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe in place of a file must not be waited for."""


def differing_files(directory: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Names of listed files that are missing, no plain files, or of other bytes."""
    package = PlainFiles(directory)
    return tuple(name for name, digest in files.items() if package.digest(name) != digest)


class PlainFiles:
    """Reads the files of one directory; whether a folder is a symbolic link is asked once."""

    def __init__(self, directory: Path) -> None:
        """Args: directory: The environment's directory, or its staging."""
        self._base = os.fspath(directory)
        self._led_astray = {"": False}
        # Small enough for a processor's cache, and made once.
        self._piece = memoryview(bytearray(1 << 16))

    def read(self, name: str) -> bytes | None:
        """Bytes of a file; None if it is missing, no plain file, or reached through a link."""
        handle = self._open(name)
        if handle is None:
            return None
        try:
            return _read_all(handle, os.fstat(handle).st_size)
        except OSError:
            return None
        finally:
            os.close(handle)

    def holds(self, name: str, data: bytes) -> bool:
        """Whether a file is there, plain, and has exactly these bytes."""
        handle = self._open(name)
        if handle is None:
            return False
        with FileIO(handle) as file:
            if os.fstat(handle).st_size != len(data):
                return False
            position = 0
            try:
                while count := file.readinto(self._piece):
                    if not data.startswith(self._piece[:count], position):
                        return False
                    position += count
            except OSError:
                return False
        return position == len(data)

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file; None where `read` gives None."""
        data = self.read(name)
        return None if data is None else sha256(data).hexdigest()

    def _open(self, name: str) -> int | None:
        path = f"{self._base}/{name}"
        if self._is_astray(name.rpartition("/")[0]):
            return None
        if not _NO_FOLLOW and os.path.islink(path):  # noqa: PTH114 - a call for each of thirty
            return None
        try:
            handle = os.open(path, _READ)
        except OSError:
            return None
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        return None

    def _is_astray(self, folder: str) -> bool:
        known = self._led_astray.get(folder)
        if known is None:
            path = f"{self._base}/{folder}"
            known = self._is_astray(folder.rpartition("/")[0]) or os.path.islink(path)  # noqa: PTH114
            self._led_astray[folder] = known
        return known


def digest_of(directory: Path, name: str) -> str | None:
    """SHA-256 of a package file; None if it is missing or reached through a symbolic link."""
    return PlainFiles(directory).digest(name)


def read_plain(directory: Path, name: str) -> bytes | None:
    """Bytes of a package file; None if it is missing, no plain file, or reached through a link."""
    return PlainFiles(directory).read(name)


def _read_all(handle: int, size: int) -> bytes:
    data = os.read(handle, size + 1)
    if len(data) == size:
        return data
    # It grew, or a read gave less than asked for.
    pieces = [data]
    while pieces[-1]:
        pieces.append(os.read(handle, 1 << 20))
    return b"".join(pieces)
