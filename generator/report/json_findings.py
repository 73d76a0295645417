"""Findings as JSON: the `result` of `sn-smtp lint --json` (`docs/json/lint.schema.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from generator.checks.interface import Severity
from generator.checks.lint import LintReport
from generator.report.interface import total


def write(reports: Sequence[LintReport], *, fail_on: Severity) -> str:
    """Write the bare result object."""
    return json.dumps(result(reports, fail_on=fail_on), indent=2, ensure_ascii=True)


def result(reports: Sequence[LintReport], *, fail_on: Severity) -> dict[str, object]:
    """The result object, JSON-ready."""
    return {
        "fail_on": fail_on.value,
        "fails": any(report.worst_reaches(fail_on) for report in reports),
        "counts": _counts(total(reports)),
        "files": [
            {
                "file": report.file,
                "ours": report.ours,
                "sets": report.sets,
                "updates": report.updates,
                "counts": _counts(report.counts),
                "findings": [
                    {
                        "rule": finding.rule,
                        "severity": finding.severity.value,
                        "line": finding.line,
                        "update": finding.update,
                        "field": finding.field,
                        "message": finding.message,
                        "fix": finding.fix,
                    }
                    for finding in report.findings
                ],
            }
            for report in reports
        ],
    }


def _counts(counts: Mapping[Severity, int]) -> dict[str, int]:
    return {severity.value: counts[severity] for severity in Severity}
