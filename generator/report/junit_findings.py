"""Findings as JUnit XML: a suite per file, a test case per rule."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from generator.checks.interface import Finding, Rule, Severity
from generator.checks.lint import RULES, LintReport
from generator.report.interface import place

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(reports: Sequence[LintReport], *, fail_on: Severity) -> str:
    """Write the suites.

    A finding at or above `fail_on` is a failure of its rule's test case; the others stand in
    its output.
    """
    suites = etree.Element("testsuites", name="sn-smtp lint")
    failed = 0
    for report in reports:
        suite = etree.SubElement(suites, "testsuite", name=_legal(report.file))
        failures = sum(_case(suite, report, rule, fail_on) for rule in RULES)
        _count(suite, len(RULES), failures)
        failed += failures
    _count(suites, len(RULES) * len(reports), failed)
    return etree.tostring(
        suites, pretty_print=True, xml_declaration=True, encoding="US-ASCII"
    ).decode()


def _case(suite: etree._Element, report: LintReport, rule: Rule, fail_on: Severity) -> bool:
    """Add a test case; whether it fails."""
    case = etree.SubElement(
        suite, "testcase", name=f"{rule.id} {rule.title}", classname=_legal(report.file)
    )
    findings = [finding for finding in report.findings if finding.rule == rule.id]
    bad = [finding for finding in findings if finding.severity.reaches(fail_on)]
    for finding in bad:
        failure = etree.SubElement(
            case, "failure", type=finding.severity.value, message=_legal(finding.message)
        )
        failure.text = _said(finding)
    rest = [_said(finding) for finding in findings if finding not in bad]
    if rest:
        etree.SubElement(case, "system-out").text = "\n".join(rest)
    return bool(bad)


def _said(finding: Finding) -> str:
    return _legal(
        f"{finding.severity} {finding.rule}: {place(finding)}: {finding.message} "
        f"Fix: {finding.fix}."
    )


def _count(element: etree._Element, tests: int, failures: int) -> None:
    element.set("tests", str(tests))
    element.set("failures", str(failures))
    element.set("errors", "0")


def _legal(text: str) -> str:
    """Text without the characters that XML cannot carry; a file's name may have them."""
    return _ILLEGAL.sub("\ufffd", text)
