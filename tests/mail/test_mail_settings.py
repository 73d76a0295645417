"""Where the chain leads: settings, stand-ins on this machine only, names, proxies, time limits."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mail_setting import Verify, link

from generator.aside import Aside
from generator.clock import SteppedClock
from generator.config.environment import Environment
from generator.errors import ConfigError, UsageError
from generator.mail.interface import Proven, Verdict, Verification
from generator.mail.names import judge_names, resolve
from generator.mail.network import ConnectTimeout, Network, Watch, proxy_from
from generator.mail.settings import is_loopback, mail_settings, stand_in_url
from generator.mail.trouble import Place, Trouble, explain

MakeEnvironment = Callable[..., Environment]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLACE = Place("smtp", "mail.example", 587, "email_account.server")


def test_an_environment_is_a_chain(environment: MakeEnvironment) -> None:
    settings = mail_settings(environment())
    assert settings.login == "https://login.microsoftonline.com"
    assert (settings.login_host, settings.login_port) == ("login.microsoftonline.com", 443)
    assert (settings.smtp_host, settings.smtp_port) == ("smtp.office365.com", 587)
    assert settings.from_address == settings.user_name
    assert not settings.sends_as_other

    other = mail_settings(environment(email_account__from_address="Bookings@contoso.example"))
    assert other.sends_as_other
    hinted = mail_settings(environment(azure__secret_hint="abc"))
    assert hinted.secret_hint == "abc"


def test_stand_ins_keep_the_path_of_the_tenant(environment: MakeEnvironment) -> None:
    settings = mail_settings(environment(), entra="https://localhost:8443/", smtp="[::1]:2525")
    assert settings.token_url.startswith("https://localhost:8443/7f1d2c3b-")
    assert settings.token_url.endswith("/oauth2/v2.0/token")
    assert (settings.smtp_host, settings.smtp_port) == ("::1", 2525)
    assert stand_in_url("https://[::1]:9", option="--graph") == "https://[::1]:9"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1",
        "https://login.microsoftonline.com",
        "https://localhost.evil.example",
        "https://user:pw@localhost:1",
        "https://localhost:1/path",
        "https://localhost:1?x",
        "https://localhost:99999",
        "https://local host",
        "localhost:1",
    ],
)
def test_a_secret_is_led_nowhere_else(environment: MakeEnvironment, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        mail_settings(environment(), entra=url)
    assert "pw" not in str(caught.value)
    assert "SN_SMTP_ENTRA" in str(caught.value)


@pytest.mark.parametrize(
    "smtp", ["mail.example:25", "localhost", "localhost:0", "localhost:99999", ":25", "localhost:x"]
)
def test_a_token_is_led_nowhere_else(environment: MakeEnvironment, smtp: str) -> None:
    with pytest.raises(UsageError):
        mail_settings(environment(), smtp=smtp)


def test_loopback_is_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(is_loopback, ("example.com", "10.0.0.1", "", "localhost.example")))


def test_the_authority_of_stand_ins_counts_for_no_other_server(tmp_path: Path) -> None:
    network = Network(ca_file=tmp_path / "missing.pem")
    context = network.context("smtp.office365.com")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    with pytest.raises(ConfigError):
        network.context("localhost")


def test_the_proxy_is_that_of_the_variables() -> None:
    host = "login.microsoftonline.com"
    assert proxy_from({}, host=host) is None
    assert proxy_from({"HTTPS_PROXY": "http://p:1"}, host=host) == "http://p:1"
    assert proxy_from({"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:2"}, host=host) == (
        "http://q:2"
    )
    assert proxy_from({"ALL_PROXY": "http://p:1"}, host=host) == "http://p:1"
    exempt = {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".microsoftonline.com"}
    assert proxy_from(exempt, host=host) is None
    network = Network(proxy="http://user:hidden-word@p:1")
    assert network.proxy_for("localhost") is None
    assert network.proxy_for(host)
    assert "hidden-word" not in repr(network)


# Names


def test_names_that_are_unknown_and_names_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = resolve(PLACE, network=Network())
    assert isinstance(found, Trouble)
    assert found.code == "smtp-dns"
    proxied = replace(PLACE, proxy=True)
    assert resolve(proxied, network=Network()) == ()
    judged = judge_names([(PLACE, found), (proxied, ()), (PLACE, ("1", "2", "3", "4", "5"))])
    assert (judged.verdict, judged.code) == (Verdict.FAILED, "smtp-dns")
    assert "through the proxy" in judged.answered
    assert "1, 2, 3 and 2 more" in judged.answered


def test_dns_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    found = resolve(PLACE, network=Network(timeout_seconds=0.05))
    over.set()
    assert isinstance(found, Trouble)
    assert "did not say in time" in found.what


@pytest.fixture
def no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that end in `.invalid` are unknown, without asking DNS."""
    ask = socket.getaddrinfo

    def asked(host: str, *more: object, **named: object) -> object:
        if host.endswith(".invalid"):
            raise socket.gaierror("no such name")
        return ask(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", asked)


@pytest.mark.usefixtures("no_such_name")
def test_an_unknown_smtp_host_leaves_the_token_alone(verify: Verify) -> None:
    verification = verify(smtp_host="no-such-name.invalid")
    assert link(verification, "dns").code == "smtp-dns"
    assert link(verification, "token").verdict is Verdict.OK
    assert link(verification, "smtp-tls").verdict is Verdict.SKIPPED


@pytest.mark.usefixtures("no_such_name")
def test_an_unknown_login_host_leaves_the_smtp_server_alone(verify: Verify) -> None:
    verification = verify(token_url="https://no-such-name.invalid/t/oauth2/v2.0/token")
    assert link(verification, "dns").code == "entra-dns"
    assert link(verification, "token").verdict is Verdict.SKIPPED
    assert link(verification, "smtp-tls").verdict is Verdict.OK


def test_an_smtp_server_that_is_not_there(verify: Verify, free_port: int) -> None:
    assert link(verify(smtp_port=free_port), "smtp-tls").code == "smtp-refused"


# Time


def test_a_connection_is_tried_at_each_address_within_one_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SteppedClock(NOW)
    tried: list[object] = []

    class Slow(socket.socket):
        def connect(self, address: object) -> None:
            tried.append(address)
            clock.sleep(8)
            raise TimeoutError

    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 25)) for n in range(9)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    monkeypatch.setattr(socket, "socket", Slow)
    with pytest.raises(ConnectTimeout) as caught:
        Network(clock=clock, timeout_seconds=20).connect("mail.example", 25)
    assert len(tried) == 3
    trouble = explain(caught.value, place=PLACE, too_slow=False, seconds=20)
    assert trouble.code == "smtp-unreachable"


def test_a_watch_ends_a_connection_that_is_watched_later() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watch(0.01) as watch:
        over = threading.Event()
        over.wait(0.01)
        while not watch.is_over:
            over.wait(0.01)
        watch.over(ours)
        assert ours.recv(1) == b""


def test_a_watch_that_rests_ends_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watch(60) as watch:
        watch.over(ours)
        watch.rest()
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_the_error_of_work_beside_is_not_lost() -> None:
    def fail() -> None:
        raise ValueError("seen")

    with pytest.raises(ValueError, match="seen"):
        Aside(fail).result()
    assert Aside(lambda: 7).result() == 7


# What exceptions mean


def _certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_certificate(10), "smtp-tls-date"),
        (_certificate(9), "smtp-tls-date"),
        (_certificate(62), "smtp-tls-name"),
        (_certificate(19), "smtp-tls-authority"),
        (_certificate(7), "smtp-tls-certificate"),
        (ssl.SSLError(1, "wrong version"), "smtp-tls"),
        (socket.gaierror("x"), "smtp-dns"),
        (ConnectionRefusedError(), "smtp-refused"),
        (TimeoutError(), "smtp-silent"),
        (ConnectionResetError(), "smtp-cut"),
        (type("NewConnectionError", (OSError,), {})("x"), "smtp-unreachable"),
        (type("ProxyError", (OSError,), {})("x"), "smtp-proxy"),
        (OSError(ConnectionRefusedError()), "smtp-refused"),
    ],
)
def test_each_exception_of_the_wire_is_explained(error: Exception, code: str) -> None:
    trouble = explain(error, place=PLACE, too_slow=False, seconds=1)
    assert trouble.code == code
    assert trouble.what
    assert all(cause.what and cause.fix for cause in trouble.causes)
    assert explain(error, place=PLACE, too_slow=True, seconds=1).code == "smtp-slow"


def test_nothing_proven_is_not_well() -> None:
    assert not Verification((), Proven.NOTHING).ok
    assert Verification((), Proven.GRANTED).ok
