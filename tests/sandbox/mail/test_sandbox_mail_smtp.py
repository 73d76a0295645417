"""The imitated SMTP server: STARTTLS, XOAUTH2, each reply in Exchange's words."""

from __future__ import annotations

import json
import smtplib
import ssl
from pathlib import Path

import pytest
from mail_stand_ins import MAILBOX, OTHER, START, blob, send, serving, session, sign_in, token_of

from generator.sandbox.mail import exchange
from generator.sandbox.mail.mail_switches import MAIL_SWITCHES


def values_of(switch: str) -> list[str]:
    return MAIL_SWITCHES[switch].accepts.split("|")


@pytest.mark.parametrize("one_step", [True, False])
def test_a_right_token_signs_in_and_a_message_is_taken(one_step: bool) -> None:
    with serving() as mail, session(mail) as made:
        assert "xoauth2" in made.esmtp_features["auth"].lower()
        assert made.esmtp_features["size"] == "157286400"
        assert sign_in(made, token_of(mail), one_step=one_step) == (
            235,
            "2.7.0 Authentication successful",
        )
        assert send(made) == "250"
        (message,) = mail.messages
        assert (message.mail_from, message.recipients) == (MAILBOX, ("x@y.example",))
        assert (message.subject, message.marker) == ("Test [abcd-1234]", "abcd-1234")
        assert message.received_at == START
        assert "text of its own" not in repr(message)


def test_before_tls_no_authentication_is_offered_or_taken() -> None:
    with serving() as mail, session(mail, tls=False) as made:
        assert "auth" not in made.esmtp_features
        code, _ = made.docmd("AUTH", "XOAUTH2")
        assert code == 538


def test_a_message_needs_authentication() -> None:
    with serving() as mail, session(mail) as made:
        code, text = made.mail(MAILBOX)
        assert code == 530 and text.startswith(b"5.7.57 Client not authenticated to send mail. [")


@pytest.mark.parametrize("kind", values_of("claims"))
def test_what_is_in_the_token_decides(kind: str) -> None:
    with serving(claims=kind) as mail, session(mail) as made:
        code, text = sign_in(made, token_of(mail))
        if kind in ("healthy", "v2"):
            assert code == 235
        else:
            assert (code, text[:34]) == (535, "5.7.3 Authentication unsuccessful ")
            assert f"[{exchange.HOST} 2027-01-04T09:00:00" in text


@pytest.mark.parametrize(
    ("kind", "code"), [("healthy", 235), ("no_roles", 235), ("aud_graph", 535)]
)
def test_with_rbac_no_role_is_right(kind: str, code: int) -> None:
    with serving(authorization="app_rbac", claims=kind) as mail, session(mail) as made:
        assert sign_in(made, token_of(mail))[0] == code


@pytest.mark.parametrize(
    ("switches", "code", "text"),
    [
        ({"exchange_object_id": "application"}, 535, "5.7.3"),
        ({"exchange_object_id": "none"}, 535, "5.7.3"),
        ({"organisation_smtp_auth": "off"}, 535, "disabled for the Tenant"),
        ({"organisation_smtp_auth": "off", "mailbox_smtp_auth": "on"}, 235, ""),
        ({"mailbox_smtp_auth": "off"}, 535, "disabled for the Mailbox"),
        ({"exchange_object_id": "none", "xoauth2_challenge": True}, 535, "5.7.3"),
    ],
)
def test_exchanges_own_objects_decide(switches: dict[str, object], code: int, text: str) -> None:
    with serving(**switches) as mail, session(mail) as made:
        found = sign_in(made, token_of(mail))
        assert found[0] == code and text in found[1]


def test_another_mailbox_is_not_signed_in() -> None:
    with serving() as mail, session(mail) as made:
        assert sign_in(made, token_of(mail), user=OTHER)[0] == 535
        assert sign_in(made, token_of(mail), user=MAILBOX.upper())[0] == 235


def test_a_token_ends() -> None:
    with serving() as mail, session(mail) as made:
        token = token_of(mail)
        mail.clock.sleep(3601)
        assert sign_in(made, token)[0] == 535


def test_a_token_of_somebody_else_is_none() -> None:
    with serving() as mail, session(mail) as made:
        operator = token_of(
            mail, client_id=mail.operator_client_id, client_secret=mail.operator_secret
        )
        assert sign_in(made, operator)[0] == 535


@pytest.mark.parametrize("kind", values_of("smtp_auth")[1:])
def test_each_refusal_of_auth_can_be_switched_on(kind: str) -> None:
    with serving(smtp_auth=kind) as mail, session(mail) as made:
        code, text = sign_in(made, token_of(mail))
        wanted = exchange.AUTH_REPLIES[kind].removesuffix(" {place}")
        assert f"{code} {text}".startswith(wanted)
        assert "{" not in text


@pytest.mark.parametrize("kind", values_of("smtp_mail")[1:])
def test_mail_from_can_be_refused(kind: str) -> None:
    with serving(smtp_mail=kind) as mail, session(mail) as made:
        sign_in(made, token_of(mail))
        assert "530 5.7.57" in send(made)


@pytest.mark.parametrize("kind", values_of("smtp_data")[1:])
def test_each_refusal_of_a_message_can_be_switched_on(kind: str) -> None:
    with serving(smtp_data=kind) as mail, session(mail) as made:
        sign_in(made, token_of(mail))
        assert send(made) == exchange.DATA_REPLIES[kind]
        assert mail.messages == []


@pytest.mark.parametrize(
    ("switches", "refused"),
    [
        ({"mailbox_permission": False}, True),
        ({"rbac_scope": False}, False),
        ({"authorization": "app_rbac", "rbac_scope": False}, True),
        ({"authorization": "app_rbac", "mailbox_permission": False}, False),
        # With a role in the token the permission counts, RBAC or not.
        ({"authorization": "app_rbac", "claims": "role", "mailbox_permission": False}, True),
    ],
)
def test_that_the_mailbox_cannot_be_opened_is_said_at_the_end(
    switches: dict[str, object], refused: bool
) -> None:
    given = dict(switches)
    with_role = given.pop("claims", None) is not None
    with serving(**given) as mail, session(mail) as made:
        if with_role:
            mail.authorization = "app_role"
        token = token_of(mail)
        mail.authorization = str(given.get("authorization", "app_role"))
        assert sign_in(made, token)[0] == 235
        assert send(made).startswith("430 4.2.0 STOREDRV" if refused else "250")


@pytest.mark.parametrize("kind", values_of("send_as"))
def test_another_sender_needs_the_right(kind: str) -> None:
    with serving(send_as=kind) as mail, session(mail) as made:
        sign_in(made, token_of(mail))
        found = send(made, sender=OTHER)
        if kind == "granted":
            assert found == "250" and mail.messages[0].from_address == OTHER
        else:
            assert found == exchange.SEND_AS_REPLIES[kind].format(user=MAILBOX, sender=OTHER)
        assert send(made) == "250"


@pytest.mark.parametrize("phase", values_of("smtp_transient_at"))
@pytest.mark.parametrize("kind", values_of("smtp_transient")[1:])
def test_a_transient_reply_may_come_at_any_phase(kind: str, phase: str) -> None:
    wanted = exchange.TRANSIENT_REPLIES[kind]
    with serving(smtp_transient=kind, smtp_transient_at=phase) as mail:
        assert _dialogue(mail) == wanted
        # Once only: the next session gets through.
        mail.behaviour.smtp_transient_times = 1
        if phase in ("greeting", "ehlo", "auth", "mail", "data"):
            assert _dialogue(mail) == wanted
            assert _dialogue(mail) == "250"


def _dialogue(mail: object) -> str:
    """The first refusal of a whole session, or 250."""
    from generator.sandbox.mail.stand_in import MailSandbox

    assert isinstance(mail, MailSandbox)
    token = token_of(mail)
    made = smtplib.SMTP(timeout=20)
    made._host = mail.smtp_host  # type: ignore[attr-defined]
    context = ssl.create_default_context(cafile=str(mail.ca_file))
    try:
        steps = (
            lambda: made.connect(mail.smtp_host, mail.smtp_port),
            lambda: made.docmd("EHLO", "client.example"),
            lambda: made.starttls(context=context),
            lambda: made.docmd("EHLO", "client.example"),
            lambda: _auth(made, token),
            lambda: made.docmd("MAIL", f"FROM:<{MAILBOX}>"),
            lambda: made.docmd("RCPT", "TO:<x@y.example>"),
            lambda: made.data(b"From: " + MAILBOX.encode() + b"\r\n\r\nx\r\n"),
        )
        for step in steps:
            try:
                code, text = step()
            except smtplib.SMTPResponseException as error:
                code, text = error.smtp_code, error.smtp_error  # type: ignore[assignment]
            if code >= 400:
                return f"{code} {text.decode()}"
    finally:
        made.close()
    return "250"


def _auth(made: smtplib.SMTP, token: str) -> tuple[int, bytes]:
    made.ehlo_resp = b""
    from base64 import b64encode

    return made.docmd("AUTH", "XOAUTH2 " + b64encode(blob(token).encode()).decode())


def test_basic_is_refused_whatever_comes() -> None:
    with serving() as mail, session(mail) as made:
        with pytest.raises(smtplib.SMTPAuthenticationError, match="basic authentication"):
            made.login("a", "p" + "w")
        assert made.docmd("AUTH", "LOGIN") == (334, b"VXNlcm5hbWU6")
        assert made.docmd("eA==") == (334, b"UGFzc3dvcmQ6")
        assert made.docmd("eA==")[0] == 535
        mail.behaviour.smtp_auth = "security_defaults"
        with pytest.raises(smtplib.SMTPAuthenticationError, match="security defaults"):
            made.login("a", "p" + "w")


def test_xoauth2_may_not_be_offered() -> None:
    with serving(xoauth2="missing") as mail, session(mail) as made:
        assert made.esmtp_features["auth"].split() == ["LOGIN"]
        assert made.docmd("AUTH", "XOAUTH2 eA==")[0] == 504


@pytest.mark.parametrize("kind", ["missing", "refused", "broken"])
def test_tls_may_not_be_had(kind: str) -> None:
    with serving(starttls=kind) as mail, session(mail, tls=False) as made:
        assert made.has_extn("starttls") is (kind != "missing")
        context = ssl.create_default_context(cafile=str(mail.ca_file))
        with pytest.raises((smtplib.SMTPException, OSError)):
            made.starttls(context=context)


@pytest.mark.parametrize("kind", ["other_name", "unknown_ca"])
def test_the_certificate_may_be_wrong(kind: str) -> None:
    with serving(certificate=kind) as mail, session(mail, tls=False) as made:
        context = ssl.create_default_context(cafile=str(mail.ca_file))
        with pytest.raises(ssl.SSLCertVerificationError):
            made.starttls(context=context)


def test_tls_may_be_there_from_the_start() -> None:
    with serving(connection_security="ssl") as mail:
        context = ssl.create_default_context(cafile=str(mail.ca_file))
        with smtplib.SMTP_SSL(mail.smtp_host, mail.smtp_port, context=context, timeout=20) as made:
            made.ehlo()
            assert not made.has_extn("starttls")
            assert sign_in(made, token_of(mail))[0] == 235


@pytest.mark.parametrize("answer", ["*", "no base64", "eA=="])
def test_a_client_that_breaks_off_gets_535(answer: str) -> None:
    with serving() as mail, session(mail) as made:
        assert made.docmd("AUTH", "XOAUTH2") == (334, b"")
        assert made.docmd(answer)[0] == 535
        assert made.docmd("AUTH", "XOAUTH2 !")[0] == 535


def test_a_blob_that_is_none_is_refused() -> None:
    with serving() as mail, session(mail) as made:
        assert sign_in(made, "x", user="")[0] == 535
        code, _ = made.docmd("AUTH", "XOAUTH2 dXNlcj14AWF1dGg9QmFzaWMgeAEB")
        assert code == 535


def test_odd_messages_are_taken(tmp_path: Path) -> None:
    with serving(mailbox_directory=tmp_path / "kept") as mail, session(mail) as made:
        sign_in(made, token_of(mail))
        subject = b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= [abc]"
        made.sendmail(
            MAILBOX,
            ["x@y.example"],
            b"From: " + MAILBOX.encode() + b"\r\nSubject: " + subject + b"\r\n\r\nx",
        )
        made.sendmail(MAILBOX, ["x@y.example"], b"Subject: =?nonsense?q?x?=\r\n\r\nx")
        first, second = mail.messages
        assert (first.subject, first.marker) == ("Grüße [abc]", "")
        assert second.from_address == ""
        assert mail.mailbox_path == tmp_path / "kept" / "mailbox"
        assert len(list((tmp_path / "kept" / "mailbox" / "new").iterdir())) == 2
        assert (tmp_path / "kept" / "mailbox").stat().st_mode & 0o777 == 0o700


def test_a_mailbox_that_cannot_be_written_is_a_reply(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with serving(mailbox_directory=file / "below") as mail, session(mail) as made:
        sign_in(made, token_of(mail))
        assert send(made).startswith("451 4.7.0")


def test_replies_are_counted_and_can_be_delayed() -> None:
    with serving() as mail:
        before = mail.replies
        with session(mail) as made:
            assert mail.replies - before == 4
            mail.latency = 0.01
            made.noop()
            assert mail.replies - before == 5


def test_the_texts_are_those_of_the_specification(repository: Path) -> None:
    samples = repository.parent / "shared" / "samples" / "azure" / "smtp_replies.json"
    if not samples.is_file():
        pytest.skip("the samples of the specification are not here")
    replies = {
        exchange.AUTHENTICATED,
        *exchange.AUTH_REPLIES.values(),
        *exchange.MAIL_REPLIES.values(),
        *exchange.DATA_REPLIES.values(),
        *exchange.SEND_AS_REPLIES.values(),
        *exchange.TRANSIENT_REPLIES.values(),
    }
    own = {
        text.replace(" {place}", "").format(user=MAILBOX, sender=OTHER, place="")
        for text in replies
    }
    for sample in json.loads(samples.read_text(encoding="utf-8")):
        reply = sample["reply"].split(" [AM0PR")[0]
        if not reply.startswith(("250", "334")):
            assert reply in own
