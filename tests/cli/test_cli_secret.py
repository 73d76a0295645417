"""`sn-smtp secret status`, `deliver` and `rotate` as they are called, with the whole mail side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, Said

from generator.cli import instance_call, secret_rotate
from generator.clock import SteppedClock, read_clock
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox
from generator.sandbox.passwords import decrypt
from generator.secrets.interface import Secret

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
INSTANCE = """\
instance:
  url: https://acme-dev.service-now.example
  production: false
  auth: {method: basic, user: admin, password_from: "env:SN_SMTP_TEST_PASSWORD"}
email_account: {user_name: servicenow-dev@acme.example}
azure: {client_secret_from: "env:SN_SMTP_TEST_SECRET", secret_expires_on: "2027-11-20"}
"""


@dataclass(slots=True)
class Place:
    """One environment, its instance in this process, its tenant on this machine."""

    root: Path
    sandbox: Sandbox
    mail: MailSandbox
    clock: SteppedClock
    call: Call

    def secret(self, command: str, *options: str | Path) -> Said:
        """`sn-smtp secret COMMAND dev`."""
        return self.call("secret", command, "dev", "--root", self.root, *options)

    def on_instance(self) -> str:
        """The secret that the instance holds; empty if none."""
        rows = self.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")
        return (decrypt(self.sandbox, rows[0]["client_secret"]) or "") if rows else ""


@pytest.fixture
def place(root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The environment dev rendered, and everything that it talks to."""
    (root / "dev" / "environment.yaml").write_text(INSTANCE, encoding="utf-8")
    assert sn_smtp("render", "dev", "--root", root).code == 0
    clock = SteppedClock(read_clock(os.environ))
    with MailSandbox(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=PRINCIPAL,
        mailbox="servicenow-dev@acme.example",
        clock=clock,
    ) as mail:
        sandbox = Sandbox(name="acme-dev", clock=clock, mail=mail)
        monkeypatch.setattr(instance_call, "make_clock", lambda: clock)
        monkeypatch.setattr(instance_call, "make_adapter", sandbox.adapter)
        for name, value in {
            "SN_SMTP_TEST_PASSWORD": sandbox.admin_password,
            "SN_SMTP_TEST_SECRET": mail.client_secret,
            "SN_SMTP_ENTRA": mail.entra_url,
            "SN_SMTP_GRAPH": mail.graph_url,
            "SN_SMTP_MAIL_CA": str(mail.ca_file),
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": mail.operator_client_id,
            "AZURE_CLIENT_SECRET": mail.operator_secret,
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SN_SMTP_INSTANCE", raising=False)
        yield Place(root, sandbox, mail, clock, sn_smtp)
        sandbox.close()


def _import(place: Place, *options: str) -> Said:
    return place.call("import", "dev", "--root", place.root, "--yes", *options)


# import and deliver


def test_an_import_proves_the_secret(place: Place) -> None:
    said = _import(place)
    assert said.code == 0, said.err
    assert "secret: delivered and proven" in said.out
    assert "asking Microsoft Entra ID" in said.err
    assert place.on_instance() == place.mail.client_secret
    again = _import(place)
    assert "delivered and proven by an earlier import" in again.out
    assert place.mail.client_secret not in said.out + said.err


def test_an_import_delivers_no_secret_that_entra_refuses(place: Place) -> None:
    place.mail.behaviour.entra = "secret_expired"
    said = _import(place)
    assert said.code == 6
    assert "gives no token" in said.err and "7000222" in said.err
    assert place.on_instance() == ""
    place.mail.behaviour.entra = "healthy"
    assert _import(place).code == 0
    assert place.on_instance() == place.mail.client_secret


def test_what_was_delivered_and_not_proven_is_proven_by_the_next_import(place: Place) -> None:
    held = _without_check(place)
    said = place.call("import", "dev", "--root", place.root, "--yes")
    assert said.code == 0
    for row in held:
        place.sandbox.database.update(
            "oauth_entity_scope", row["sys_id"], {"oauth_entity_scope": "nonsense"}, by="x"
        )
    said = place.secret("deliver")
    assert said.code == 6
    assert "delivered, not proven" in said.err
    assert place.on_instance() == place.mail.client_secret
    for row in held:
        place.sandbox.database.update(
            "oauth_entity_scope",
            row["sys_id"],
            {"oauth_entity_scope": row["oauth_entity_scope"]},
            by="x",
        )
    again = _import(place)
    assert "secret: delivered and proven" in again.out


def _without_check(place: Place) -> list[dict[str, str]]:
    _import(place)
    return [dict(row) for row in place.sandbox.database.query("oauth_entity_scope", "")]


def test_deliver_proves_the_secret(place: Place, conforms: Conforms) -> None:
    _import(place)
    found = conforms(place.secret("deliver", "--json"), "secret deliver")
    assert found["result"]["secret"] == "delivered and proven"


def test_a_stand_in_that_answers_for_entra_is_told(place: Place) -> None:
    _import(place)
    assert f"{place.mail.entra_url} answers for it (--entra" in place.secret("deliver").out


def test_deliver_delivers_nothing_that_entra_refuses(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(place)
    monkeypatch.setenv("SN_SMTP_TEST_SECRET", "wr" + "ong-secret-of-a-test")
    said = place.secret("deliver")
    assert said.code == 6
    assert "7000215" in said.err
    assert place.on_instance() == place.mail.client_secret


def test_an_app_without_its_check_leaves_it_delivered_and_not_proven(place: Place) -> None:
    _import(place)
    for row in place.sandbox.database.query("sys_ws_operation", ""):
        place.sandbox.database.update(
            "sys_ws_operation", row["sys_id"], {"active": "false"}, by="x"
        )
    said = place.secret("deliver")
    assert said.code == 6
    assert "delivered, not proven" in said.err
    assert "next: render and import" in said.err


def test_an_entra_that_does_not_answer_is_no_yes(place: Place) -> None:
    _import(place)
    place.mail.behaviour.entra = "not_json"
    said = place.secret("deliver")
    assert said.code == 1
    assert "delivered" not in said.out


def test_a_stand_in_is_on_this_machine(place: Place) -> None:
    for option, command in (("--entra", "deliver"), ("--graph", "status")):
        more = ("--from", "graph") if command == "status" else ()
        said = place.secret(command, option, "https://login.example", *more)
        assert said.code == 2, option
        assert option in said.err


def test_a_sandbox_without_a_mail_side_proves_nothing(place: Place) -> None:
    environment = object()
    call = instance_call.Call(
        environment="dev",
        root=place.root,
        instance_url="http://127.0.0.1:1",
        budget=1,
        templates=None,
        options=None,  # type: ignore[arg-type]
        asks=False,
    )
    assert instance_call.make_prover(call, environment) is None  # type: ignore[arg-type]


# status


def test_status_says_what_the_files_say(place: Place, conforms: Conforms) -> None:
    said = place.secret("status")
    assert said.code == 0
    assert said.out.startswith("dev: the client secret ends 2027-11-20 00:00 UTC, 361 days left")
    found = conforms(place.secret("status", "--json"), "secret status")["result"]
    assert (found["ends_from"], found["days_left"], found["mark"]) == ("environment", 361, None)
    assert [one["source"] for one in found["told"]] == ["environment"]


@pytest.mark.parametrize(
    ("days", "mark", "code"),
    [
        (90, None, 0),
        (61, None, 0),
        (60, 60, 0),
        (31, 60, 0),
        (30, 30, 0),
        (15, 30, 0),
        (14, 14, 6),
        (1, 14, 6),
        (-1, 14, 6),
    ],
)
def test_the_marks_and_the_threshold(
    place: Place, conforms: Conforms, days: int, mark: int | None, code: int
) -> None:
    end = datetime(2027, 11, 20, tzinfo=UTC)
    place.clock.sleep((end - place.clock.now()).total_seconds() - days * 86_400)
    found = conforms(place.secret("status", "--json"), "secret status")
    assert (found["result"]["days_left"], found["result"]["mark"]) == (days, mark)
    assert found["exit_code"] == code
    assert bool(found["result"]["notes"]) is (mark is not None and days > 0)


def test_the_threshold_is_the_users(place: Place) -> None:
    assert place.secret("status", "--fail-within", "400").code == 6
    place.clock.sleep(360 * 86_400)
    assert place.secret("status", "--fail-within", "0").code == 0
    place.clock.sleep(3 * 86_400)
    said = place.secret("status", "--fail-within", "0")
    assert said.code == 6
    assert "ended 2027-11-20" in said.out
    assert "secret rotate dev" in said.err


def test_nobody_knows_is_no_yes(place: Place) -> None:
    text = INSTANCE.replace(', secret_expires_on: "2027-11-20"', "")
    (place.root / "dev" / "environment.yaml").write_text(text, encoding="utf-8")
    said = place.secret("status")
    assert said.code == 6
    assert "nobody knows" in said.out
    assert "--from graph" in said.err


def test_status_asks_the_instance_and_graph(place: Place, conforms: Conforms) -> None:
    _import(place)
    said = place.secret("status", "--from", "instance", "--from", "graph", "--json")
    found = conforms(said, "secret status")["result"]
    assert [one["source"] for one in found["told"]] == ["graph", "instance", "environment"]
    assert found["told"][1]["ends_on"] == "2027-11-20T00:00:00+00:00"
    key = place.mail.first_credential.key_id
    assert [(one["key_id"], one["in_use"]) for one in found["secrets"]] == [(key, True)]
    assert found["ends_from"] == "graph"
    text = place.secret("status", "--from", "graph").out
    assert f"{key} sandbox until" in text and "in use" in text
    # The stand-in's secret ends on another day than the files say.
    assert "note: environment" in text


def test_several_secrets_are_told_apart_by_the_one_at_hand(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.mail.tenant.add(place.mail.tenant.app, now=place.clock.now(), name="other")
    text = place.secret("status", "--from", "graph").out
    assert text.count("at Azure") == 2
    assert text.count("in use") == 1
    monkeypatch.delenv("SN_SMTP_TEST_SECRET")
    said = place.secret("status", "--from", "graph")
    assert said.code == 2
    prompt = INSTANCE.replace("env:SN_SMTP_TEST_SECRET", "prompt")
    (place.root / "dev" / "environment.yaml").write_text(prompt, encoding="utf-8")
    said = place.secret("status", "--from", "graph")
    assert said.code == 0
    assert "which one is in use cannot be told" in said.out
    # It may be another's: what the files say counts more.
    assert "361 days left (environment)" in said.out


def test_graph_that_knows_nobody_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mail.behaviour.graph = "forbidden"
    said = place.secret("status", "--from", "graph")
    assert said.code == 1
    assert "Insufficient privileges" in said.err
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "wr" + "ong")
    place.mail.behaviour.graph = "healthy"
    said = place.secret("status", "--from", "graph")
    assert said.code == 1
    assert "Nobody is signed in" in said.err


# rotate


def test_rotate_by_hand_and_finish(
    place: Place, conforms: Conforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(place)
    old = place.mail.first_credential
    new = place.mail.tenant.add(place.mail.tenant.app, now=place.clock.now(), name="new")
    monkeypatch.setenv("SN_SMTP_TEST_NEW", new.value)
    options = ("--new-secret-from", "env:SN_SMTP_TEST_NEW", "--expires-on", "2028-02-01", "--yes")
    refused = place.secret("rotate", *options)
    assert refused.code == 7
    assert "env:SN_SMTP_TEST_SECRET" in refused.err
    monkeypatch.setenv("SN_SMTP_TEST_SECRET", new.value)
    found = conforms(place.secret("rotate", *options, "--json"), "secret rotate")
    assert found["exit_code"] == 0, found
    assert found["result"]["rotation"]["stage"] == "verified"
    assert found["result"]["rotation"]["via"] == "hand"
    assert place.on_instance() == new.value
    told = place.secret("status").out
    assert "delivered and proven: sn-smtp secret rotate dev --root" in told and "--finish" in told
    early = place.secret("rotate", "--finish", "--yes")
    assert early.code == 7
    unnamed = place.secret("rotate", "--finish", "--grace", "0", "--yes")
    assert unnamed.code == 7
    assert "--old-key-id ID" in unnamed.err
    finish = ("rotate", "--finish", "--grace", "0", "--yes", "--old-key-id")
    typo = place.secret(*finish, "0" * 8 + old.key_id[8:])
    assert typo.code == 7
    assert "has no client secret" in typo.err
    finished = place.secret(*finish, old.key_id)
    assert finished.code == 0, finished.err
    assert f"{old.key_id} is gone" in finished.out
    for value in (old.value, new.value):
        for said in (refused, early, finished):
            assert value not in said.out + said.err
    journal = (place.root / "dev" / ".import" / "rotate.jsonl").read_text(encoding="utf-8")
    assert new.key_id in journal
    assert new.value[:8] not in journal


def test_rotate_by_graph_keeps_the_new_secret_in_the_vault(
    place: Place, conforms: Conforms, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(place)
    held = [place.mail.client_secret]

    class Vault:
        description = "vault:kv/mail#secret"

        def fetch(self) -> Secret:
            return Secret(held[-1])

        def fetch_version(self, version: str) -> Secret:
            return Secret(held[int(version)])

        def current_version(self) -> str:
            return str(len(held) - 1)

        def store(self, secret: Secret, *, note: str) -> str:
            held.append(secret.reveal())
            return self.current_version()

    monkeypatch.setattr(secret_rotate, "source_of", lambda *a: Vault())
    dry = place.secret("rotate", "--dry-run")
    assert dry.code == 0
    assert "would be added to" in dry.out
    found = conforms(place.secret("rotate", "--yes", "--json"), "secret rotate")
    assert found["exit_code"] == 0, found
    assert place.on_instance() == held[-1] != held[0]
    assert found["result"]["rotation"]["vault_version"] == "1"
    assert found["result"]["secret"] == "delivered and proven"


def test_without_a_vault_rotate_says_how(place: Place) -> None:
    _import(place)
    said = place.secret("rotate", "--yes")
    assert said.code == 2
    assert "--new-secret-from" in said.err


def test_without_a_terminal_rotate_wants_yes(place: Place) -> None:
    said = place.secret("rotate")
    assert said.code == 2
    assert "--yes" in said.err


def test_without_a_source_there_is_nothing_to_rotate(place: Place) -> None:
    text = INSTANCE.replace('client_secret_from: "env:SN_SMTP_TEST_SECRET", ', "")
    (place.root / "dev" / "environment.yaml").write_text(text, encoding="utf-8")
    said = place.secret("rotate", "--yes")
    assert said.code == 2
    assert "azure.client_secret_from" in said.err


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--finish", "--undo"), "choose one"),
        (("--finish", "--new-secret-from", "env:X"), "stands alone"),
        (("--expires-on", "2028-01-01"), "--new-secret-from"),
        (("--new-secret-from", "env:X", "--expires-on", "tomorrow"), "--expires-on"),
        (("--old-key-id", "not-a-guid"), "key id"),
        (("--undo",), "nothing to put back"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_calls_are_told(place: Place, options: tuple[str, ...], word: str) -> None:
    _import(place)
    said = place.secret("rotate", *options, "--yes")
    assert said.code in (2, 7)
    assert word in said.err


def test_a_locked_environment_is_not_rotated_twice_at_once(place: Place) -> None:
    from generator.instance.journal import import_lock

    _import(place)
    with import_lock(place.root / "dev"):
        said = place.secret("rotate", "--yes", "--undo")
    assert said.code == 7
    assert "at work" in said.err
