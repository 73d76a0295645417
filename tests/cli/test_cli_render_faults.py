"""`sn-smtp render` where it cannot: wrong calls, wrong files, a full disk, guards, Ctrl-C."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit, tree

from generator import packaging
from generator.errors import Fault, InternalError

# Usage


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "No environment is named."),
        (("dev", "--all"), "name none beside it"),
        (("dev", "--check", "--dry-run"), "exclude each other"),
        (("deb",), "Did you mean dev?"),
        (("dev", "nowhere"), "'nowhere'"),
        (("a/b",), "a/b"),
        (("--allo",), "--all"),
    ],
)
def test_a_wrong_call_exits_2_says_why_and_what_to_do(
    root: Path, sn_smtp: Call, conforms: Conforms, arguments: tuple[str, ...], expected: str
) -> None:
    before = tree(root)

    said = sn_smtp("render", "--root", root, *arguments)

    assert said.code == 2
    assert expected in said.err
    assert "next: " in said.err
    assert said.out == ""
    envelope = conforms(sn_smtp("render", "--root", root, *arguments, "--json"), "render")
    assert envelope["exit_code"] == 2
    assert envelope["result"] is None
    assert tree(root) == before


def test_a_root_without_environments_is_named(tmp_path: Path, sn_smtp: Call) -> None:
    said = sn_smtp("render", "--all", "--root", tmp_path)

    assert said.code == 2
    assert "holds no environment" in said.err
    assert "sn-smtp init" in said.err


def test_a_clock_that_is_none_is_refused(
    root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")

    said = sn_smtp("render", "dev", "--root", root)

    assert said.code == 2
    assert "SOURCE_DATE_EPOCH" in said.err


def test_all_faults_of_all_environments_are_told_at_once_and_nothing_is_rendered(
    root: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    edit(root / "common.yaml", "release: xanadu", "release: xandau")
    edit(root / "dev" / "environment.yaml", "user_name", "user_nam")
    edit(root / "prod" / "environment.yaml", "https:", "http:")

    said = sn_smtp("render", "--all", "--root", root, "--json")

    envelope = conforms(said, "render")
    assert said.code == 2
    errors = envelope["errors"]
    found = [(Path(error["file"]).parent.name, error["path"]) for error in errors]
    assert len(set(found)) == len(found)
    assert ("dev", "email_account.user_nam") in found
    assert ("prod", "instance.url") in found
    assert [path for _, path in found].count("release") == 1
    assert all(error["line"] for error in errors if error["path"] == "release")
    assert not list(root.glob("*/manifest.json"))


# Templates


def test_a_template_directory_that_is_missing_is_a_usage_error(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("render", "dev", "--root", root, "--templates", root / "nix")

    assert said.code == 2
    assert "nix: The template directory does not exist" in said.err
    assert not (root / "dev" / "manifest.json").exists()


def test_a_template_directory_that_no_system_can_look_at_is_a_usage_error(
    root: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    too_long = "a" * 300
    arguments = ("render", "dev", "--root", root, "--templates", too_long, "--json")
    envelope = conforms(sn_smtp(*arguments), "render")

    assert envelope["exit_code"] == 2
    (error,) = envelope["errors"]
    assert (error["code"], error["file"]) == ("templates-missing", too_long)
    assert os.strerror(errno.ENAMETOOLONG) in error["message"]
    assert error["next"]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
@pytest.mark.parametrize(
    "call",
    [
        ("render", "dev", "--templates"),
        ("render", "dev", "--root"),
        ("azure", "read"),
        ("init",),
        ("lint", "dev", "--output"),
        ("lint",),
        ("show",),
    ],
)
def test_a_name_that_no_file_can_have_is_a_usage_error(
    sn_smtp: Call, name: str, call: tuple[str, ...]
) -> None:
    said = sn_smtp(*call, f"{name}.xml")

    assert said.code == 2
    assert "that no file name can have" in said.err
    assert "next: " in said.err


def test_a_faulty_template_of_the_user_is_named_with_its_line(
    rendered: Path, templates: Path, sn_smtp: Call
) -> None:
    faulty = templates / "report" / "summary.md.j2"
    faulty.write_text("fine\n{% if %}\n", encoding="utf-8")
    before = tree(rendered)

    said = sn_smtp("render", "--all", "--root", rendered, "--templates", templates)

    assert said.code == 2
    assert f"{faulty}:2: " in said.err
    assert tree(rendered) == before


# The disk says no, a guard says no


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_disk_that_says_no_exits_1_and_leaves_the_old_package(
    rendered: Path,
    sn_smtp: Call,
    conforms: Conforms,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    before = tree(rendered)
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")
    changed = tree(rendered)

    def write_bytes(path: Path, data: bytes) -> int:
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write_bytes)
        said = sn_smtp("render", "dev", "--root", rendered, "--json")

    envelope = conforms(said, "render")
    assert said.code == 1
    (error,) = envelope["errors"]
    assert os.strerror(number) in error["message"]
    assert "Nothing was changed" in error["message"]
    assert tree(rendered) == changed
    assert not (rendered / "dev" / ".render").exists()
    assert before["dev/manifest.json"] == changed["dev/manifest.json"]


def test_an_interrupted_render_is_told_refused_by_check_and_finished_by_the_next(
    rendered: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    replace = os.replace

    def all_but_the_manifest(source: Path, target: Path) -> None:
        if Path(target).name == "manifest.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", all_but_the_manifest)
        said = sn_smtp("render", "dev", "--root", rendered)
    assert said.code == 1
    assert "next render finishes" in said.err

    for option in ("--check", "--dry-run"):
        said = sn_smtp("render", "dev", option, "--root", rendered)
        assert said.code == 7
        assert "interrupted" in said.err

    said = sn_smtp("render", "dev", "--root", rendered)
    assert said.code == 0
    assert "dev: finished a render that had been interrupted" in said.err
    assert said.out.startswith("dev: finished an interrupted render (40 files, built ")
    assert "unchanged" not in said.out
    assert sn_smtp("render", "dev", "--check", "--root", rendered).code == 0


def test_one_that_is_refused_does_not_stop_the_others(
    rendered: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    manifest = rendered / "prod" / "manifest.json"
    conflict = "<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"
    manifest.write_text(conflict, encoding="utf-8")
    edit(rendered / "common.yaml", "name: Mail OAuth,", "name: Mail Health,")

    said = sn_smtp("render", "--all", "--root", rendered, "--json")

    envelope = conforms(said, "render")
    assert said.code == 7
    rendered_ones = envelope["result"]["environments"]
    assert [entry["environment"] for entry in rendered_ones] == ["dev", "test"]
    assert all(entry["changed"] for entry in rendered_ones)
    assert [error["file"] for error in envelope["errors"]] == [str(manifest)]
    assert manifest.read_text(encoding="utf-8") == conflict
    plain = sn_smtp("render", "--all", "--root", rendered)
    assert "conflict" in plain.err
    assert plain.out.count("unchanged") == 2


@pytest.mark.parametrize("first", ["dev", "prod"])
def test_an_unknown_state_is_never_hidden_by_a_refusal(
    rendered: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    (rendered / "prod" / "manifest.json").write_text("{", encoding="utf-8")
    edit(rendered / "common.yaml", "name: Mail OAuth,", "name: Mail Health,")

    def changes(*_: object) -> tuple[str, ...]:
        raise InternalError(Fault("cannot-write", "The disk is full."))

    monkeypatch.setattr(packaging, "store", lambda *args, **_: changes(*args))
    second = "prod" if first == "dev" else "dev"

    said = sn_smtp("render", first, second, "--root", rendered)

    assert said.code == 1
    assert "The disk is full." in said.err
    assert str(rendered / "prod" / "manifest.json") in said.err


def test_check_of_a_package_that_is_refused_is_no_clean_answer(
    rendered: Path, sn_smtp: Call
) -> None:
    (rendered / "prod" / "manifest.json").write_text("{", encoding="utf-8")
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    said = sn_smtp("render", "--all", "--check", "--root", rendered)

    assert said.code == 7
    assert "files would change" in said.err


def test_a_link_in_place_of_a_directory_is_refused(rendered: Path, sn_smtp: Call) -> None:
    outside = rendered.parent / "outside"
    shutil.move(rendered / "dev" / "records", outside)
    (rendered / "dev" / "records").symlink_to(outside)
    before = tree(outside)

    said = sn_smtp("render", "dev", "--root", rendered, "--again")

    assert said.code == 7
    assert "symbolic link" in said.err
    assert tree(outside) == before


def test_ctrl_c_exits_130_and_says_so(
    root: Path, sn_smtp: Call, conforms: Conforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(packaging, "render_package", interrupted)

    said = sn_smtp("render", "--all", "--root", root)
    assert said.code == 130
    assert said.out == ""
    assert "Interrupted" in said.err

    envelope = conforms(sn_smtp("render", "--all", "--root", root, "--json"), "render")
    assert envelope["exit_code"] == 130
    assert envelope["result"] is None
