"""A real Dovecot takes our STARTTLS, our XOAUTH2 in both forms, and our message.

Needs Dovecot with its submission server (Debian: dovecot-core, dovecot-submissiond); `-m peer`.
It knows tokens by their signature, so the one that is sent is a real JWT.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import pytest
import trustme
from mail_setting import MAILBOX, OTHER, TENANT

from generator.azure.clouds import Cloud
from generator.config.environment import Authorization, ConnectionSecurity
from generator.mail.interface import Verdict
from generator.mail.message import build_message
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.mail.smtp import Evidence, Submission
from generator.mail.smtp_session import Steps
from generator.mail.token import Token

PEER = Path(__file__).parent / "peer"
DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PROGRAM = Path("/usr/lib/dovecot/submission-login")

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        DOVECOT is None or not PROGRAM.exists(),
        reason="Dovecot with its submission server is not installed",
    ),
]


@dataclass
class Peer:
    """A running Dovecot, and what reached the server behind it."""

    port: int
    ca_file: Path
    key: object
    taken: list[tuple[str, list[str], str]] = field(default_factory=list)

    def token(self, *, mailbox: str = MAILBOX, seconds: int = 3600, padding: int = 1500) -> Token:
        """A token for a mailbox, about as long as Entra's."""
        import jwt

        now = datetime.now(UTC)
        ends = now + timedelta(seconds=seconds)
        claims = {"email": mailbox, "sub": mailbox, "exp": int(ends.timestamp())}
        claims |= {"iat": int(now.timestamp()) - 60, "pad": "p" * padding}
        text = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "ours"})  # type: ignore[arg-type]
        return Token(text, expires_on=ends, answered_at=now)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, Envelope, Session
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    # Sockets have short paths, and Dovecot's own users must get in.
    base = Path(tmp_path_factory.mktemp("peer"))
    for part in (base, *list(base.parents)[:2]):
        part.chmod(0o755)
    key = generate_private_key(public_exponent=65537, key_size=2048)
    made = Peer(_free_port(), base / "ca.pem", key)

    class Behind:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            text = (envelope.content or b"").decode()  # type: ignore[union-attr]
            made.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), text))
            return "250 2.0.0 taken"

    relay = Controller(Behind(), hostname="127.0.0.1", port=_free_port())
    relay.start()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(made.ca_file)
    leaf = authority.issue_cert("localhost")
    leaf.private_key_pem.write_to_path(base / "server.key")
    with (base / "server.pem").open("wb") as chain:
        for part in leaf.cert_chain_pems:
            chain.write(part.bytes())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    keys = base / "keys" / "default" / "RS256"
    keys.mkdir(parents=True)
    (keys / "ours").write_bytes(public)
    _write_configuration(base, port=made.port, relay=relay.port)
    assert DOVECOT is not None
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(base / "dovecot.conf")])
    try:
        _wait_for(made.port, process, base / "dovecot.log")
        yield made
    finally:
        process.terminate()
        process.wait(20)
        relay.stop()


def _write_configuration(base: Path, *, port: int, relay: int) -> None:
    # Dovecot keeps no mail as root.
    is_root = os.geteuid() == 0
    own = pwd.getpwnam("dovenull") if is_root else pwd.getpwuid(os.geteuid())
    group = "dovecot" if is_root else grp.getgrgid(os.getegid()).gr_name
    values = {
        "base": base,
        "port": port,
        "relay": relay,
        "uid": own.pw_uid,
        "gid": own.pw_gid,
        "user": "root" if is_root else own.pw_name,
        "internal": "dovecot" if is_root else own.pw_name,
        "group": group,
        "login": own.pw_name,
    }
    for name in ("dovecot.conf", "oauth2.conf"):
        text = Template((PEER / name).read_text("utf-8")).safe_substitute(values)
        (base / name).write_text(text, encoding="utf-8")
    for name in ("home", "mail"):
        (base / name).mkdir()
        os.chown(base / name, own.pw_uid, own.pw_gid)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        # Another program starts: there is nothing that tells when.
        time.sleep(0.1)
    said = log.read_text("utf-8") if log.exists() else ""
    pytest.fail(f"Dovecot does not run: {said}")


@pytest.fixture
def submission(peer: Peer) -> Iterator[Submission]:
    made = _submission(peer, Steps.ONE)
    yield made
    made.close()


def _settings(peer: Peer) -> MailSettings:
    return MailSettings(
        tenant_id=TENANT,
        client_id="2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
        service_principal_object_id=None,
        authorization=Authorization.APP_ROLE,
        cloud=Cloud.PUBLIC,
        token_url=f"https://localhost/{TENANT}/oauth2/v2.0/token",
        scope="https://outlook.office365.com/.default",
        smtp_host="localhost",
        smtp_port=peer.port,
        connection_security=ConnectionSecurity.STARTTLS,
        user_name=MAILBOX,
        from_address=MAILBOX,
        secret_expires_on=None,
    )


def _network(peer: Peer) -> Network:
    return Network(ca_file=peer.ca_file, patience_seconds=0)


def _submission(peer: Peer, steps: Steps, **changes: object) -> Submission:
    settings = replace(_settings(peer), **changes)  # type: ignore[arg-type]
    return Submission(settings, network=_network(peer), steps=steps)


@pytest.mark.parametrize("steps", Steps)
@pytest.mark.parametrize("padding", [0, 1500])
def test_it_takes_our_sign_in_and_our_message(peer: Peer, steps: Steps, padding: int) -> None:
    made = _submission(peer, steps)
    before = len(peer.taken)
    opened = made.open()
    assert opened.verdict is Verdict.OK, opened.answered
    assert "XOAUTH2" in opened.answered
    assert "TLSv1." in opened.answered

    signed = made.sign_in(peer.token(padding=padding), Evidence())
    assert signed.verdict is Verdict.OK, signed.answered

    message = build_message(_settings(peer), recipient=OTHER, marker="m-1", now=datetime.now(UTC))
    sent = made.send(message, recipient=OTHER, marker="m-1")
    made.close()

    assert sent.verdict is Verdict.OK, sent.answered
    sender, recipients, text = peer.taken[before]
    assert (sender, recipients) == (MAILBOX, [OTHER])
    assert "Subject: [m-1]" in text


def test_its_challenge_to_a_token_that_has_ended_is_understood(
    peer: Peer, submission: Submission
) -> None:
    assert submission.open().verdict is Verdict.OK
    signed = submission.sign_in(peer.token(seconds=-600), Evidence())
    assert signed.verdict is Verdict.FAILED
    assert signed.code.startswith("smtp-535")
    # Dovecot tells a refusal as Google does: a 334 with JSON first.
    assert '"status":"401"' in signed.answered


def test_a_token_of_another_mailbox_is_refused(peer: Peer, submission: Submission) -> None:
    assert submission.open().verdict is Verdict.OK
    signed = submission.sign_in(peer.token(mailbox=OTHER), Evidence())
    assert signed.verdict is Verdict.FAILED
    assert signed.code.startswith("smtp-535")


def test_its_certificate_is_checked(peer: Peer) -> None:
    made = Submission(_settings(peer), network=Network(ca_file=None))
    assert made.open().code == "smtp-tls-authority"
    made.close()


def test_its_name_is_checked(peer: Peer) -> None:
    made = _submission(peer, Steps.ONE, smtp_host="127.0.0.1")
    assert made.open().code == "smtp-tls-name"
    made.close()
