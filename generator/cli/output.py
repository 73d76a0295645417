"""What a command says: results on stdout, messages on stderr, one JSON object with `--json`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from generator.errors import ExitCode, Fault

SCHEMA = 1
"""Version of the `--json` envelope (`docs/json/envelope.schema.json`)."""

_COMMANDS_TO_A_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command came to."""

    result: Mapping[str, object]
    """JSON-ready; its schema is `docs/json/<command>.schema.json`."""

    text: str = ""
    """The same for people, printed on stdout."""

    exit_code: ExitCode = ExitCode.OK
    faults: tuple[Fault, ...] = ()
    """What stands in `errors` and on stderr when the exit code is not 0."""


@dataclass(slots=True)
class Session:
    """State of one call: how it wants to be answered, and what it came to."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool | None = None
    command: str = ""
    """The command's name, with its group: `azure read`."""
    exit_code: ExitCode = ExitCode.OK

    def message(self, text: str, *, style: str | None = None) -> None:
        """Say something on stderr, unless quiet."""
        if not self.quiet:
            shown = printable(text)
            styled = click.style(shown, fg=style) if style else shown
            _tell(styled, color=self.color)

    def detail(self, text: str) -> None:
        """Say something on stderr only if verbose."""
        if self.verbose:
            self.message(text)


def printable(text: str) -> str:
    """A message as a terminal may get it: names in it come from files, and files from strangers."""
    return _COMMANDS_TO_A_TERMINAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _tell(line: str, *, color: bool | None) -> None:
    """A line on stderr; that nobody takes it stops no work.

    Work that is half-way on an instance must be finished or put back although the reader of its
    messages went away, or their disk is full; the exit code still says what came of it.
    """
    try:
        click.echo(line, err=True, color=color)
    except OSError:
        # Nor may Python try again when it ends, which would change the exit code.
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stderr.fileno())


def finish(session: Session, outcome: Outcome) -> None:
    """Print what a command came to, and remember its exit code."""
    session.exit_code = outcome.exit_code
    if session.as_json:
        _print_envelope(session, outcome.result, outcome.exit_code, outcome.faults)
        return
    if outcome.text:
        click.echo(outcome.text, color=session.color)
    _print_faults(session, outcome.faults)


def report_failure(session: Session, faults: tuple[Fault, ...], code: ExitCode) -> ExitCode:
    """Print why a command failed; the exit code is handed back."""
    if session.as_json:
        _print_envelope(session, None, code, faults)
    else:
        _print_faults(session, faults)
    return code


def crash_fault(error: Exception) -> Fault:
    """Keep the traceback of a bug in a file of the user's own, and name it.

    The error's own text may hold what must not be printed, so only its type is.
    """
    what = f"This is a bug: {type(error).__name__}."
    try:
        name = _keep(error)
    except OSError:
        return Fault(
            "internal",
            f"{what} Its traceback could not be kept: no directory takes a file.",
            next="set XDG_STATE_HOME to a directory that can be written, and run again",
        )
    return Fault(
        "internal",
        f"{what} The traceback is in {name}.",
        next="report it with that file; run with -v for what was done before",
    )


def _keep(error: Exception) -> str:
    import tempfile
    import traceback

    try:
        directory = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        directory = directory / "sn-smtp"
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="crash-", suffix=".log", dir=directory)
    except (OSError, RuntimeError):
        # RuntimeError: nobody knows this user's home.
        handle, name = tempfile.mkstemp(prefix="sn-smtp-crash-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.writelines(traceback.format_list(traceback.extract_tb(error.__traceback__)))
        log.write(f"{type(error).__module__}.{type(error).__qualname__}\n")
    return name


def _print_faults(session: Session, faults: Iterable[Fault]) -> None:
    for fault in faults:
        where = fault.file or ""
        if where and fault.line is not None:
            where += f":{fault.line}"
        lead = ": ".join(part for part in (where, fault.path) if part)
        said = printable(f": {lead + ': ' if lead else ''}{fault.message}")
        _tell(click.style("error", fg="red", bold=True) + said, color=session.color)
        if fault.next:
            _tell(printable(f"  next: {fault.next}"), color=session.color)


def _print_envelope(
    session: Session,
    result: Mapping[str, object] | None,
    code: ExitCode,
    faults: Iterable[Fault],
) -> None:
    import json

    envelope = {
        "schema": SCHEMA,
        "command": session.command,
        "ok": code == ExitCode.OK,
        "exit_code": int(code),
        "result": result,
        "errors": [
            {
                "code": fault.code,
                "message": fault.message,
                "file": fault.file,
                "line": fault.line,
                "path": fault.path,
                "next": fault.next,
            }
            for fault in faults
        ],
    }
    click.echo(json.dumps(envelope, indent=2, ensure_ascii=True))
