"""An instance with the example imported, and stand-ins for its mail: cut-overs are tried on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fault_desk import Break, Came, Desk, load_rendered, render_example

from generator.clock import Clock
from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.instance.cut_over import activate
from generator.instance.cut_over_deactivate import deactivate
from generator.instance.cut_over_result import CutOverResult
from generator.instance.run import Run
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox

ACCOUNTS = "sys_email_account"
OURS, OLD = {"Exchange Online SMTP"}, {"ServiceNow SMTP"}
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"


@dataclass(slots=True)
class CutOverDesk:
    """A desk whose instance can be brought back to how it was before the cut-over."""

    desk: Desk
    mail: MailSandbox
    result: CutOverResult = field(default_factory=CutOverResult)

    @property
    def sandbox(self) -> Sandbox:
        return self.desk.sandbox

    def reset(self, *, active: set[str] = OLD) -> None:
        """As it was: accounts, mail, journal."""
        change = self.sandbox.database.update
        for row in self.sandbox.database.query(ACCOUNTS, "type=smtp"):
            values = {"active": "true" if row["name"] in active else "false"}
            change(ACCOUNTS, row["sys_id"], values, by="test")
        for row in self.sandbox.database.query("sys_email", ""):
            self.sandbox.database.delete("sys_email", row["sys_id"])
        self.mail.behaviour.smtp_data = "healthy"
        self.desk.forget()

    def active(self) -> set[str]:
        """Names of the active SMTP accounts."""
        rows = self.sandbox.database.query(ACCOUNTS, "type=smtp^active=true")
        return {row["name"] for row in rows}

    def activate(self, *, broken: Break | None = None) -> Came:
        return self._call(lambda run: activate(run, result=self.result), broken)

    def deactivate(self, *, broken: Break | None = None) -> Came:
        return self._call(lambda run: deactivate(run, result=self.result), broken)

    def _call(self, work: Callable[[Run], None], broken: Break | None) -> Came:
        self.result = CutOverResult()
        return self.desk.call(work, broken=broken)

    def events(self) -> list[str]:
        """The lines of the cut-overs' journal."""
        path = self.desk.environment.directory / ".import" / "activate.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["event"] for line in lines]


@contextmanager
def cut_over_desk(
    root: Path,
    clock: Clock,
    *,
    make: Callable[[MailSandbox], Sandbox] | None = None,
) -> Iterator[CutOverDesk]:
    """The example `dev`, rendered and imported with the stand-ins' client secret.

    Args:
        root: Where to render it.
        clock: Of everything.
        make: Makes the instance; a plain one by default.
    """
    environment: Environment = render_example(root, "batch")
    mail = MailSandbox(
        tenant_id=environment.azure.tenant_id,
        client_id=environment.azure.client_id,
        service_principal_object_id=PRINCIPAL,
        mailbox=environment.email_account.user_name,
        clock=clock,
    )
    with mail:
        sandbox = Sandbox(name="acme-dev", clock=clock, mail=mail) if make is None else make(mail)
        desk = Desk(
            environment,
            load_rendered(environment),
            sandbox,
            clock,  # type: ignore[arg-type]
            secret=mail.client_secret,
        )
        came = desk.call()
        assert (came.code, came.faults) == (ExitCode.OK, ())
        yield CutOverDesk(desk, mail)
        sandbox.close()
