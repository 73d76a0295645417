"""No token, secret or message body is seen, whatever goes wrong and however much is said."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

import pytest
from cli_calls import Call, Said
from mail_world import MAILBOX, SOURCES, MailWorld, mail_world
from vault_stand_ins import Asked, Fault, Reply

from generator.azure import graph_wire
from generator.clock import SteppedClock
from generator.mail import network
from generator.sandbox import mail_sender, oauth_client
from generator.secrets import azure_sign_in, deadline, key_vault_source, vault_question

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def source() -> str:
    """Where the client secret lies; tests name another."""
    return "keyvault"


@pytest.fixture
def world(
    source: str,
    root: Path,
    sn_smtp: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MailWorld]:
    """An environment that was imported, its client secret in each kind of place."""
    with mail_world(tmp_path, monkeypatch, source=source, start=SteppedClock(START)) as made:
        (made.root / "common.yaml").write_bytes((root / "common.yaml").read_bytes())
        assert sn_smtp("render", "dev", "--root", made.root).code == 0
        said = sn_smtp("import", "dev", "--root", made.root, "--yes")
        assert said.code == 0, said.err
        yield made


COMMANDS = {
    "verify": ("verify", "dev"),
    "two steps": ("verify", "dev", "--two-step"),
    "send": ("verify", "dev", "--send-to", "somebody@acme.example"),
    "instance": ("verify", "dev", "--from", "instance"),
    "deliver": ("secret", "deliver", "dev"),
    "status": ("secret", "status", "dev", "--from", "instance", "--from", "graph"),
    "activate": ("activate", "dev", "--yes"),
    "rotate": ("secret", "rotate", "dev", "--yes"),
    "finish": ("secret", "rotate", "dev", "--finish", "--grace", "0", "--yes"),
    "deactivate": ("deactivate", "dev", "--yes"),
}
"""In the order of a life."""

SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("az", "powershell", "terraform", "checklist"), ()),
    "bicep": ("--app-name", "Made by Bicep"),
}


def call(world: MailWorld, sn_smtp: Call, name: str, *options: str) -> Said:
    """One command as loud as it can be; nothing of it is a trace, nor a bug."""
    more = {"rotate": world.hand_in, "finish": world.old_key}.get(name, tuple)()
    said = sn_smtp(*COMMANDS[name], *more, "--root", world.root, *(options or ("-v",)))
    assert world.traces(said.out + said.err) == [], name
    assert "This is a bug" not in said.err, said.err
    return said


@pytest.mark.parametrize("source", sorted(SOURCES))
@pytest.mark.parametrize("loud", ["-v", "--json"])
def test_nothing_is_seen_where_all_is_well(world: MailWorld, sn_smtp: Call, loud: str) -> None:
    for name in COMMANDS:
        said = call(world, sn_smtp, name, loud)
        assert said.code == 0, said.err
    assert world.issued
    assert world.bodies
    assert world.traces(world.left()) == []


MAIL_FAILURES: tuple[dict[str, object], ...] = (
    *({"entra": kind} for kind in ("secret_invalid", "unknown_code", "throttled", "not_json")),
    *({"claims": kind} for kind in ("wrong_app", "opaque")),
    *({"graph": kind} for kind in ("forbidden", "not_json")),
    *({"hostile": kind} for kind in ("entra_echo", "smtp_garbage", "smtp_injection")),
    {"hostile": "smtp_echo", "smtp_auth": "rejected"},
    {"hostile": "smtp_echo", "xoauth2_challenge": "on", "smtp_auth": "rejected"},
    {"hostile": "smtp_echo", "smtp_data": "logon_failure"},
    *({"cut": kind} for kind in ("entra", "graph", "smtp_auth", "smtp_data")),
    {"certificate": "unknown_ca"},
)
"""Switches of the tenant."""

INSTANCE_FAILURES: tuple[dict[str, object], ...] = (
    {"cut": "after"},
    {"cut": "middle:12"},
    {"cut_json": "on"},
    {"hibernating": "on"},
    {"closed_tables": "oauth_entity"},
    {"result_and_error": "on"},
)
"""Switches of the instance."""


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_no_script_holds_a_secret(world: MailWorld, sn_smtp: Call) -> None:
    for kind, more in SCRIPTS.items():
        said = sn_smtp("azure", "script", "dev", "--format", kind, *more, "--root", world.root)
        assert said.code == 0, said.err
        assert said.out
        assert world.traces(said.out + said.err) == [], kind


@pytest.mark.faults
@pytest.mark.parametrize(
    "failure", MAIL_FAILURES, ids=lambda given: "-".join(map(str, given.values()))
)
def test_nothing_is_seen_where_the_tenant_fails(
    world: MailWorld, sn_smtp: Call, failure: dict[str, object]
) -> None:
    world.mail.behaviour.set(failure)
    codes = {name: call(world, sn_smtp, name).code for name in COMMANDS}
    assert any(codes.values()), codes
    assert world.traces(world.left()) == []


@pytest.mark.faults
@pytest.mark.parametrize(
    ("failure", "server"),
    [("silent", "entra"), ("silent", "graph"), ("silent", "smtp"), ("slow", "entra")],
)
def test_nothing_is_seen_where_a_server_keeps_us_waiting(
    world: MailWorld,
    sn_smtp: Call,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    server: str,
) -> None:
    limits = {"timeout_seconds": 0.3, "whole_seconds": 0.6, "patience_seconds": 0.5}
    monkeypatch.setattr(network, "Network", partial(network.Network, **limits))
    for module in (azure_sign_in, key_vault_source):
        monkeypatch.setattr(module, "READING", 0.3)
    monkeypatch.setattr(graph_wire, "_TIMEOUT", (0.3, 0.3))
    monkeypatch.setattr(graph_wire, "LONGEST", 0.6)
    monkeypatch.setattr(vault_question, "within", lambda seconds, work: deadline.within(0.6, work))
    for module in (oauth_client, mail_sender):
        monkeypatch.setattr(module, "MOST_SECONDS", 0.3)
    world.mail.behaviour.set({failure: server})
    for name in COMMANDS:
        call(world, sn_smtp, name)
    assert world.traces(world.left()) == []


@pytest.mark.faults
@pytest.mark.parametrize("failure", INSTANCE_FAILURES, ids=lambda given: "-".join(given))
def test_nothing_is_seen_where_the_instance_fails(
    world: MailWorld, sn_smtp: Call, failure: dict[str, object]
) -> None:
    for name in COMMANDS:
        world.sandbox.behaviour.set(failure)
        call(world, sn_smtp, name)
    assert world.traces(world.left()) == []


# Vaults


def telling(status: int) -> Fault:
    """Repeats everything that it was sent, as an error or as what was asked for."""

    def fault(asked: Asked) -> Reply | None:
        if not {"authorization", "x-vault-token"} & set(asked.headers):
            return None
        said = f"{asked.headers} {asked.body.decode(errors='replace')}"
        error = {"code": said, "message": said, "innererror": {"code": said}}
        return Reply(status, {"error": error, "errors": [said], "data": {"data": said}})

    return fault


@pytest.mark.faults
@pytest.mark.parametrize("source", ["keyvault", "vault"])
@pytest.mark.parametrize(
    ("status", "method"),
    [(200, ""), (400, ""), (403, ""), (500, ""), (200, "PUT POST"), (500, "PUT POST")],
)
def test_nothing_is_seen_where_a_vault_tells_everything(
    world: MailWorld, sn_smtp: Call, status: int, method: str
) -> None:
    tell = telling(status)
    for vault in (world.key_vault, world.vault):
        vault.fault = lambda asked: tell(asked) if not method or asked.method in method else None
    codes = {name: call(world, sn_smtp, name).code for name in ("deliver", "rotate", "verify")}
    assert codes["rotate"] != 0
    for vault in (world.key_vault, world.vault):
        vault.fault = None
    call(world, sn_smtp, "rotate")
    assert world.traces(world.left()) == []


@pytest.mark.parametrize("source", ["keyvault", "vault"])
def test_nothing_is_seen_where_nobody_may_ask_a_vault(
    world: MailWorld, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_CLIENT_SECRET", "VAULT_TOKEN"):
        world.secrets[f"wrong {name}"] = wrong = f"wrong-{token_hex(16)}"
        monkeypatch.setenv(name, wrong)
    for name in ("verify", "deliver", "rotate", "status"):
        assert call(world, sn_smtp, name).code != 0
    assert world.traces(world.left()) == []


# Bugs and interruptions

SECRET_WORDS = (b"client_secret=", b"Bearer ", b"X-Vault-Token")
"""In requests that carry a secret."""


@pytest.mark.faults
# A bug may leave a connection to the end of the process.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("place", ["http", "smtp"])
def test_nothing_is_seen_where_a_library_breaks(
    world: MailWorld,
    sn_smtp: Call,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: type[BaseException],
) -> None:
    """An exception that holds the request, as those of libraries do, at the worst moment."""
    send, push = http.client.HTTPConnection.send, ssl.SSLSocket.sendall

    def breaks() -> bool:
        # Python hands an interruption to the main thread alone.
        is_main = threading.current_thread() is threading.main_thread()
        return is_main or error is not KeyboardInterrupt

    def broken_send(self: object, data: object) -> None:
        raw = data if isinstance(data, bytes) else b""
        if any(word in raw for word in SECRET_WORDS) and breaks():
            raise error(raw)
        send(self, data)  # type: ignore[arg-type]

    def broken_push(self: ssl.SSLSocket, data: bytes, flags: int = 0) -> None:
        if bytes(data).startswith((b"AUTH", b"dXNlcj", b"From", b"Message-ID")) and breaks():
            raise error(bytes(data))
        push(self, data, flags)

    if place == "http":
        monkeypatch.setattr(http.client.HTTPConnection, "send", broken_send)
    else:
        monkeypatch.setattr(ssl.SSLSocket, "sendall", broken_push)
    broken = 0
    for name in COMMANDS:
        said = sn_smtp(*COMMANDS[name], "--root", world.root, "-v")
        assert world.traces(said.out + said.err) == [], name
        broken += said.code != 0
    # What runs beside the main thread is not interrupted.
    assert broken or error is KeyboardInterrupt
    assert world.traces(world.left()) == []


# That it would be found


def test_the_canaries_would_be_seen(world: MailWorld, sn_smtp: Call) -> None:
    call(world, sn_smtp, "send")
    token, secret = world.issued[-1], world.mail.client_secret
    sign_in = base64.b64encode(f"user={MAILBOX}\x01auth=Bearer {token}\x01\x01".encode()).decode()
    for text in (token, sign_in, repr(token), f"token {token[-40:]}"):
        assert "access token" in world.traces(f"before {text} after")
    for text in (secret, quote(secret, safe=""), json.dumps({"a": secret}), secret[:20]):
        assert world.traces(f"before {text} after")
    assert world.traces(world.bodies[0]) == ["message body"]
    assert world.traces(world.vault.token) == ["vault token"]
    (world.root / "dev" / "note").write_text(secret)
    assert world.traces(world.left())
    logging.getLogger("a.library").debug("%s", token)
    assert "access token" in world.traces(world.left())
    assert world.traces("nothing of it") == []


def test_no_program_gets_a_secret(world: MailWorld) -> None:
    subprocess.run([sys.executable, "-c", "", world.vault.token], check=True)
    assert world.traces(world.left()) == ["vault token"]
