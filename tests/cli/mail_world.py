"""One environment, an instance, a tenant and both vaults, and every secret between them.

What must not be seen is known by value: the secrets are made here, and the tokens are written down
where the stand-ins issue them.
"""

from __future__ import annotations

import base64
import email
import io
import json
import logging
import os
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, quote_plus

import pytest
from vault_stand_ins import KeyVaultStandIn, KeyVaultVersion, VaultStandIn, VaultVersion

from generator.cli import instance_call
from generator.clock import SteppedClock
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail import entra
from generator.sandbox.mail.mailbox import Mailbox
from generator.sandbox.mail.stand_in import MailSandbox

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
APPLICATION = "c0ffee00-1111-4222-8333-444455556666"
MAILBOX = "servicenow-dev@acme.example"
KEY_VAULT = "https://vault.azure.net"
SOURCES = {
    "env": "env:SN_SMTP_TEST_SECRET",
    "keyvault": "keyvault:https://acme-mail.vault.azure.net/secrets/smtp",
    "vault": "vault:secret/servicenow/dev#client_secret",
}
ENVIRONMENT = f"""\
instance:
  url: https://acme-dev.service-now.example
  production: false
  auth: {{{{method: basic, user: admin, password_from: "env:SN_SMTP_TEST_PASSWORD"}}}}
email_account: {{{{user_name: {MAILBOX}}}}}
azure:
  service_principal_object_id: {PRINCIPAL}
  secret_expires_on: 2027-11-20
  client_secret_from: "{{source}}"
"""
_SHORTEST_LINE = 24


def forms(value: str) -> set[str]:
    """A secret in each form that it may appear in, also inside base64 of a longer text."""
    raw = value.encode()
    aligned = {base64.b64encode(b"x" * lead + raw).decode()[4:-4] for lead in range(3)}
    return {
        *(value, quote(value), quote_plus(value), quote(value, safe=""), raw.hex()),
        *(json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]),
        *aligned,
        # A part of it is enough for a guess.
        *(value[at : at + 16] for at in range(0, len(value) - 15, 8)),
        value[-16:],
    }


@dataclass
class MailWorld:
    """Everything that a command meets, and what it must not tell."""

    root: Path
    state: Path
    sandbox: Sandbox
    mail: MailSandbox
    key_vault: KeyVaultStandIn
    vault: VaultStandIn
    secrets: dict[str, str]
    """Name to value."""

    log: io.StringIO
    """What any library logged, at the lowest level."""

    issued: list[str] = field(default_factory=list)
    """Access tokens."""

    bodies: list[str] = field(default_factory=list)
    """Lines of messages that arrived."""

    programs: list[list[str]] = field(default_factory=list)
    """Arguments of programs that were started."""

    source: str = "env"
    """Where the client secret lies."""

    def hand_in(self) -> tuple[str, ...]:
        """What `rotate` is called with: a vault gets its new secret from Graph, a variable here."""
        if self.source != "env":
            return ()
        made = self.mail.tenant.add(
            self.mail.tenant.app, now=self.mail.clock.now(), name="handed in"
        )
        os.environ["SN_SMTP_TEST_OLD"] = os.environ["SN_SMTP_TEST_SECRET"]
        os.environ["SN_SMTP_TEST_SECRET"] = made.value
        return (
            *("--new-secret-from", "env:SN_SMTP_TEST_SECRET"),
            *("--old-secret-from", "env:SN_SMTP_TEST_OLD"),
            *("--expires-on", f"{made.end:%Y-%m-%d}"),
        )

    def old_key(self) -> tuple[str, ...]:
        """What `rotate --finish` is called with: of a secret that was handed in nobody noted it."""
        if self.source != "env":
            return ()
        return ("--old-key-id", self.mail.first_credential.key_id)

    def known(self) -> Iterator[tuple[str, str]]:
        """Name and value of everything that must not be seen now."""
        yield from self.secrets.items()
        for client in (self.mail.tenant.app, self.mail.tenant.operator):
            for held in self.mail.tenant.credentials(client):
                yield f"client secret {held.display_name}", held.value
        for token in self.issued:
            # The head and the padding are the same in every token, and no secret.
            yield "access token", token.rpartition(".")[2][-64:]

    def traces(self, text: str) -> list[str]:
        """Names of what a text holds that it must not hold."""
        found = {name for name, value in self.known() if any(f in text for f in forms(value))}
        found |= {"message body" for line in self.bodies if line in text}
        return sorted(found)

    def left(self) -> str:
        """Everything that lies about: the environment's files, crash logs, arguments, logs."""
        files = [
            path.read_text(encoding="utf-8", errors="replace")
            for place in (self.root, self.state)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        ]
        arguments = [" ".join(program) for program in self.programs]
        return "\n".join([*files, *arguments, self.log.getvalue(), *self.sandbox.log])


@contextmanager
def mail_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, source: str, start: SteppedClock
) -> Iterator[MailWorld]:
    """Everything started, nothing rendered yet; stopped at the end.

    Args:
        tmp_path: Takes the root, the state directory and the authorities.
        monkeypatch: Of the test.
        source: Key of `SOURCES`: where the client secret lies.
        start: The clock of all of them.
    """
    root = tmp_path / "canaries"
    (root / "dev").mkdir(parents=True)
    state = tmp_path / "state-of-canaries"
    with ExitStack() as stack:
        mail = stack.enter_context(
            MailSandbox(
                tenant_id=TENANT,
                client_id=CLIENT,
                service_principal_object_id=PRINCIPAL,
                application_object_id=APPLICATION,
                mailbox=MAILBOX,
                clock=start,
            )
        )
        sandbox = Sandbox(name="acme-dev", clock=start, mail=mail)
        stack.callback(sandbox.close)
        key_vault = stack.enter_context(KeyVaultStandIn(tmp_path))
        vault = stack.enter_context(VaultStandIn(tmp_path))
        log = stack.enter_context(_everything_logged())
        secrets = {
            "instance password": sandbox.admin_password,
            "vault token": vault.token,
            "another key of the vault": f"other-{token_hex(16)}",
        }
        world = MailWorld(root, state, sandbox, mail, key_vault, vault, secrets, log, source=source)
        _fill(world)
        _watch(world, monkeypatch)
        for name, value in _variables(world, tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SN_SMTP_INSTANCE", raising=False)
        monkeypatch.setattr(instance_call, "make_clock", lambda: start)
        monkeypatch.setattr(instance_call, "make_adapter", sandbox.adapter)
        yield world


def _fill(world: MailWorld) -> None:
    text = ENVIRONMENT.format(source=SOURCES[world.source])
    (world.root / "dev" / "environment.yaml").write_text(text, encoding="utf-8")
    secret = world.mail.client_secret
    world.key_vault.secrets["smtp"] = [KeyVaultVersion(secret)]
    other = world.secrets["another key of the vault"]
    world.vault.paths["servicenow/dev"] = [VaultVersion({"client_secret": secret, "other": other})]
    # The tenant's own Entra signs in to the vault, too.
    world.mail.resources |= {KEY_VAULT}
    world.key_vault.login = f"{world.mail.entra_url}/{TENANT}"
    world.key_vault.accepts = lambda token: token in world.issued


def _variables(world: MailWorld, tmp_path: Path) -> dict[str, str]:
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(world.mail.ca_file.read_bytes() + world.key_vault.ca_file.read_bytes())
    return {
        **world.vault.variables(),
        "SN_SMTP_KEY_VAULT": world.key_vault.url,
        "SN_SMTP_ENTRA": world.mail.entra_url,
        "SN_SMTP_GRAPH": world.mail.graph_url,
        "SN_SMTP_SMTP": f"{world.mail.smtp_host}:{world.mail.smtp_port}",
        "SN_SMTP_MAIL_CA": str(authorities),
        "SN_SMTP_TEST_SECRET": world.mail.client_secret,
        "SN_SMTP_TEST_OLD": "",
        "SN_SMTP_TEST_PASSWORD": world.sandbox.admin_password,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": world.mail.operator_client_id,
        "AZURE_CLIENT_SECRET": world.mail.operator_secret,
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
        "XDG_STATE_HOME": str(world.state),
    }


def _watch(world: MailWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write down tokens where they are issued, messages where they arrive, programs as started."""
    issue, take, start = entra.issue, Mailbox.take, subprocess.Popen.__init__

    def issued(*arguments: object, **more: object) -> str:
        token = issue(*arguments, **more)  # type: ignore[arg-type]
        world.issued.append(token)
        return token

    def taken(self: Mailbox, content: bytes, **more: object) -> object:
        payload = email.message_from_bytes(content).get_payload(decode=True) or b""
        assert isinstance(payload, bytes)
        lines = payload.decode("utf-8", "replace").splitlines()
        world.bodies += [line for line in lines if len(line) >= _SHORTEST_LINE]
        return take(self, content, **more)  # type: ignore[arg-type]

    def started(self: object, args: object, *more: object, **named: object) -> None:
        words = args if isinstance(args, list | tuple) else [args]
        world.programs.append([str(word) for word in words])
        start(self, args, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(entra, "issue", issued)
    monkeypatch.setattr(Mailbox, "take", taken)
    monkeypatch.setattr(subprocess.Popen, "__init__", started)


@contextmanager
def _everything_logged() -> Iterator[io.StringIO]:
    """The log of every library, tracebacks included, as somebody who looks for a fault sets it."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    handler.setLevel(0)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        yield kept
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def told_of(error: BaseException) -> str:
    """Everything that a traceback with its causes says."""
    return "".join(traceback.format_exception(error))


Fails = Callable[[MailWorld], None]
"""Makes something go wrong."""
