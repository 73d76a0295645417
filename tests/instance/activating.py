"""An environment whose package is imported, an instance, and stand-ins for Entra and Exchange."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from importing import Came, Place, place

from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.instance.cut_over import activate
from generator.instance.cut_over_deactivate import deactivate
from generator.instance.cut_over_result import CutOverResult
from generator.instance.run import Run
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.mail.stand_in import MailSandbox

ACCOUNTS = "sys_email_account"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"


@dataclass(slots=True)
class Stage:
    """Everything that a cut-over needs, before it."""

    place: Place
    mail: MailSandbox
    result: CutOverResult = field(default_factory=CutOverResult)
    """Of the last call."""

    seen_before: int = 0
    """Requests before it."""

    @property
    def sandbox(self) -> Sandbox:
        return self.place.sandbox

    @property
    def ours(self) -> str:
        """sys_id of our account."""
        (row,) = self.sandbox.database.query(ACCOUNTS, "name=Exchange Online SMTP")
        return row["sys_id"]

    @property
    def old(self) -> str:
        """sys_id of the account that sends before."""
        (row,) = self.sandbox.database.query(ACCOUNTS, "name=ServiceNow SMTP")
        return row["sys_id"]

    def active(self) -> set[str]:
        """Names of the active SMTP accounts."""
        rows = self.sandbox.database.query(ACCOUNTS, "type=smtp^active=true")
        return {row["name"] for row in rows}

    def switch(self, sys_id: str, *, on: bool) -> None:
        """As a person does on the instance."""
        values = {"active": "true" if on else "false"}
        self.sandbox.database.update(ACCOUNTS, sys_id, values, by="somebody")

    def set_property(self, name: str, value: str | None) -> None:
        """Set a property on the instance, or take it away."""
        (row,) = self.sandbox.database.query("sys_properties", f"name={name}")
        if value is None:
            self.sandbox.database.delete("sys_properties", row["sys_id"])
        else:
            self.sandbox.database.update(
                "sys_properties", row["sys_id"], {"value": value}, by="somebody"
            )

    def activate(self, *, test_to: str | None = None, **options: object) -> Came:
        return self.call(lambda run: activate(run, result=self.result, test_to=test_to), **options)

    def deactivate(
        self, *, to: str | None = None, no_mail: bool = False, **options: object
    ) -> Came:
        return self.call(
            lambda run: deactivate(run, result=self.result, to=to, no_mail=no_mail), **options
        )

    def call(self, work: Callable[[Run], None], **options: object) -> Came:
        self.result = CutOverResult()
        self.seen_before = len(self.sandbox.wire.seen)
        return self.place.call(work, **options)

    def journal(self) -> list[dict[str, str]]:
        """The lines of the cut-overs' journal."""
        path = self.place.environment.directory / ".import" / "activate.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.journal()]

    def writes(self) -> list[str]:
        """What the last call changed on the instance."""
        return [
            f"{entry.method} {entry.path}"
            for entry in self.sandbox.wire.seen[self.seen_before :]
            if entry.method != "GET" and "batch" not in entry.path
        ]


@contextmanager
def stage(environment: Environment, **switches: object) -> Iterator[Stage]:
    """The package imported with its secret, the old account active; switches of the mail side."""
    made = place(environment)
    behaviour = MailBehaviour()
    mail = MailSandbox(
        tenant_id=environment.azure.tenant_id,
        client_id=environment.azure.client_id,
        service_principal_object_id=PRINCIPAL,
        mailbox=environment.email_account.user_name,
        clock=made.clock,
        behaviour=behaviour,
    )
    with mail:
        made.sandbox.close()
        made.sandbox = Sandbox(name="acme-dev", clock=made.clock, mail=mail)
        made.client_secret = mail.client_secret
        came = made.call()
        assert (came.code, came.faults) == (ExitCode.OK, ())
        behaviour.set(switches)
        yield Stage(made, mail)
        made.sandbox.close()
