"""The directory that keeps a sandbox's data: its owner's alone, and one sandbox's at a time."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from generator.errors import Fault, UsageError

if sys.platform != "win32":
    import fcntl

DATABASE = "sandbox.sqlite"
LOCK = "sandbox.lock"
_OWN = stat.S_IRUSR | stat.S_IWUSR


class DataDirectory:
    """A directory that is held until `close`."""

    def __init__(self, path: Path) -> None:
        """Make the directory (0700) and its files (0600), and take it.

        Args:
            path: The directory; one that is there keeps its mode, its files do not.

        Raises:
            UsageError: It cannot be had, or another sandbox has it.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, _OWN)
        except OSError as error:
            raise _refused(path, f"cannot be used: {error.strerror}") from None
        try:
            self._take(path)
            self.database = path / DATABASE
            # SQLite gives the files beside it the mode of the database.
            os.close(os.open(self.database, os.O_RDWR | os.O_CREAT, _OWN))
            for file in path.glob(f"{DATABASE}*"):
                file.chmod(_OWN)
        except OSError as error:
            os.close(self._lock)
            raise _refused(path, f"cannot be used: {error.strerror}") from None
        except BaseException:
            os.close(self._lock)
            raise

    def _take(self, path: Path) -> None:
        """Hold the lock, where the platform has any."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(path, "is in use: another sandbox serves it") from None

    def close(self) -> None:
        """Let another sandbox have it; may be called again."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(
        Fault(
            "data-directory",
            f"{path} {why}.",
            path="--data",
            next="name another directory, or end the sandbox that uses it",
        )
    )
