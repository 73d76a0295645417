"""How findings are said: one small module per format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import import_module
from typing import Protocol

from generator.checks.interface import Finding, Severity
from generator.checks.lint import LintReport


class Format(StrEnum):
    """The formats of a lint report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"


class Formatter(Protocol):
    """Turns reports into one document; the whole of a format's module."""

    def __call__(self, reports: Sequence[LintReport], *, fail_on: Severity) -> str:
        """Write the document.

        Args:
            reports: One per file.
            fail_on: From which severity on a finding fails the check.
        """
        ...


def formatter(chosen: Format) -> Formatter:
    """The formatter of a format, its module imported only now."""
    module = import_module(f"generator.report.{chosen.value}_findings")
    written: Formatter = module.write
    return written


def total(reports: Sequence[LintReport]) -> Mapping[Severity, int]:
    """Findings of all files by severity, most severe first."""
    counts: Counter[Severity] = Counter()
    for report in reports:
        counts.update(report.counts)
    return {severity: counts[severity] for severity in Severity}


def counted(counts: Mapping[Severity, int]) -> str:
    """`1 error, 2 warnings, 0 notes`."""
    return ", ".join(
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 else 's'}"
        for severity in Severity
    )


def place(finding: Finding) -> str:
    """Where a finding is inside its file: line, update name, field; as far as known."""
    parts = [
        "" if finding.line is None else f"line {finding.line}",
        finding.update or "",
        finding.field or "",
    ]
    return ", ".join(part for part in parts if part) or "the file"
