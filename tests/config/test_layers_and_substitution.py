"""Two files become one, and environment variables become text."""

from __future__ import annotations

import pytest
from config_root import Root

from generator.config.environment import ConnectionSecurity, Layout
from generator.config.tree import dotted

CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"


def test_defaults(root: Root) -> None:
    loaded = root.load()
    assert loaded.name == "dev"
    assert loaded.directory == root.path / "dev"
    assert loaded.integration == "smtp"
    assert loaded.author == "admin"
    assert loaded.layout is Layout.BATCH
    assert loaded.deletions is False
    assert loaded.app.vendor == ""
    assert loaded.oauth.name == "Exchange Online SMTP"
    assert loaded.email_account.port == 587
    assert loaded.email_account.connection_security is ConnectionSecurity.STARTTLS
    assert loaded.email_account.live is False
    assert loaded.email_account.from_address == ""
    assert loaded.email_account.server == "smtp.office365.com"
    assert dict(loaded.sys_ids) == {}
    assert loaded.notices == ()


def test_the_environment_wins(root: Root) -> None:
    root.own(
        "version: 2.0\napp: {version: 3.0.0}\ninstance: {url: https://a.example}\n"
        f"azure: {{tenant_id: 11111111-1111-4222-8333-444455556666, client_id: {CLIENT}}}\n"
        "email_account: {user_name: a@b.example, port: 25}\n"
    )
    loaded = root.load()
    assert loaded.version == "2.0"
    assert (loaded.app.name, loaded.app.version) == ("Mail OAuth", "3.0.0")
    assert loaded.email_account.port == 25


def test_without_common_yaml(root: Root) -> None:
    common = root.path / "common.yaml"
    text = common.read_text()
    common.unlink()
    own = (root.path / "dev/environment.yaml").read_text()
    merged = own.replace("email_account:\n", "email_account:\n  name: Exchange Online SMTP\n")
    root.own(text.split("email_account:")[0] + merged)
    assert root.load().app.name == "Mail OAuth"


def test_an_empty_value_unsets_and_an_empty_section_adds_nothing(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text() + "  label: Desk\noauth:\n  comments: x\n")
    assert root.load().email_account.label == "Desk"
    root.put("email_account.label", "")
    assert root.load().email_account.label == ""
    own = (root.path / "dev/environment.yaml").read_text()
    root.own(f"{own}oauth:\nsys_ids:\n")
    assert root.load().oauth.comments == "x"


def test_lists_replace(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text() + "azure: {outputs: [missing.json]}\n")
    assert root.fault().code == "missing-outputs"
    root.put("azure.outputs", "[]")
    assert root.load().azure.client_id == CLIENT


def test_a_section_over_a_text_and_a_text_over_a_section(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text() + "azure: text\n")
    assert root.load().azure.client_id == CLIENT
    root.put("app", "text")
    faults = root.faults()
    assert [(f.path, f.code) for f in faults] == [("app", "wrong-type")]
    assert faults[0].file == str(root.path / "dev/environment.yaml")


def test_every_value_knows_its_file_and_line(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text().replace("xanadu", "xanado"))
    root.put("email_account.port", "70000")
    first, second = root.faults()
    assert (first.file, first.line, first.path) == (str(root.path / "common.yaml"), 1, "release")
    assert "Did you mean xanadu?" in first.message
    assert (second.file, second.path) == (
        str(root.path / "dev/environment.yaml"),
        "email_account.port",
    )
    assert second.line == 4


def test_substitution(root: Root) -> None:
    root.put("email_account.label", "'${env:DESK} (dev) $${x} $5 $$ ${env:A}${env:B}'")
    variables = {"DESK": "Ünïcode ${env:A}", "A": "1", "B": ""}
    loaded = root.load(variables=variables)
    assert loaded.email_account.label == "Ünïcode ${env:A} (dev) ${x} $5 $$ 1"


def test_substitution_is_checked_like_a_written_value(root: Root) -> None:
    root.put("email_account.port", "${env:PORT}")
    assert root.load(variables={"PORT": "2525"}).email_account.port == 2525
    fault = root.fault(variables={"PORT": "many"})
    assert (fault.code, fault.path) == ("not-accepted", "email_account.port")
    assert "many" not in str(fault)
    root.put("instance.url", "${env:URL}")
    assert root.load(variables={"URL": "https://b.example"}).instance_url == "https://b.example"
    assert root.fault(variables={"URL": "http://b.example"}).code == "not-accepted"
    root.put("email_account.label", "${env:X}")
    assert root.load(variables={"X": "2024"}).email_account.label == "2024"
    assert root.fault(variables={"X": "a\nb"}).code == "not-accepted"


def test_an_unset_variable(root: Root) -> None:
    root.put("email_account.label", "${env:SENDER_NAM}")
    fault = root.fault(variables={"SENDER_NAME": "x"})
    assert (fault.code, fault.path, fault.line) == ("unset-variable", "email_account.label", 4)
    assert "SENDER_NAM," in fault.message
    assert "Did you mean SENDER_NAME?" in fault.message
    assert "Did you mean" not in root.fault().message


@pytest.mark.parametrize(
    "written", ["${HOME}", "${env:}", "${env:1A}", "${", "${file:x}", "a ${ b"]
)
def test_other_substitutions_are_refused(root: Root, written: str) -> None:
    root.put("email_account.label", f"'{written}'")
    fault = root.fault()
    assert (fault.code, fault.path) == ("unknown-substitution", "email_account.label")
    assert "$${" in str(fault.next)


def test_substitution_in_a_list(root: Root) -> None:
    root.write("dev/outputs-of-dev.json", {"tenant": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"})
    root.put("azure.outputs", "['outputs-of-${env:NAME}.json']")
    assert root.fault(variables={"NAME": "test"}).code == "missing-outputs"


def test_paths() -> None:
    assert dotted(("azure", "outputs", 0)) == "azure.outputs[0]"
    assert dotted(()) == ""
