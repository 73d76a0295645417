"""The whole integration of one environment: its records, and the sets that they travel in."""

from __future__ import annotations

from dataclasses import dataclass

from generator.config.environment import Environment
from generator.errors import ConfigError, Fault
from generator.integration.mail_chain import CLIENT_UUID, LOGICAL_NAMES, mail_chain
from generator.integration.scoped_app import (
    AppInputs,
    app_application,
    app_logical_names,
    app_records,
    secret_expires_on_record,
)
from generator.update_set.records import GLOBAL, Application, Record

GLOBAL_ROLE = "global"
APP_ROLE = "app"

_GLOBAL_TEXT = (
    "Outbound mail over SMTP with OAuth 2.0 client credentials: application registry, scope, "
    "profile and email account."
)
_APP_TEXT = (
    "The application that checks the mail chain: script includes, Flow Designer action, "
    "REST API, notification, properties."
)
_SECRET_TEXT = "The client secret is not in this update set; it is entered on the instance."  # noqa: S105


@dataclass(frozen=True, slots=True)
class SetContents:
    """What one update set holds and says of itself."""

    role: str
    """`global` or `app`."""

    name: str
    description: str
    """Its last line identifies the set as ours: `sn-smtp <app scope> <environment> <role>`."""

    application: Application
    records: tuple[Record, ...]
    """In dependency order."""


@dataclass(frozen=True, slots=True)
class Integration:
    """Everything that is rendered for one environment."""

    sets: tuple[SetContents, ...]
    """The global set first."""

    account: Record
    """The email account; in the global set only while it is not live."""

    def records(self) -> tuple[Record, ...]:
        """Every record, the account included where no set holds it."""
        found = tuple(record for contents in self.sets for record in contents.records)
        return found if self.account in found else (*found, self.account)


def logical_names() -> tuple[str, ...]:
    """Every name that `sys_ids:` accepts."""
    return (*LOGICAL_NAMES, *app_logical_names())


def record_names() -> tuple[str, ...]:
    """Those of them that are the name of a record."""
    return tuple(name for name in logical_names() if name != CLIENT_UUID)


def integrate(environment: Environment) -> Integration:
    """Decide the records and sets of an environment.

    Raises:
        ConfigError: `sys_ids` gives a record the sys_id that another one already has.
    """
    chain = mail_chain(environment)
    account = chain[-1]
    if environment.email_account.live:
        chain = chain[:-1]
    inputs = _app_inputs(environment)
    app = app_records(inputs)
    expiry = secret_expires_on_record(inputs, environment.azure.secret_expires_on)
    application = app_application(inputs)
    name = f"{environment.app.name} {environment.version} ({environment.name})"
    integration = Integration(
        sets=(
            SetContents(
                role=GLOBAL_ROLE,
                name=name,
                description=_description(_GLOBAL_TEXT, environment, GLOBAL_ROLE),
                application=GLOBAL,
                records=chain,
            ),
            SetContents(
                role=APP_ROLE,
                name=name,
                description=_description(_APP_TEXT, environment, APP_ROLE),
                application=application,
                records=(*app, expiry),
            ),
        ),
        account=account,
    )
    _refuse_twins(environment, integration.records())
    return integration


def signature(environment: Environment, role: str) -> str:
    """The last line of a set's description, by which a set is recognised as ours."""
    return f"sn-smtp {environment.app.scope} {environment.name} {role}"


def _refuse_twins(environment: Environment, records: tuple[Record, ...]) -> None:
    """An adopted sys_id may be one that another record of ours was given."""
    owners: dict[str, Record] = {}
    twins = [
        (owners[record.sys_id], record)
        for record in records
        if owners.setdefault(record.sys_id, record) is not record
    ]
    if twins:
        raise ConfigError(*(_twin_fault(environment, *pair) for pair in twins))


def _twin_fault(environment: Environment, one: Record, other: Record) -> Fault:
    adopted, taken = (one, other) if one.logical_name in environment.sys_ids else (other, one)
    return Fault(
        "equal-sys-ids",
        f"is the sys_id of {taken.logical_name}; two records cannot share one.",
        file=str(environment.directory),
        path=f"sys_ids.{adopted.logical_name}",
        next="look the record up on the instance and write its own sys_id, or remove the line",
    )


def _description(text: str, environment: Environment, role: str) -> str:
    return f"{text}\n{_SECRET_TEXT}\n{signature(environment, role)}"


def _app_inputs(environment: Environment) -> AppInputs:
    app = environment.app
    names = frozenset(app_logical_names())
    adopted = tuple(sorted((n, i) for n, i in environment.sys_ids.items() if n in names))
    return AppInputs(
        name=app.name,
        scope=app.scope,
        version=app.version,
        vendor=app.vendor,
        integration=environment.integration,
        author=environment.author,
        release=environment.release,
        adopted=adopted,
    )
