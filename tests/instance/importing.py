"""An environment, an instance in this process, and imports between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from packages import START, render
from requests.adapters import BaseAdapter

from generator.clock import SteppedClock
from generator.config.environment import Environment
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import ExitCode, Fault, GeneratorError
from generator.instance.http_instance import HttpInstance, open_instance
from generator.instance.importer import import_package
from generator.instance.interface import Instance
from generator.instance.journal import open_journal
from generator.instance.package_files import load_package
from generator.instance.report import Report
from generator.instance.run import Options, Run
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox
from generator.secrets.interface import Secret
from generator.update_set.package_state import require_whole

SETTINGS = InstanceSettings(
    auth=AuthSettings(AuthMethod.BASIC, user="admin", password_from="env:IT"),
    production=False,
)


@dataclass(slots=True)
class Came:
    """What a call came to."""

    code: ExitCode
    faults: tuple[Fault, ...]
    report: Report
    said: list[str]

    @property
    def codes(self) -> list[str]:
        """Codes of its faults."""
        return [fault.code for fault in self.faults]


@dataclass(slots=True)
class Place:
    """One environment with its package, and the sandbox that it is imported into."""

    environment: Environment
    sandbox: Sandbox
    clock: SteppedClock
    client_secret: str | None = None
    package_faults: list[Fault] = field(default_factory=list)
    answers: Callable[[str], bool] = lambda question: True
    adapter: BaseAdapter | None = None
    """What sends requests instead of the sandbox's own."""

    prove_secret: Callable[[Secret], None] | None = None
    """What asks Entra with the secret; None: nobody does, and nothing is proven."""

    wrap: Callable[[HttpInstance], Instance] = lambda instance: instance
    """Puts something between an import and its client."""

    def open(self) -> HttpInstance:
        """A client of the sandbox."""
        return open_instance(
            self.environment.instance,
            url=self.environment.instance_url,
            clock=self.clock,
            secrets=lambda source: Secret(self.sandbox.admin_password),
            adapter=self.adapter or self.sandbox.adapter(),
        )

    def call(self, work: Callable[[Run], None] = import_package, **options: object) -> Came:
        """Do something on the sandbox as a call of the command line does."""
        directory = self.environment.directory
        package = load_package(directory, require_whole(directory))
        said: list[str] = []
        instance = self.open()
        report = Report("import", self.environment.name, instance.url, digest=package.digest)
        secret = self.client_secret
        run = Run(
            instance=self.wrap(instance),
            environment=self.environment,
            package=package,
            clock=self.clock,
            journal=open_journal(
                directory, digest=package.digest, clock=self.clock, instance=instance.url
            ),
            options=Options(**options),  # type: ignore[arg-type]
            report=report,
            tell=said.append,
            ask=self.answers,
            fetch_secret=None if secret is None else lambda: Secret(secret),
            check_package=lambda: tuple(self.package_faults),
            prove_secret=self.prove_secret,
        )
        try:
            work(run)
            code, faults = report.exit_code, report.faults
        except GeneratorError as error:
            code, faults = error.exit_code, error.faults
        report.requests = instance.requests
        instance.close()
        return Came(code, tuple(faults), report, said)

    def forget(self) -> None:
        """Lose the journal, as a fresh clone has none."""
        for path in (self.environment.directory / ".import").glob("*.jsonl"):
            path.unlink()

    def render_again(self) -> None:
        """`render --again`."""
        render(self.environment, self.clock.now(), again=("*",))


def place(
    environment: Environment,
    *,
    mail: Callable[[Environment, SteppedClock], MailSandbox] | None = None,
    **switches: object,
) -> Place:
    """A rendered environment and a sandbox that calls itself as it says.

    `mail` makes the stand-ins that the sandbox reaches; without them it reaches none.
    """
    made = replace(
        environment, instance=replace(SETTINGS), instance_url="https://acme-dev.service-now.com"
    )
    render(made, START)
    clock = SteppedClock(START)
    behaviour = Behaviour()
    for name, value in switches.items():
        setattr(behaviour, name, value)
    sandbox = Sandbox(
        name="acme-dev",
        behaviour=behaviour,
        clock=clock,
        mail=None if mail is None else mail(made, clock),
    )
    where = Place(made, sandbox, clock)
    # One test may make several places in one directory.
    where.forget()
    return where
