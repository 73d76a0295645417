"""What the shell around a call makes of it: a terminal, a pipe, a full disk, a signal."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="this platform has no pseudo-terminals")

COMMAND = (sys.executable, "-m", "generator")


def _environment(state: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    return {**kept, "TERM": "xterm-256color", "XDG_STATE_HOME": str(state), **more}


def _on_a_terminal(*arguments: str | Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run with stderr on a pseudo-terminal; exit code, stdout, stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    os.close(theirs)
    seen = bytearray()
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError as error:
            # Linux says EIO when the other side is closed.
            assert error.errno == errno.EIO
            break
        if not read:
            break
        seen += read
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode(), seen.decode()


@pytest.mark.parametrize("color", [True, False])
def test_a_bar_is_drawn_on_a_terminal(root: Path, tmp_path: Path, color: bool) -> None:
    environment = _environment(tmp_path, **({} if color else {"NO_COLOR": "1"}))

    code, out, err = _on_a_terminal("render", "--all", "--root", root, environment=environment)

    assert code == 0
    assert "rendering" in err
    assert "100%" in err
    assert ("\x1b[3" in err) is color
    assert "\x1b" not in out
    assert out.startswith("dev: wrote ")


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_no_bar_where_none_is_wanted(root: Path, tmp_path: Path, option: str) -> None:
    code, _, err = _on_a_terminal(
        "render", "--all", option, "--root", root, environment=_environment(tmp_path)
    )

    assert (code, err) == (0, "")


def test_no_bar_when_piped(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "render", "--all", "--root", root],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("color", [True, False])
def test_errors_are_coloured_on_a_terminal_only_where_wanted(tmp_path: Path, color: bool) -> None:
    environment = _environment(tmp_path, **({} if color else {"NO_COLOR": "1"}))

    code, _, err = _on_a_terminal(
        "render", "dev", "--root", tmp_path / "nowhere", environment=environment
    )

    assert code == 2
    assert ("\x1b[31m" in err) is color
    assert "does not exist" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("schema",), ("schema", "--json"), ("--version",)])
def test_a_full_disk_behind_stdout_is_told_and_exits_1(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env=_environment(tmp_path),
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.parametrize("arguments", [("schema",), ("schema", "--json")])
def test_a_reader_that_goes_away_is_no_error_to_talk_about(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*COMMAND, *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=_environment(tmp_path),
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (1, "")


def test_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    # Reading Azure's outputs from a pipe that nobody writes to waits for ever.
    waiting = tmp_path / "azure.json"
    os.mkfifo(waiting)
    writer = None
    process = subprocess.Popen(
        [*COMMAND, "azure", "read", str(waiting), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(tmp_path),
        text=True,
    )
    try:
        # Opening for writing succeeds as soon as the command reads.
        writer = os.open(waiting, os.O_WRONLY)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        if writer is not None:
            os.close(writer)

    assert process.returncode == 130
    assert '"code": "interrupted"' in out
    assert "Traceback" not in err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_few_letters_is_no_reason_to_crash(
    root: Path, tmp_path: Path, encoding: str
) -> None:
    common = root / "common.yaml"
    text = common.read_text(encoding="utf-8").replace("name: Mail OAuth,", "name: Pošta ✉,")
    common.write_text(text, encoding="utf-8")
    environment = _environment(tmp_path, PYTHONIOENCODING=encoding)
    for arguments in (("render", "dev"), ("show", "dev"), ("lint", "dev")):
        done = subprocess.run(
            [*COMMAND, *arguments, "--root", root],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
