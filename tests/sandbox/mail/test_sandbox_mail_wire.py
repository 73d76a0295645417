"""Slow, silent, cut and hostile stand-ins: what a client sees, and that they stop all the same."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest
import requests
from mail_stand_ins import TENANT, ask, blob, fetch, send, serving, session, sign_in, token_of

GRAPH = "/v1.0/applications"


def lines(host: str, port: int, *, most: int = 1 << 20) -> bytes:
    """What a server says before anybody asks it."""
    taken = b""
    with socket.create_connection((host, port), timeout=5) as connection:
        while len(taken) < most:
            part = connection.recv(1 << 16)
            if not part:
                break
            taken += part
    return taken


@pytest.mark.parametrize(("switch", "hits"), [("entra", 1), ("graph", 2), ("all", 3), ("smtp", 0)])
def test_a_connection_is_cut(switch: str, hits: int) -> None:
    with serving(cut=switch) as mail:
        for bit, path in ((1, f"/{TENANT}/oauth2/v2.0/token"), (2, GRAPH)):
            if hits & bit:
                with pytest.raises(requests.ConnectionError):
                    fetch(mail, "POST", path)
            else:
                assert fetch(mail, "POST", path).status_code in (400, 401)


@pytest.mark.parametrize("phase", ["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data"])
def test_a_session_is_cut_at_its_phase(phase: str) -> None:
    with serving(cut=f"smtp_{phase}") as mail:
        token = token_of(mail)
        reached = ["greeting"]
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            made = smtplib.SMTP(timeout=20)
            made._host = mail.smtp_host  # type: ignore[attr-defined]
            try:
                made.connect(mail.smtp_host, mail.smtp_port)
                reached.append("ehlo")
                # `ehlo` of smtplib hides a cut behind HELO.
                if made.docmd("EHLO", "x.example")[0] != 250:
                    raise ConnectionError
                reached.append("starttls")
                made.starttls(context=ssl.create_default_context(cafile=str(mail.ca_file)))
                made.ehlo()
                reached.append("auth")
                sign_in(made, token)
                reached.append("mail")
                made.mail("a@b.example")
                reached.append("rcpt")
                made.rcpt("a@b.example")
                reached.append("data")
                made.data(b"x")
            finally:
                made.close()
        assert reached[-1] == phase


def test_a_silent_server_ends_when_it_is_stopped() -> None:
    with serving(silent="all") as mail:
        with pytest.raises(requests.ReadTimeout):
            fetch(mail, "POST", f"/{TENANT}/oauth2/v2.0/token", timeout=0.2)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=0.2)


def test_a_slow_server_answers_byte_by_byte() -> None:
    with serving(slow="all", slow_ms=0) as mail:
        assert ask(mail, client_secret="x").json()["error_codes"] == [7000215]
        assert lines_of_greeting(mail.smtp_host, mail.smtp_port).startswith(b"220 ")


def lines_of_greeting(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=5) as connection:
        return connection.makefile("rb").readline()


def test_a_slow_answer_ends_when_the_server_is_stopped() -> None:
    with serving(slow="entra", slow_ms=60_000) as mail:
        with pytest.raises(requests.RequestException):
            ask_quickly(mail.entra_url, str(mail.ca_file))
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            mail.behaviour.slow = "smtp"
            smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=0.2)


def ask_quickly(url: str, ca_file: str) -> requests.Response:
    with requests.Session() as made:
        made.trust_env = False
        return made.post(f"{url}/{TENANT}/oauth2/v2.0/token", data={}, verify=ca_file, timeout=0.2)


def test_an_answer_without_end_goes_on_until_the_client_has_enough() -> None:
    with serving(hostile="entra_endless") as mail, requests.Session() as made:
        made.trust_env = False
        with made.post(
            f"{mail.entra_url}/{TENANT}/oauth2/v2.0/token",
            verify=str(mail.ca_file),
            stream=True,
            timeout=20,
        ) as answer:
            assert "Content-Length" not in answer.headers
            taken = 0
            for part in answer.iter_content(1 << 20):
                taken += len(part)
                if taken > 4 << 20:
                    break
    assert taken > 4 << 20


def test_a_huge_answer_is_spaces_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.sandbox.mail.mail_app.HUGE", 200_000)
    with serving(hostile="entra_huge") as mail:
        answer = ask(mail)
        assert len(answer.content) > 200_000 and answer.json()["token_type"] == "Bearer"


def test_an_answer_is_nested_or_has_too_many_headers_or_repeats_the_secret() -> None:
    with serving(hostile="entra_nested") as mail:
        with pytest.raises((RecursionError, ValueError)):
            ask(mail).json()
        mail.behaviour.hostile = "entra_headers"
        with pytest.raises(requests.ConnectionError):
            ask(mail)
        mail.behaviour.hostile = "entra_echo"
        assert mail.client_secret in ask(mail).text


@pytest.mark.parametrize(
    ("kind", "begins", "least"),
    [
        ("smtp_endless", b"220-more", 1 << 20),
        ("smtp_long_line", b"2222", 1 << 20),
        ("smtp_garbage", b"\x00\xff", 50_000),
    ],
)
def test_a_hostile_greeting(kind: str, begins: bytes, least: int) -> None:
    with serving(hostile=kind) as mail:
        found = lines(mail.smtp_host, mail.smtp_port)
        assert found.startswith(begins) and len(found) >= least


def test_text_before_the_handshake_is_injected() -> None:
    with serving(hostile="smtp_injection") as mail, session(mail, tls=False) as made:
        assert made.docmd("STARTTLS")[0] == 220
        assert made.getreply() == (250, b"AUTH XOAUTH2")
    # The handshake follows all the same: a client that forgets what came before it goes on.
    with serving(hostile="smtp_injection") as mail, session(mail) as made:
        assert sign_in(made, token_of(mail))[0] == 235


def test_a_refusal_may_repeat_the_token() -> None:
    with serving(hostile="smtp_echo", exchange_object_id="none") as mail, session(mail) as made:
        token = token_of(mail, scope="https://outlook.office.com/.default")
        assert token in sign_in(made, token)[1]


def test_a_client_without_tls_or_trust_holds_up_nobody() -> None:
    with serving() as mail:
        port = int(mail.entra_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
            assert ask(mail).status_code == 200
            idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(mail.entra_url, timeout=5, verify=True)
        assert ask(mail).status_code == 200


def test_a_token_may_be_as_long_as_a_line_of_auth() -> None:
    with serving(token_padding=6000) as mail, session(mail) as made:
        assert sign_in(made, token_of(mail))[0] == 500
        mail.behaviour.token_padding = 5000
        token = token_of(mail)
        assert len(blob(token)) > 7500
        assert sign_in(made, token)[0] == 235
        assert send(made) == "250"


def test_open_sessions_are_broken_when_it_stops() -> None:
    with serving() as mail:
        made = smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=5)
        secured = smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=5)
        secured.starttls(context=ssl.create_default_context(cafile=str(mail.ca_file)))
        mail.stop()
        for one in (made, secured):
            with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
                one.docmd("NOOP")
            one.close()


def test_latency_comes_with_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import generator.sandbox.mail.mail_app as mail_app

    slept: list[float] = []
    monkeypatch.setattr(mail_app.time, "sleep", slept.append)
    with serving() as mail:
        ask(mail)
        mail.latency = 0.05
        ask(mail)
    assert slept == [0.05]
