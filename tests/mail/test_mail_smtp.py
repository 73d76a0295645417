"""The SMTP side against servers that say odd things: two steps, lost replies, limits."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mail_setting import MAILBOX, OTHER, TENANT
from smtp_script import ScriptedSmtp, script

from generator.azure.clouds import Cloud
from generator.clock import SteppedClock
from generator.config.environment import Authorization, ConnectionSecurity
from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.message import build_message, is_address, new_marker
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.mail.smtp import Evidence, Submission
from generator.mail.smtp_replies import Phase, Reply, meaning_of
from generator.mail.smtp_rows import ROWS
from generator.mail.smtp_session import Steps, xoauth2
from generator.mail.token import Token

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MARKER = "marker-0123456789"


def token(value: str = "abcdefghijklmnopqrstuvwxyz.0123456789") -> Token:
    return Token(value, expires_on=NOW + timedelta(hours=1), answered_at=NOW)


@pytest.fixture
def plain() -> MailSettings:
    return MailSettings(
        tenant_id=TENANT,
        client_id="2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
        service_principal_object_id=None,
        authorization=Authorization.APP_ROLE,
        cloud=Cloud.PUBLIC,
        token_url=f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
        scope="https://outlook.office365.com/.default",
        smtp_host="localhost",
        smtp_port=0,
        connection_security=ConnectionSecurity.SSL,
        user_name=MAILBOX,
        from_address=MAILBOX,
        secret_expires_on=None,
    )


class Talk:
    """A submission to a scripted server, and what it told."""

    def __init__(self, server: ScriptedSmtp, settings: MailSettings, **options: object) -> None:
        self.clock = SteppedClock(NOW)
        self.told: list[str] = []
        self.settings = replace(settings, smtp_port=server.port)
        network = Network(
            ca_file=server.ca_file, clock=self.clock, timeout_seconds=5, whole_seconds=10
        )
        self.submission = Submission(
            self.settings,
            network=network,
            tell=self.told.append,
            **options,  # type: ignore[arg-type]
        )

    def sign_in(self, value: Token | None = None) -> LinkResult:
        assert self.submission.open().verdict is Verdict.OK
        return self.submission.sign_in(value or token(), Evidence())

    def send(self) -> LinkResult:
        assert self.sign_in().verdict is Verdict.OK
        message = build_message(self.settings, recipient=OTHER, marker=MARKER, now=NOW)
        return self.submission.send(message, recipient=OTHER, marker=MARKER)


def test_the_blob_is_that_of_the_documentation() -> None:
    # The test vector of Microsoft's page, taken apart so that it is no literal blob.
    value = "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"
    blob = xoauth2("test@contoso.onmicrosoft.com", token(value))
    assert b64decode(blob) == (
        b"user=test@contoso.onmicrosoft.com\x01auth=Bearer " + value.encode() + b"\x01\x01"
    )
    assert blob.startswith("dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3")
    assert blob.endswith("QUEBAQ==")


def test_tls_from_the_first_byte(tmp_path: Path, plain: MailSettings) -> None:
    with ScriptedSmtp(tmp_path, script()) as server:
        talk = Talk(server, plain)
        assert talk.send().verdict is Verdict.OK
        talk.submission.close()
    assert server.lines[0].startswith(b"ehlo [127.0.0.1]")
    assert server.lines[-1] == b"QUIT\r\n"


def test_two_steps_when_asked_for(tmp_path: Path, plain: MailSettings) -> None:
    blob = xoauth2(MAILBOX, token())
    answers = {"auth": b"334 \r\n", "other": b"235 in\r\n"}
    with ScriptedSmtp(tmp_path, script(**answers)) as server:
        talk = Talk(server, plain, steps=Steps.TWO)
        signed = talk.sign_in()
        talk.submission.close()
    assert signed.verdict is Verdict.OK
    assert "two step" in signed.checked
    assert server.lines[1:3] == [b"AUTH XOAUTH2\r\n", f"{blob}\r\n".encode()]


def test_two_steps_where_the_server_asks_for_the_blob_again(
    tmp_path: Path, plain: MailSettings
) -> None:
    with ScriptedSmtp(tmp_path, script(auth=b"334 \r\n", other=b"235 in\r\n")) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().verdict is Verdict.OK
        talk.submission.close()
    assert server.lines[2] == f"{xoauth2(MAILBOX, token())}\r\n".encode()


def test_two_steps_where_the_line_is_too_long_for_the_server(
    tmp_path: Path, plain: MailSettings
) -> None:
    def say(line: bytes) -> bytes | None:
        if line.startswith(b"AUTH"):
            return b"334 \r\n" if line == b"AUTH XOAUTH2\r\n" else b"500 Command line too long\r\n"
        return usual(line)

    usual = script(other=b"235 in\r\n")
    with ScriptedSmtp(tmp_path, say) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().verdict is Verdict.OK
        talk.submission.close()


@pytest.mark.parametrize("encoded", [True, False])
def test_a_challenge_after_the_token_is_told(
    tmp_path: Path, plain: MailSettings, encoded: bool
) -> None:
    challenge = json.dumps({"status": "400", "schemes": "Bearer"}).encode()
    shown = b64encode(challenge) if encoded else challenge
    turns = iter([b"334 " + shown + b"\r\n", b"535 5.7.3 no\r\n"])

    def say(line: bytes) -> bytes | None:
        return next(turns) if line.startswith(b"AUTH") or line == b"\r\n" else usual(line)

    usual = script()
    with ScriptedSmtp(tmp_path, say) as server:
        talk = Talk(server, plain)
        signed = talk.sign_in()
        talk.submission.close()
    assert signed.code == "smtp-535-5.7.3"
    assert signed.answered == '535 5.7.3 no (before that: {"status": "400", "schemes": "Bearer"})'


def test_a_message_whose_reply_is_lost_is_never_sent_again(
    tmp_path: Path, plain: MailSettings
) -> None:
    with ScriptedSmtp(tmp_path, script(end=None)) as server:
        talk = Talk(server, plain)
        sent = talk.send()
        talk.submission.close()
    assert (sent.verdict, sent.code) == (Verdict.FAILED, "message-undecided")
    assert MARKER in sent.causes[0].fix
    assert sum(line == b"DATA\r\n" for line in server.lines) == 1


def test_a_passing_fault_is_followed_in_growing_pauses_and_a_new_session(
    tmp_path: Path, plain: MailSettings
) -> None:
    turns = iter([b"451 4.7.0 later\r\n", b"430 4.2.0 STOREDRV\r\n", b"250 taken\r\n"])

    def say(line: bytes) -> bytes | None:
        answer = usual(line)
        return next(turns) if answer == b"250 2.0.0 taken\r\n" else answer

    usual = script()
    with ScriptedSmtp(tmp_path, say) as server:
        talk = Talk(server, plain)
        sent = talk.send()
        talk.submission.close()
    assert sent.verdict is Verdict.OK
    assert sent.answered.endswith("(after 3 attempts)")
    assert talk.clock.monotonic() == 3
    assert [line.split(":")[0] for line in talk.told] == [
        "The SMTP server says 451",
        "The SMTP server says 430",
    ]
    assert sum(line.startswith(b"AUTH") for line in server.lines) == 3


def test_pauses_end_and_a_permanent_refusal_has_none(tmp_path: Path, plain: MailSettings) -> None:
    with ScriptedSmtp(tmp_path, script(auth=b"454 4.7.0 later\r\n")) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().code == "smtp-454"
        assert 16 < talk.clock.monotonic() <= 45
        talk.submission.close()
    with ScriptedSmtp(tmp_path, script(auth=b"535 5.7.3 no\r\n")) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().code == "smtp-535-5.7.3"
        assert talk.clock.monotonic() == 0
        talk.submission.close()


def test_what_the_server_repeats_of_the_token_is_not_shown(
    tmp_path: Path, plain: MailSettings
) -> None:
    value = "".join(chr(97 + n * 7 % 26) for n in range(400)) + "." + "Zx9" * 30
    blob = xoauth2(MAILBOX, token(value))
    said = f"535-5.7.3 {value[:200]}\r\n535 5.7.3 {blob[40:90]} and {value[200:]}\r\n".encode()
    with ScriptedSmtp(tmp_path, script(auth=said)) as server:
        talk = Talk(server, plain)
        signed = talk.sign_in(token(value))
        talk.submission.close()
    pieces = {text[at : at + 12] for text in (value, blob) for at in range(len(text) - 11)}
    assert not any(piece in repr(signed) for piece in pieces)
    assert "[secret]" in signed.answered


@pytest.mark.parametrize(
    "greeting",
    [
        pytest.param(b"220-more\r\n" * 1000, id="many lines"),
        pytest.param(b"2" * 20_000 + b"\r\n", id="a long line"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(b"999 no\r\n", id="no code of SMTP"),
    ],
)
def test_what_is_no_smtp_is_left(tmp_path: Path, plain: MailSettings, greeting: bytes) -> None:
    with ScriptedSmtp(tmp_path, script(), greeting=greeting) as server:
        found = Talk(server, plain).submission.open()
    assert (found.verdict, found.code) == (Verdict.FAILED, "smtp-not-smtp")


def test_a_greeting_that_refuses_and_an_unknown_reply_are_told_word_for_word(
    tmp_path: Path, plain: MailSettings
) -> None:
    with ScriptedSmtp(tmp_path, script(), greeting=b"554 5.3.2 no\x1b[31m service\r\n") as server:
        found = Talk(server, plain).submission.open()
    assert found.code == "smtp-554-5.3.2"
    assert found.answered == "554 5.3.2 no [31m service"


def test_a_recipient_may_be_forwarded_and_may_be_refused(
    tmp_path: Path, plain: MailSettings
) -> None:
    with ScriptedSmtp(tmp_path, script(rcpt=b"251 will forward\r\n")) as server:
        talk = Talk(server, plain)
        assert talk.send().verdict is Verdict.OK
        talk.submission.close()
    with ScriptedSmtp(tmp_path, script(rcpt=b"550 5.1.1 unknown\r\n")) as server:
        talk = Talk(server, plain)
        sent = talk.send()
        talk.submission.close()
    assert sent.code == "smtp-550-5.1.1"
    assert "recipient" in sent.causes[0].what


def test_lines_of_dots_arrive_as_they_are(tmp_path: Path, plain: MailSettings) -> None:
    with ScriptedSmtp(tmp_path, script()) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().verdict is Verdict.OK
        message = build_message(talk.settings, recipient=OTHER, marker=MARKER, now=NOW)
        message.set_content(".\n..two\nend\n")
        assert talk.submission.send(message, recipient=OTHER, marker=MARKER).verdict is Verdict.OK
        talk.submission.close()
    assert server.lines[-5:-1] == [b"..\r\n", b"...two\r\n", b"end\r\n", b".\r\n"]


def test_ehlo_without_a_word_of_auth(tmp_path: Path, plain: MailSettings) -> None:
    with ScriptedSmtp(tmp_path, script(ehlo=b"250 here\r\n")) as server:
        found = Talk(server, plain).submission.open()
    assert found.code == "smtp-no-xoauth2"
    assert "AUTH nothing" in found.answered


def test_the_message_is_plainly_a_test(plain: MailSettings) -> None:
    settings = replace(plain, from_address=OTHER)
    message = build_message(settings, recipient="a@b.example", marker=MARKER, now=NOW)
    assert message["From"] == OTHER
    assert message["To"] == "a@b.example"
    assert f"[{MARKER}]" in message["Subject"]
    assert message["Date"] == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert message["Message-ID"] == f"<{MARKER}@contoso.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert new_marker() != new_marker()
    assert is_address("a@b.example")
    assert not is_address("a@b.example, c@d.example")


# What replies mean


def _meaning(settings: MailSettings, said: str, phase: Phase, **more: object) -> tuple[str, Cause]:
    code, _, text = said.partition(" ")
    meaning = meaning_of(
        Reply(int(code), text),
        phase=phase,
        settings=settings,
        object_id=None,
        **more,  # type: ignore[arg-type]
    )
    return meaning.code, meaning.causes[0]


def test_every_refusal_of_the_samples_is_in_the_table(shared: Path, plain: MailSettings) -> None:
    samples = json.loads((shared / "samples" / "azure" / "smtp_replies.json").read_text("utf-8"))
    names = {row.name for row in ROWS}
    phases = {"auth": Phase.AUTH, "mail": Phase.MAIL, "data": Phase.DATA, "any": Phase.DATA}
    refusals = [one for one in samples if one["reply"][0] in "45"]
    assert len(refusals) >= 17
    for one in refusals:
        code, cause = _meaning(plain, one["reply"], phases[one["phase"]])
        assert code in names, one["reply"]
        assert "{" not in cause.what + cause.fix


def test_every_reply_of_the_specification_is_in_the_table(
    shared: Path, plain: MailSettings
) -> None:
    text = (shared / "spec" / "azure-and-smtp.md").read_text("utf-8")
    section = text.partition("### 6.2")[2].partition("### 6.3")[0]
    names = {row.name for row in ROWS}
    found = 0
    for line in section.splitlines():
        cells = line.split(" | ")
        if len(cells) < 3 or not line.startswith("| ") or "235" in cells[1]:
            continue
        spans = cells[1].split("`")[1::2]
        # One row has a common opening and three ends.
        opening = spans[0] if spans[0].endswith(", ") else ""
        for said in (opening + span for span in (spans[1:] if opening else spans)):
            if said[:3].isdigit() and len(said) > 3:
                code, _ = _meaning(plain, said, Phase.DATA)
                assert code in names, said
                found += 1
    assert found >= 14


def test_the_likeliest_cause_moves_where_exchange_was_seen_to_fit(plain: MailSettings) -> None:
    said = "535 5.7.3 Authentication unsuccessful"
    _, cause = _meaning(plain, said, Phase.AUTH)
    assert "does not know the application" in cause.what
    assert "az ad sp show" in cause.fix
    _, cause = _meaning(plain, said, Phase.AUTH, exchange_fits=True)
    assert "two hours ago" in cause.what


@pytest.mark.parametrize("phase", Phase)
def test_a_reply_of_no_row_is_explained_by_its_phase(plain: MailSettings, phase: Phase) -> None:
    code, cause = _meaning(plain, "599 5.9.9 of another world", phase)
    assert code == "smtp-599-5.9.9"
    assert cause.what
    assert cause.fix
    code, cause = _meaning(plain, "499 later", phase)
    assert code == "smtp-499"


def test_5_7_30_is_not_5_7_3(plain: MailSettings) -> None:
    assert _meaning(plain, "535 5.7.30 other", Phase.AUTH)[0] == "smtp-535-5.7.30"


def test_an_older_refusal_without_its_number_is_known(plain: MailSettings) -> None:
    said = "530 5.7.1 Client was not authenticated to send anonymous mail during MAIL FROM"
    assert _meaning(plain, said, Phase.MAIL)[0] == "smtp-530-5.7.57"


@pytest.mark.parametrize("seconds", [19, 21])
def test_a_session_that_rested_long_is_not_gone_on_with(
    tmp_path: Path, plain: MailSettings, seconds: int
) -> None:
    with ScriptedSmtp(tmp_path, script()) as server:
        talk = Talk(server, plain)
        assert talk.submission.open().verdict is Verdict.OK
        talk.submission.rest()
        talk.clock.sleep(seconds)
        assert talk.submission.sign_in(token(), Evidence()).verdict is Verdict.OK
        talk.submission.close()
    greeted = [line for line in server.lines if line.lower().startswith(b"ehlo")]
    assert len(greeted) == (1 if seconds < 20 else 2)


def test_a_later_session_does_not_show_what_an_earlier_one_was_told(
    tmp_path: Path, plain: MailSettings
) -> None:
    told = {"lines": b""}
    usual = script(auth=b"451 4.7.0 later\r\n")

    def say(line: bytes) -> bytes | None:
        if line.lower().startswith(b"ehlo") and told["lines"]:
            return b"554 I heard " + told["lines"].strip() + b"\r\n"
        if line.lower().startswith(b"auth"):
            told["lines"] = line.split()[-1]
        return usual(line)

    with ScriptedSmtp(tmp_path, say) as server:
        talk = Talk(server, plain)
        found = talk.sign_in()
        talk.submission.close()
    assert "554 I heard" in found.answered
    assert told["lines"].decode()[8:40] not in found.answered


@pytest.mark.parametrize(
    "said", [b"535-no\r\n235 2.7.0 in\r\n", b"2350 in\r\n", b"235_in\r\n", b"235-in\r\n250 in\r\n"]
)
def test_a_reply_that_is_not_clearly_yes_is_none(
    tmp_path: Path, plain: MailSettings, said: bytes
) -> None:
    with ScriptedSmtp(tmp_path, script(auth=said)) as server:
        talk = Talk(server, plain)
        found = talk.sign_in()
        talk.submission.close()
    assert (found.verdict, found.code) == (Verdict.FAILED, "smtp-not-smtp")


@pytest.mark.parametrize("said", [b"235\r\n", b"235\n", b"235-a\r\n235 b\r\n"])
def test_a_short_or_long_yes_is_one(tmp_path: Path, plain: MailSettings, said: bytes) -> None:
    with ScriptedSmtp(tmp_path, script(auth=said)) as server:
        talk = Talk(server, plain)
        assert talk.sign_in().verdict is Verdict.OK
        talk.submission.close()
