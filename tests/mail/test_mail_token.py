"""A token from the endpoint: what is sent, what is believed, and what every refusal means."""

from __future__ import annotations

import json
import pickle
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from mail_setting import CLIENT, TENANT, Verify, link
from smtp_script import CLOSE, ScriptedSmtp

from generator.azure.clouds import ENDPOINTS, Cloud
from generator.clock import SteppedClock
from generator.errors import ConfigError, ExitCode, RemoteError
from generator.mail import token as token_module
from generator.mail.claims import read_claims
from generator.mail.entra_errors import FAMILIES, KNOWN, causes_of
from generator.mail.hidden import Hidden
from generator.mail.https import HttpAnswer
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.mail.token import Token, TokenRefused, request_token
from generator.mail.trouble import BadAnswer, NoAnswer
from generator.sandbox.mail.stand_in import MailSandbox
from generator.secrets.interface import Secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Answers = Callable[..., list[tuple[str, dict[str, str]]]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Lets the endpoint answer what a test wants; hands out what was sent."""

    def make(*given: HttpAnswer) -> list[tuple[str, dict[str, str]]]:
        sent: list[tuple[str, dict[str, str]]] = []
        turns = iter(given)

        def post(url: str, fields: dict[str, str], **_: object) -> HttpAnswer:
            sent.append((url, dict(fields)))
            return next(turns)

        monkeypatch.setattr(token_module, "post_form", post)
        return sent

    return make


def _answer(status: int, body: object, **headers: str) -> HttpAnswer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpAnswer(status, {name.replace("_", "-"): text for name, text in headers.items()}, raw)


def _granted(**changes: object) -> dict[str, object]:
    made = {"token_type": "Bearer", "expires_in": 3599, "access_token": "a.b.c"}
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


def _ask(
    settings: MailSettings, clock: SteppedClock | None = None, secret: str = "x" * 40
) -> Token:
    return request_token(
        settings, Secret(secret), network=Network(clock=clock or SteppedClock(NOW))
    )


# What arrives


@pytest.mark.parametrize("tail", ["~", ".", "_", "-", "~._-", "+/=&%", "~" * 24])
def test_a_secret_of_64_characters_arrives_as_it_is(tmp_path: Path, tail: str) -> None:
    value = ("aB3~._-" * 10)[: 64 - len(tail)] + tail
    with MailSandbox(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id="5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a",
        mailbox="servicenow@contoso.example",
        client_secret=value,
    ) as box:
        from mail_setting import settings_for

        network = Network(ca_file=box.ca_file)
        assert request_token(settings_for(box), Secret(value), network=network)
        with pytest.raises(TokenRefused) as caught:
            request_token(settings_for(box), Secret(value[:-1] + "!"), network=network)
    assert caught.value.refusal.code == "aadsts-7000215"
    assert caught.value.exit_code is ExitCode.VERIFICATION_FAILED


def test_the_form_keeps_the_four_letters_and_encodes_the_rest() -> None:
    from generator.mail.https import _prepared

    body = _prepared("https://localhost/x", {"client_secret": "a~._-b +&=%"}).body
    assert body == "client_secret=a~._-b+%2B%26%3D%25"
    assert parse_qs(str(body)) == {"client_secret": ["a~._-b +&=%"]}


def test_the_token_is_known_with_its_times(
    box: MailSandbox, settings: MailSettings, network: Network
) -> None:
    token = request_token(settings, Secret(box.client_secret), network=network)

    assert read_claims(token)["appid"] == CLIENT
    assert token.expires_on == network.clock.now() + timedelta(seconds=3599)
    assert token.server_date == network.clock.now()


def test_a_token_is_not_shown_and_not_pickled() -> None:
    token = Token("canary-" + "x" * 8, expires_on=NOW, answered_at=NOW)
    assert "canary" not in f"{token} {token!r}"
    with pytest.raises(TypeError):
        pickle.dumps(token)


def test_what_is_sent_is_the_form_and_nothing_else(
    settings: MailSettings, answers: Answers
) -> None:
    sent = answers(_answer(200, _granted()))
    _ask(settings)
    assert sent == [
        (
            settings.token_url,
            {
                "client_id": CLIENT,
                "client_secret": "x" * 40,
                "scope": "https://outlook.office365.com/.default",
                "grant_type": "client_credentials",
            },
        )
    ]


# What is believed


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": 7},
        {"access_token": ""},
        {"access_token": "a b"},
        {"access_token": "a\x01auth=Bearer other"},
        {"access_token": "a" * 20_000},
        {"token_type": None},
        {"token_type": "mac"},
        {"token_type": 1},
    ],
)
def test_an_answer_without_a_bearer_token_is_none(
    settings: MailSettings, answers: Answers, changes: dict[str, object]
) -> None:
    answers(_answer(200, _granted(**changes)))
    with pytest.raises(BadAnswer) as caught:
        _ask(settings)
    assert caught.value.trouble.code == "entra-no-token"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"7", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_no_answer(
    settings: MailSettings, answers: Answers, body: bytes
) -> None:
    answers(_answer(200, body), _answer(403, body))
    for _ in range(2):
        with pytest.raises(BadAnswer) as caught:
            _ask(settings)
        assert caught.value.trouble.code == "entra-not-json"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (3599, 3599),
        ("3599", 3599),
        (None, 3600),
        (True, 3600),
        (-1, 3600),
        ("soon", 3600),
        (10**12, 604_800),
    ],
)
def test_a_lifetime_is_believed_within_reason(
    settings: MailSettings, answers: Answers, said: object, seconds: int
) -> None:
    answers(_answer(200, _granted(expires_in=said)))
    assert _ask(settings).expires_on == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_is_none_is_none(settings: MailSettings, answers: Answers, date: str) -> None:
    answers(_answer(200, _granted(), date=date))
    assert _ask(settings).server_date is None


# What is tried again


def test_an_answer_that_asks_to_wait_is_followed(settings: MailSettings, answers: Answers) -> None:
    sent = answers(
        _answer(429, b"", retry_after="7"),
        _answer(503, b"", retry_after="soon"),
        _answer(200, _granted()),
    )
    clock = SteppedClock(NOW)
    _ask(settings, clock)
    assert clock.monotonic() == 7 + 2
    assert len(sent) == 3


def test_waiting_has_an_end(settings: MailSettings, answers: Answers) -> None:
    answers(*[_answer(503, b"busy")] * 20)
    clock = SteppedClock(NOW)
    with pytest.raises(BadAnswer) as caught:
        _ask(settings, clock)
    assert caught.value.trouble.code == "entra-unavailable"
    assert clock.monotonic() <= 45

    answers(_answer(429, b"", retry_after="86400"))
    with pytest.raises(BadAnswer) as caught:
        _ask(settings)
    assert caught.value.trouble.code == "entra-throttled"


def test_a_busy_server_that_says_so_in_json_is_a_refusal(
    settings: MailSettings, answers: Answers
) -> None:
    answers(*[_answer(503, {"error": "anything"})] * 20)
    with pytest.raises(TokenRefused) as caught:
        _ask(settings)
    assert caught.value.refusal.code == "entra-temporarily-unavailable"


# What refusals mean


def _samples(shared: Path) -> dict[str, dict[str, object]]:
    found = json.loads((shared / "samples" / "azure" / "token_errors.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_every_refusal_of_the_samples_is_explained(
    shared: Path, settings: MailSettings, answers: Answers
) -> None:
    samples = _samples(shared)
    assert len(samples) >= 10
    for sample in samples.values():
        body = sample["body"]
        assert isinstance(body, dict)
        answers(_answer(int(str(sample["http_status"])), body))
        with pytest.raises(TokenRefused) as caught:
            _ask(settings)
        refusal = caught.value.refusal
        assert refusal.codes == tuple(body["error_codes"])
        assert refusal.code == f"aadsts-{body['error_codes'][0]}"
        assert refusal.error == body["error"]
        assert body["trace_id"] in refusal.text
        assert body["correlation_id"] in refusal.text
        assert refusal.correlation_id == body["correlation_id"]
        known = next(one for one in KNOWN if one.number in refusal.codes)
        assert known.error == refusal.error
        assert refusal.causes[0].fix in str(caught.value)


def test_every_code_of_the_specification_is_in_the_table(shared: Path) -> None:
    text = (shared / "spec" / "azure-and-smtp.md").read_text("utf-8")
    section = text.partition("### 6.1")[2].partition("### 6.2")[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
    codes = {int(code) for row in rows for code in re.findall(r"\d{4,}", row)}
    assert len(codes) == 12
    assert codes == {one.number for one in KNOWN}


def test_what_hides_secrets_shows_none() -> None:
    hidden = Hidden("a-secret-of-some-length")
    assert "secret-of" not in repr(hidden)
    assert hidden.clean("nothing of it", limit=80) == "nothing of it"
    assert "secret-of-so" not in hidden.clean("part(secret-of-some-le)", limit=80)
    assert hidden.clean("x" * 90, limit=20) == "x" * 19 + "…"


def test_the_table_fills_every_value_in(settings: MailSettings) -> None:
    gcc = replace(settings, cloud=Cloud.GCC_HIGH)
    families = [((one.number,), one.error) for one in KNOWN] + [((), name) for name in FAMILIES]
    for codes, error in [*families, ((), "never_heard_of"), ((123456,), "")]:
        _, causes = causes_of(codes, error, settings=gcc)
        assert causes
        assert not any("{" in cause.what + cause.fix for cause in causes)
    (_, (cause, *_)) = causes_of((1002012,), "invalid_scope", settings=gcc)
    assert ENDPOINTS[Cloud.GCC_HIGH].scope in cause.fix


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": "invalid_client", "error_codes": [999]}, "aadsts-999"),
        ({"error": "invalid_client"}, "entra-invalid-client"),
        ({"error": "brand_new"}, "entra-refused-token"),
        ({"error": "x", "error_description": "AADSTS90002: no"}, "aadsts-90002"),
        ({"error": "x", "error_codes": "90002"}, "entra-refused-token"),
        ({"error": "x", "error_codes": [True, -1, 10**12, "7"]}, "entra-refused-token"),
    ],
)
def test_an_unknown_code_is_explained_by_its_family(
    settings: MailSettings, answers: Answers, body: dict[str, object], code: str
) -> None:
    answers(_answer(400, body))
    with pytest.raises(TokenRefused) as caught:
        _ask(settings)
    assert caught.value.refusal.code == code
    assert caught.value.refusal.causes[0].fix


def test_a_refusal_shows_nothing_of_the_secret(settings: MailSettings, answers: Answers) -> None:
    secret = "".join(chr(65 + n * 11 % 57) for n in range(40)).replace("\\", "~")
    said = f"whole {secret} part {secret[:20]} part {secret[13:30]}\x1b[2J\r\n next"
    body = {
        "error": secret,
        "error_description": said,
        "trace_id": secret,
        "correlation_id": f"1-{secret[5:25]}",
    }
    answers(_answer(401, body))
    with pytest.raises(TokenRefused) as caught:
        _ask(settings, secret=secret)
    told = f"{caught.value} {caught.value.refusal!r}"
    pieces = {secret[at : at + 12] for at in range(len(secret) - 11)}
    assert not any(piece in told for piece in pieces)
    assert "\x1b" not in told
    assert caught.value.__cause__ is None


# Servers that do not answer


def test_nobody_there_is_an_error_that_names_the_place(
    settings: MailSettings, network: Network, free_port: int
) -> None:
    gone = replace(settings, token_url=f"https://localhost:{free_port}/x")
    with pytest.raises(NoAnswer) as caught:
        request_token(gone, Secret("x" * 40), network=network)
    assert caught.value.trouble.code == "entra-refused"
    assert isinstance(caught.value, RemoteError)
    assert "x" * 40 not in repr(caught.value.__context__)


def test_an_authority_that_is_none_is_told(
    settings: MailSettings, network: Network, tmp_path: Path
) -> None:
    for text in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if text:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            request_token(settings, Secret("x"), network=replace(network, ca_file=path))
        assert caught.value.faults[0].code == "mail-ca"


def test_a_system_that_does_not_know_the_authority_refuses_it(
    settings: MailSettings, network: Network
) -> None:
    with pytest.raises(NoAnswer) as caught:
        request_token(settings, Secret("x"), network=replace(network, ca_file=None))
    assert caught.value.trouble.code == "entra-tls-authority"


def test_a_proxy_that_is_not_there_is_named(
    settings: MailSettings, free_port: int, network: Network
) -> None:
    away = replace(settings, token_url="https://login.example.invalid/x")
    through = replace(network, proxy=f"http://user:hidden-word@127.0.0.1:{free_port}")
    with pytest.raises(NoAnswer) as caught:
        request_token(away, Secret("x"), network=through)
    assert caught.value.trouble.code == "entra-proxy"
    assert "hidden-word" not in f"{caught.value} {through!r}"


_HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx", "entra-packed"),
        (_HEAD + b"\r\n" + CLOSE, "entra-cut"),
        (_HEAD + b"Content-Length: 9\r\n\r\nxx" + CLOSE, "entra-cut"),
        (b"no protocol at all\r\n\r\n" + CLOSE, "entra-cut"),
        (_HEAD + b"Content-Length: 0\r\n\r\n", "entra-not-json"),
    ],
)
def test_answers_that_are_none_are_told_apart(
    settings: MailSettings, tmp_path: Path, answer: bytes, code: str
) -> None:
    def say(line: bytes) -> bytes:
        return answer if line == b"\r\n" else b""

    with ScriptedSmtp(tmp_path, say, greeting=b"") as server:
        away = replace(settings, token_url=f"https://localhost:{server.port}/x")
        network = Network(ca_file=server.ca_file, timeout_seconds=5)
        with pytest.raises((NoAnswer, BadAnswer)) as caught:
            request_token(away, Secret("x" * 40), network=network)
    assert caught.value.trouble.code == code


def test_a_proxy_is_asked_for_the_way_and_sees_nothing(
    settings: MailSettings, network: Network
) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                while (line := lines.readline()) not in (b"\r\n", b""):
                    seen.append(line)
                connection.sendall(b"HTTP/1.1 200 open\r\n\r\n")
                seen.append(connection.recv(64))

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        proxy = f"http://user:word@127.0.0.1:{listener.getsockname()[1]}"
        away = replace(settings, token_url="https://login.example.invalid/x")
        with pytest.raises(NoAnswer) as caught:
            request_token(away, Secret("x" * 40), network=replace(network, proxy=proxy))
        server.join(10)
    assert caught.value.trouble.code in ("entra-tls", "entra-cut")
    assert seen[0].startswith(b"CONNECT login.example.invalid:443 HTTP/1.")
    # A TLS record of a handshake, and no more in the clear.
    assert seen[-1][:2] == b"\x16\x03"


def test_a_failed_token_is_a_link_with_its_seconds(box: MailSandbox, verify: Verify) -> None:
    box.behaviour.entra = "throttled"
    assert link(verify(), "token").seconds > 20
