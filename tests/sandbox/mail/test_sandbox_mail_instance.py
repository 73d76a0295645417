"""The sandbox instance with mail stand-ins: its tokens, the app's REST API, its sender job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mail_stand_ins import ACCOUNT, APP_SCOPE, ENTITY, MAILBOX, START, instance_with, serving
from werkzeug.test import Client

from generator.clock import SteppedClock
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox
from generator.sandbox.passwords import encrypt, seal

HEALTH = f"/api/{APP_SCOPE}/smtp_oauth/health"
TEST = f"/api/{APP_SCOPE}/smtp_oauth/test"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}
MARKER = "marker-0001"
TO = "someone@contoso.example"


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
def mail(clock: SteppedClock) -> Iterator[MailSandbox]:
    with serving(clock=clock) as made:
        yield made


@pytest.fixture
def box(mail: MailSandbox, clock: SteppedClock) -> Iterator[Sandbox]:
    made = instance_with(mail, clock=clock)
    yield made
    made.close()


def call(box: Sandbox, method: str, path: str, **more: object) -> tuple[int, dict[str, object]]:
    client = Client(box.wsgi)
    auth = more.pop("auth", (box.admin_user, box.admin_password))
    answer = client.open(path, method=method, headers=JSON, auth=auth, **more)  # type: ignore[arg-type]
    found = answer.get_json()
    assert isinstance(found, dict)
    return answer.status_code, found


def health(box: Sandbox, **query: str) -> dict[str, object]:
    status, found = call(box, "GET", HEALTH, query_string={"account": ACCOUNT, **query})
    assert status == 200, found
    result = found["result"]
    assert isinstance(result, dict)
    return result


def test(box: Sandbox, **changes: object) -> dict[str, object]:
    body = {"account": ACCOUNT, "to": TO, "marker": MARKER, **changes}
    status, found = call(box, "POST", TEST, json=body)
    assert status == 200, found
    result = found["result"]
    assert isinstance(result, dict)
    return result


test.__test__ = False  # type: ignore[attr-defined]


def outbox(box: Sandbox) -> dict[str, object]:
    status, found = call(
        box, "GET", "/api/now/table/sys_email", query_string={"sysparm_query": "subjectLIKEmarker"}
    )
    assert status == 200
    rows = found["result"]
    assert isinstance(rows, list) and len(rows) == 1
    row = rows[0]
    assert isinstance(row, dict)
    return row


def change(box: Sandbox, table: str, sys_id: str, **values: str) -> None:
    box.database.update(table, sys_id, values, by="test")


def set_property(box: Sandbox, name: str, value: str) -> None:
    rows = box.database.query("sys_properties", f"name={name}")
    if rows:
        change(box, "sys_properties", rows[0]["sys_id"], value=value)
    else:
        box.database.insert("sys_properties", {"name": name, "value": value}, by="test")


def test_a_right_account_is_ok_and_its_message_arrives(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    found = health(box)
    assert found["status"] == "ok" and found["ok"] is True
    assert found["token_expires_on"] == "2027-01-04 09:59:59"
    assert found["account"] == ACCOUNT and found["test_queued"] is False
    result = test(box)
    assert result["test_queued"] is True
    row = outbox(box)
    assert row["type"] == "send-ready" and f"[{MARKER}]" in str(row["subject"])
    assert mail.messages == []
    clock.sleep(61)
    assert outbox(box)["type"] == "sent"
    (message,) = mail.messages
    assert message.marker == MARKER
    assert message.recipients == (TO,) and message.from_address == MAILBOX
    clock.sleep(61)
    outbox(box)
    assert len(mail.messages) == 1


def test_the_sender_runs_as_often_as_its_switch_says(box: Sandbox, clock: SteppedClock) -> None:
    box.behaviour.sender_seconds = 5
    test(box)
    clock.sleep(5)
    assert outbox(box)["type"] == "sent"


def test_without_stand_ins_it_says_that_nothing_is_within_reach(clock: SteppedClock) -> None:
    box = instance_with(None, clock=clock)
    found = health(box)
    assert found["status"] == "no_token" and "within reach" in str(found["message"])
    assert test(box)["test_queued"] is False
    box.database.insert(
        "sys_email", {"type": "send-ready", "subject": "marker", "recipients": TO}, by="test"
    )
    clock.sleep(600)
    assert outbox(box)["type"] == "send-ready"
    box.close()


def test_stopped_stand_ins_are_out_of_reach(box: Sandbox, mail: MailSandbox) -> None:
    mail.stop()
    assert "within reach" in str(health(box)["message"])


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("client_id", "00000000-0000-4000-8000-000000000000", "AADSTS700016"),
        (
            "token_url",
            "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/oauth2/v2.0/token",
            "AADSTS90002",
        ),
        ("token_url", "https://elsewhere.example/oauth2/v2.0/token", "UnknownHostException"),
        ("active", "false", "not active"),
    ],
)
def test_wrong_records_fail_as_entra_says(box: Sandbox, column: str, value: str, code: str) -> None:
    change(box, "oauth_entity", ENTITY, **{column: value})
    found = health(box)
    assert found["status"] == "no_token" and code in str(found["message"])


def test_a_wrong_scope_fails_as_entra_says(box: Sandbox) -> None:
    change(box, "oauth_entity_scope", "d" * 32, oauth_entity_scope="https://outlook.office.com/x")
    assert "AADSTS1002012" in str(health(box)["message"])


@pytest.mark.parametrize("kind", ["none", "foreign", "wrong"])
def test_only_the_right_secret_of_this_instance_gets_a_token(
    box: Sandbox, mail: MailSandbox, kind: str
) -> None:
    stored = {
        "none": "",
        "foreign": seal(box, mail.client_secret),
        "wrong": encrypt(box, "w" + mail.client_secret),
    }[kind]
    change(box, "oauth_entity", ENTITY, client_secret=stored)
    found = health(box)
    assert found["status"] == "no_token" and "AADSTS7000215" in str(found["message"])
    assert mail.client_secret not in str(found)


@pytest.mark.parametrize("kind", ["not_json", "no_token", "unavailable"])
def test_what_is_no_token_is_none(box: Sandbox, mail: MailSandbox, kind: str) -> None:
    mail.behaviour.entra = kind
    assert health(box)["status"] == "no_token"


@pytest.mark.parametrize("kind", ["entra_endless", "entra_huge"])
def test_an_endless_answer_is_no_token(box: Sandbox, mail: MailSandbox, kind: str) -> None:
    mail.behaviour.hostile = kind
    assert "did not answer (OSError)" in str(health(box)["message"])


def test_a_refusal_that_repeats_the_secret_is_cleaned(box: Sandbox, mail: MailSandbox) -> None:
    mail.behaviour.hostile = "entra_echo"
    found = health(box)
    assert found["status"] == "no_token" and "[removed]" in str(found["message"])
    assert mail.client_secret not in str(found)


def test_statuses_come_in_the_order_of_the_script(box: Sandbox) -> None:
    set_property(box, f"{APP_SCOPE}.secret_expires_on", "2027-01-14 12:00:00")
    found = health(box)
    assert (found["status"], found["ok"]) == ("secret_expires", True)
    assert found["secret_days_left"] == 10
    assert found["secret_expires_on"] == "2027-01-14 12:00:00"
    set_property(box, f"{APP_SCOPE}.warn_days", "5")
    assert health(box)["status"] == "ok"
    set_property(box, f"{APP_SCOPE}.secret_expires_on", "2027-01-01 12:00:00")
    assert "ended on" in str(health(box)["message"])
    set_property(box, f"{APP_SCOPE}.secret_expires_on", "soon")
    assert "not watched" in str(health(box)["message"])
    change(box, "sys_email_account", ACCOUNT, active="false")
    found = health(box)
    assert (found["status"], found["ok"]) == ("inactive", False)
    assert found["token_expires_on"]
    change(box, "oauth_entity_profile", "c" * 32, oauth_entity="")
    assert "no application registry entry" in str(health(box)["message"])
    box.database.delete("oauth_entity_profile", "c" * 32)
    assert health(box)["status"] == "error"
    change(box, "sys_email_account", ACCOUNT, oauth_profile="")
    assert "names no OAuth profile" in str(health(box)["message"])
    change(box, "sys_email_account", ACCOUNT, authentication="password")
    assert health(box)["status"] == "not_oauth"
    change(box, "sys_email_account", ACCOUNT, type="pop3")
    assert "not an SMTP account" in str(health(box)["message"])
    box.database.delete("sys_email_account", ACCOUNT)
    assert "missing in sys_email_account" in str(health(box)["message"])


@pytest.mark.parametrize("table", ["sys_ws_operation", "sys_ws_definition"])
def test_the_api_is_there_only_while_its_records_are_active(box: Sandbox, table: str) -> None:
    for row in box.database.query(table):
        if row.get("base_uri", row.get("operation_uri", "")).startswith(f"/api/{APP_SCOPE}"):
            change(box, table, row["sys_id"], active="false")
    status, found = call(box, "GET", HEALTH, query_string={"account": ACCOUNT})
    assert status == 404 and "does not represent any resource" in str(found)


def test_it_needs_authentication_and_the_apps_role(box: Sandbox) -> None:
    from generator.sandbox.seed import add_administrator

    path = f"{HEALTH}?account={ACCOUNT}"
    assert Client(box.wsgi).get(path, headers=JSON).status_code == 401
    secret = "p" + "w"
    user = add_administrator(box, "somebody", password=secret)
    del user
    (row,) = box.database.query("sys_user", "user_name=somebody")
    for held in box.database.query("sys_user_has_role", f"user={row['sys_id']}"):
        box.database.delete("sys_user_has_role", held["sys_id"])
    status, found = call(box, "GET", path, auth=("somebody", secret))
    assert status == 403 and f"{APP_SCOPE}.user" in str(found)
    role = box.database.insert("sys_user_role", {"name": f"{APP_SCOPE}.user"}, by="test")
    held = {"user": row["sys_id"], "role": role["sys_id"]}
    box.database.insert("sys_user_has_role", held, by="test")
    assert call(box, "GET", path, auth=("somebody", secret))[0] == 200
    role = box.database.insert("sys_user_role", {"name": "snc_external"}, by="test")
    held = {"user": row["sys_id"], "role": role["sys_id"]}
    box.database.insert("sys_user_has_role", held, by="test")
    assert call(box, "GET", path, auth=("somebody", secret))[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        {"account": "x", "to": TO, "marker": MARKER},
        {"account": ACCOUNT, "to": "two words", "marker": MARKER},
        {"account": ACCOUNT, "to": TO, "marker": "[x]"},
        {"account": ACCOUNT, "to": TO},
    ],
)
def test_a_call_that_is_not_understood_is_refused(box: Sandbox, body: dict[str, str]) -> None:
    status, found = call(box, "POST", TEST, json=body)
    assert status == 400 and "not understood" in str(found)
    assert box.database.count("sys_email") == 0


def test_without_an_active_notification_no_message_is_made(box: Sandbox) -> None:
    change(box, "sysevent_email_action", "1" * 32, active="false")
    assert test(box)["test_queued"] is True
    assert box.database.count("sys_email") == 0


def test_an_inactive_account_queues_nothing(box: Sandbox) -> None:
    change(box, "sys_email_account", ACCOUNT, active="false")
    found = test(box)
    assert found["test_queued"] is False and "No test message" in str(found["message"])


def test_outbound_mail_off_keeps_it_queued(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    set_property(box, "glide.email.smtp.active", "false")
    test(box)
    clock.sleep(300)
    assert outbox(box)["type"] == "send-ready" and mail.messages == []


def test_mail_is_redirected_to_the_test_user(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    set_property(box, "glide.email.test.user", "tester@contoso.example, b@contoso.example")
    test(box)
    clock.sleep(61)
    assert outbox(box)["type"] == "sent"
    assert mail.messages[0].recipients == ("tester@contoso.example", "b@contoso.example")


def test_it_leaves_through_the_active_account(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    test(box)
    (old,) = box.database.query("sys_email_account", "name=ServiceNow SMTP")
    change(box, "sys_email_account", ACCOUNT, active="false")
    change(box, "sys_email_account", old["sys_id"], active="true")
    clock.sleep(61)
    # Its server is not imitated: nothing is said of what became of it.
    assert outbox(box)["type"] == "send-ready"
    assert any("wait" in line for line in box.log)
    change(box, "sys_email_account", old["sys_id"], active="false")
    clock.sleep(61)
    assert outbox(box)["type"] == "send-ready"
    change(box, "sys_email_account", ACCOUNT, active="true")
    clock.sleep(61)
    assert outbox(box)["type"] == "sent"


@pytest.mark.parametrize(
    ("switch", "value", "kind", "said"),
    [
        ("smtp_data", "mailbox_full", "send-failed", "554 5.2.2 mailbox full"),
        ("smtp_data", "logon_failure", "send-ready", "430 4.2.0 STOREDRV"),
        ("smtp_auth", "rejected", "send-ready", "535 5.7.3"),
        ("smtp_auth", "basic_unsupported", "send-failed", "550 5.7.30"),
        ("xoauth2_challenge", True, "send-ready", "535 5.7.3"),
        ("certificate", "unknown_ca", "send-ready", "no SMTP session"),
        ("cut", "smtp_mail", "send-ready", "no SMTP session"),
        ("cut", "smtp", "send-ready", "no SMTP session"),
    ],
)
def test_a_message_that_does_not_leave_says_why(
    box: Sandbox,
    mail: MailSandbox,
    clock: SteppedClock,
    switch: str,
    value: object,
    kind: str,
    said: str,
) -> None:
    mail.behaviour.set({switch: value})
    if switch == "xoauth2_challenge":
        mail.behaviour.exchange_object_id = "none"
    test(box)
    clock.sleep(61)
    row = outbox(box)
    assert (row["type"], mail.messages) == (kind, [])
    assert said in str(row["error_string"])


def test_a_server_without_end_keeps_no_reader_waiting(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.sandbox.mail_sender.MOST_WAITED", 0.2)
    test(box)
    mail.behaviour.hostile = "smtp_endless"
    clock.sleep(61)
    assert outbox(box)["type"] == "send-ready"
    assert any("still busy" in line for line in box.log)
    clock.sleep(61)
    # Nobody sends beside it, and nobody waits for it.
    assert outbox(box)["type"] == "send-ready"
    mail.stop()
    assert box.mail_side.sending.acquire(timeout=20)


def test_a_slow_token_endpoint_keeps_no_caller_waiting(
    box: Sandbox, mail: MailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.sandbox.oauth_client.MOST_SECONDS", 0.2)
    mail.behaviour.set({"slow": "entra", "slow_ms": 60})
    assert "did not answer" in str(health(box)["message"])


def test_a_failure_of_the_sender_is_told_by_its_kind(
    box: Sandbox, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_options: object) -> None:
        raise RuntimeError("a text")

    monkeypatch.setattr("generator.sandbox.mail_sender._open", fail)
    test(box)
    clock.sleep(61)
    assert outbox(box)["type"] == "send-ready"
    assert "mail: the sender failed (RuntimeError)" in box.log
    # The next run is not kept out.
    assert box.mail_side.sending.acquire(blocking=False)


def test_the_interval_may_change_while_it_runs(box: Sandbox, clock: SteppedClock) -> None:
    box.behaviour.sender_seconds = 5
    outbox_of(box)
    box.behaviour.sender_seconds = 60
    test(box)
    clock.sleep(61)
    assert outbox(box)["type"] == "sent"


def outbox_of(box: Sandbox) -> None:
    call(box, "GET", "/api/now/table/sys_email")


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"recipients": "nobody", "subject": "marker"}, ""),
        ({"recipients": "a@b.example\r\nBcc: c@d.example", "subject": "marker"}, "550 "),
        ({"recipients": "", "direct": "a@b.example", "subject": "marker\r\nX: y"}, ""),
    ],
)
def test_odd_rows_of_the_outbox_do_no_harm(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock, row: dict[str, str], error: str
) -> None:
    box.database.insert("sys_email", {"type": "send-ready", **row}, by="test")
    clock.sleep(61)
    found = outbox(box)
    assert found["type"] == ("send-failed" if error else "sent")
    assert str(found["error_string"]).startswith(error)
    assert all("\n" not in message.subject for message in mail.messages)


def test_a_refused_recipient_is_told(box: Sandbox, mail: MailSandbox, clock: SteppedClock) -> None:
    test(box)
    mail.behaviour.set({"smtp_transient": "temporary", "smtp_transient_at": "rcpt"})
    clock.sleep(61)
    row = outbox(box)
    assert row["type"] == "send-ready" and "451 4.7.0" in str(row["error_string"])


def test_what_is_not_retried_is_a_matter_of_the_properties(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    mail.behaviour.smtp_data = "concurrent"
    set_property(box, "glide.smtp.default_retry", "false")
    test(box)
    clock.sleep(61)
    assert outbox(box)["type"] == "send-failed"


def test_the_sender_takes_the_kept_token_until_it_ends(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    test(box)
    mail.behaviour.entra = "secret_expired"
    clock.sleep(61)
    assert outbox(box)["type"] == "sent"
    box.database.update("sys_email", str(outbox(box)["sys_id"]), {"type": "send-ready"}, by="test")
    clock.sleep(7200)
    row = outbox(box)
    assert row["type"] == "send-ready" and "AADSTS7000222" in str(row["error_string"])


def test_basic_and_implicit_tls_are_tried_too(clock: SteppedClock) -> None:
    with serving(clock=clock, connection_security="ssl") as mail:
        box = instance_with(mail, clock=clock)
        change(box, "sys_email_account", ACCOUNT, connection_security="ssl")
        test(box)
        clock.sleep(61)
        assert outbox(box)["type"] == "sent"
        change(box, "sys_email_account", ACCOUNT, authentication="password")
        sys_id = str(outbox(box)["sys_id"])
        box.database.update("sys_email", sys_id, {"type": "send-ready"}, by="test")
        clock.sleep(61)
        assert "basic authentication is disabled" in str(outbox(box)["error_string"])
        box.close()


def test_an_address_that_cannot_be_written_fails(box: Sandbox, clock: SteppedClock) -> None:
    box.database.insert(
        "sys_email", {"type": "send-ready", "subject": "marker", "recipients": ""}, by="test"
    )
    clock.sleep(61)
    assert outbox(box)["type"] == "send-failed"


def test_the_control_paths_tell_and_set(
    box: Sandbox, mail: MailSandbox, clock: SteppedClock
) -> None:
    client = Client(box.wsgi)
    local = {"REMOTE_ADDR": "127.0.0.1"}
    answer = client.post(
        "/__sandbox__/mail-behaviour", json={"smtp_data": "quota"}, environ_overrides=local
    )
    assert answer.status_code == 200 and mail.behaviour.smtp_data == "quota"
    assert client.get("/__sandbox__/mail-behaviour", environ_overrides=local).json == (
        mail.behaviour.to_json()
    )
    answer = client.post(
        "/__sandbox__/mail-behaviour", json={"smtp_dat": "x"}, environ_overrides=local
    )
    assert answer.status_code == 400 and "smtp_data" in answer.text
    mail.behaviour.smtp_data = "healthy"
    test(box)
    clock.sleep(61)
    outbox(box)
    found = client.get("/__sandbox__/mail", environ_overrides=local).json
    assert found is not None and found["count"] == 1
    assert found["messages"][0]["marker"] == MARKER
    assert set(found["messages"][0]) == {
        "mail_from",
        "recipients",
        "from",
        "subject",
        "marker",
        "size",
        "received_at",
    }


def test_without_stand_ins_their_control_paths_are_not_there(clock: SteppedClock) -> None:
    box = instance_with(None, clock=clock)
    client = Client(box.wsgi)
    for path in ("mail", "mail-behaviour"):
        found = client.get(f"/__sandbox__/{path}", environ_overrides={"REMOTE_ADDR": "127.0.0.1"})
        assert found.status_code == 404
    box.close()
