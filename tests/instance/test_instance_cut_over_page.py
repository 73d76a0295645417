"""docs/cut-over.md and docs/daily-check.md say what there is, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

from generator.instance.app_check import HealthStatus
from generator.integration.flow_action import CHECK_ACTION


def _codes(text: str) -> set[str]:
    return {
        code
        for line in text.splitlines()
        if line.startswith("| `")
        for code in re.findall(r"`([a-z]+(?:-[a-z]+)*)`", line.split("|")[1])
    }


def test_every_fault_of_a_cut_over_stands_on_the_page(repository: Path) -> None:
    sources = (repository / "generator" / "instance").glob("cut_over*.py")
    raised = {
        code
        for path in sources
        for code in re.findall(
            r"(?:Fault|refuse)\(\s*\"([a-z-]+)\"", path.read_text(encoding="utf-8")
        )
    }
    # Chosen by a condition.
    raised |= {"record-missing", "record-differs"}
    page = _codes((repository / "docs" / "cut-over.md").read_text(encoding="utf-8"))
    assert raised
    assert page - {"app-missing", "app-role"} == raised


def test_every_status_and_output_of_the_action_stands_on_the_page(repository: Path) -> None:
    text = (repository / "docs" / "daily-check.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert {f"`{status.value}`" for status in HealthStatus} <= set(rows)
    for variable in (*CHECK_ACTION.inputs, *CHECK_ACTION.outputs):
        assert variable.label in rows
    assert CHECK_ACTION.name in text
