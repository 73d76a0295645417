"""`--json`: exactly one object on stdout, on success and on every kind of failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit
from jsonschema import Draft202012Validator, ValidationError

from generator import packaging
from generator.cli.main import COMMANDS

RESULTS = (
    *("activate", "deactivate"),
    *("render", "lint", "show", "azure-read", "azure-script", "schema", "init"),
    *(
        "import",
        "back-out",
        "secret-deliver",
        "secret-status",
        "secret-rotate",
        "instance-status",
        "sandbox",
        "verify",
    ),
)


def _schema_of(repository: Path, name: str) -> dict[str, object]:
    path = repository / "docs" / "json" / f"{name}.schema.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", ["envelope", *RESULTS])
def test_the_published_schemas_are_schemas(repository: Path, name: str) -> None:
    Draft202012Validator.check_schema(_schema_of(repository, name))


def test_every_command_has_a_schema_and_every_schema_a_command(repository: Path) -> None:
    published = {
        path.name.removesuffix(".schema.json")
        for path in (repository / "docs" / "json").glob("*.schema.json")
    }

    assert published == {"envelope", *RESULTS}
    assert {name for name in COMMANDS if name in RESULTS or _is_group(name, RESULTS)} == set(
        COMMANDS
    )


def _is_group(name: str, results: tuple[str, ...]) -> bool:
    return any(result.startswith(f"{name}-") for result in results)


@pytest.mark.parametrize(
    "change",
    [
        {"ok": False},
        {"exit_code": 8},
        {"exit_code": 2},
        {"result": None},
        {"errors": [{"code": "x"}]},
        {"extra": 1},
        {"schema": 2},
        {"ok": False, "exit_code": 2, "errors": []},
    ],
)
def test_the_envelope_schema_refuses_what_no_call_may_answer(
    repository: Path, change: dict[str, object]
) -> None:
    good = {
        "schema": 1,
        "command": "azure read",
        "ok": True,
        "exit_code": 0,
        "result": {},
        "errors": [],
    }
    validator = Draft202012Validator(_schema_of(repository, "envelope"))
    validator.validate(good)

    with pytest.raises(ValidationError):
        validator.validate({**good, **change})


Arguments = Callable[[Path], tuple[str | Path, ...]]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("render", lambda root: ("--all", "--root", root)),
        ("lint", lambda root: ("dev", "--root", root)),
        ("lint", lambda root: _files(root)),
        ("show", lambda root: ("dev", "test", "--root", root)),
        ("schema", lambda _: ()),
        ("init", lambda root: (root / "new",)),
        ("azure read", lambda root: (_azure(root),)),
    ],
)
def test_success_is_one_object_of_the_published_form(
    rendered: Path, sn_smtp: Call, conforms: Conforms, command: str, arguments: Arguments
) -> None:
    envelope = conforms(sn_smtp(*command.split(), *arguments(rendered), "--json"), command)

    assert envelope["ok"] is True
    assert envelope["result"]


def _files(root: Path) -> tuple[Path, ...]:
    return tuple(sorted(root.glob("*/sys_remote_update_set_*.xml")))


def _azure(root: Path) -> Path:
    path = root / "outputs.json"
    path.write_text('{"client_id": {"value": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"}}', "utf-8")
    return path


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [
        ("", ("--json",), 2),
        ("", ("nothing", "--json"), 2),
        ("azure", ("azure", "--json"), 2),
        ("azure", ("azure", "nothing", "--json"), 2),
        ("render", ("render", "--json", "--nothing"), 2),
        ("render", ("render", "--json"), 2),
        ("lint", ("lint", "--json"), 2),
        ("lint", ("lint", "--json", "nothing"), 2),
        ("lint", ("lint", "--json", "./nothing.xml"), 2),
        ("lint", ("lint", "--json", "dev", "--format", "sarif"), 2),
        ("lint", ("lint", "--json", "dev", "--fail-on", "nothing"), 2),
        ("lint", ("lint", "--json", "prod"), 7),
        ("show", ("show", "--json"), 2),
        ("show", ("show", "--json", "nothing"), 2),
        ("show", ("show", "--json", "./nothing.xml"), 2),
        ("show", ("show", "--json", "prod"), 7),
        ("azure read", ("azure", "read", "--json"), 2),
        ("azure read", ("azure", "read", "--json", "nothing"), 2),
        ("schema", ("schema", "--json", "nothing"), 2),
        ("init", ("init", "--json"), 2),
        ("init", ("init", "--json", "update_sets"), 7),
    ],
)
def test_failure_is_one_object_of_the_published_form(
    rendered: Path,
    sn_smtp: Call,
    conforms: Conforms,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    arguments: tuple[str, ...],
    code: int,
) -> None:
    rendered.rename(rendered.parent / "update_sets")
    monkeypatch.chdir(rendered.parent)
    (Path("update_sets") / "prod" / "SUMMARY.md").write_text("edited", encoding="utf-8")

    said = sn_smtp(*arguments)

    envelope = conforms(said, command)
    assert said.code == code
    assert envelope["result"] is None
    assert "Usage: " not in said.err


def test_findings_are_an_answer_with_errors_and_a_result(
    rendered: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    (file,) = (rendered / "dev").glob("sys_remote_update_set_*.xml")
    copy = rendered / "copy.xml"
    copy.write_bytes(file.read_bytes().replace(b"</unload>", b""))

    envelope = conforms(sn_smtp("lint", copy, "--json"), "lint")
    assert envelope["exit_code"] == 3
    assert envelope["result"] is not None
    assert envelope["errors"]

    envelope = conforms(sn_smtp("lint", copy, "--json", "--exit-zero"), "lint")
    assert envelope["ok"] is True


def test_a_bug_is_one_object_and_its_text_is_not_told(
    root: Path,
    sn_smtp: Call,
    conforms: Conforms,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    secret = "abc" + "8Q~" + "x" * 34

    def broken(*_: object, **__: object) -> None:
        raise ValueError(f"met {secret}")

    monkeypatch.setattr(packaging, "render_package", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    said = sn_smtp("render", "dev", "--root", root, "--json")

    envelope = conforms(said, "render")
    (error,) = envelope["errors"]
    assert (envelope["exit_code"], error["code"]) == (1, "internal")
    (log,) = (tmp_path / "state").rglob("*.log")
    assert str(log) in error["message"]
    assert secret not in said.out + said.err + log.read_text(encoding="utf-8")
    assert "broken" in log.read_text(encoding="utf-8")


def test_a_system_that_says_no_is_no_bug(
    root: Path, sn_smtp: Call, conforms: Conforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(root))

    monkeypatch.setattr(packaging, "render_package", denied)

    envelope = conforms(sn_smtp("render", "dev", "--root", root, "--json"), "render")

    (error,) = envelope["errors"]
    assert (envelope["exit_code"], error["code"]) == (1, "system")
    assert (error["file"], "Permission denied" in error["message"]) == (str(root), True)


def test_names_that_are_not_ascii_survive(root: Path, sn_smtp: Call, conforms: Conforms) -> None:
    edit(root / "common.yaml", "name: Mail OAuth,", "name: Poštovní služba ✉,")

    said = sn_smtp("render", "dev", "--root", root, "--json")

    envelope = conforms(said, "render")
    assert said.out.isascii()
    assert "Poštovní služba ✉" in envelope["result"]["environments"][0]["sets"][0]["name"]
