"""An imported environment whose whole mail side is on this machine, and a vault in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from importing import Came, Place, place

from generator.azure.graph import AddedPassword, Application, Graph
from generator.clock import SteppedClock
from generator.config.environment import Environment
from generator.errors import ConfigError, ExitCode, Fault
from generator.instance.rotation import rotate
from generator.instance.rotation_journal import Rotation, RotationJournal, open_rotations
from generator.instance.rotation_model import Directory, Rotating, Wishes
from generator.instance.run import Run
from generator.mail.network import Network
from generator.mail.settings import mail_settings
from generator.mail.token import request_token
from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.mail.stand_in import MailSandbox
from generator.sandbox.passwords import decrypt
from generator.secrets.interface import Secret, SecretSource

PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"


class Broken(Exception):
    """The process ends here, as far as a test is concerned."""


@dataclass(slots=True)
class Held:
    """A source that is no vault."""

    value: str = field(repr=False)
    description: str = "env:HELD"

    def fetch(self) -> Secret:
        """The value."""
        if not self.value:
            raise ConfigError(Fault("secret-empty", f"{self.description}: is empty."))
        return Secret(self.value)


@dataclass(slots=True)
class MemoryVault:
    """A vault that can be written, and told to fail."""

    versions: dict[str, str] = field(default_factory=dict, repr=False)
    description: str = "vault:kv/mail#secret"
    notes: list[str] = field(default_factory=list)
    fail_store: list[Exception | str] = field(default_factory=list)
    """What the next writes do instead: raise, or `lost` (written, then raise the next)."""

    unreadable: set[str] = field(default_factory=set)

    def fetch(self) -> Secret:
        """The newest."""
        return self.fetch_version(self.current_version())

    def store(self, secret: Secret, *, note: str) -> str:
        """A new version."""
        planned = self.fail_store.pop(0) if self.fail_store else None
        if isinstance(planned, Exception):
            raise planned
        version = str(len(self.versions) + 1)
        self.versions[version] = secret.reveal()
        self.notes.append(note)
        if planned == "lost":
            error = self.fail_store.pop(0)
            assert isinstance(error, Exception)
            raise error
        return version

    def fetch_version(self, version: str) -> Secret:
        """One version."""
        if version not in self.versions or version in self.unreadable:
            raise ConfigError(Fault("secret-vault-deleted", f"There is no version {version}."))
        return Secret(self.versions[version])

    def current_version(self) -> str:
        """The newest version."""
        if not self.versions:
            raise ConfigError(Fault("secret-vault-absent", "There is no version."))
        return str(len(self.versions))


@dataclass(slots=True)
class Desk:
    """One imported environment, and calls of `secret rotate`."""

    where: Place
    mail: MailSandbox
    vault: MemoryVault
    wishes: Wishes = field(default_factory=Wishes)
    source: SecretSource | None = None
    """Instead of the vault."""

    handed: SecretSource | None = None
    kept: SecretSource | None = None
    around_graph: Callable[[Directory], Directory] = lambda graph: graph
    dry_run: bool = False

    def call(self, work: Callable[[Rotating], None] = rotate) -> Came:
        """One call."""

        def rotating(run: Run) -> None:
            self.where.environment = run.environment
            work(
                Rotating(
                    run=run,
                    journal=open_rotations(
                        run.environment.directory, clock=run.clock, instance=run.instance.url
                    ),
                    source=self.source or self.vault,
                    open_graph=lambda: self.around_graph(self.graph()),
                    wishes=self.wishes,
                    handed=self.handed,
                    kept=self.kept,
                )
            )

        self.where.client_secret = "x"
        return self.where.call(rotating, dry_run=self.dry_run)

    def graph(self) -> Graph:
        """Microsoft Graph's stand-in, as somebody who may change the application."""
        return Graph(
            client_id=self.mail.tenant.app.client_id,
            url=self.mail.graph_url,
            token=self.mail.graph_token,
            ca_file=str(self.mail.ca_file),
        )

    def on_instance(self) -> str:
        """The secret that the instance holds."""
        (row,) = self.where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")
        return decrypt(self.where.sandbox, row["client_secret"]) or ""

    def date(self) -> str:
        """The date that the instance holds."""
        name = f"{self.where.environment.app.scope}.secret_expires_on"
        return self.where.sandbox.database.query("sys_properties", f"name={name}")[0]["value"]

    def keys(self) -> list[str]:
        """Key ids at Azure, oldest first."""
        return [one.key_id for one in self.graph().application().passwords]

    def values(self) -> list[str]:
        """Secrets at Azure, oldest first."""
        return [one.value for one in self.mail.tenant.credentials(self.mail.tenant.app)]

    def journal(self) -> RotationJournal:
        """The journal as the next call finds it."""
        return open_rotations(
            self.where.environment.directory,
            clock=self.where.clock,
            instance=self.where.open().url,
        )

    def rotation(self) -> Rotation:
        """The last rotation."""
        last = self.journal().last
        assert last is not None
        return last

    def pass_hours(self, hours: float) -> None:
        """Time goes by."""
        self.where.clock.sleep(timedelta(hours=hours).total_seconds())


@contextmanager
def desk(environment: Environment) -> Iterator[Desk]:
    """An import with its secret delivered and proven."""
    made: list[MailSandbox] = []

    def mail(environment: Environment, clock: SteppedClock) -> MailSandbox:
        made.append(
            MailSandbox(
                tenant_id=environment.azure.tenant_id,
                client_id=environment.azure.client_id,
                service_principal_object_id=PRINCIPAL,
                mailbox=environment.email_account.user_name,
                clock=clock,
                secret_expires_on=environment.azure.secret_expires_on,
                behaviour=MailBehaviour(),
            )
        )
        made[0].start()
        return made[0]

    try:
        where = place(environment, mail=mail)
        (stand_ins,) = made
        settings = mail_settings(where.environment, entra=stand_ins.entra_url)
        network = Network(ca_file=stand_ins.ca_file, clock=where.clock)

        def prove(secret: Secret) -> None:
            request_token(settings, secret, network=network)

        where.prove_secret = prove
        where.client_secret = stand_ins.client_secret
        came = where.call()
        assert (came.code, came.report.secret) == (ExitCode.OK, "delivered and proven"), came
        yield Desk(where, stand_ins, MemoryVault({"1": stand_ins.client_secret}))
    finally:
        for one in made:
            one.stop()


@dataclass(slots=True)
class GraphThat:
    """Graph, one of whose methods is another."""

    graph: Directory
    methods: dict[str, Callable[..., object]]

    def application(self) -> Application:
        """As Graph, or as told."""
        return self._do("application")  # type: ignore[return-value]

    def add_password(self, object_id: str, **more: object) -> AddedPassword:
        """As Graph, or as told."""
        return self._do("add_password", object_id, **more)  # type: ignore[return-value]

    def remove_password(self, object_id: str, **more: object) -> None:
        """As Graph, or as told."""
        self._do("remove_password", object_id, **more)

    def _do(self, name: str, *arguments: object, **more: object) -> object:
        original = getattr(self.graph, name)
        instead = self.methods.get(name)
        if instead is None:
            return original(*arguments, **more)
        return instead(lambda: original(*arguments, **more))
