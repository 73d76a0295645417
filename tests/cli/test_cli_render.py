"""`sn-smtp render`: every option, and that nothing is said to be done that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit, tree


def _files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


# What is written and said


def test_renders_one_environment_and_says_what_it_wrote(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("render", "dev", "--root", root)

    assert (said.code, said.err) == (0, "")
    written = _files(root / "dev")
    sets = [name for name in written if name.startswith("sys_remote_update_set_")]
    assert len(sets) == 1
    assert {"SUMMARY.md", "email_account.xml", "manifest.json"} < written
    assert not (root / "test" / "manifest.json").exists()
    first = said.out.splitlines()[0]
    assert first.startswith(f"dev: wrote {len(written) - 1} files to {root / 'dev'} (")
    assert "built 2026-11-23 12:00:00 UTC" in first
    for name in ("SUMMARY.md", "email_account.xml", "manifest.json", *sets):
        assert f"  + {name}" in said.out
    records = [name for name in written if name.startswith("records/")]
    assert f"  + {len(records)} files under records/" in said.out
    assert "records/oauth_entity/" not in said.out


def test_verbose_lists_every_file_and_the_plain_call_counts_the_records(
    root: Path, sn_smtp: Call
) -> None:
    said = sn_smtp("render", "dev", "--root", root, "-v")

    for name in _files(root / "dev") - {"environment.yaml"}:
        assert f"  + {name}" in said.out
    assert "files under records/" not in said.out


def test_several_environments_in_the_order_named_each_once(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("render", "test", "dev", "test", "--root", root, "--json")

    rendered = said.envelope["result"]["environments"]
    assert [entry["environment"] for entry in rendered] == ["test", "dev"]
    assert not (root / "prod" / "manifest.json").exists()


def test_all_renders_every_environment(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("render", "--all", "--root", root)

    assert said.code == 0
    leads = [line.split(":")[0] for line in said.out.splitlines() if not line.startswith(" ")]
    assert leads == ["dev", "prod", "test"]
    assert all((root / name / "manifest.json").is_file() for name in leads)


def test_rendering_again_touches_nothing(
    rendered: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(rendered)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1895435200")

    said = sn_smtp("render", "--all", "--root", rendered)

    assert said.code == 0
    assert said.out.count("unchanged") == 3
    assert tree(rendered) == before


def test_a_change_removes_the_file_that_is_no_longer_produced_and_says_so(
    rendered: Path, sn_smtp: Call
) -> None:
    (old,) = (rendered / "dev").glob("sys_remote_update_set_*.xml")
    stranger = rendered / "dev" / "notes.txt"
    stranger.write_text("mine", encoding="utf-8")
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    said = sn_smtp("render", "dev", "--root", rendered)

    (new,) = (rendered / "dev").glob("sys_remote_update_set_*.xml")
    assert old != new
    assert said.out.startswith(f"dev: wrote 5 and removed 1 file to {rendered / 'dev'} (")
    assert f"  - {old.name}" in said.out
    assert f"  + {new.name}" in said.out
    assert "  ~ SUMMARY.md" in said.out
    assert "  ~ 1 file under records/" in said.out
    assert stranger.read_text(encoding="utf-8") == "mine"


def test_the_next_step_is_a_call_that_can_be_copied(
    root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = root.parent / "my mail"
    root.rename(elsewhere)

    said = sn_smtp("render", "dev", "--root", elsewhere)
    assert f"then sn-smtp lint dev --root '{elsewhere}'" in said.out

    elsewhere.rename(root.parent / "update_sets")
    monkeypatch.chdir(root.parent)
    said = sn_smtp("render", "test")
    assert said.out.splitlines()[-1].endswith("SUMMARY.md, then sn-smtp lint test")


# Where the environments are


def test_the_root_comes_from_the_variable_and_the_option_wins(
    root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SN_SMTP_ROOT", str(root))
    assert sn_smtp("render", "dev", "--dry-run").code == 0

    monkeypatch.setenv("SN_SMTP_ROOT", str(root / "nowhere"))
    assert sn_smtp("render", "dev", "--dry-run").code == 2
    assert sn_smtp("render", "dev", "--dry-run", "--root", root).code == 0


# --check and --dry-run


def test_check_of_what_is_current_is_clean(rendered: Path, sn_smtp: Call) -> None:
    before = tree(rendered)

    said = sn_smtp("render", "--all", "--check", "--root", rendered)

    assert (said.code, said.err) == (0, "")
    assert said.out.count("unchanged") == 3
    assert tree(rendered) == before


def test_check_lists_every_file_that_would_change_and_writes_nothing(
    rendered: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    edit(rendered / "common.yaml", "name: Mail OAuth,", "name: Mail Health,")
    before = tree(rendered)

    said = sn_smtp("render", "dev", "test", "--check", "--root", rendered)

    assert said.code == 5
    assert tree(rendered) == before
    envelope = conforms(
        sn_smtp("render", "dev", "test", "--check", "--root", rendered, "--json"), "render"
    )
    assert envelope["exit_code"] == 5
    assert [error["code"] for error in envelope["errors"]] == ["stale", "stale"]
    for entry in envelope["result"]["environments"]:
        assert entry["changed"]
        for name in entry["changed"]:
            assert f" {name}" in said.out
    assert "would write" in said.out
    assert f"run sn-smtp render dev --root {rendered} and commit" in said.err


def test_check_names_only_the_stale_environment(rendered: Path, sn_smtp: Call) -> None:
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")

    said = sn_smtp("render", "--all", "--check", "--root", rendered)

    assert said.code == 5
    assert said.err.count("error") == 1
    assert f"{rendered / 'dev'}: " in said.err
    assert said.out.count("unchanged") == 2


def test_check_finds_a_missing_and_an_edited_file(rendered: Path, sn_smtp: Call) -> None:
    (rendered / "dev" / "SUMMARY.md").unlink()
    (rendered / "dev" / "email_account.xml").write_text("<edited/>", encoding="utf-8")

    said = sn_smtp("render", "dev", "--check", "--root", rendered, "--json")

    assert said.code == 5
    (entry,) = said.envelope["result"]["environments"]
    assert entry["changed"] == ["SUMMARY.md", "email_account.xml"]


@pytest.mark.parametrize(("option", "code"), [("--check", 5), ("--dry-run", 0)])
def test_neither_check_nor_dry_run_starts_a_package(
    root: Path, sn_smtp: Call, option: str, code: int
) -> None:
    before = tree(root)

    said = sn_smtp("render", "dev", option, "--root", root)

    assert said.code == code
    assert "dev: would write 40 files" in said.out
    assert "next:" not in said.out
    assert tree(root) == before
    assert [path.name for path in (root / "dev").iterdir()] == ["environment.yaml"]


def test_dry_run_names_what_would_be_written_and_writes_nothing(
    rendered: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    edit(rendered / "dev" / "environment.yaml", "servicenow-dev@", "post-dev@")
    before = tree(rendered)

    envelope = conforms(
        sn_smtp("render", "dev", "--dry-run", "--root", rendered, "--json"), "render"
    )

    assert envelope["ok"] is True
    assert envelope["result"]["mode"] == "dry-run"
    (entry,) = envelope["result"]["environments"]
    assert {"SUMMARY.md", "manifest.json", "email_account.xml"} < set(entry["changed"])
    assert tree(rendered) == before


# --again


def _stamps(root: Path) -> dict[str, dict[str, object]]:
    manifest = json.loads((root / "dev" / "manifest.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, object]] = manifest["records"]
    return found


def _moved(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize("call", [("dev", "--again"), ("dev", "--again", "--quiet")])
def test_again_alone_moves_every_record(
    rendered: Path, sn_smtp: Call, call: tuple[str, ...]
) -> None:
    before = _stamps(rendered)

    assert sn_smtp("render", "--root", rendered, *call).code == 0

    assert _moved(before, _stamps(rendered)) == set(before)


def test_again_with_records_moves_those(rendered: Path, sn_smtp: Call) -> None:
    before = _stamps(rendered)

    said = sn_smtp(
        "render", "dev", "--again", "oauth_entity", "--again", "sys_app", "--root", rendered
    )

    assert said.code == 0
    moved = _moved(before, _stamps(rendered))
    assert {name.rsplit("_", 1)[0] for name in moved} == {"oauth_entity", "sys_app"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("dev", "--again", "sys_ap"), "no record is called sys_ap. Did you mean sys_app?"),
        (("dev", "--again", "42"), "no record is called 42."),
        (("--again", "dev"), "write --again after the environments"),
        (("dev", "--again", "--check"), "--check changes nothing"),
    ],
)
def test_again_refuses_what_it_cannot_move(
    rendered: Path, sn_smtp: Call, arguments: tuple[str, ...], expected: str
) -> None:
    before = tree(rendered)

    said = sn_smtp("render", "--root", rendered, *arguments)

    assert said.code == 2
    assert expected in said.err
    assert said.out == ""
    assert tree(rendered) == before


# --templates


@pytest.mark.parametrize("by_variable", [True, False])
def test_templates_of_the_user_win(
    root: Path,
    templates: Path,
    sn_smtp: Call,
    monkeypatch: pytest.MonkeyPatch,
    by_variable: bool,
) -> None:
    options: tuple[str | Path, ...] = ("--templates", templates)
    if by_variable:
        monkeypatch.setenv("SN_SMTP_TEMPLATES", str(templates))
        options = ()

    assert sn_smtp("render", "dev", "--root", root, *options).code == 0

    assert (root / "dev" / "SUMMARY.md").read_text(encoding="utf-8").startswith("Ours.\n")


# Notices


def test_notices_go_to_stderr_only_and_quiet_silences_them(
    root: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    with (root / "dev" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("azure: {secret_expires_on: 2020-01-31}\n")

    said = sn_smtp("render", "dev", "--root", root, "--dry-run")
    assert said.code == 0
    assert "warning: dev: " in said.err
    assert "Next: " in said.err
    assert "warning" not in said.out

    quiet = sn_smtp("render", "dev", "--root", root, "--dry-run", "-q")
    assert (quiet.err, quiet.out) == ("", said.out)

    answered = sn_smtp("render", "dev", "--root", root, "--dry-run", "--json")
    envelope = conforms(answered, "render")
    (entry,) = envelope["result"]["environments"]
    (notice,) = entry["notices"]
    assert notice["severity"] == "warning"
    assert notice["message"] in answered.err


def _event_registration(root: Path) -> str:
    """Update name of a record of the app."""
    (path,) = (root / "dev" / "records" / "sysevent_register").glob("*.xml")
    return f"sysevent_register_{path.stem}"


@pytest.mark.parametrize("deletions", [True, False])
def test_records_that_are_no_longer_rendered_are_named(
    rendered: Path, sn_smtp: Call, conforms: Conforms, deletions: bool
) -> None:
    # An event registration with another sys_id: the old one is no longer rendered.
    gone = _event_registration(rendered)
    with (rendered / "dev" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write(f"deletions: {str(deletions).lower()}\n")
        file.write("sys_ids: {sysevent_register: 0123456789abcdef0123456789abcdef}\n")

    said = sn_smtp("render", "dev", "--dry-run", "--root", rendered)

    assert said.code == 0
    (warning,) = [line for line in said.err.splitlines() if gone in line]
    assert "no longer rendered" in warning
    assert ("is deleted by this package" in warning) is deletions
    assert ("deletions: true deletes it" in warning) is not deletions
    envelope = conforms(
        sn_smtp("render", "dev", "--dry-run", "--root", rendered, "--json"), "render"
    )
    (entry,) = envelope["result"]["environments"]
    (retired,) = entry["retired"]
    assert (retired["name"], retired["deleted"]) == (gone, deletions)


def test_a_record_that_no_set_may_delete_is_only_named(rendered: Path, sn_smtp: Call) -> None:
    with (rendered / "dev" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("deletions: true\n")
        file.write("sys_ids: {oauth_entity_scope: 0123456789abcdef0123456789abcdef}\n")

    said = sn_smtp("render", "dev", "--dry-run", "--root", rendered)

    assert said.code == 0
    assert "no update set of this package can delete it" in said.err


def test_json_results_hold_the_published_form(
    root: Path, sn_smtp: Call, conforms: Conforms
) -> None:
    with (root / "prod" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("layout: separate\n")

    envelope = conforms(sn_smtp("render", "--all", "--root", root, "--json"), "render")

    assert envelope["ok"] is True
    dev, prod, _ = envelope["result"]["environments"]
    assert dev["first"] is True
    assert dev["build_time"] == "2026-11-23 12:00:00"
    assert [entry["role"] for entry in dev["sets"]] == ["global", "app"]
    assert len({entry["file"] for entry in dev["sets"]}) == 1
    assert len({entry["file"] for entry in prod["sets"]}) == 2
    assert dev["updates"] == sum(entry["updates"] for entry in dev["sets"])
