"""Files that no instance wrote give the findings that their README describes, bullet by bullet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from generator.checks.interface import Finding
from generator.checks.lint import LintReport, lint_file

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
NEGATIVE = SHARED / "corpus" / "update_sets" / "negative"

PARTIAL = "tool-made-partial-fields.xml"
MD5 = "tool-made-md5-hash.xml"
RESERIALISED = "reserialised-by-script.xml"
NESTED = "nested-cdata-not-well-formed.xml"
EDITED = "edited-after-export.xml"
OLD = "old-format-2016.xml"

BULLETS = [
    (PARTIAL, "F3", "error", 1, "1.0.0 build"),
    (PARTIAL, "F5", "warning", 1, "Elements are indented"),
    (PARTIAL, "S1", "error", 1, "19 of 28 children are missing"),
    (PARTIAL, "S1", "error", 1, "do not belong there: sys_update_name"),
    (PARTIAL, "S2", "error", 1, "remote_sys_id repeats sys_id"),
    (PARTIAL, "S4", "error", 1, "origin_sys_id is"),
    (PARTIAL, "R1", "error", 12, "12 of 24 children are missing: payload_hash"),
    (PARTIAL, "R1", "error", 12, "sys_recorded_at"),
    (PARTIAL, "R1", "error", 12, "do not belong there: source_table, sys_update_name"),
    (PARTIAL, "S1", "error", 1, "without display_value: application"),
    (PARTIAL, "R1", "error", 12, "without display_value: application"),
    (PARTIAL, "S5", "error", 1, "'c7d8e9f0a10000112233440001', neither global nor a sys_id"),
    (PARTIAL, "P7", "error", 9, "name is not"),
    (PARTIAL, "P2", "error", 12, "does not begin with <?xml"),
    (PARTIAL, "P2b", "warning", 12, "White space"),
    (PARTIAL, "P11", "warning", 12, "System fields are missing"),
    (PARTIAL, "P4", "error", 3, "stands too late"),
    (PARTIAL, "R10", "error", 1, "type is 'Application', the label of sys_app is 'Custom"),
    (PARTIAL, "P1", "error", 4, "holds CDATA and stands in CDATA"),
    (MD5, "P10c", "error", 16, "not a signed decimal number"),
    (MD5, "P2", "error", 16, "does not begin with <?xml"),
    (MD5, "P2b", "warning", 16, "White space"),
    (MD5, "F1", "error", 1, "raw carriage returns"),
    (MD5, "F5", "warning", 1, "&quot; in text"),
    (MD5, "S2", "error", 1, "remote_sys_id repeats sys_id"),
    (MD5, "R8", "warning", 16, "sys_recorded_at is empty"),
    (MD5, "R11", "warning", 16, "update_guid_history is empty"),
    (MD5, "R12", "warning", 16, "table is the record's own"),
    (MD5, "R10", "error", 1, "'Application', the label of sys_app is"),
    (MD5, "R10", "error", 5, "'ACL', the label of sys_security_acl is 'Access Control'"),
    (MD5, "R10", "error", 5, "'ACL Role', the label of sys_security_acl_role is 'Access Roles'"),
    (MD5, "R10", "error", 1, "'Application Module', the label of sys_app_module is 'Module'"),
    (MD5, "R10", "error", 2, "'Application Cross-Scope Privilege', the label"),
    (RESERIALISED, "F5", "warning", 1, "<x></x>"),
    (RESERIALISED, "F5", "warning", 1, "&quot; in text"),
    (RESERIALISED, "R3", "error", 1, "replace_on_upgrade is '0'"),
    (RESERIALISED, "S6b", "error", 1, "25200 s before"),
    (NESTED, "F1", "error", 1, "not well-formed"),
    (NESTED, "S1", "error", 1, "16 of 28 children are missing"),
    (NESTED, "S1", "error", 1, "application_display_value"),
    (NESTED, "S1", "error", 1, "without display_value: application"),
    (NESTED, "R3", "error", 2, "update_set is"),
    (NESTED, "R2", "error", 2, "no remote_update_set"),
    (NESTED, "F5", "warning", 1, "Elements are indented"),
    (NESTED, "R1", "error", 2, "payload_hash"),
    (EDITED, "P10", "warning", 1, "says 252062675, the payload gives 1594593573"),
    (EDITED, "X1", "error", 1, "client_secret is filled with a placeholder"),
    (OLD, "F0", "note", 1, "before 2018"),
]


@cache
def report_of(name: str) -> LintReport:
    return lint_file(NEGATIVE / name, ours=False)


@pytest.fixture(autouse=True)
def _needs_the_corpus(shared: Path) -> None:
    """Skip where it is absent."""


@pytest.mark.parametrize(
    ("file", "rule", "severity", "count", "words"),
    [pytest.param(*bullet, id=f"{bullet[0]}-{i}") for i, bullet in enumerate(BULLETS)],
)
def test_bullet(file: str, rule: str, severity: str, count: int, words: str) -> None:
    def fits(finding: Finding) -> bool:
        return (finding.rule, finding.severity) == (rule, severity) and words in finding.message

    found = [finding for finding in report_of(file).findings if fits(finding)]
    assert len(found) == count
    assert all(finding.line for finding in found)


def test_not_well_formed_is_a_finding_with_its_line() -> None:
    (finding,) = (found for found in report_of(NESTED).findings if found.rule == "F1")
    assert finding.line == 42
    assert report_of(NESTED).updates == 2


def test_a_script_that_leaves_the_payload_alone_leaves_the_hash_right() -> None:
    assert "P10" not in {finding.rule for finding in report_of(RESERIALISED).findings}


def test_only_one_of_three_rows_was_edited() -> None:
    report = report_of(EDITED)
    assert report.updates == 3
    rows = {f.update for f in report.findings if f.rule in ("P10", "X1", "M11")}
    assert rows == {"oauth_entity_75b1549ddb8af810311f4f630596191e"}


def test_old_format_is_one_note_and_no_breach_of_the_present_one() -> None:
    report = report_of(OLD)
    rules = [finding.rule for finding in report.findings]
    assert rules.count("F0") == 1
    assert not {"S1", "R1", "P10", "P10b", "S4", "B1"} & set(rules)
    assert not [finding for finding in report.findings if finding.severity == "error"]


def test_every_described_file_is_tested() -> None:
    described = {
        line.removeprefix("## ").split(" ")[0]
        for line in (NEGATIVE / "README.md").read_text().splitlines()
        if line.startswith("## ")
    }
    assert described == {bullet[0] for bullet in BULLETS}
