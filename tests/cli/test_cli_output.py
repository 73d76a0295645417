"""The skeleton under every command: the lazy group, the envelope, codes, messages, crash logs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from generator.cli.lazy import LazyGroup
from generator.cli.main import COMPLETION, cli, main, run
from generator.cli.options import answers, is_file_argument, root_option
from generator.cli.output import Outcome, Session, crash_fault, finish, printable
from generator.errors import (
    ConfigError,
    ExitCode,
    Fault,
    GeneratorError,
    InternalError,
    Refused,
    UsageError,
)

FAULT = Fault("code-of-it", "What is wrong.", "dev/environment.yaml", 7, "app.scope", "do this")
SECRET = "abc" + "8Q~" + "x" * 34

Act = Callable[[Session], Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Act], None]:
    """Plug in a command `probe` that does what a test wants; crash logs go to `tmp_path`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def plug(act: Act) -> None:
        @click.command("probe")
        @click.option("--number", type=int)
        @root_option
        @answers
        def probe(session: Session, *, number: int | None, root: Path) -> Outcome:
            return act(session)

        module = types.ModuleType("probe_of_the_tests")
        module.probe = probe  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(cli.commands_at, "probe", ("probe_of_the_tests:probe", "Probes."))

    return plug


def raises(error: BaseException) -> Act:
    def act(session: Session) -> Outcome:
        raise error

    return act


# Exit codes.


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GeneratorError(FAULT), 1),
        (InternalError(FAULT), 1),
        (UsageError(FAULT), 2),
        (ConfigError(FAULT), 2),
        (Refused(FAULT), 7),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_every_error_has_its_code(
    command: Callable[[Act], None],
    capsys: pytest.CaptureFixture[str],
    error: GeneratorError,
    code: int,
    as_json: bool,
) -> None:
    command(raises(error))
    assert run(["probe", "--json"] if as_json else ["probe"]) == code
    said = capsys.readouterr()
    if as_json:
        assert json.loads(said.out) == {
            "schema": 1,
            "command": "probe",
            "ok": False,
            "exit_code": code,
            "result": None,
            "errors": [
                {
                    "code": "code-of-it",
                    "message": "What is wrong.",
                    "file": "dev/environment.yaml",
                    "line": 7,
                    "path": "app.scope",
                    "next": "do this",
                }
            ],
        }
        assert said.err == ""
    else:
        assert said.out == ""
        assert said.err == (
            "error: dev/environment.yaml:7: app.scope: What is wrong.\n  next: do this\n"
        )


@pytest.mark.parametrize("code", [code for code in ExitCode if code is not ExitCode.OK])
def test_an_answer_may_have_any_code(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str], code: ExitCode
) -> None:
    command(lambda session: Outcome({"a": 1}, "as text", code, (Fault("b", "C."),)))
    assert run(["probe"]) is code
    said = capsys.readouterr()
    assert said.out == "as text\n"
    assert said.err == "error: C.\n"
    assert run(["probe", "--json"]) is code
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["ok"] is False
    assert envelope["result"] == {"a": 1}
    assert [fault["code"] for fault in envelope["errors"]] == ["b"]


def test_success(command: Callable[[Act], None], capsys: pytest.CaptureFixture[str]) -> None:
    command(lambda session: Outcome({"é": ["\udce9"]}))
    assert run(["probe"]) is ExitCode.OK
    assert capsys.readouterr() == ("", "")
    assert run(["probe", "--json"]) is ExitCode.OK
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text)["result"] == {"é": ["\udce9"]}
    assert json.loads(text)["ok"] is True


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_interrupted(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    command(raises(error))
    assert run(["probe", "--json"]) is ExitCode.INTERRUPTED
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["exit_code"] == 130
    assert envelope["errors"][0]["code"] == "interrupted"


def test_a_command_may_end_early(command: Callable[[Act], None]) -> None:
    command(raises(click.exceptions.Exit(3)))
    assert run(["probe"]) is ExitCode.FINDINGS


@pytest.mark.parametrize(
    ("arguments", "name", "said"),
    [
        (["probe", "--number", "x", "--json"], "probe", "'x' is not a valid integer"),
        (["probe", "--bogus", "--json"], "probe", "--bogus"),
        (["probe", "surplus", "--json"], "probe", "surplus"),
        (["prbe", "--json"], "", "Did you mean probe?"),
        (["--bogus", "--json"], "", "No such option"),
    ],
)
def test_usage_errors_are_envelopes_too(
    command: Callable[[Act], None],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    name: str,
    said: str,
) -> None:
    command(raises(AssertionError("is not called")))
    assert run(arguments) is ExitCode.USAGE
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["command"] == name
    (error,) = envelope["errors"]
    assert error["code"] == "usage"
    assert said in error["message"]
    assert error["next"].endswith("--help")


def test_other_complaints_of_click_have_no_command(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raises(click.FileError("x.txt", "not there")))
    assert run(["probe"]) is ExitCode.USAGE
    assert "not there" in capsys.readouterr().err


def test_main_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    monkeypatch.setattr(sys, "argv", ["sn-smtp", "no-such-command"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_python_m_is_the_same() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "generator", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("sn-smtp, version ")


# Bugs.


def test_a_bug_keeps_its_traceback_and_tells_no_value(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command(raises(ValueError(f"the value is {SECRET}")))
    assert run(["probe", "--json"]) is ExitCode.FAILED
    said = capsys.readouterr()
    (error,) = json.loads(said.out)["errors"]
    assert error["code"] == "internal"
    (log,) = (tmp_path / "sn-smtp").glob("crash-*.log")
    assert str(log) in error["message"]
    assert log.stat().st_mode & 0o077 == 0
    kept = log.read_text(encoding="utf-8")
    assert "test_cli_output.py" in kept
    assert kept.endswith("builtins.ValueError\n")
    assert SECRET not in kept + said.out + said.err


def test_a_result_that_is_no_json_is_a_bug_and_one_envelope(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda session: Outcome({"path": Path("x")}))
    assert run(["probe", "--json"]) is ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "internal"


def test_messages_that_nobody_reads_stop_no_work_and_change_no_code() -> None:
    program = """
import os, sys
from generator.cli.output import Session
session = Session()
for number in range(3):
    session.message(f"line {number}")
os.write(1, b"done")
sys.exit(6)
"""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=writes, check=False
        )
    finally:
        os.close(writes)
    assert (ended.returncode, ended.stdout) == (6, b"done")


def test_no_home_and_no_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    fault = crash_fault(ValueError())
    (log,) = tmp_path.glob("sn-smtp-crash-*.log")
    assert str(log) in fault.message


def test_the_home_directory_is_where_state_belongs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    crash_fault(ValueError())
    assert list((tmp_path / ".local" / "state" / "sn-smtp").glob("crash-*.log"))


def test_a_traceback_that_nobody_keeps_is_said(
    command: Callable[[Act], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(**kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    command(raises(ValueError(SECRET)))
    assert run(["probe", "--json"]) is ExitCode.FAILED
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert "could not be kept" in error["message"]


# What is said where.


def test_quiet_and_verbose(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def act(session: Session) -> Outcome:
        session.message("a message")
        session.message("a warning", style="yellow")
        session.detail("a detail")
        return Outcome({}, "the result")

    command(act)
    for arguments, err in (
        ([], "a message\na warning\n"),
        (["-q"], ""),
        (["--verbose"], "a message\na warning\na detail\n"),
        (["-q", "-v"], ""),
    ):
        assert run(["probe", *arguments]) is ExitCode.OK
        assert capsys.readouterr() == ("the result\n", err)


@pytest.mark.parametrize(("value", "colored"), [(None, True), ("", True), ("1", False)])
def test_no_color(
    command: Callable[[Act], None],
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
    colored: bool,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    command(lambda session: session.message("said", style="red") or Outcome({}))
    for arguments in (["probe"], ["probe", "--bogus"], ["--bogus"]):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        run(arguments)
        assert ("\x1b[" in terminal.getvalue()) == colored, arguments


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é \U0001f600\tand\nlines", "plain é \U0001f600\tand\nlines"),
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("\x9b2J \x00 \x7f \r", "\\u009b2J \\u0000 \\u007f \\u000d"),
        ("a\u202eb\u2066", "a\\u202eb\\u2066"),
    ],
)
def test_nothing_that_is_said_drives_the_terminal(
    command: Callable[[Act], None], capsys: pytest.CaptureFixture[str], text: str, shown: str
) -> None:
    assert printable(text) == shown

    def act(session: Session) -> Outcome:
        session.message(text)
        raise UsageError(Fault("x", text, file=text, path=text, next=text))

    command(act)
    run(["probe"])
    said = capsys.readouterr().err
    assert said == f"{shown}\nerror: {shown}: {shown}: {shown}\n  next: {shown}\n"


def test_faults_show_as_much_of_a_place_as_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    faults = (
        Fault("a", "A."),
        Fault("b", "B.", file="f", line=3),
        Fault("c", "C.", line=3, path="p"),
        Fault("d", "D.", file="f", path="p", next="n"),
    )
    finish(Session(), Outcome({}, exit_code=ExitCode.USAGE, faults=faults))
    assert capsys.readouterr().err.splitlines() == [
        "error: A.",
        "error: f:3: B.",
        "error: p: C.",
        "error: f: p: D.",
        "  next: n",
    ]


def test_a_command_works_without_the_group(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @answers
    def alone(session: Session) -> Outcome:
        return Outcome({"command": session.command})

    alone.main(["--json"], prog_name="sn-smtp alone", standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["command"] == "alone"


# Arguments.


@pytest.mark.parametrize(
    ("argument", "is_file"),
    [("dev", False), ("./dev", True), ("a\\b", True), ("x.xml", True), (".xml", True), ("", False)],
)
def test_what_names_a_file(argument: str, is_file: bool) -> None:
    assert is_file_argument(argument) is is_file


def test_the_root_comes_from_the_option_the_variable_or_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Path] = []

    @click.command()
    @root_option
    def probe(root: Path) -> None:
        seen.append(root)

    (tmp_path / "file").touch()
    probe.main([], standalone_mode=False)
    monkeypatch.setenv("SN_SMTP_ROOT", str(tmp_path))
    probe.main([], standalone_mode=False)
    probe.main(["--root", "other"], standalone_mode=False)
    monkeypatch.setenv("SN_SMTP_ROOT", "")
    probe.main([], standalone_mode=False)
    default = Path("update_sets")
    assert seen == [default, tmp_path, Path("other"), default]
    with pytest.raises(click.UsageError):
        probe.main(["--root", str(tmp_path / "file")], standalone_mode=False)


# The lazy group.


def lazy() -> LazyGroup:
    return LazyGroup(
        "top",
        commands_at={
            "good": ("no_such_module_of_the_tests:good", "Does good."),
            "print": ("builtins:print", "Is no command."),
        },
    )


def test_listing_and_help_import_nothing() -> None:
    group = lazy()
    context = click.Context(group)
    assert group.list_commands(context) == ["good", "print"]
    text = group.get_help(context)
    assert "good   Does good." in text
    assert "Is no command." in text
    assert LazyGroup("empty").list_commands(context) == []


def test_a_command_is_imported_when_it_is_called() -> None:
    group = lazy()
    context = click.Context(group)
    with pytest.raises(ModuleNotFoundError, match="no_such_module_of_the_tests"):
        group.get_command(context, "good")
    with pytest.raises(AssertionError):
        group.get_command(context, "print")
    assert group.get_command(context, "other") is None


def test_completion_of_what_is_misspelt_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "sn-smtp rendr ")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "render" not in capsys.readouterr().err
