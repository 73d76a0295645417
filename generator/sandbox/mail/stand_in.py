"""A tenant, its token endpoint, its Graph and its SMTP server on this machine.

with MailSandbox(tenant_id=..., client_id=..., service_principal_object_id=..., mailbox=...) as m:
    m.entra_url, m.smtp_host, m.smtp_port, m.ca_file, m.client_secret

Real sockets and real TLS on loopback; a throw-away authority signs the certificates. What it
answers models `spec/azure-and-smtp.md` and is no evidence of how Microsoft's services behave.
"""

from __future__ import annotations

import shutil
import ssl
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from generator.azure.clouds import ENDPOINTS, GRAPH, Cloud
from generator.clock import Clock, SystemClock
from generator.sandbox.mail import entra
from generator.sandbox.mail.entra import DEFAULT_SCOPE
from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.mail.mailbox import Mailbox, Message
from generator.sandbox.mail.tenant import Credential, Tenant, random_secret
from generator.sandbox.mail.tokens import signing_key

if TYPE_CHECKING:
    from types import TracebackType

    from generator.sandbox.mail.http_server import HttpsServer
    from generator.sandbox.mail.mail_app import MailApp
    from generator.sandbox.mail.smtp_server import SmtpServer

CA_FILE = "mail-ca.pem"
SMTP_HOST = "localhost"
KEY_VAULT = "https://vault.azure.net"
"""Resource of Azure Key Vault, for whoever keeps the secret there."""


class MailSandbox:
    """The stand-ins of one tenant."""

    def __init__(
        self,
        *,
        tenant_id: str,
        client_id: str,
        service_principal_object_id: str,
        application_object_id: str | None = None,
        mailbox: str,
        from_address: str = "",
        authorization: str = "app_role",
        cloud: str = "public",
        scope: str = "",
        behaviour: MailBehaviour | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        connection_security: str = "starttls",
        client_secret: str | None = None,
        secret_hint: str = "",
        secret_expires_on: datetime | None = None,
        mailbox_directory: Path | None = None,
    ) -> None:
        """Make a tenant; nothing is served before `start`.

        Args:
            tenant_id: Directory (tenant) id.
            client_id: Application (client) id.
            service_principal_object_id: Object id of the enterprise application.
            application_object_id: Object id of the app registration; a random one by default.
            mailbox: The address that may sign in.
            from_address: Another address that it sends as; empty if it does not.
            authorization: `app_role` or `app_rbac` (`spec/azure-and-smtp.md` 3).
            cloud: National cloud of the tenant (`generator.azure.clouds`).
            scope: Scope that Exchange answers to, where it is not the cloud's.
            behaviour: Switches; the default is a tenant where everything is right.
            clock: Time of both servers.
            seed: Kept for callers that give one to everything; ids and secrets are never seeded.
            connection_security: `starttls`, `ssl` or `none`, as the environment has it.
            client_secret: The first client secret; a random one by default.
            secret_hint: What a random one begins with.
            secret_expires_on: Its end; a year from now by default.
            mailbox_directory: Keeps messages there, as a Maildir.
        """
        del seed
        self.clock: Clock = clock or SystemClock()
        self.behaviour = behaviour or MailBehaviour()
        self.authorization = str(authorization)
        self.cloud = Cloud(cloud)
        self.mailbox = mailbox
        self.from_address = from_address or mailbox
        self.connection_security = str(connection_security)
        self.exchange_resources = exchange_resources(cloud, scope=scope)
        """Resources that are Exchange Online in this tenant."""

        self.resources = self.exchange_resources | {GRAPH[self.cloud], KEY_VAULT}
        """Resources that have a service principal in the tenant."""

        self.tenant = Tenant(
            tenant_id=tenant_id,
            client_id=client_id,
            service_principal_object_id=service_principal_object_id,
            application_object_id=application_object_id,
        )
        self._first = self.tenant.add(
            self.tenant.app,
            now=self.clock.now(),
            name="sandbox",
            end=secret_expires_on,
            value=client_secret or random_secret(secret_hint),
        )
        self._operator = self.tenant.add(
            self.tenant.operator, now=self.clock.now(), name="operator"
        )
        self.mailbox_taken = Mailbox(mailbox_directory)
        self.latency = 0.0
        """Seconds by which each HTTP answer and each SMTP reply comes later."""

        self.stopped = threading.Event()
        self._counts = {"requests": 0, "replies": 0}
        self._count_lock = threading.Lock()
        self._directory: Path | None = None
        self._https: HttpsServer | None = None
        self._smtp: SmtpServer | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}

    def __repr__(self) -> str:
        """Without a secret."""
        return f"MailSandbox(tenant_id={self.tenant.tenant_id!r})"

    # What it serves

    def start(self, *, entra_port: int = 0, smtp_port: int = 0) -> None:
        """Serve on loopback; 0 takes free ports.

        Raises:
            OSError: A port is taken.
        """
        from generator.sandbox.mail.http_server import HttpsServer
        from generator.sandbox.mail.smtp_server import SmtpServer

        if self._https is not None:
            raise RuntimeError("the mail stand-ins are served already")
        self.stopped.clear()
        # Not in the first request: making a key takes a noticeable time.
        signing_key()
        self._directory = Path(tempfile.mkdtemp(prefix="sn-smtp-mail-"))
        try:
            self._make_certificates(self._directory)
            self._https = HttpsServer(self._app(), context=self._contexts["valid"], port=entra_port)
            self._smtp = SmtpServer(
                self, implicit=self.connection_security == "ssl", port=smtp_port
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop serving and take the authority's file away; what was received stays."""
        self.stopped.set()
        https, smtp, directory = self._https, self._smtp, self._directory
        self._https = self._smtp = self._directory = None
        for server in (https, smtp):
            if server is not None:
                server.stop()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> MailSandbox:
        """Serve on free ports."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def entra_url(self) -> str:
        """`https://localhost:PORT` of the token endpoint."""
        return _running(self._https).url

    @property
    def graph_url(self) -> str:
        """`https://localhost:PORT` of Graph; the same server."""
        return self.entra_url

    @property
    def smtp_host(self) -> str:
        """Name of the SMTP server, which its certificate holds."""
        return SMTP_HOST

    @property
    def smtp_port(self) -> int:
        """Port of the SMTP server."""
        return self.smtp.port

    @property
    def smtp(self) -> SmtpServer:
        """The SMTP server."""
        return _running(self._smtp)

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._https is not None and self._smtp is not None

    @property
    def ca_file(self) -> Path:
        """Certificate of the authority that signed both servers' certificates."""
        return _running(self._directory) / CA_FILE

    def smtp_context(self) -> ssl.SSLContext:
        """TLS of the next SMTP session (switch `certificate`)."""
        return self._contexts[self.behaviour.certificate]

    # What a test or a person may know

    @property
    def client_secret(self) -> str:
        """The application's first client secret."""
        return self._first.value

    @property
    def first_credential(self) -> Credential:
        """Key id and dates of the first client secret."""
        return self._first

    @property
    def operator_client_id(self) -> str:
        """Client id of somebody who may change the application over Graph."""
        return self.tenant.operator.client_id

    @property
    def operator_secret(self) -> str:
        """That client's secret."""
        return self._operator.value

    def graph_token(self) -> str:
        """An access token for Graph of somebody who may change the application."""
        return entra.issue(self, self.tenant.operator, resource=GRAPH[self.cloud])

    @property
    def messages(self) -> list[Message]:
        """What was taken at the end of DATA, oldest first."""
        return self.mailbox_taken.messages

    @property
    def mailbox_path(self) -> Path | None:
        """The Maildir that keeps the messages, if one does."""
        return self.mailbox_taken.path

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._counts["requests"]

    @property
    def replies(self) -> int:
        """SMTP replies so far, greetings included."""
        return self._counts["replies"]

    def now(self) -> datetime:
        """The moment by the stand-ins' clock (switch `clock_skew_seconds`)."""
        return self.clock.now() + timedelta(seconds=self.behaviour.clock_skew_seconds)

    def count_request(self) -> None:
        """An HTTP request came in."""
        with self._count_lock:
            self._counts["requests"] += 1

    def count_reply(self) -> None:
        """An SMTP reply goes out."""
        with self._count_lock:
            self._counts["replies"] += 1

    def _app(self) -> MailApp:
        from generator.sandbox.mail.mail_app import MailApp

        return MailApp(self)

    def _make_certificates(self, directory: Path) -> None:
        from generator.sandbox.tls import make_tls

        made = make_tls()
        made.write_ca(directory / CA_FILE)
        self._contexts["valid"] = made.context
        self._contexts["other_name"] = made.for_names("elsewhere.example")
        self._contexts["unknown_ca"] = make_tls().context


def exchange_resources(cloud: str, *, scope: str = "") -> frozenset[str]:
    """The names that Exchange Online goes by in a cloud."""
    found = {ENDPOINTS[Cloud(cloud)].scope.removesuffix(DEFAULT_SCOPE)}
    if Cloud(cloud) is Cloud.PUBLIC:
        found.add("https://outlook.office.com")  # [COMM]
    if scope.endswith(DEFAULT_SCOPE):
        found.add(scope.removesuffix(DEFAULT_SCOPE))
    return frozenset(found)


_Running = TypeVar("_Running")


def _running(what: _Running | None) -> _Running:
    if what is None:
        raise RuntimeError("the mail stand-ins are not served; start them first")
    return what
