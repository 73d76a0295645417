"""`file:PATH`: a secret in a file that only its owner may read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.errors import ConfigError
from generator.secrets.acceptable import LARGEST, refusal, secret_of_bytes
from generator.secrets.interface import Secret

_OF_OTHERS: Final = 0o077
"""Permission bits of the group and of everybody else."""

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a pipe must not wait for its writer; Windows would translate line ends."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file.

    Symbolic links are followed, because secret stores hand files over through them (Kubernetes
    mounts are made of links); what is judged is the open file itself, so that nobody can put
    another one in its place between look and read.
    """

    path: str
    """As it was written."""

    directory: Path
    """What a relative path is relative to: the environment's directory."""

    key: str
    """The key that names this source, for messages."""

    @property
    def description(self) -> str:
        """`file:PATH`."""
        return f"file:{self.path}"

    def fetch(self) -> Secret:
        """What the file holds, without one line end behind it.

        Raises:
            ConfigError: It cannot be read, is no ordinary file, its group or others may read or
                write it (not checked on Windows), or what it holds is no secret.
        """
        opened = self._opened()
        if isinstance(opened, str):
            raise self._refused(
                "secret-unreadable",
                f"the file cannot be read: {opened}.",
                f"put the secret there, readable by you alone, or correct {self.key} (relative "
                "to the environment's directory)",
            )
        mode, raw = opened
        self._judge(mode)
        return secret_of_bytes(raw, source=self.description, key=self.key)

    def _opened(self) -> tuple[int, bytes] | str:
        """The file's mode and what it holds, or why that cannot be had."""
        try:
            descriptor = os.open(self.directory / self.path, _FLAGS)
            try:
                mode = os.fstat(descriptor).st_mode
                ordinary = stat.S_ISREG(mode)
                return mode, os.read(descriptor, LARGEST + 1) if ordinary else b""
            finally:
                os.close(descriptor)
        except OSError as error:
            return error.strerror or "unknown reason"
        except ValueError:
            return "no file system can name it"

    def _judge(self, mode: int) -> None:
        if not stat.S_ISREG(mode):
            raise self._refused(
                "secret-no-file", "is no ordinary file.", "name the file that holds the secret"
            )
        if os.name == "posix" and mode & _OF_OTHERS:
            raise self._refused(
                "secret-open-to-others",
                f"its group or others may read or write the file (mode {stat.S_IMODE(mode):04o}); "
                "only its owner may.",
                f"chmod 600 {self.path}; if others had access to it, replace the secret",
            )

    def _refused(self, code: str, message: str, step: str) -> ConfigError:
        return refusal(code, message, source=self.description, key=self.key, next=step)
