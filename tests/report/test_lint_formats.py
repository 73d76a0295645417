"""The formats of a lint report, and `lint` and `show` on the command line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import jsonschema
import pytest
from junitparser import Failure, JUnitXml

from generator.checks.interface import Finding, Severity
from generator.checks.lint import RULES, LintReport
from generator.cli.main import run
from generator.report.contents import size
from generator.report.interface import Format, formatter
from generator.report.sarif_findings import artifact_uri

RULE = RULES[0].id


def finding(severity: Severity, **changes: object) -> Finding:
    values: dict[str, object] = {
        "rule": RULE,
        "severity": severity,
        "file": "some dir/a.xml",
        "line": 7,
        "update": "oauth_entity_1",
        "field": "payload/name",
        "message": 'A <b> & "c" \u00e9 is wrong.',
        "fix": "mend it",
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


def report(*findings: Finding, file: str = "some dir/a.xml") -> LintReport:
    counts = {s: sum(found.severity is s for found in findings) for s in Severity}
    return LintReport(file, True, 1, 2, findings, counts)


@pytest.fixture
def reports() -> list[LintReport]:
    return [
        report(
            finding(Severity.ERROR),
            finding(Severity.ERROR),
            finding(Severity.NOTE, line=None, update=None, field=None, rule=RULES[1].id),
        ),
        report(file="clean\x01.xml"),
    ]


def test_text_says_where_what_and_how(reports: list[LintReport]) -> None:
    text = formatter(Format.TEXT)(reports, fail_on=Severity.ERROR)
    assert "some dir/a.xml (ours, 1 set, 2 updates)" in text
    assert f"error   {RULE}   line 7, oauth_entity_1, payload/name" in text
    assert text.count("fix: mend it") == 2  # once per rule
    assert "no findings" in text
    assert text.endswith("2 files: 2 errors, 0 warnings, 1 note; fails at error")
    clean = formatter(Format.TEXT)(reports[1:], fail_on=Severity.NOTE)
    assert clean.endswith("1 file: 0 errors, 0 warnings, 0 notes; passes at note")


def test_json_follows_its_schema(reports: list[LintReport], repository: Path) -> None:
    schema = json.loads((repository / "docs/json/lint.schema.json").read_text())
    result = json.loads(formatter(Format.JSON)(reports, fail_on=Severity.WARNING))
    jsonschema.validate(result, schema)
    assert result["counts"] == {"error": 2, "warning": 0, "note": 1}
    assert result["fails"] is True
    assert result["fail_on"] == "warning"


def test_sarif_has_what_consumers_need(
    reports: list[LintReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = json.loads(formatter(Format.SARIF)(reports, fail_on=Severity.ERROR))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (one,) = log["runs"]
    driver = one["tool"]["driver"]
    assert driver["name"] == "sn-smtp"
    assert driver["version"]
    assert [rule["id"] for rule in driver["rules"]] == [rule.id for rule in RULES]
    for rule in driver["rules"]:
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    first, twin, note = one["results"]
    assert driver["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == RULE
    assert first["level"] == "error"
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "some%20dir/a.xml"
    assert physical["region"] == {"startLine": 7}
    logical = first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
    assert logical == "oauth_entity_1/payload/name"
    assert "region" not in note["locations"][0]["physicalLocation"]
    assert "logicalLocations" not in note["locations"][0]
    prints = [tuple(result["partialFingerprints"].values()) for result in one["results"]]
    assert len(set(prints)) == 3
    assert first["message"]["text"] == twin["message"]["text"]
    moved = [report(finding(Severity.ERROR, line=99, message="Worded otherwise."))]
    again = json.loads(formatter(Format.SARIF)(moved, fail_on=Severity.ERROR))
    assert again["runs"][0]["results"][0]["partialFingerprints"] == first["partialFingerprints"]
    monkeypatch.chdir(tmp_path)
    assert artifact_uri(str(tmp_path / "a" / "b.xml")) == "a/b.xml"
    assert artifact_uri("/elsewhere/b.xml") == "file:///elsewhere/b.xml"


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 1), ("note", 2)])
def test_junit_is_read_by_junitparser(
    reports: list[LintReport], tmp_path: Path, fail_on: str, failures: int
) -> None:
    text = formatter(Format.JUNIT)(reports, fail_on=Severity(fail_on))
    path = tmp_path / "junit.xml"
    path.write_text(text, encoding="utf-8")
    suites = JUnitXml.fromfile(str(path))
    assert (suites.tests, suites.failures) == (2 * len(RULES), failures)
    first, clean = list(suites)
    assert (first.tests, first.failures) == (len(RULES), failures)
    assert clean.failures == 0
    case = next(case for case in first if case.name.startswith(f"{RULE} "))
    assert [type(result) for result in case.result] == [Failure, Failure]
    assert "\u00e9 is wrong" in (case.result[0].message or "")
    note = next(case for case in first if case.name.startswith(f"{RULES[1].id} "))
    assert (note.system_out is not None) == (fail_on == "error")


@pytest.fixture
def root(tmp_path: Path, repository: Path) -> Path:
    """A root with the rendered worked environment `dev`."""
    shutil.copytree(repository / "update_sets", tmp_path / "root", symlinks=True)
    return tmp_path / "root"


def the_file(root: Path) -> Path:
    (path,) = (root / "dev").glob("sys_remote_update_set_*.xml")
    return path


def test_lint_passes_a_package(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "dev", "--root", str(root)]) == 0
    assert "(ours, 2 sets" in capsys.readouterr().out


def test_lint_envelope_follows_the_schema(
    root: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint", "dev", "prod", "--root", str(root), "--json"]) == 0
    envelope = json.loads(capsys.readouterr().out)
    assert (envelope["command"], envelope["ok"]) == ("lint", True)
    jsonschema.validate(
        envelope["result"], json.loads((repository / "docs/json/lint.schema.json").read_text())
    )
    assert len(envelope["result"]["files"]) == 3


def damage(root: Path) -> Path:
    """A foreign copy of the package's file with an error in it."""
    path = root / "copy.xml"
    text = the_file(root).read_text(encoding="utf-8")
    path.write_text(text.replace("<category>customer", "<category>other", 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("format_name", ["text", "json", "sarif", "junit"])
def test_no_format_changes_the_exit_code(
    format_name: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["lint", str(damage(root)), "--format", format_name]
    assert run(arguments) == 3
    out, err = capsys.readouterr()
    assert "R3" in out
    assert "Findings at or above error" in err
    assert run([*arguments, "--exit-zero"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 0), ("note", 3)])
def test_fail_on_chooses_the_threshold(fail_on: str, code: int, root: Path) -> None:
    path = root / "copy.xml"
    text = the_file(root).read_text(encoding="utf-8")
    path.write_text(text.removesuffix("\n"), encoding="utf-8")
    assert run(["lint", str(path), "--fail-on", fail_on]) == code


def test_exit_zero_turns_no_other_code_into_zero(root: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "no.xml")
    assert run(["lint", missing, "--exit-zero"]) == 2
    assert run(["lint", "nosuch", "--root", str(root), "--exit-zero"]) == 2
    the_file(root).unlink()
    assert run(["lint", "dev", "--root", str(root), "--exit-zero"]) == 7


def test_a_package_that_is_not_whole_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = the_file(root)
    path.write_bytes(path.read_bytes() + b"\n")
    assert run(["lint", "dev", "--root", str(root)]) == 7
    assert path.name in capsys.readouterr().err
    assert run(["show", "dev", "--root", str(root)]) == 7


def test_report_goes_into_a_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = root / "report.sarif"
    arguments = ["lint", str(damage(root)), "--format", "sarif", "-o", str(target)]
    assert run(arguments) == 3
    assert capsys.readouterr().out == ""
    assert json.loads(target.read_text())["version"] == "2.1.0"
    assert run([*arguments, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3
    assert [path.name for path in root.glob(".report*")] == []


def test_report_that_cannot_be_written_fails(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["lint", str(damage(root)), "-o", str(root / "no" / "report")]) == 1
    assert "cannot be written" in capsys.readouterr().err

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert run(["lint", str(damage(root)), "-o", str(root / "report")]) == 1
    assert "No space left" in capsys.readouterr().err
    assert list(root.glob(".report*")) == []


def test_two_answers_on_stdout_are_refused(root: Path) -> None:
    assert run(["lint", str(damage(root)), "--json", "--format", "sarif"]) == 2


def test_show_tells_sets_and_updates(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert run(["show", "dev", "--root", str(root)]) == 0
    out = capsys.readouterr().out
    assert "batch base" in out
    assert "batch child" in out
    assert "Application Registries" in out
    assert re.search(r"sys_email_account_[0-9a-f]{32}", out)


def test_show_envelope_follows_the_schema(
    root: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", "dev", "prod", "--root", str(root), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["result"]
    jsonschema.validate(result, json.loads((repository / "docs/json/show.schema.json").read_text()))
    first = result["files"][0]
    assert sum(found["updates"] for found in first["sets"]) == len(first["updates"])


def test_show_reads_any_export(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = shared / "corpus" / "update_sets"
    assert run(["show", str(directory / "2026-02-erp-objects-batch.xml")]) == 0
    assert "no updates" in capsys.readouterr().out
    negative = directory / "negative"
    assert run(["show", str(negative / "nested-cdata-not-well-formed.xml")]) == 2
    assert run(["show", str(negative / "old-format-2016.xml")]) == 0
    assert "single" in capsys.readouterr().out


def test_show_names_orphans(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "copy.xml"
    text = the_file(root).read_text(encoding="utf-8")
    edited = re.sub(r"(<remote_update_set [^>]*>)[0-9a-f]{32}", r"\g<1>" + "0" * 32, text, count=1)
    path.write_text(edited, encoding="utf-8")
    assert run(["show", str(path)]) == 0
    assert "1 updates belong to no set" in capsys.readouterr().out


def test_sizes_are_for_people() -> None:
    assert [size(n) for n in (0, 1023, 1434, 3 << 20)] == ["0 B", "1023 B", "1.4 kB", "3.0 MB"]


def test_every_rule_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "rules.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE))
    assert list(sections) == [rule.id for rule in RULES]
    for rule in RULES:
        section = " ".join(sections[rule.id].replace("\\<", "<").split())
        assert rule.title in section
        assert f"Fix: {rule.fix}" in section
        assert f"Severity: {rule.severity}" in section
        assert (f"in a foreign file {rule.foreign}" in section) == (rule.severity != rule.foreign)
        assert rule.anchor == f"docs/rules.md#{rule.id.lower()}"


def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_unknown_environment_names_the_nearest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lint", "de", "--root", str(root)]) == 2
    assert "Did you mean dev?" in capsys.readouterr().err


def test_formatters_are_of_every_format() -> None:
    assert {chosen.value for chosen in Format} == {"text", "json", "sarif", "junit"}
    assert all(callable(formatter(chosen)) for chosen in Format)
