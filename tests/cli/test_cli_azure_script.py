"""`sn-smtp azure script`: what it prints and writes, and over what it does not."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit, tree

FORMATS = ("az", "powershell", "terraform", "bicep", "checklist")


@pytest.fixture
def fresh(root: Path) -> Path:
    """A root whose applications do not exist yet: no file says tenant or client ID."""
    text = (root / "common.yaml").read_text(encoding="utf-8")
    (root / "common.yaml").write_text(text[: text.index("azure:")], encoding="utf-8")
    return root


@pytest.mark.parametrize("form", FORMATS)
def test_it_prints_each_format(fresh: Path, sn_smtp: Call, conforms: Conforms, form: str) -> None:
    before = tree(fresh)
    said = sn_smtp("azure", "script", "dev/", "--format", form, "--root", fresh)
    assert said.code == 0
    assert "Made by sn-smtp azure script dev" in said.out
    assert ("state" in said.err) is (form == "terraform")

    envelope = conforms(
        sn_smtp("azure", "script", "dev", "--format", form, "--root", fresh, "--json"),
        "azure script",
    )
    result = envelope["result"]
    assert result["text"] == said.out
    assert result["file"] is None
    assert result["application"] == {
        "name": "Exchange Online SMTP (acme-dev)",
        "client_id": None,
    }
    assert result["secret"] == {
        "name": "servicenow-acme-dev-2026-11",
        "expires_on": "2027-05-22T00:00:00Z",
        "key_vault": None,
    }
    assert tree(fresh) == before


def test_the_application_that_is_known_is_used(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", root)
    assert said.code == 0
    assert "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f" in said.out
    assert "TENANT_ID='7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b'" in said.out


def test_one_of_the_ids_may_be_known(fresh: Path, sn_smtp: Call) -> None:
    outputs = {"tenant_id": {"value": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"}}
    (fresh / "dev" / "azure.json").write_text(json.dumps(outputs), encoding="utf-8")

    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh)
    assert "TENANT_ID='7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b'" in said.out
    assert 'CLIENT_ID="${CLIENT_ID:-}"' in said.out


def test_the_tenant_alone_may_be_missing(fresh: Path, sn_smtp: Call) -> None:
    outputs = {"client_id": {"value": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"}}
    (fresh / "dev" / "azure.json").write_text(json.dumps(outputs), encoding="utf-8")

    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh)
    assert "TENANT_ID=''" in said.out
    assert "CLIENT_ID:-2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f" in said.out


def test_outputs_that_are_named_may_be_still_to_come(fresh: Path, sn_smtp: Call) -> None:
    with (fresh / "dev" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("azure: {outputs: [azure.json, exchange.json]}\n")

    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh)
    assert said.code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [("user_name", "user_nome"), ("servicenow-dev@acme.example", "nobody"), ("https", "http")],
)
def test_everything_else_must_be_right(fresh: Path, sn_smtp: Call, old: str, new: str) -> None:
    edit(fresh / "dev" / "environment.yaml", old, new)
    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh)
    assert said.code == 2
    assert said.out == ""
    assert "environment.yaml" in said.err
    assert "client_id" not in said.err or "missing" in said.err


def test_faulty_outputs_are_told_all_the_same(fresh: Path, sn_smtp: Call) -> None:
    (fresh / "dev" / "azure.json").write_text("{}", encoding="utf-8")
    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh)
    assert said.code == 2
    assert "azure.json" in said.err


def test_a_file_is_written_whole_and_may_be_run(fresh: Path, sn_smtp: Call, tmp_path: Path) -> None:
    path = tmp_path / "azure.sh"
    call = ("azure", "script", "dev", "--format", "az", "--root", fresh, "-o", path)
    would = sn_smtp(*call, "--dry-run")
    assert (would.code, would.out) == (0, f"would write {path}\n")
    assert not path.exists()

    said = sn_smtp(*call)
    assert (said.code, said.out) == (0, f"wrote {path}\n")
    assert path.read_bytes().startswith(b"#!/usr/bin/env bash\n# Made by sn-smtp azure script")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert list(tmp_path.glob(".azure*")) == []
    # Its own kind may be overwritten, in whatever format.
    again = sn_smtp("azure", "script", "dev", "--format", "bicep", "--root", fresh, "-o", path)
    assert again.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_another_file_is_not_overwritten(fresh: Path, sn_smtp: Call, conforms: Conforms) -> None:
    path = fresh / "mine.sh"
    path.write_text("mine", encoding="utf-8")
    call = ("azure", "script", "dev", "--format", "az", "--root", fresh, "-o", path)

    for options in ((), ("--dry-run",)):
        envelope = conforms(sn_smtp(*call, *options, "--json"), "azure script")
        assert envelope["exit_code"] == 7
        assert envelope["errors"][0]["code"] == "exists"
        assert path.read_text(encoding="utf-8") == "mine"

    forced = conforms(sn_smtp(*call, "--force", "--json"), "azure script")
    assert forced["result"]["file"] == str(path)
    assert forced["result"]["text"] is None
    assert path.read_text(encoding="utf-8") != "mine"


def test_links_and_directories_are_left_alone(fresh: Path, sn_smtp: Call, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("target", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(target)
    call = ("azure", "script", "dev", "--format", "az", "--root", fresh, "-o")

    assert sn_smtp(*call, link).code == 7
    assert sn_smtp(*call, fresh).code == 7
    assert sn_smtp(*call, fresh, "--force").code == 7
    assert sn_smtp(*call, link, "--force").code == 0
    assert not link.is_symlink()
    assert target.read_text(encoding="utf-8") == "target"


def test_where_no_file_can_be_nothing_is_left(fresh: Path, sn_smtp: Call, tmp_path: Path) -> None:
    path = tmp_path / "no" / "azure.sh"
    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh, "-o", path)
    assert said.code == 1
    assert "cannot be put there" in said.err


def test_a_disk_that_says_no_leaves_what_was_there(
    fresh: Path, sn_smtp: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "azure.sh"
    call = ("azure", "script", "dev", "--format", "az", "--root", fresh, "-o", path)
    assert sn_smtp(*call).code == 0
    before = path.read_bytes()

    def refuse(method: str) -> Callable[..., object]:
        real = getattr(Path, method)

        def call(self: Path, *arguments: object, **named: object) -> object:
            if self.name.strip(".").startswith("azure.sh"):
                raise OSError(28, "No space left on device")
            return real(self, *arguments, **named)

        return call

    for method in ("replace", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, method, refuse(method))
            said = sn_smtp(*call)
        assert said.code == 1
        assert "No space left" in said.err
        assert path.read_bytes() == before
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".azure")] == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--app-name", "a\nb"), "--app-name"),
        (("--app-name", ""), "--app-name"),
        (("--group", " x"), "--group"),
        (("--group", "x" * 65), "--group"),
        (("--secret-days", "0"), "--secret-days"),
        (("--secret-days", "731"), "--secret-days"),
        (("--secret-to", "env:X"), "--secret-to"),
        (("--format", "pulumi"), "--format"),
    ],
)
def test_wrong_options_are_told(
    fresh: Path, sn_smtp: Call, options: tuple[str, ...], told: str
) -> None:
    said = sn_smtp("azure", "script", "dev", "--format", "az", "--root", fresh, *options)
    assert said.code == 2
    assert told in said.err
    assert said.out == ""


def test_options_reach_the_script(fresh: Path, sn_smtp: Call) -> None:
    with (fresh / "dev" / "environment.yaml").open("a", encoding="utf-8") as file:
        file.write("azure: {authorization: app_rbac, cloud: china}\n")
    said = sn_smtp(
        *("azure", "script", "dev", "--format", "az", "--root", fresh, "--group", "Senders' own"),
        *("--app-name", "Ours", "--secret-days", "400"),
        *("--secret-to", "keyvault:https://kv-one.vault.azure.cn/secrets/two"),
    )
    assert said.code == 0
    for part in ("APP_NAME='Ours'", "2027-12-28", "VAULT='kv-one'", "'Senders'' own'"):
        assert part in said.out
    assert "App RBAC" in said.err
    assert "12 months" in said.err


def test_the_root_is_named_in_the_calls_that_follow(fresh: Path, sn_smtp: Call) -> None:
    said = sn_smtp("azure", "script", "dev", "--format", "checklist", "--root", fresh)
    assert f"sn-smtp verify dev --root {fresh}" in said.out


def test_warnings_about_the_outputs_are_told_with_v(root: Path, sn_smtp: Call) -> None:
    outputs = {
        "client_id": {"value": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"},
        "client_secret_end_date": {"value": "2026-11-25T00:00:00Z"},
    }
    (root / "dev" / "azure.json").write_text(json.dumps(outputs), encoding="utf-8")
    call = ("azure", "script", "dev", "--format", "checklist", "--root", root)
    assert sn_smtp(*call).err == ""
    assert "ends 2026-11-25" in sn_smtp(*call, "-v").err


def test_help_and_render_load_none_of_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom generator.cli.main import run\nrun(['azure', '--help'])\n"
        "print([name for name in sys.modules if 'azure.setup' in name or name == 'jinja2'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
