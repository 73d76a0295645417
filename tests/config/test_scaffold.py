"""What `sn-smtp init` writes: a root that loads as soon as Azure's side is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from config_root import NAMES, NOW

from generator.config.declared import Keys, known_keys
from generator.config.keys import EnvironmentKeys
from generator.config.load import load_environment
from generator.config.scaffold import scaffold_files, write_scaffold
from generator.config.schema import schema_text
from generator.errors import ConfigError, InternalError, Refused


def fill_in(root: Path) -> None:
    """Fill in what a person has to."""
    for name, key, value in (
        ("dev/environment.yaml", "url", "https://acme-dev.service-now.example"),
        ("dev/environment.yaml", "user_name", "servicenow-dev@acme.example"),
        ("common.yaml", "scope", "x_acme_smtp"),
    ):
        path = root / name
        text, count = re.subn(rf"(?m)^  {key}: .*$", f"  {key}: {value}", path.read_text())
        assert count == 1, key
        path.write_text(text)


def test_it_says_what_is_missing_and_then_loads(tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    written = write_scaffold(root)
    assert sorted(written) == sorted(path for path in root.rglob("*") if path.is_file())
    with pytest.raises(ConfigError) as caught:
        load_environment(root, "dev", variables={}, now=NOW, logical_names=NAMES)
    # Nothing that must be chosen has a value that would be rendered unseen.
    assert {fault.path for fault in caught.value.faults} == {
        "app.scope",
        "instance.url",
        "email_account.user_name",
        "azure.tenant_id",
        "azure.client_id",
    }
    fill_in(root)
    (root / "dev/azure.json").write_text(
        '{"appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",'
        ' "tenant": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"}'
    )
    loaded = load_environment(root, "dev", variables={}, now=NOW, logical_names=NAMES)
    assert loaded.instance_url == "https://acme-dev.service-now.example"


def test_every_line_that_is_off_can_be_switched_on(tmp_path: Path) -> None:
    for name, text in scaffold_files().items():
        if name.endswith(".yaml"):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(re.sub(r"(?m)^( *)# ( *[a-z_]+:( |$))", r"\1\2", text))
    fill_in(tmp_path)
    (tmp_path / "dev/azure.json").write_text('{"appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"}')
    with pytest.raises(ConfigError) as caught:
        load_environment(tmp_path, "dev", variables={}, now=NOW, logical_names=NAMES)
    # The IDs of the example are zeros, so that nobody renders them.
    assert [fault.path for fault in caught.value.faults] == [
        "azure.tenant_id",
        "azure.client_id",
        "azure.service_principal_object_id",
    ]
    path = tmp_path / "dev/environment.yaml"
    path.write_text(re.sub(r"(?m)^  [a-z_]+_id: 0.*$", "", path.read_text()))
    (tmp_path / "dev/azure.json").write_text(
        '{"appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",'
        ' "tenant": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"}'
    )
    loaded = load_environment(tmp_path, "dev", variables={}, now=NOW, logical_names=NAMES)
    assert loaded.azure.client_secret_from == "env:SN_SMTP_DEV_CLIENT_SECRET"
    assert loaded.oauth.comments == "Rendered by sn-smtp"


def test_every_key_is_shown() -> None:
    files = scaffold_files()
    text = files["common.yaml"] + files["dev/environment.yaml"]

    def check(model: type[Keys]) -> None:
        for key, below in known_keys(model).items():
            assert f"{key}:" in text, key
            if below is not None:
                check(below)

    check(EnvironmentKeys)


def test_the_schema_comes_with_it() -> None:
    files = scaffold_files()
    assert files["environment.schema.json"] == schema_text()
    prefix = "# yaml-language-server: $schema="
    assert files["common.yaml"].startswith(f"{prefix}environment.schema.json\n")
    assert files["dev/environment.yaml"].startswith(f"{prefix}../environment.schema.json\n")
    assert list(files) == sorted(files)
    assert all(text.endswith("\n") and "\r" not in text for text in files.values())


def test_bytes_are_kept_and_working_files_left_out() -> None:
    files = scaffold_files()
    for pattern in (
        "*/sys_remote_update_set_*.xml -text",
        "*/email_account.xml -text",
        "*/records/** -text",
        "*/manifest.json -text",
    ):
        assert pattern in files[".gitattributes"]
    assert "*/.render/" in files[".gitignore"].splitlines()
    assert "*/.import/" in files[".gitignore"].splitlines()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/environment.yaml").write_text("mine")
    (tmp_path / "README.md").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused) as caught:
        write_scaffold(tmp_path)
    assert [fault.file for fault in caught.value.faults] == [
        str(tmp_path / "README.md"),
        str(tmp_path / "dev/environment.yaml"),
    ]
    assert all(fault.next for fault in caught.value.faults)
    assert not (tmp_path / "common.yaml").exists()
    assert (tmp_path / "dev/environment.yaml").read_text() == "mine"


def test_other_files_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("x")
    assert len(write_scaffold(tmp_path)) == 6


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InternalError) as caught:
        write_scaffold(tmp_path / "file" / "root")
    assert caught.value.faults[0].next
