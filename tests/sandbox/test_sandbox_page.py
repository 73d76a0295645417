"""docs/sandbox.md says what the sandbox has: switches, control paths, and Python that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator.sandbox.behaviour import Behaviour
from generator.sandbox.control import ROUTES
from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.switch_board import SwitchBoard, switches_of
from generator.sandbox.switches import Grade


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    """The page."""
    return (repository / "docs" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("heading", "end", "board"),
    [
        ("## Switches\n", "## Behaviours", Behaviour),
        ("## Switches of the mail stand-ins", "## What it does not do", MailBehaviour),
    ],
)
def test_every_switch_is_documented_as_it_is(
    page: str, heading: str, end: str, board: type[SwitchBoard]
) -> None:
    from generator.cli.sandbox import _as_text

    section = page.split(heading)[1].split(end)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    defaults = board().to_json()
    told = {
        name: tuple(re.split(r" ?(?<!\\)\| ?", rest.replace("|  |", "| |"))) for name, rest in rows
    }
    wanted = {
        name: (
            switch.accepts.replace("|", "\\|"),
            _as_text(defaults[name]),
            switch.help,
            str(switch.grade),
        )
        for name, switch in switches_of(board).items()
    }
    assert told == wanted


def test_every_grade_is_explained_and_no_other_is_given(page: str) -> None:
    grades = {str(grade) for grade in Grade}
    section = page.split("## Grades")[1].split("## Switches\n")[0]
    explained = re.findall(r"^\| ([a-z -]+) \|", section, re.MULTILINE)
    assert set(explained) - {"grade"} == grades
    behaviours = page.split("## Behaviours")[1].split("## Switches of the mail")[0]
    given = re.findall(r"\| ([^|]+) \|$", behaviours, re.MULTILINE)
    assert len(given) > 40
    for grade in given:
        if grade not in ("grade",):
            assert any(grade.startswith(known) for known in grades), grade


def test_every_control_path_is_documented(page: str) -> None:
    assert {path for path, _, _ in ROUTES} <= set(re.findall(r"/__sandbox__/[\w-]+", page))


def test_the_python_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block, "docs/sandbox.md", "exec"), {})  # noqa: S102 - our own page
    status, url = capsys.readouterr().out.split()
    assert status == "200"
    assert url.startswith("http://127.0.0.1:")
