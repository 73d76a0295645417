"""`command:COMMAND`: a secret that a program prints, run without a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from threading import Thread
from typing import IO, Final, TypeAlias

from generator.errors import ConfigError
from generator.secrets.acceptable import LARGEST, refusal, secret_of_bytes
from generator.secrets.interface import Secret

LONGEST: Final = 60.0
"""Seconds that a program may take: signing in to a store is slow, waiting for nobody is not."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it printed to its standard output."""

    status: int | None
    """Exit status; negative after a signal; None if it took too long and was stopped."""

    output: bytes = field(repr=False)
    """At most `LARGEST` bytes and one more."""


Run: TypeAlias = Callable[[Sequence[str], Path, Mapping[str, str]], Ran]
"""Runs a program with its arguments, in a directory, with these environment variables.

Raises `OSError` if there is no such program, or it cannot be started.
"""


def run_program(
    arguments: Sequence[str],
    directory: Path,
    variables: Mapping[str, str],
    *,
    longest: float = LONGEST,
) -> Ran:
    """Run a program with nothing on its standard input and its standard error thrown away.

    Args:
        arguments: The program and its arguments; no shell sees them.
        directory: Where it runs.
        variables: Its environment variables.
        longest: Seconds after which it is stopped.

    Raises:
        OSError: There is no such program, or it cannot be started.
    """
    output: list[bytes] = []
    # No shell: the user's own words, split once. Standard error is never read: some programs
    # write the secret there when they are asked to tell more.
    with Popen(  # noqa: S603
        arguments,
        bufsize=0,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=directory,
        env=dict(variables),
    ) as process:
        # Read apart: a program that is silent, or whose children keep its output open, must not
        # hold us up.
        reader = Thread(target=_read, args=(process.stdout, output), daemon=True)
        reader.start()
        reader.join(longest)
        in_time = not reader.is_alive()
        if not in_time or sum(map(len, output)) > LARGEST:
            process.kill()
        try:
            status = process.wait(longest)
        except TimeoutExpired:
            in_time = False
            process.kill()
            status = process.wait()
    return Ran(status if in_time else None, b"".join(output))


def _read(stream: IO[bytes], output: list[bytes]) -> None:
    """Read no more than a secret can have, and one byte."""
    left = LARGEST + 1
    # ValueError: the stream was closed because the program took too long.
    with suppress(OSError, ValueError):
        while left and (chunk := stream.read(left)):
            output.append(chunk)
            left -= len(chunk)


@dataclass(frozen=True, slots=True)
class CommandSource:
    """One program with its arguments."""

    command: str = field(repr=False)
    """As it was written, split as a POSIX shell splits words; nothing is expanded."""

    directory: Path
    """Where it runs: the environment's directory."""

    variables: Mapping[str, str] = field(repr=False)
    """Its environment variables."""

    key: str
    """The key that names this source, for messages."""

    run: Run = field(default=run_program, repr=False)

    @property
    def description(self) -> str:
        """`command:` and the program's name; arguments may hold what must not be shown."""
        return f"command:{(self._words() or ['?'])[0]}"

    def fetch(self) -> Secret:
        """What the program printed, without one line end behind it.

        Raises:
            ConfigError: The command cannot be split or started, took too long, did not end with
                status 0, or what it printed is no secret.
        """
        words = self._words()
        if not words:
            raise self._refused(
                "the command is empty, or a quote in it is never closed.",
                f"write {self.key}: command:PROGRAM ARGUMENT ...",
            )
        ran = self._ran(words)
        if isinstance(ran, str):
            raise self._refused(
                f"the program cannot be started: {ran}.",
                "name a program on the PATH, or by its path; no shell is used, so neither pipes "
                "nor variables work",
            )
        if ran.status is None:
            raise self._refused(
                f"the program took longer than {LONGEST:.0f} seconds and was stopped.",
                "run it by hand: it may wait for an answer, and gets none here",
            )
        if ran.status != 0 and len(ran.output) <= LARGEST:
            raise self._refused(
                f"the program ended with status {ran.status}; what it printed is not shown, "
                "because it may hold the secret.",
                "run it by hand in the environment's directory and see what it says",
            )
        return secret_of_bytes(ran.output, source=self.description, key=self.key)

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.command)
        except ValueError:
            return []

    def _ran(self, words: Sequence[str]) -> Ran | str:
        """What came of it, or why it was not started."""
        try:
            return self.run(words, self.directory, self.variables)
        except OSError as error:
            return error.strerror or "unknown reason"
        except ValueError:
            return "no program can be called so"

    def _refused(self, message: str, step: str) -> ConfigError:
        return refusal("secret-command", message, source=self.description, key=self.key, next=step)
