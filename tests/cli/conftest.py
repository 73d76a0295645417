"""Calling the command line inside the test's own process, and a root to call it on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_calls import Call, Conforms, Said
from jsonschema import Draft202012Validator

from generator.cli import instance_call
from generator.cli.main import run

COMMON = """\
release: xanadu
version: 1.0.0
app: {name: Mail OAuth, scope: x_acme_mail, version: 1.0.0}
email_account: {name: Exchange Online SMTP}
azure:
  tenant_id: 7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b
  client_id: 2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f
"""

ENVIRONMENT = """\
instance: {{url: "https://acme-{name}.service-now.example"}}
email_account: {{user_name: servicenow-{name}@acme.example}}
"""


@pytest.fixture
def sn_smtp(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Call:
    """Call `sn-smtp` with arguments, in this process."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795435200")

    def call(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(int(code), said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the real Entra: those about proving a secret name a stand-in themselves."""
    make = instance_call.make_prover

    def prover(call: instance_call.Call, environment: object) -> object:
        return make(call, environment) if call.entra else None  # type: ignore[arg-type]

    monkeypatch.setattr(instance_call, "make_prover", prover)
    for name in ("SN_SMTP_ENTRA", "SN_SMTP_GRAPH", "SN_SMTP_MAIL_CA", "SN_SMTP_SMTP"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the environments dev, test and prod, none of them rendered."""
    root = tmp_path / "mail"
    root.mkdir()
    (root / "common.yaml").write_text(COMMON, encoding="utf-8")
    for name in ("dev", "test", "prod"):
        (root / name).mkdir()
        (root / name / "environment.yaml").write_text(
            ENVIRONMENT.format(name=name), encoding="utf-8"
        )
    return root


@pytest.fixture
def rendered(root: Path, sn_smtp: Call) -> Path:
    """The same root, every environment rendered."""
    assert sn_smtp("render", "--all", "--root", root).code == 0
    return root


@pytest.fixture
def templates(tmp_path: Path, repository: Path) -> Path:
    """A directory of the user's with one template, the summary, changed."""
    directory = tmp_path / "mine"
    (directory / "report").mkdir(parents=True)
    text = (repository / "templates" / "report" / "summary.md.j2").read_text(encoding="utf-8")
    (directory / "report" / "summary.md.j2").write_text(f"Ours.\n{text}", encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def conforms(repository: Path) -> Conforms:
    """Hold a call with `--json` against the published schemas; hands the envelope back.

    The command is what the envelope must name: `azure read`.
    """

    def schema(name: str) -> Draft202012Validator:
        text = (repository / "docs" / "json" / f"{name}.schema.json").read_text(encoding="utf-8")
        return Draft202012Validator(json.loads(text))

    def check(said: Said, command: str) -> dict[str, Any]:
        envelope = said.envelope
        schema("envelope").validate(envelope)
        assert envelope["command"] == command
        assert envelope["exit_code"] == said.code
        if envelope["result"] is not None:
            schema(command.replace(" ", "-")).validate(envelope["result"])
        return envelope

    return check
