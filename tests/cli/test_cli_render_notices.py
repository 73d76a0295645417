"""What `sn-smtp render` warns of, and that nothing dangerous passes without a word."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit, tree

STRAY = f"sys_remote_update_set_{'0' * 32}.xml"


@pytest.fixture
def stray(rendered: Path) -> Path:
    """A copy of the package's set under another name, as a download leaves it."""
    (ours,) = (rendered / "dev").glob("sys_remote_update_set_*.xml")
    path = rendered / "dev" / STRAY
    path.write_bytes(ours.read_bytes())
    return path


# Sets that are not of the package


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_stray_set_is_warned_of_and_left(
    rendered: Path, stray: Path, sn_smtp: Call, conforms: Conforms, options: tuple[str, ...]
) -> None:
    before = tree(rendered)

    said = sn_smtp("render", "--all", "--root", rendered, *options)

    assert said.code == 0
    assert said.err.splitlines() == [
        f"warning: dev: {STRAY} is not of this package; do not import it; remove it"
    ]
    answered = sn_smtp("render", "dev", "--root", rendered, "--json", *options)
    (entry,) = conforms(answered, "render")["result"]["environments"]
    assert (entry["strays"], entry["changed"]) == ([STRAY], [])
    assert tree(rendered) == before


def test_check_takes_a_stray_set_for_a_difference(
    rendered: Path, stray: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    answered = sn_smtp("render", "--all", "--check", "--root", rendered, "--json")

    envelope = conforms(answered, "render")
    assert answered.code == 5
    (error,) = envelope["errors"]
    assert (error["code"], error["file"]) == ("stray-set", str(stray))
    assert "do not import it" in error["message"]

    stray.unlink()
    assert sn_smtp("render", "--all", "--check", "--root", rendered).code == 0


def test_a_set_that_this_render_removes_is_no_stray(rendered: Path, sn_smtp: Call) -> None:
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    for options in (("--dry-run",), ()):
        said = sn_smtp("render", "dev", "--root", rendered, *options)
        assert (said.code, said.err) == (0, "")


def test_lint_warns_of_a_stray_set_and_does_not_lint_it(
    rendered: Path, stray: Path, sn_smtp: Call
) -> None:
    stray.write_text("no XML", encoding="utf-8")

    said = sn_smtp("lint", "dev", "--root", rendered)

    assert said.code == 0
    (warning,) = said.err.splitlines()
    assert warning.startswith(f"warning: {stray} is not of this package")
    assert "do not import it" in warning
    assert STRAY not in said.out
    assert STRAY not in sn_smtp("show", "dev", "--root", rendered).out


# Files that were changed by hand


def test_what_was_changed_by_hand_is_not_overwritten_without_a_word(
    rendered: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    for name in ("SUMMARY.md", "email_account.xml"):
        (rendered / "dev" / name).write_text("mine", encoding="utf-8")
    names = "2 files that had been changed by hand: SUMMARY.md, email_account.xml"

    for option in ("--dry-run", "--check"):
        said = sn_smtp("render", "dev", option, "--root", rendered)
        assert f"warning: dev: would overwrite {names}" in said.err
    answered = sn_smtp("render", "dev", "--root", rendered, "--json")

    assert f"warning: dev: overwrote {names}" in answered.err
    (entry,) = conforms(answered, "render")["result"]["environments"]
    assert entry["edited"] == ["SUMMARY.md", "email_account.xml"]
    assert sn_smtp("render", "dev", "--root", rendered).err == ""


def test_an_edited_set_that_is_no_longer_produced_is_told_as_removed(
    rendered: Path, sn_smtp: Call
) -> None:
    (old,) = (rendered / "dev").glob("sys_remote_update_set_*.xml")
    old.write_text("mine", encoding="utf-8")
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    said = sn_smtp("render", "dev", "--dry-run", "--root", rendered)
    assert f"would overwrite or remove 1 file that had been changed by hand: {old.name}" in said.err
    assert "would write 5 and remove 1 file to " in said.out

    said = sn_smtp("render", "dev", "--root", rendered)
    assert f"overwrote or removed 1 file that had been changed by hand: {old.name}" in said.err


# The live account


def test_live_taken_back_is_warned_of(rendered: Path, sn_smtp: Call, conforms: Conforms) -> None:
    file = rendered / "dev" / "environment.yaml"
    edit(file, "{user_name", "{live: true, user_name")
    assert "went back" not in sn_smtp("render", "dev", "--root", rendered).err
    edit(file, "live: true", "live: false")

    for option in ("--dry-run", "--check"):
        said = sn_smtp("render", "dev", option, "--root", rendered)
        assert "warning: dev: email_account.live went back to false" in said.err
    answered = sn_smtp("render", "dev", "--root", rendered, "--json")

    assert "importing it would switch the live account off" in answered.err
    (entry,) = conforms(answered, "render")["result"]["environments"]
    assert entry["live_withdrawn"] is True
    assert sn_smtp("render", "dev", "--root", rendered).err == ""


def test_live_taken_back_is_told_by_the_render_that_finishes_an_interrupted_one(
    rendered: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = rendered / "dev" / "environment.yaml"
    edit(file, "{user_name", "{live: true, user_name")
    assert sn_smtp("render", "dev", "--root", rendered).code == 0
    edit(file, "live: true", "live: false")
    replace = os.replace

    def all_but_the_manifest(source: Path, target: Path) -> None:
        if Path(target).name == "manifest.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", all_but_the_manifest)
        assert sn_smtp("render", "dev", "--root", rendered).code == 1

    said = sn_smtp("render", "dev", "--root", rendered)

    assert said.out.startswith("dev: finished an interrupted render (")
    assert "email_account.live went back to false" in said.err


# Many records of one fate


def test_many_retired_records_of_one_fate_are_one_line(rendered: Path, sn_smtp: Call) -> None:
    edit(rendered / "common.yaml", "x_acme_mail", "x_acme_other")

    said = sn_smtp("render", "dev", "--dry-run", "--root", rendered)

    (line,) = [line for line in said.err.splitlines() if "no longer rendered" in line]
    count = int(line.split()[2])
    assert count > 3
    assert "records are no longer rendered: " in line
    assert line.split(" ... ")[0].count("), ") == 2
    assert "Next: undo what renamed or moved them" in line

    every = sn_smtp("render", "dev", "--dry-run", "--root", rendered, "-v")
    assert every.err.count("is no longer rendered; it stays on every instance") == count


# The slash that shells complete


@pytest.mark.parametrize("command", ["render", "lint", "show"])
def test_a_slash_after_an_environment_is_not_minded(
    rendered: Path, sn_smtp: Call, command: str
) -> None:
    plain = sn_smtp(command, "dev", "--root", rendered)

    said = sn_smtp(command, "dev/", "dev", "--root", rendered)

    assert plain.code == 0
    assert said == plain


def test_the_root_stands_in_quotes(
    rendered: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rendered)

    said = sn_smtp("render", "deb/", "--root", ".")

    assert said.code == 2
    assert "there is no environment 'deb' under '.'. Did you mean dev?" in said.err
