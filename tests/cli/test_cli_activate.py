"""`sn-smtp activate` and `deactivate` as they are called, and who sends in `instance status`."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_calls import Call, Conforms, Said

from generator.cli import instance_call
from generator.clock import SteppedClock, read_clock
from generator.instance import cut_over_journal
from generator.instance.http_instance import HttpInstance
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox

INSTANCE = """\
instance:
  url: https://acme-dev.service-now.example
  production: false
  auth: {method: basic, user: admin, password_from: "env:SN_SMTP_TEST_PASSWORD"}
email_account: {user_name: servicenow-dev@acme.example}
azure: {client_secret_from: "env:SN_SMTP_TEST_SECRET"}
"""

PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"


@pytest.fixture
def mail(root: Path, sn_smtp: Call) -> Iterator[MailSandbox]:
    """Stand-ins for the tenant of the environment dev, which is rendered."""
    (root / "dev" / "environment.yaml").write_text(INSTANCE, encoding="utf-8")
    assert sn_smtp("render", "dev", "--root", root).code == 0
    from generator.cli.environments import load

    (environment,) = load(root, ("dev",), every=False, now=read_clock(os.environ))
    clock = SteppedClock(read_clock(os.environ))
    made = MailSandbox(
        tenant_id=environment.azure.tenant_id,
        client_id=environment.azure.client_id,
        service_principal_object_id=PRINCIPAL,
        mailbox=environment.email_account.user_name,
        clock=clock,
    )
    with made:
        yield made


@pytest.fixture
def sandbox(
    root: Path, sn_smtp: Call, mail: MailSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """An instance with the package of dev imported."""
    made = Sandbox(name="acme-dev", clock=mail.clock, mail=mail)
    monkeypatch.setattr(instance_call, "make_clock", lambda: mail.clock)
    monkeypatch.setattr(instance_call, "make_adapter", made.adapter)
    monkeypatch.setattr(instance_call, "make_prover", lambda call, environment: None)
    monkeypatch.setenv("SN_SMTP_TEST_PASSWORD", made.admin_password)
    monkeypatch.setenv("SN_SMTP_TEST_SECRET", mail.client_secret)
    monkeypatch.delenv("SN_SMTP_INSTANCE", raising=False)
    said = sn_smtp("import", "dev", "--root", root, "--yes", "-q")
    assert said.code == 0, said.err
    yield made
    made.close()


def _call(sn_smtp: Call, root: Path, command: str, *options: str) -> Said:
    return sn_smtp(command, "dev", "--root", root, "--yes", *options)


def test_it_ends_with_the_line_for_the_file(
    sn_smtp: Call, root: Path, sandbox: Sandbox, mail: MailSandbox
) -> None:
    said = _call(sn_smtp, root, "activate")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "email_account: {live: true}"
    assert "queued meanwhile leaves through the new account" in said.err
    assert "active before: ServiceNow SMTP" in said.out
    assert "active now: Exchange Online SMTP" in said.out
    assert len(mail.messages) == 1
    back = _call(sn_smtp, root, "deactivate")
    assert back.code == 0, back.err
    assert back.out.splitlines()[-1] == "email_account: {live: false}"
    assert "active now: ServiceNow SMTP" in back.out


def test_json_is_one_object_of_the_published_shape(
    sn_smtp: Call, root: Path, sandbox: Sandbox, mail: MailSandbox, conforms: Conforms
) -> None:
    plan = conforms(_call(sn_smtp, root, "activate", "--dry-run", "--json"), "activate")
    assert (plan["result"]["mode"], plan["result"]["test"]) == ("dry-run", None)
    done = conforms(_call(sn_smtp, root, "activate", "--json"), "activate")
    assert done["result"]["test"]["status"] == "sent"
    assert done["result"]["line"] == "email_account: {live: true}"
    status = conforms(
        sn_smtp("instance", "status", "dev", "--root", root, "--json"), "instance status"
    )
    (sending,) = status["result"]["smtp_active"]
    assert sending["name"] == done["result"]["account"]["name"]
    off = conforms(_call(sn_smtp, root, "deactivate", "--json"), "deactivate")
    assert [entry["name"] for entry in off["result"]["active"]] == ["ServiceNow SMTP"]


def test_a_failure_has_its_result_too(
    sn_smtp: Call, root: Path, sandbox: Sandbox, mail: MailSandbox, conforms: Conforms
) -> None:
    sandbox.database.insert(
        "sys_email",
        {"type": "send-ready", "subject": "Private", "recipients": "a@b.example"},
        by="",
    )
    mail.clock.sleep(30)
    mail.behaviour.smtp_data = "mailbox_full"
    envelope = conforms(_call(sn_smtp, root, "activate", "--json"), "activate")
    assert envelope["exit_code"] == 6
    result = envelope["result"]
    assert (result["put_back"], result["line"]) == (True, "")
    assert len(result["failed_mail"]) == 1
    assert [entry["name"] for entry in result["active"]] == ["ServiceNow SMTP"]
    text = _call(sn_smtp, root, "activate")
    assert text.code == 6
    assert "put back" in text.out
    assert "Private" not in text.out + text.err + json.dumps(envelope)


class Gone(io.StringIO):
    """What its reader leaves in the middle."""

    def __init__(self, *, after: str) -> None:
        super().__init__()
        self._after = after

    def write(self, text: str) -> int:
        if self._after in self.getvalue():
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        return super().write(text)


@pytest.mark.parametrize("after", ["switch:", "putting back"])
def test_a_reader_that_goes_away_stops_no_putting_back(
    sn_smtp: Call,
    root: Path,
    sandbox: Sandbox,
    mail: MailSandbox,
    monkeypatch: pytest.MonkeyPatch,
    after: str,
) -> None:
    mail.behaviour.smtp_data = "mailbox_full"
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Gone(after=after))
        said = _call(sn_smtp, root, "activate", "-v")
    (sending,) = sandbox.database.query("sys_email_account", "type=smtp^active=true")
    assert sending["name"] == "ServiceNow SMTP"
    assert said.code == 6


def test_much_failed_mail_is_cut_on_the_screen(
    sn_smtp: Call, root: Path, sandbox: Sandbox, mail: MailSandbox
) -> None:
    for _ in range(25):
        sandbox.database.insert(
            "sys_email", {"type": "send-ready", "subject": "x", "recipients": "a@b.example"}, by=""
        )
    mail.clock.sleep(30)
    mail.behaviour.smtp_data = "mailbox_full"
    text = _call(sn_smtp, root, "activate")
    assert text.out.count("failed: sys_email") == 20
    assert "failed: 5 more" in text.out


def test_differences_are_listed(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    for row in sandbox.database.query("oauth_entity", "type=oauth_provider"):
        sandbox.database.update("oauth_entity", row["sys_id"], {"client_id": "x"}, by="")
    text = _call(sn_smtp, root, "activate")
    assert text.code == 7
    assert "differs: oauth_entity" in text.out


@pytest.mark.parametrize(
    "options", [("--to", "short"), ("--to", "0" * 32, "--no-mail"), ("--to", "0" * 31 + "G")]
)
def test_a_wrong_call_is_refused(
    sn_smtp: Call, root: Path, mail: MailSandbox, options: tuple[str, ...]
) -> None:
    assert _call(sn_smtp, root, "deactivate", *options).code == 2


def test_it_asks_first(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sn_smtp("activate", "dev", "--root", root).code == 2
    questions: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        questions.append(question)
        return False

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", confirm)
    assert sn_smtp("activate", "dev", "--root", root).code == 7
    assert "acme-dev" in questions[0]


def test_an_interruption_says_that_everything_was_put_back(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    original = HttpInstance.call_app

    def call_app(self: HttpInstance, method: str, *args: object, **more: object) -> object:
        if method == "POST":
            interrupt()
        return original(self, method, *args, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(HttpInstance, "call_app", call_app)
        said = _call(sn_smtp, root, "activate")
    assert said.code == 130
    assert "everything was put back" in said.err
    (old,) = sandbox.database.query("sys_email_account", "type=smtp^active=true")
    assert old["name"] == "ServiceNow SMTP"
    with monkeypatch.context() as patch:
        patch.setattr(HttpInstance, "call_app", interrupt)
        said = _call(sn_smtp, root, "activate")
    assert (said.code, "nothing was changed" in said.err) == (130, True)


def test_an_import_and_a_cut_over_keep_apart(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    from generator.instance.journal import import_lock

    with import_lock(root / "dev"):
        for command in ("activate", "deactivate"):
            said = _call(sn_smtp, root, command)
            assert (said.code, "at work" in said.err) == (7, True)
        assert _call(sn_smtp, root, "activate", "--dry-run").code == 0


def test_status_says_who_sends(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    def status() -> str:
        said = sn_smtp("instance", "status", "dev", "--root", root)
        assert (said.code, said.out.count("\n") < 30) == (0, True)
        return said.out

    assert "ServiceNow SMTP" in status()
    (test_user,) = sandbox.database.query("sys_properties", "name=glide.email.test.user")
    (active,) = sandbox.database.query("sys_properties", "name=glide.email.smtp.active")
    change = sandbox.database.update
    change("sys_properties", test_user["sys_id"], {"value": "tester@acme.example"}, by="")
    change("sys_properties", active["sys_id"], {"value": "false"}, by="")
    text = status()
    assert "off, all to tester@acme.example" in text
    sandbox.database.delete("sys_properties", active["sys_id"])
    (old,) = sandbox.database.query("sys_email_account", "type=smtp^active=true")
    change("sys_email_account", old["sys_id"], {"active": "false"}, by="")
    assert "no SMTP account is active" in status()
    change("sys_email_account", old["sys_id"], {"active": "perhaps"}, by="")
    assert "cannot be read" in status()
    sandbox.behaviour.closed_tables = ("sys_email_account",)
    assert "not read: sys_email_account" in status()


def test_status_says_that_a_cut_over_was_cut_off(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _call(sn_smtp, root, "activate").code == 0
    path = root / "dev" / ".import" / cut_over_journal.FILE
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    said = sn_smtp("instance", "status", "dev", "--root", root)
    assert "activate was begun and has not ended" in said.out


def test_no_secret_is_told_or_kept(
    sn_smtp: Call, root: Path, sandbox: Sandbox, mail: MailSandbox
) -> None:
    said = _call(sn_smtp, root, "activate", "-v")
    mail.behaviour.smtp_auth = "rejected"
    again = _call(sn_smtp, root, "activate", "-v", "--json")
    kept = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in sorted((root / "dev" / ".import").iterdir())
        if path.is_file()
    )
    told = said.out + said.err + again.out + again.err + kept
    for hidden in (mail.client_secret, sandbox.admin_password, "Bearer", "eyJ"):
        assert hidden not in told
