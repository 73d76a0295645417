"""The client secret, straight to the instance, and the date on which it ends (A17; decision 10).

Microsoft Entra ID is asked for a token with it first: what it refuses is not delivered. One PATCH
carries the secret and nothing else; the column is never read back: set or not set is all that can
be known here. That the secret on the instance is the right one, only a token through the instance
proves (`generator.instance.secret_proof`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from generator.errors import Fault, Refused, RemoteError
from generator.instance.interface import Found, Read
from generator.instance.journal import Event
from generator.instance.next_step import call
from generator.instance.package_files import (
    ENTITY_TABLE,
    PROPERTY_TABLE,
    Package,
    PackageRecord,
)
from generator.instance.rotation_journal import note_delivery
from generator.instance.run import Faults, Run, answered
from generator.instance.secret_proof import NOT_ASKED, ask_entra, ask_instance
from generator.instance.secret_refusals import date_not_written, lost, no_source, not_set
from generator.instance.work import is_lost
from generator.secrets.interface import Secret

COLUMN = "client_secret"
_PINNED = ("client_id", "token_url")
"""What must read as the package says before a secret is sent: whose secret it is, and where the
instance will send it."""

_STAMP = "%Y-%m-%d %H:%M:%S"


class SecretOutcome(StrEnum):
    """What became of the secret."""

    PROVEN = "delivered and proven"
    """The instance got a token with it."""

    DELIVERED = "delivered, not proven"
    BEFORE = "delivered by an earlier import, not proven"
    BEFORE_PROVEN = "delivered and proven by an earlier import"
    PUT_BACK = "the old one was put back, proven"
    NO_SOURCE = "no source configured"


def expiry_name(run: Run) -> str:
    """Name of the app's property that holds the end of the secret."""
    return f"{run.environment.app.scope}.secret_expires_on"


def secret_read(package: Package) -> Read:
    """Whether the entity's secret is set: a count, so that nothing of it is sent back."""
    return Read(
        ENTITY_TABLE, f"sys_id={entity_of(package).sys_id}^{COLUMN}ISNOTEMPTY", count_only=True
    )


def expiry_read(name: str) -> Read:
    """The property, by name: the platform knows properties by their names."""
    return Read(PROPERTY_TABLE, f"name={name}", ("sys_id", "name", "value"), limit=2)


def judge_expiry(name: str, *, package: Package, found: Found, faults: Faults) -> None:
    """Refuse a package whose date is earlier than the one on the instance (decision 10)."""
    if found.error is not None:
        faults.take(found.error)
        return
    on_instance = value_of(found, name)
    record = next(
        (r for r in package.records if r.table == PROPERTY_TABLE and r.fields.get("name") == name),
        None,
    )
    if record is None or record.deletes:
        return
    ours = record.fields.get("value", "")
    if on_instance and moment_of(on_instance) and ours < on_instance:
        faults.refuse(
            "secret-older",
            f"On the instance the client secret ends on {on_instance} ({name}); the package says "
            f"{ours or 'nothing'}: it would put back an older date than a rotation has written.",
            next="write the newer date in azure.secret_expires_on (or let azure.json say it), "
            "then render again",
        )


def check_delivery(run: Run, *, ends: str | None = None) -> Found:
    """Whether the secret can be delivered: a source, the package's entity, no later end there.

    Args:
        run: The call.
        ends: End of the secret that is delivered, `YYYY-MM-DD HH:MM:SS`, UTC; empty if nobody knows
            it; None: what the environment says, which must not be earlier than the instance's.

    Returns:
        What the instance holds of the property with the end of the secret.

    Raises:
        ConfigError: No source is configured.
        Refused: The entity is not there or is another's, or the instance knows a later end.
        RemoteError: The instance did not answer.
    """
    if run.secret is None and run.fetch_secret is None:
        raise no_source(run)
    entity, name = entity_of(run.package), expiry_name(run)
    found = run.read(
        {
            "entity": Read(
                ENTITY_TABLE, f"sys_id={entity.sys_id}", ("sys_id", "name", *_PINNED), limit=2
            ),
            "expiry": expiry_read(name),
        }
    )
    _require_entity(run, entity, found["entity"])
    expiry = answered(found["expiry"])
    if ends is None:
        _require_not_older(run, name, value_of(expiry, name), wanted(run))
    return expiry


def deliver(run: Run) -> None:
    """Ask Entra with the secret, deliver it with the date of its end, and prove it.

    Raises:
        Refused: The entity is not there or is another's, or the instance knows a later end.
        TokenRefused: Entra gives no token for it: nothing was delivered.
        VerificationFailed: The secret does not read as set afterwards, or the date otherwise, or
            the instance gets no token with it.
        RemoteError: Entra or the instance did not answer.
        ConfigError: No source is configured, or it has no secret.
    """
    before = check_delivery(run)
    secret = run.secret
    if secret is None:
        if run.fetch_secret is None:
            raise no_source(run)
        secret = run.secret = run.fetch_secret()
    ask_entra(run, secret)
    note_delivery(run.environment.directory, clock=run.clock, instance=run.instance.url)
    put_secret(run, secret, ends=wanted(run) or None, before=before)
    prove(run)


def prove(run: Run) -> None:
    """Prove what was delivered by a token through the instance, where that can be asked.

    Raises:
        VerificationFailed: The instance gets no token, or its app cannot be asked.
        RemoteError: The instance did not clearly answer.
    """
    label = entity_of(run.package).label
    if run.prove_secret is None:
        run.report.note(NOT_ASKED)
        run.done("secret", f"{SecretOutcome.DELIVERED.value} ({label})")
        return
    ask_instance(run)
    run.report.secret = SecretOutcome.PROVEN.value
    run.journal.write(Event.PROVEN)
    run.done("secret", f"{SecretOutcome.PROVEN.value} ({label})")


def put_secret(run: Run, secret: Secret, *, ends: str | None, before: Found) -> None:
    """Write a secret, and the date of its end where that differs; both read back.

    Args:
        run: The call.
        secret: What to write.
        ends: `YYYY-MM-DD HH:MM:SS`, UTC, or empty; None: the date stays as it is.
        before: What the instance holds of the date (`check_delivery`).

    Raises:
        VerificationFailed: The secret does not read as set afterwards, or the date otherwise.
        OutcomeUnknown: The secret was sent and no clear answer came.
        RemoteError: The instance did not answer, or said no.
    """
    send_secret(run, secret)
    settle_secret(run, ends=ends, before=before)


def send_secret(run: Run, secret: Secret) -> None:
    """Write a secret; that it stands is not read here.

    Raises:
        OutcomeUnknown: It was sent and no clear answer came.
        RemoteError: The instance said no, or could not be reached: nothing was written.
    """
    entity = entity_of(run.package)
    run.journal.write(Event.DELIVERING)
    try:
        run.instance.write_secret(ENTITY_TABLE, entity.sys_id, COLUMN, secret.reveal())
    except RemoteError as error:
        if not is_lost(error):
            raise
        raise lost(run, entity, error) from None


def settle_secret(run: Run, *, ends: str | None, before: Found, tells_date: bool = True) -> None:
    """Write the date of a secret that was just written, and read both back (`put_secret`).

    Raises:
        VerificationFailed: The secret does not read as set, or the date otherwise.
        RemoteError: The instance did not answer.
    """
    name = expiry_name(run)
    refused = _write_expiry(run, name, before, ends)
    after = run.read({"secret": secret_read(run.package), "expiry": expiry_read(name)})
    if answered(after["secret"]).total != 1:
        raise not_set(entity_of(run.package), COLUMN)
    run.report.secret = SecretOutcome.DELIVERED.value
    if ends is not None:
        _require_date(name, ends, after["expiry"], refused)
        if tells_date:
            _note_new_date(run, name, value_of(before, name), ends)
    run.journal.write(Event.DELIVERED)


def _require_entity(run: Run, entity: PackageRecord, found: Found) -> None:
    row = next((row for row in answered(found).rows if row.get("sys_id") == entity.sys_id), None)
    if row is None:
        raise Refused(
            Fault(
                "entity-missing",
                f"The application registry entry {entity.label} ({entity.sys_id}) is not on the "
                "instance, so there is nothing that could hold the secret.",
                next="import the package first",
            )
        )
    differing = [name for name in _PINNED if row.get(name) != entity.fields.get(name)]
    if differing:
        raise Refused(
            Fault(
                "entity-differs",
                f"{' and '.join(differing)} of {entity.label} ({entity.sys_id}) read otherwise on "
                "the instance than the package says: the secret would go to another than it is "
                "meant for.",
                next="see what changed it there; import the package again "
                f"({call(run.environment, 'render', '--again')}, then "
                f"{call(run.environment, 'import')})",
            )
        )


def wanted(run: Run) -> str:
    """End of the secret by the environment, as the property holds it; empty if nobody said."""
    ends = run.environment.azure.secret_expires_on
    return "" if ends is None else stamp(ends)


def stamp(moment: datetime) -> str:
    """A moment as the property holds it, UTC."""
    return moment.astimezone(UTC).strftime(_STAMP)


def _require_not_older(run: Run, name: str, on_instance: str, wanted: str) -> None:
    if wanted and moment_of(on_instance) and wanted < on_instance:
        raise Refused(
            Fault(
                "secret-older",
                f"On the instance the client secret ends on {on_instance} ({name}); the "
                f"environment says {wanted}: this secret is older than the one that is there.",
                file=str(run.environment.directory),
                path="azure.secret_expires_on",
                next="write the newer date there (or let azure.json say it), and see that the "
                "source holds the newer secret",
            )
        )


def _write_expiry(run: Run, name: str, found: Found, wanted: str | None) -> str:
    """Write the date where it differs; what the instance said against it, or nothing.

    Whether it stands, only reading it tells.
    """
    rows = [row for row in found.rows if row.get("name") == name]
    if wanted is None or len(rows) != 1 or rows[0].get("value") == wanted:
        return ""
    try:
        run.instance.update(PROPERTY_TABLE, rows[0]["sys_id"], {"value": wanted})
    except RemoteError as error:
        return "" if is_lost(error) else error.detail or error.faults[0].message
    return ""


def _require_date(name: str, wanted: str, found: Found, refused: str) -> None:
    """The date must read as it was wanted, in the one property that has this name.

    Raises:
        VerificationFailed: It does not, or cannot be read.
    """
    if found.error is not None:
        why = "it cannot be read"
        said = found.error.detail or found.error.faults[0].message
    else:
        values = [row.get("value", "") for row in found.rows if row.get("name") == name]
        if values == [wanted]:
            return
        said = refused
        if not values:
            why = "it is not on the instance"
        elif len(values) > 1:
            why = f"{len(values)} records have this name"
        else:
            why = f"it reads {values[0] or 'empty'}"
    raise date_not_written(name, wanted, f"{why} ({said})" if said else why)


def _note_new_date(run: Run, name: str, before: str, wanted: str) -> None:
    if before != wanted:
        run.report.note(
            f"{name} was {before or 'empty'} and is now {wanted or 'empty'}; if the package says "
            "otherwise, correct azure.secret_expires_on (or azure.json) and render"
        )


def value_of(found: Found, name: str) -> str:
    """Value of a property; empty if it is not there."""
    return next((row.get("value", "") for row in found.rows if row.get("name") == name), "")


def moment_of(text: str) -> datetime | None:
    """A moment as the property holds it, aware, UTC; None if it is none."""
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def entity_of(package: Package) -> PackageRecord:
    """The application registry entry that holds the secret.

    Raises:
        Refused: The package has none.
    """
    entity = package.first(ENTITY_TABLE)
    if entity is None:
        raise Refused(
            Fault(
                "no-entity",
                "The package holds no application registry entry.",
                next="render it anew",
            )
        )
    return entity
