"""Help, version and completion: there for every command, quick, and light."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from cli_calls import Call

from generator import __version__
from generator.cli.main import COMPLETION, cli
from generator.errors import EXIT_CODES

HEAVY = ("lxml", "jinja2", "requests", "rich", "pydantic", "yaml")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = tuple(_commands(cli))
GROUPS = ((), ("azure",), ("secret",), ("instance",))


def test_the_commands_are_these() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "",
        "render",
        "lint",
        "show",
        "azure",
        "azure read",
        "azure script",
        "schema",
        "init",
        "import",
        "back-out",
        "activate",
        "deactivate",
        "secret",
        "secret deliver",
        "secret rotate",
        "secret status",
        "verify",
        "instance",
        "instance status",
        "sandbox",
    }


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_helps_and_tells_its_exit_codes(
    sn_smtp: Call, path: tuple[str, ...], option: str
) -> None:
    said = sn_smtp(*path, option)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: {' '.join(('sn-smtp', *path))} ")
    assert "Exit codes: " in said.out


def test_the_first_help_tells_every_exit_code(sn_smtp: Call) -> None:
    text = " ".join(sn_smtp("--help").out.split())

    for code, meaning in EXIT_CODES:
        assert f"{int(code)} {meaning}" in text


def test_the_list_of_commands_says_what_their_own_help_says(sn_smtp: Call) -> None:
    width = max(map(len, cli.commands_at))
    for name, (_, line) in {**cli.commands_at}.items():
        assert f"  {name:<{width}}  {line}" in sn_smtp("--help").out


@pytest.mark.parametrize("path", [path for path in COMMANDS if path not in GROUPS])
def test_every_command_takes_the_common_options(sn_smtp: Call, path: tuple[str, ...]) -> None:
    text = sn_smtp(*path, "--help").out

    for option in ("--json", "-q, --quiet", "-v, --verbose", "-h, --help"):
        assert f"  {option}" in text


@pytest.mark.parametrize("name", ["render", "lint", "show"])
def test_every_command_that_takes_environments_takes_the_root(sn_smtp: Call, name: str) -> None:
    text = " ".join(sn_smtp(name, "--help").out.split())

    assert "[env var: SN_SMTP_ROOT; default: update_sets]" in text


def test_version(sn_smtp: Call) -> None:
    assert sn_smtp("--version").out == f"sn-smtp, version {__version__}\n"


@pytest.mark.parametrize("path", [(), ("azure",)])
def test_a_group_without_a_command_helps_on_stderr(sn_smtp: Call, path: tuple[str, ...]) -> None:
    said = sn_smtp(*path)

    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("rendr",), "No such command: rendr. Did you mean render?"),
        (("azure", "raed"), "No such command: raed. Did you mean read?"),
        (("render", "--chek"), "--check"),
    ],
)
def test_what_is_misspelt_is_answered_with_what_was_meant(
    sn_smtp: Call, arguments: tuple[str, ...], meant: str
) -> None:
    said = sn_smtp(*arguments)

    assert said.code == 2
    assert meant in said.err
    assert "--help" in said.err


def test_what_resembles_nothing_is_only_refused(sn_smtp: Call) -> None:
    said = sn_smtp("quux")

    assert said.code == 2
    assert "No such command: quux." in said.err
    assert "mean" not in said.err


def _loaded_by(call: str) -> list[str]:
    """Which of the heavy modules a fresh process has loaded after a call."""
    code = (
        "import sys; from generator.cli.main import run\n"
        f"assert run({call.split()!r}) == 0\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.split()


@pytest.mark.parametrize("call", ["--version", *(" ".join((*path, "--help")) for path in COMMANDS)])
def test_help_and_version_load_nothing_heavy(call: str) -> None:
    assert _loaded_by(call) == []


def test_the_measure_sees_what_a_command_that_works_loads() -> None:
    assert "pydantic" in _loaded_by("schema -q")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "generator"],
        env={**os.environ, COMPLETION: f"{shell}_source"},
        capture_output=True,
        text=True,
        check=False,
    )

    # Bash's script asks which bash there is, and says so on stderr where it is old or missing.
    assert done.returncode == 0
    assert COMPLETION in done.stdout


def test_completion_knows_commands_and_options() -> None:
    def completed(words: str, position: int) -> str:
        environment = {"COMP_WORDS": words, "COMP_CWORD": str(position)}
        return subprocess.run(
            [sys.executable, "-m", "generator"],
            env={**os.environ, COMPLETION: "bash_complete", **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert completed("sn-smtp re", 1) == "plain,render\n"
    assert completed("sn-smtp render --c", 2) == "plain,--check\n"
