"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code hosts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from generator import __version__
from generator.checks.interface import Finding, Rule, Severity
from generator.checks.lint import RULES, LintReport
from generator.report.interface import place

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "snSmtpFinding/v1"


def write(reports: Sequence[LintReport], *, fail_on: Severity) -> str:
    """Write the log of one run; `fail_on` is the caller's matter and changes nothing here."""
    index = {rule.id: place_ for place_, rule in enumerate(RULES)}
    results: list[dict[str, object]] = []
    for report in reports:
        uri = artifact_uri(report.file)
        twins: Counter[str] = Counter()
        for finding in report.findings:
            identity = _identity(uri, finding)
            results.append(_result(finding, uri, index[finding.rule], identity, twins[identity]))
            twins[identity] += 1
    run = {
        "tool": {
            "driver": {
                "name": "sn-smtp",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": artifact_uri(report.file)}} for report in reports],
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True)


def artifact_uri(file: str) -> str:
    """A file as a URI relative to the working directory; absolute only if it is not below it."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return path.as_uri()
    return quote(path.as_posix())


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.title},
        "help": {
            "text": f"{rule.title} To fix: {rule.fix}. See {rule.anchor}.",
            "markdown": f"{rule.title}\n\n**Fix:** {rule.fix}.\n\nSee `{rule.anchor}`.",
        },
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": [rule.family], "foreignLevel": rule.foreign.value},
    }


def _result(
    finding: Finding, uri: str, rule_index: int, identity: str, twin: int
) -> dict[str, object]:
    physical: dict[str, object] = {"artifactLocation": {"uri": uri}}
    if finding.line is not None:
        physical["region"] = {"startLine": finding.line}
    location: dict[str, object] = {"physicalLocation": physical}
    inside = "/".join(part for part in (finding.update, finding.field) if part)
    if inside:
        location["logicalLocations"] = [{"fullyQualifiedName": inside, "kind": "element"}]
    digest = sha256(f"{identity}\n{twin}".encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} ({place(finding)}) Fix: {finding.fix}."},
        "locations": [location],
        "partialFingerprints": {FINGERPRINT: digest},
    }


def _identity(uri: str, finding: Finding) -> str:
    """What stays the same when lines move: not the line, not the wording."""
    return "\n".join((finding.rule, uri, finding.update or "", finding.field or ""))
