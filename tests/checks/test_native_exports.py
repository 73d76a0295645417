"""Native exports break no rule that weighs error, but where that is true of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checks.lint import is_ours, lint_file

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
NATIVE = sorted((SHARED / "corpus" / "update_sets").glob("*.xml"))
OAUTH = sorted((SHARED / "corpus" / "oauth" / "update_sets").glob("*.xml"))

TRUE_ERRORS = {
    # Its author typed a placeholder into client_secret after the export (spec/records.md
    # section 9): a filled secret field, whatever it holds.
    "m365health_application-registry.xml": {("X1", "payload/client_secret")},
}

TRUE_WARNINGS = {
    # 40 rows of another application in scoped sets (spec/update-set-format.md section 10).
    "R7": {
        "2019-03-agile-integration.xml": 2,
        "2025-07-work-rate-relay-tracking.xml": 2,
        "2026-07-itom-connector.xml": 36,
    },
    # One record in two rows of a set (section 14, I13).
    "R5": {"2025-03-collisions-tool-source.xml": 1},
    # One of three rows was edited after the export.
    "P10": {"m365health_application-registry.xml": 1},
}


@pytest.mark.parametrize("path", NATIVE + OAUTH, ids=lambda path: path.stem)
def test_no_error_that_is_not_true(path: Path) -> None:
    report = lint_file(path, ours=is_ours(path))
    errors = {(f.rule, f.field) for f in report.findings if f.severity == "error"}
    assert errors == TRUE_ERRORS.get(path.name, set())
    assert not report.ours


@pytest.mark.parametrize("path", NATIVE + OAUTH, ids=lambda path: path.stem)
def test_warnings_are_the_measured_ones(path: Path) -> None:
    report = lint_file(path, ours=False)
    counted: dict[str, int] = {}
    for finding in report.findings:
        if finding.severity == "warning":
            counted[finding.rule] = counted.get(finding.rule, 0) + 1
    # Columns that the dictionary lacks, secrets' elements and parts of actions are not counted.
    for rule in list(counted):
        if rule in ("T2", "M11") or rule.startswith("A"):
            del counted[rule]
    expected = {
        rule: files[path.name] for rule, files in TRUE_WARNINGS.items() if path.name in files
    }
    assert counted == expected


def test_the_corpus_was_there() -> None:
    if not SHARED.is_dir():
        pytest.skip("the reference material (../shared) is not beside this checkout")
    assert len(NATIVE) == 25
    assert len(OAUTH) == 2
