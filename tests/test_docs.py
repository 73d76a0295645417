"""The documents are true: what they name is there, and what is there is named."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import click
import pytest

from generator.cli.main import COMMANDS, cli
from generator.errors import EXIT_CODES, ExitCode

REPOSITORY = Path(__file__).resolve().parent.parent

PAGES = tuple(
    sorted(
        (
            *REPOSITORY.glob("*.md"),
            *(REPOSITORY / "docs").rglob("*.md"),
            *(REPOSITORY / "templates").rglob("*.md"),
            *(REPOSITORY / "update_sets").rglob("*.md"),
        )
    )
)

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CALL = re.compile(r"(?<![\w/.*])sn-smtp ([a-z][a-z-]*(?: [a-z]+)?)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")

# What follows the name in prose: "sn-smtp is at work"; "sn-smtp back out dev" names an update set.
NO_COMMAND = ("is", "knows", "to", "turns", "does", "checks", "understands", "tells", "back")


@pytest.fixture(scope="module")
def readme() -> str:
    """The README."""
    return (REPOSITORY / "README.md").read_text(encoding="utf-8")


def _page_id(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def _section(text: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def _options(command: click.Command) -> set[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        below = (command.get_command(context, name) for name in command.list_commands(context))
        return set().union(*(_options(child) for child in below if child is not None))
    return {option for parameter in command.params for option in parameter.opts}


# The README


def test_the_readme_names_every_command(readme: str) -> None:
    table = _section(readme, "Commands")
    named = set(re.findall(r"^\| `sn-smtp ([a-z][a-z-]*)", table, re.MULTILINE))
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_promises_no_option_that_a_command_lacks(readme: str, name: str) -> None:
    rows = re.findall(rf"^\| `sn-smtp {name}\b.*$", _section(readme, "Commands"), re.MULTILINE)
    assert rows
    for row in rows:
        # A group has a row for each of its commands.
        assert set(OPTION.findall(row)) <= _options(_command(name)), row


@pytest.mark.parametrize(
    "option", ["--root", "--json", "-q", "-v", "SN_SMTP_ROOT", "NO_COLOR", "_SN_SMTP_COMPLETE"]
)
def test_the_readme_tells_what_all_commands_share(readme: str, option: str) -> None:
    assert f"`{option}" in readme or f"{option}=" in readme


def test_the_readme_names_every_exit_code_with_its_meaning(readme: str) -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", _section(readme, "Exit codes"), re.MULTILINE)
    assert rows == [(str(int(code)), meaning) for code, meaning in EXIT_CODES]


@pytest.mark.parametrize(
    "what",
    [
        "Basic authentication",
        "December 2026",
        "forty manual steps",
        "make demo",
        "make test",
        "Limits",
        "What is proven, and what only a real instance can show",
        "No secret in any file",
    ],
)
def test_the_readme_says_what_a_stranger_must_know(readme: str, what: str) -> None:
    assert what in readme


def test_the_readme_leads_to_every_page_of_the_documents(readme: str) -> None:
    pages = {_page_id(path) for path in (REPOSITORY / "docs").glob("*.md")}
    assert pages <= set(LINK.findall(readme))


def test_the_readme_calls_targets_that_the_makefile_has(readme: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b", readme)) <= targets
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == targets


# Every page


def test_there_are_pages() -> None:
    names = {_page_id(path) for path in PAGES}
    assert {"README.md", "CHANGELOG.md", "docs/rules.md", "update_sets/dev/SUMMARY.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=_page_id)
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https:"), link
            continue
        file = (page.parent / target) if target else page
        assert file.exists(), link
        assert file.resolve().is_relative_to(REPOSITORY), link
        if anchor:
            assert anchor in _anchors(file), link


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings; and those that are written out."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
    return made | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


SAYING = tuple(
    sorted(
        (
            *PAGES,
            *(REPOSITORY / "generator").rglob("*.py"),
            *(path for path in (REPOSITORY / "templates").rglob("*") if path.is_file()),
            *(REPOSITORY / "docs").rglob("*.json"),
        )
    )
)


@pytest.mark.parametrize("file", SAYING, ids=_page_id)
def test_nothing_tells_to_run_a_command_that_is_not_there(file: Path) -> None:
    groups = {name for name in COMMANDS if isinstance(_command(name), click.Group)}
    for call in CALL.findall(file.read_text(encoding="utf-8")):
        name, _, below = call.partition(" ")
        if name in NO_COMMAND:
            continue
        assert name in COMMANDS, f"sn-smtp {call}"
        if name in groups and below:
            group = _command(name)
            assert isinstance(group, click.Group)
            assert below in group.list_commands(click.Context(group)), f"sn-smtp {call}"


@pytest.mark.parametrize("page", PAGES, ids=_page_id)
def test_calls_in_code_blocks_are_accepted(page: Path) -> None:
    """Each call shown in a block of shell names options that its command has."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.DOTALL):
        for name, rest in re.findall(
            r"^\s*(?:\S*/)?sn-smtp ([a-z][a-z-]*)(.*?)(?:#.*)?$", block, re.MULTILINE
        ):
            assert set(OPTION.findall(rest)) <= _options(_command(name)), rest


# Single pages


def test_the_command_reference_is_current() -> None:
    path = REPOSITORY / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("docs_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.page() == module.PAGE.read_text(encoding="utf-8"), "run: make docs"


def test_the_python_of_the_architecture_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    shutil.copytree(REPOSITORY / "update_sets", tmp_path / "update_sets")
    monkeypatch.chdir(tmp_path)

    for block in blocks:
        exec(compile(block, "docs/architecture.md", "exec"), {})  # noqa: S102 - our own page

    assert capsys.readouterr().out.startswith("(")


def test_the_architecture_names_every_room() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    generator = REPOSITORY / "generator"
    rooms = {f"{path.parent.name}/" for path in generator.glob("*/__init__.py")}
    modules = {path.name for path in generator.glob("[a-z]*.py")}
    for room in sorted(rooms | modules):
        assert f"`{room}`" in text, room


def test_the_changelog_has_what_is_not_released_with_its_security() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = _section(text, "[Unreleased]")
    assert "\n### Added\n" in unreleased
    assert re.search(r"\n### Security\n\n- \S", unreleased)


def test_the_exit_codes_are_those_of_the_house() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "FINDINGS": 3,
        "PREVIEW_PROBLEMS": 4,
        "DIFFERS": 5,
        "VERIFICATION_FAILED": 6,
        "REFUSED": 7,
        "INTERRUPTED": 130,
    }
