"""The sandbox as a server of its own: for an environment, with TLS, until a signal ends it.

Loopback only: `generator.sandbox.serving` binds 127.0.0.1 and takes no other address.
"""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import Fault, UsageError
from generator.sandbox.base_rows import ADMIN_ID
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.for_environment import variables_for
from generator.sandbox.mail.stand_in import MailSandbox
from generator.sandbox.seed import add_administrator, add_api_key, add_oauth_client
from generator.sandbox.serving import HOST
from generator.sandbox.taken import take_roles
from generator.sandbox.tls import ClientCertificate, Tls, make_tls

ADMIN = "admin"
INSTANCE_VARIABLE = "SN_SMTP_INSTANCE"
"""Where the client sends its requests instead (`--instance`)."""

SECRET_BYTES = 18
CA_FILE = "sandbox-ca.pem"
CLIENT_FILE = "sandbox-client.pem"
"""Client certificate of the first user, beside it; its key goes into a variable only."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a sandbox stands in for: the part of an environment that it needs."""

    name: str = "sandbox"
    """`instance_name`: first label of the instance's host."""

    settings: InstanceSettings = field(default_factory=InstanceSettings)
    client_secret_from: str | None = None
    """`azure.client_secret_from`."""

    stands_in: bool = False
    """Whether it is that of an environment; a sandbox for nobody lacks nothing."""

    @classmethod
    def of(cls, url: str, *, settings: InstanceSettings, client_secret_from: str | None) -> Role:
        """The role of the instance of a URL."""
        host = urlsplit(url).hostname or "sandbox"
        return cls(host.partition(".")[0], settings, client_secret_from, stands_in=True)


@dataclass(slots=True)
class Running:
    """A sandbox that serves, and what its user must know."""

    sandbox: Sandbox
    url: str
    ca_file: Path | None
    variables: Mapping[str, str]
    """Variables that the environment file's sources name, with throw-away values."""

    notes: tuple[str, ...]
    """What the user must do by hand; a line each."""

    _directory: Path | None = None
    mail: MailSandbox | None = None
    """The mail stand-ins, if they were wanted."""

    def __repr__(self) -> str:
        """Without the values of the variables."""
        return f"Running({self.url!r})"

    def write_env(self, path: Path) -> None:
        """Write URL and variables for a shell, mode 0600, whole or not at all."""
        values = {INSTANCE_VARIABLE: self.url, **self.variables}
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in values.items()]
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            # mkstemp makes it 0600.
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(lines)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def stop(self) -> None:
        """Stop serving; take away what was only for this run."""
        self.sandbox.close()
        if self.mail is not None:
            self.mail.stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def run(
    *,
    behaviour: Behaviour,
    role: Role,
    port: int = 0,
    tls: bool = False,
    data: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    mail: MailSandbox | None = None,
) -> Running:
    """Start a sandbox.

    Args:
        behaviour: The switches; `production` is the caller's to set.
        role: What it stands in for.
        port: 0 takes a free one.
        tls: Whether to serve with TLS.
        data: Directory that keeps the data.
        on_line: Told of each line of the log.
        mail: Stand-ins of its tenant, which are started and stopped with it.

    Raises:
        UsageError: The port or the directory is not to be had.
    """
    _check_port(port)
    auth = role.settings.auth
    sandbox = Sandbox(
        name=role.name,
        behaviour=behaviour,
        data=data,
        # Ids and tokens of a server that strangers' programs may reach are not to be guessed.
        seed=secrets.randbits(64),
        admin_user=auth.user if auth is not None and auth.user else ADMIN,
        on_line=on_line,
        mail=mail,
    )
    directory: Path | None = None
    try:
        if mail is not None:
            mail.start()
        made = ca_file = context = None
        if tls:
            made = make_tls()
            context = made.context
            if data is None:
                directory = Path(tempfile.mkdtemp(prefix="sn-smtp-sandbox-"))
            ca_file = made.write_ca((data or directory or Path()).absolute() / CA_FILE)
        variables, notes = _let_in(sandbox, role, tls=made, ca_file=ca_file)
        url = sandbox.start(port=port, ssl_context=context)
    except BaseException:
        sandbox.close()
        if mail is not None:
            mail.stop()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
        raise
    return Running(sandbox, url, ca_file, variables, notes, directory, mail)


def wait_for_end() -> None:
    """Wait for SIGINT or SIGTERM; both end a sandbox cleanly."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # A wait without limit cannot be interrupted everywhere.
        while not ended.wait(3600):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_port(port: int) -> None:
    """Refuse a port that is taken: the server's library would end the process."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else "is not to be had"
            raise UsageError(
                Fault(
                    "port",
                    f"Port {port} of {HOST} {why}: {error.strerror}.",
                    path="--port",
                    next="take another port, or none for a free one",
                )
            ) from None


def _let_in(
    sandbox: Sandbox, role: Role, *, tls: Tls | None, ca_file: Path | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Set the sandbox up for the environment's ways to sign in.

    Returns:
        Variables to set, and what cannot be set up from here.
    """
    ways = _Ways(sandbox, tls=tls, ca_file=ca_file)
    if role.stands_in and role.settings.auth is None:
        ways.notes.append(
            "no way to sign in is known: an import needs instance.auth with method: basic, user "
            "and password_from: env:NAME (or another method and its keys)"
        )
    for key in ("auth", "upload_auth"):
        settings = getattr(role.settings, key)
        if settings is not None:
            ways.add(settings, key=f"instance.{key}")
    if role.client_secret_from is not None:
        ways.client_secret(role.client_secret_from)
    elif sandbox.mail is not None:
        ways.notes.append(
            "azure.client_secret_from is not set: write env:NAME there, so that --write-env can "
            "hand over the secret that the stand-in takes"
        )
    if sandbox.mail is not None:
        ways.variables.update(variables_for(sandbox.mail))
    # The new users hold what the switches take away, too.
    take_roles(sandbox)
    return ways.variables, tuple(ways.notes)


class _Ways:
    """The ways to sign in of one environment, as a sandbox takes them."""

    def __init__(self, sandbox: Sandbox, *, tls: Tls | None, ca_file: Path | None) -> None:
        self._sandbox = sandbox
        self._tls = tls
        self._ca_file = ca_file
        self._issued: ClientCertificate | None = None
        self.variables: dict[str, str] = {}
        self.notes: list[str] = []

    def value(self, key: str, *, source: str | None, given: str | None = None) -> str:
        """The throw-away secret of a source; a note where only the user can put it there."""
        kind, _, name = (source or "").partition(":")
        if kind == "env" and name:
            return self.variables.setdefault(name, given or secrets.token_urlsafe(SECRET_BYTES))
        if source is not None:
            self.notes.append(
                f"{key} is {kind or 'no'} source, which the sandbox cannot fill; use env:NAME, "
                "or put the printed password there"
            )
        # The printed password is all that a person can put there.
        return given or self._sandbox.admin_password

    def client_secret(self, source: str) -> None:
        """Azure's secret: any value does without stand-ins, but a real one must not come here."""
        key = "azure.client_secret_from"
        if source.startswith("env:"):
            mail = self._sandbox.mail
            self.value(key, source=source, given=None if mail is None else mail.client_secret)
        else:
            self.notes.append(
                f"{key} is a file or command source: the real secret would be sent to this "
                "sandbox; set env:NAME instead for a trial"
            )

    def add(self, auth: AuthSettings, *, key: str) -> None:
        """Take one way to sign in."""
        sandbox = self._sandbox
        if auth.method in (AuthMethod.BASIC, AuthMethod.OAUTH_PASSWORD):
            name = auth.user or sandbox.admin_user
            is_first = name == sandbox.admin_user
            given = sandbox.admin_password if is_first else None
            password = self.value(f"{key}.password_from", source=auth.password_from, given=given)
            if not is_first or password != sandbox.admin_password:
                add_administrator(sandbox, name, password=password)
        if auth.method in (AuthMethod.OAUTH_CLIENT_CREDENTIALS, AuthMethod.OAUTH_PASSWORD):
            secret = self.value(f"{key}.client_secret_from", source=auth.client_secret_from)
            add_oauth_client(sandbox, auth.client_id or "client", secret=secret, user=ADMIN_ID)
        if auth.method == AuthMethod.API_KEY:
            add_api_key(sandbox, self.value(f"{key}.api_key_from", source=auth.api_key_from))
        if auth.method == AuthMethod.MTLS:
            self._client_certificate(auth, key=key)

    def _client_certificate(self, auth: AuthSettings, *, key: str) -> None:
        """A certificate of the sandbox's own authority, named like its first user."""
        if self._tls is None or self._ca_file is None:
            self.notes.append(f"{key} is mtls, which needs a sandbox with --tls; or use basic")
            return
        kind, _, variable = (auth.private_key_from or "").partition(":")
        if kind != "env":
            self.notes.append(
                f"{key}.private_key_from is {kind or 'no'} source: the key of the sandbox's own "
                "client certificate can only be handed over by env:NAME"
            )
            return
        path = self._ca_file.with_name(CLIENT_FILE)
        if self._issued is None:
            self._issued = self._tls.issue_client(self._sandbox.admin_user)
            path.write_bytes(self._issued.certificate_pem)
        self.variables[variable] = self._issued.private_key.reveal()
        self.notes.append(
            f"{key} is mtls: let {key}.certificate name {path} while you try it, and "
            "instance.ca_file the authority"
        )
