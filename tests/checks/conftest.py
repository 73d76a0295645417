"""Files to lint: copies of native exports and of a rendered package, whole or damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.checks.lint import LintReport, lint_file

Edit = Callable[[str], str]


def ids(report: LintReport, severity: str | None = None) -> set[str]:
    """The rules that a report names, of one severity or of any."""
    return {
        finding.rule
        for finding in report.findings
        if severity is None or finding.severity == severity
    }


@pytest.fixture(scope="session")
def package_text(repository: Path) -> str:
    """The update set file of the worked environment `dev`: a batch of two sets."""
    directory = repository / "update_sets" / "dev"
    files = json.loads((directory / "manifest.json").read_text())["files"]
    (name,) = (name for name in files if name.startswith("sys_remote_update_set_"))
    return (directory / name).read_text(encoding="utf-8")


@pytest.fixture
def lint_text(tmp_path: Path) -> Callable[..., LintReport]:
    """Lint a text as a file."""

    def lint(text: str | bytes, *, ours: bool = True) -> LintReport:
        path = tmp_path / "sys_remote_update_set_x.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return lint_file(path, ours=ours)

    return lint


@pytest.fixture
def damaged(package_text: str, lint_text: Callable[..., LintReport]) -> Callable[..., LintReport]:
    """Lint the package after an edit that must change it."""

    def lint(edit: Edit, *, ours: bool = True) -> LintReport:
        text = edit(package_text)
        assert text != package_text, "the edit found nothing to change"
        return lint_text(text, ours=ours)

    return lint
