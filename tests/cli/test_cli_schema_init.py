"""`sn-smtp schema` and `sn-smtp init`."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, tree
from new_root import complete

from generator.config import scaffold


def test_schema_prints_the_committed_schema(sn_smtp: Call, repository: Path) -> None:
    said = sn_smtp("schema")

    assert (said.code, said.err) == (0, "")
    committed = repository / "docs" / "environment.schema.json"
    assert said.out == committed.read_text(encoding="utf-8")


def test_schema_with_json_is_the_same_in_an_envelope(sn_smtp: Call, conforms: Conforms) -> None:
    envelope = conforms(sn_smtp("schema", "--json"), "schema")

    assert envelope["result"] == json.loads(sn_smtp("schema").out)


def test_init_writes_a_root_and_says_what_and_what_next(tmp_path: Path, sn_smtp: Call) -> None:
    root = tmp_path / "new" / "mail"

    said = sn_smtp("init", root)

    assert (said.code, said.err) == (0, "")
    written = {str(path) for path in root.rglob("*") if path.is_file()}
    lines = said.out.splitlines()
    assert {line.removeprefix("wrote ") for line in lines[:-1]} == written
    assert str(root / "dev" / "environment.yaml") in written
    assert lines[-1].startswith("next: ")
    assert f"sn-smtp render dev --root {root}" in lines[-1]


def test_init_json(tmp_path: Path, sn_smtp: Call, conforms: Conforms) -> None:
    dry = conforms(sn_smtp("init", tmp_path / "mail", "--dry-run", "--json"), "init")
    assert not (tmp_path / "mail").exists()

    done = conforms(sn_smtp("init", tmp_path / "mail", "--json"), "init")
    assert (dry["result"]["dry_run"], done["result"]["dry_run"]) == (True, False)
    assert set(dry["result"]["files"]) == set(done["result"]["files"])
    assert set(done["result"]["files"]) == set(tree(tmp_path / "mail"))


def test_init_dry_run_writes_nothing(tmp_path: Path, sn_smtp: Call) -> None:
    said = sn_smtp("init", tmp_path / "mail", "--dry-run")

    assert said.code == 0
    assert f"would write {tmp_path / 'mail' / 'common.yaml'}" in said.out
    assert "next: " not in said.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_init_overwrites_nothing_and_would_not(
    tmp_path: Path, sn_smtp: Call, conforms: Conforms, options: tuple[str, ...]
) -> None:
    (tmp_path / "common.yaml").write_text("mine: true\n", encoding="utf-8")
    before = tree(tmp_path)

    said = sn_smtp("init", tmp_path, *options)

    assert said.code == 7
    assert said.out == ""
    assert str(tmp_path / "common.yaml") in said.err
    assert tree(tmp_path) == before
    envelope = conforms(sn_smtp("init", tmp_path, "--json", *options), "init")
    assert envelope["exit_code"] == 7
    assert envelope["result"] is None


def test_init_into_a_directory_with_other_files_keeps_them(tmp_path: Path, sn_smtp: Call) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")

    assert sn_smtp("init", tmp_path).code == 0
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_init_names_a_disk_that_says_no(
    tmp_path: Path, sn_smtp: Call, conforms: Conforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def full(path: Path, mode: str = "r", **options: object) -> object:
        if "x" in mode or "w" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, mode, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patched:
        patched.setattr(scaffold.Path, "open", full)
        said = sn_smtp("init", tmp_path / "mail", "--json")

    envelope = conforms(said, "init")
    assert envelope["exit_code"] == 1
    assert os.strerror(errno.ENOSPC) in envelope["errors"][0]["message"]


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("a", "--force")])
def test_init_needs_one_directory(
    sn_smtp: Call, conforms: Conforms, arguments: tuple[str, ...]
) -> None:
    assert sn_smtp("init", *arguments).code == 2
    assert conforms(sn_smtp("init", *arguments, "--json"), "init")["exit_code"] == 2


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_init_with_a_name_too_long_is_a_usage_error(
    tmp_path: Path, sn_smtp: Call, conforms: Conforms, options: tuple[str, ...]
) -> None:
    directory = tmp_path / ("a" * 300)

    envelope = conforms(sn_smtp("init", directory, *options, "--json"), "init")

    assert envelope["exit_code"] == 2
    (error,) = envelope["errors"]
    assert (error["code"], error["file"]) == ("unusable-directory", str(directory))
    assert os.strerror(errno.ENAMETOOLONG) in error["message"]
    assert error["next"]


def test_init_into_a_file_is_a_usage_error(tmp_path: Path, sn_smtp: Call) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")

    said = sn_smtp("init", file)

    assert said.code == 2
    assert "is a file" in said.err
    assert file.read_text(encoding="utf-8") == "mine"


def test_what_init_wrote_renders_once_it_is_filled_in(tmp_path: Path, sn_smtp: Call) -> None:
    root = tmp_path / "mail"
    assert sn_smtp("init", root).code == 0
    assert sn_smtp("render", "dev", "--root", root).code == 2

    complete(root)

    assert sn_smtp("render", "dev", "--root", root).code == 0
    assert sn_smtp("render", "--all", "--check", "--root", root).code == 0
