"""The worked examples are what their inputs give, sound, and of three different Azure shapes."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from generator.azure.read import read_azure_outputs
from generator.checks.interface import Severity
from generator.checks.lint import is_ours, lint_file
from generator.cli.main import run
from generator.update_set.package_state import Condition, examine

NAMES = ("dev", "prod", "test")
INPUTS = {
    "dev": ("azure.json",),
    "test": ("app.json", "service-principal.json"),
    "prod": ("azure.json",),
}
LANGUAGE_SERVER = re.compile(r"# yaml-language-server: \$schema=(\S+)")


@pytest.fixture(scope="module")
def examples(repository: Path) -> Path:
    """The committed root."""
    return repository / "update_sets"


def _contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_there_are_these_examples(examples: Path) -> None:
    assert sorted(path.parent.name for path in examples.glob("*/environment.yaml")) == list(NAMES)


def test_rendering_them_anew_changes_nothing(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "update_sets"
    shutil.copytree(examples, copy)
    before = _contents(copy)

    assert run(["render", "--all", "--check", "--root", str(copy)]) == 0, capsys.readouterr()
    assert run(["render", "--all", "--root", str(copy)]) == 0
    assert _contents(copy) == before


@pytest.mark.parametrize("name", NAMES)
def test_without_a_past_the_same_moment_gives_the_same_bytes(
    examples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    manifest = json.loads((examples / name / "manifest.json").read_text(encoding="utf-8"))
    if any(record["sys_mod_count"] for record in manifest["records"].values()):
        pytest.skip(f"{name} was changed since it was first rendered")
    (tmp_path / name).mkdir()
    shutil.copy(examples / "common.yaml", tmp_path)
    for file in ("environment.yaml", *INPUTS[name]):
        shutil.copy(examples / name / file, tmp_path / name)
    built = datetime.fromisoformat(manifest["build_time"])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(built.timestamp())))

    assert run(["render", name, "--root", str(tmp_path)]) == 0, capsys.readouterr()

    assert _contents(tmp_path / name) == _contents(examples / name)


@pytest.mark.parametrize("name", NAMES)
def test_each_package_is_whole(examples: Path, name: str) -> None:
    assert examine(examples / name).condition is Condition.WHOLE


@pytest.mark.parametrize("name", NAMES)
def test_each_lints_clean(examples: Path, name: str) -> None:
    files = sorted((examples / name).glob("sys_remote_update_set_*.xml"))
    assert files
    for file in files:
        assert is_ours(file)
        report = lint_file(file, ours=True)
        assert not report.worst_reaches(Severity.WARNING), report


def test_the_azure_sides_have_three_different_shapes(examples: Path) -> None:
    keys = set()
    for name, files in INPUTS.items():
        values = [
            json.loads((examples / name / file).read_text(encoding="utf-8")) for file in files
        ]
        outputs = read_azure_outputs(
            [examples / name / file for file in files], now=datetime(2026, 11, 23, tzinfo=UTC)
        )
        assert outputs.tenant_id is not None
        assert outputs.client_id is not None
        assert outputs.service_principal_object_id is not None
        # Terraform marks sensitivity, az and Graph speak of appId, Bicep of types and values.
        keys.add(tuple(sorted({key for value in values for key in _inner_keys(value)})))
    assert len(keys) == 3


def _inner_keys(value: dict[str, object]) -> set[str]:
    """What tells the tool apart: the keys beside a wrapped value, or else the object's own."""
    wrapped = [set(inner) for inner in value.values() if isinstance(inner, dict)]
    return set.union(*wrapped) if wrapped else set(value)


def test_one_of_them_is_in_two_files(examples: Path) -> None:
    counts = {
        name: len(list((examples / name).glob("sys_remote_update_set_*.xml"))) for name in NAMES
    }
    assert counts == {"dev": 1, "test": 1, "prod": 2}


def _yaml_files(root: Path) -> list[Path]:
    return sorted(root.rglob("*.yaml"))


def test_their_first_line_leads_editors_to_the_published_schema(examples: Path) -> None:
    files = _yaml_files(examples)
    assert len(files) == len(NAMES) + 1
    published = examples.parent / "docs" / "environment.schema.json"
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        found = LANGUAGE_SERVER.fullmatch(first)
        assert found, file
        assert (file.parent / found[1]).resolve() == published.resolve()


def test_they_are_what_that_schema_accepts(examples: Path) -> None:
    published = examples.parent / "docs" / "environment.schema.json"
    validator = Draft202012Validator(json.loads(published.read_text(encoding="utf-8")))
    for file in _yaml_files(examples):
        # JSON has no dates: they become text again.
        values = json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str)
        validator.validate(json.loads(values))


def test_the_summary_says_first_what_would_change_and_where(examples: Path) -> None:
    for name in NAMES:
        text = (examples / name / "SUMMARY.md").read_text(encoding="utf-8")
        opening = " ".join(" ".join(text.splitlines()[:20]).replace("> ", "").split())
        settings = (examples / name / "environment.yaml").read_text(encoding="utf-8")
        (url,) = re.findall(r"url: (\S+)", settings)
        (mailbox,) = re.findall(r"user_name: (\S+)", settings)
        assert url.removeprefix("https://") in opening
        assert mailbox in text
        assert "already active" in opening


def test_bytes_are_kept_and_working_files_stay_out(examples: Path) -> None:
    attributes = (examples / ".gitattributes").read_text(encoding="utf-8")
    for pattern in ("sys_remote_update_set_*.xml", "records/**", "manifest.json", "SUMMARY.md"):
        assert re.search(rf"^\*/{re.escape(pattern)} .*-text", attributes, re.MULTILINE)
    ignored = (examples / ".gitignore").read_text(encoding="utf-8").split()
    assert "*/.render/" in ignored
