"""`sn-smtp sandbox --mail`: stand-ins of an environment's tenant beside its instance."""

from __future__ import annotations

import json
import shlex
import smtplib
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from cli_calls import Call
from jsonschema import Draft202012Validator

from generator.sandbox import server
from generator.sandbox.mail.mail_switches import MAIL_SWITCHES


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[server.Running]:
    """Instead of waiting for a signal: nothing; what was started."""
    found: list[server.Running] = []
    start = server.run

    def run(**options: object) -> server.Running:
        found.append(start(**options))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(server, "run", run)
    monkeypatch.setattr(server, "wait_for_end", lambda: None)
    return found


def read_env(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        (found[name],) = shlex.split(value)
    return found


def ask(variables: Mapping[str, str], secret: str, path: str, client: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(
            variables["SN_SMTP_ENTRA"] + path,
            data={
                "client_id": client,
                "client_secret": secret,
                "grant_type": "client_credentials",
                "scope": "https://outlook.office365.com/.default",
            },
            verify=variables["SN_SMTP_MAIL_CA"],
            timeout=20,
        )


def test_it_starts_all_and_writes_what_leads_to_them(
    root: Path,
    sn_smtp: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
    served: list[server.Running],
) -> None:
    file = root / "dev" / "environment.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}\nazure: {{client_secret_from: env:SN_DEV_SECRET}}\n", encoding="utf-8")
    environment = tmp_path / "sandbox.env"
    seen: list[int] = []

    def look() -> None:
        variables = read_env(environment)
        (running,) = served
        assert running.mail is not None
        tenant = running.mail.tenant
        path = f"/{tenant.tenant_id}/oauth2/v2.0/token"
        named = variables["SN_DEV_SECRET"]
        seen.append(ask(variables, named, path, tenant.app.client_id).status_code)
        operator = variables["AZURE_CLIENT_SECRET"]
        seen.append(ask(variables, operator, path, variables["AZURE_CLIENT_ID"]).status_code)
        host, port = variables["SN_SMTP_SMTP"].split(":")
        context = ssl.create_default_context(cafile=variables["SN_SMTP_MAIL_CA"])
        with smtplib.SMTP(host, int(port), timeout=20) as session:
            seen.append(session.starttls(context=context)[0])
        assert running.sandbox.behaviour.sender_seconds == 5

    monkeypatch.setattr(server, "wait_for_end", look)
    data = tmp_path / "kept"
    said = sn_smtp(
        *("sandbox", "--mail", "--for", "dev", "--root", root, "--write-env", environment),
        *("--data", data, "--mail-switch", "claims=v2", "--json"),
    )
    assert said.code == 0, said.err
    assert seen == [200, 200, 220]
    found = json.loads(said.out)["result"]
    text = (repository / "docs" / "json" / "sandbox.schema.json").read_text(encoding="utf-8")
    Draft202012Validator(json.loads(text)).validate(found)
    mail = found["mail"]
    assert mail["switches"]["claims"] == "v2"
    assert mail["mailbox"] == str(data / "mailbox")
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600
    (running,) = served
    assert running.mail is not None and not running.mail.is_running
    secret = running.mail.client_secret
    assert secret not in said.out + said.err
    assert running.mail.operator_secret not in said.out + said.err
    assert secret in environment.read_text(encoding="utf-8")
    assert not Path(mail["ca_file"]).exists()


def test_it_says_on_the_screen_where_they_are(
    root: Path, sn_smtp: Call, served: list[server.Running]
) -> None:
    said = sn_smtp("sandbox", "--mail", "--for", "dev", "--root", root)
    assert said.code == 0, said.err
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["entra"] == lines["graph"]
    assert lines["smtp"].startswith("localhost:")
    assert "mailbox" not in lines


@pytest.mark.parametrize("given", [("--mail",), ("--mail-switch", "claims=v2")])
def test_without_an_environment_there_is_no_tenant(
    sn_smtp: Call, given: tuple[str, ...], served: list[server.Running]
) -> None:
    said = sn_smtp("sandbox", *given)
    assert said.code == 2 and "--mail and --for ENV" in said.err
    assert served == []


def test_a_wrong_switch_is_told_with_the_nearest(
    root: Path, sn_smtp: Call, served: list[server.Running]
) -> None:
    said = sn_smtp(
        *("sandbox", "--mail", "--for", "dev", "--root", root, "--mail-switch", "claim=v2")
    )
    assert said.code == 2 and "Did you mean claims?" in said.err


def test_a_missing_library_is_named(
    root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "aiosmtpd" else known(name)
    )
    said = sn_smtp("sandbox", "--mail", "--for", "dev", "--root", root)
    assert said.code == 2 and "aiosmtpd" in said.err


def test_a_port_that_is_taken_leaves_no_stand_in_behind(
    root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.mail.stand_in import MailSandbox

    made: list[MailSandbox] = []
    start = MailSandbox.start

    def note(mail: MailSandbox) -> None:
        made.append(mail)
        start(mail)

    def refuse(*_given: object, **_options: object) -> str:
        raise OSError("no")

    monkeypatch.setattr(MailSandbox, "start", note)
    monkeypatch.setattr(Sandbox, "start", refuse)
    sn_smtp("sandbox", "--mail", "--for", "dev", "--root", root)
    assert [mail.is_running for mail in made] == [False]


def test_the_switches_are_listed_beside_the_others(sn_smtp: Call) -> None:
    said = sn_smtp("sandbox", "--list-switches")
    assert all(name in said.out for name in MAIL_SWITCHES)
    listed = json.loads(sn_smtp("sandbox", "--list-switches", "--json").out)["result"]
    assert [row["name"] for row in listed["mail_switches"]] == list(MAIL_SWITCHES)
