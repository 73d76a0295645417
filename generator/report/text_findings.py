"""Findings for people: by file, the severity and rule first, then where, what and how to fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.checks.interface import Severity
from generator.checks.lint import LintReport
from generator.report.interface import counted, place, total


def write(reports: Sequence[LintReport], *, fail_on: Severity) -> str:
    """Write the report; a fix is said once per file and rule, at the rule's first finding."""
    lines = [line for report in reports for line in _file(report)]
    files = f"{len(reports)} file{'' if len(reports) == 1 else 's'}"
    fails = any(report.worst_reaches(fail_on) for report in reports)
    verdict = "fails" if fails else "passes"
    lines.append(f"{files}: {counted(total(reports))}; {verdict} at {fail_on}")
    return "\n".join(lines)


def _file(report: LintReport) -> Iterator[str]:
    whose = "ours" if report.ours else "foreign"
    sets = f"{report.sets} set{'' if report.sets == 1 else 's'}"
    updates = f"{report.updates} update{'' if report.updates == 1 else 's'}"
    yield f"{report.file} ({whose}, {sets}, {updates})"
    if not report.findings:
        yield "  no findings"
    fixes: set[str] = set()
    for finding in report.findings:
        yield f"  {finding.severity:<7} {finding.rule:<4} {place(finding)}"
        yield f"               {finding.message}"
        if finding.rule not in fixes:
            fixes.add(finding.rule)
            yield f"               fix: {finding.fix}"
    yield ""
