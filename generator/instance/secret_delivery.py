"""The client secret, straight to the instance, and the date on which it ends (A17; decision 10).

One PATCH carries the secret and nothing else. The column is never read back: set or not set is
all that can be known here. That the secret is the right one, only a token request proves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from generator.errors import ConfigError, Fault, Refused, RemoteError, VerificationFailed
from generator.instance.interface import Found, Read
from generator.instance.journal import Event
from generator.instance.next_step import call
from generator.instance.package_files import (
    ENTITY_TABLE,
    PROPERTY_TABLE,
    Package,
    PackageRecord,
)
from generator.instance.run import Faults, Run, answered
from generator.instance.work import is_lost

COLUMN = "client_secret"
PROVEN_LATER = "delivered, not proven"
_PINNED = ("client_id", "token_url")
"""What must read as the package says before a secret is sent: whose secret it is, and where the
instance will send it."""

_STAMP = "%Y-%m-%d %H:%M:%S"


class SecretOutcome(StrEnum):
    """What became of the secret."""

    DELIVERED = PROVEN_LATER
    BEFORE = "delivered by an earlier import, not proven"
    NO_SOURCE = "no source configured"


def expiry_name(run: Run) -> str:
    """Name of the app's property that holds the end of the secret."""
    return f"{run.environment.app.scope}.secret_expires_on"


def secret_read(package: Package) -> Read:
    """Whether the entity's secret is set: a count, so that nothing of it is sent back."""
    return Read(
        ENTITY_TABLE, f"sys_id={_entity(package).sys_id}^{COLUMN}ISNOTEMPTY", count_only=True
    )


def expiry_read(name: str) -> Read:
    """The property, by name: the platform knows properties by their names."""
    return Read(PROPERTY_TABLE, f"name={name}", ("sys_id", "name", "value"), limit=2)


def judge_expiry(name: str, *, package: Package, found: Found, faults: Faults) -> None:
    """Refuse a package whose date is earlier than the one on the instance (decision 10)."""
    if found.error is not None:
        faults.take(found.error)
        return
    on_instance = _value(found, name)
    record = next(
        (r for r in package.records if r.table == PROPERTY_TABLE and r.fields.get("name") == name),
        None,
    )
    if record is None or record.deletes:
        return
    ours = record.fields.get("value", "")
    if on_instance and _moment(on_instance) and ours < on_instance:
        faults.refuse(
            "secret-older",
            f"On the instance the client secret ends on {on_instance} ({name}); the package says "
            f"{ours or 'nothing'}: it would put back an older date than a rotation has written.",
            next="write the newer date in azure.secret_expires_on (or let azure.json say it), "
            "then render again",
        )


def check_delivery(run: Run) -> Found:
    """Whether the secret can be delivered: a source, the package's entity, no later end there.

    Returns:
        What the instance holds of the property with the end of the secret.

    Raises:
        ConfigError: No source is configured.
        Refused: The entity is not there or is another's, or the instance knows a later end.
        RemoteError: The instance did not answer.
    """
    if run.secret is None and run.fetch_secret is None:
        raise _no_source(run)
    entity, name = _entity(run.package), expiry_name(run)
    found = run.read(
        {
            "entity": Read(
                ENTITY_TABLE, f"sys_id={entity.sys_id}", ("sys_id", "name", *_PINNED), limit=2
            ),
            "expiry": expiry_read(name),
        }
    )
    _require_entity(entity, found["entity"])
    expiry = answered(found["expiry"])
    _require_not_older(run, name, _value(expiry, name), _wanted(run))
    return expiry


def deliver(run: Run) -> None:
    """Deliver the secret, and the date of its end where that differs.

    Raises:
        Refused: The entity is not there or is another's, or the instance knows a later end.
        VerificationFailed: The secret does not read as set afterwards, or the date otherwise.
        RemoteError: The instance did not answer.
        ConfigError: No source is configured, or it has no secret.
    """
    before = check_delivery(run)
    entity, name, wanted = _entity(run.package), expiry_name(run), _wanted(run)
    secret = run.secret
    if secret is None:
        if run.fetch_secret is None:
            raise _no_source(run)
        secret = run.secret = run.fetch_secret()
    try:
        run.instance.write_secret(ENTITY_TABLE, entity.sys_id, COLUMN, secret.reveal())
    except RemoteError as error:
        if not is_lost(error):
            raise
        raise _lost(run, entity, error) from None
    refused = _write_expiry(run, name, before, wanted)
    after = run.read({"secret": secret_read(run.package), "expiry": expiry_read(name)})
    if answered(after["secret"]).total != 1:
        raise _not_set(entity)
    run.report.secret = SecretOutcome.DELIVERED.value
    if wanted:
        _require_date(name, wanted, after["expiry"], refused)
        _note_new_date(run, name, _value(before, name), wanted)
    run.journal.write(Event.DELIVERED)
    run.done("secret", f"{SecretOutcome.DELIVERED.value} ({entity.label})")


def _require_entity(entity: PackageRecord, found: Found) -> None:
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
                "(sn-smtp render ENV --again, then import)",
            )
        )


def _wanted(run: Run) -> str:
    ends = run.environment.azure.secret_expires_on
    return "" if ends is None else ends.astimezone(UTC).strftime(_STAMP)


def _require_not_older(run: Run, name: str, on_instance: str, wanted: str) -> None:
    if wanted and _moment(on_instance) and wanted < on_instance:
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


def _write_expiry(run: Run, name: str, found: Found, wanted: str) -> str:
    """Write the date where it differs; what the instance said against it, or nothing.

    Whether it stands, only reading it tells.
    """
    rows = [row for row in found.rows if row.get("name") == name]
    if not wanted or len(rows) != 1 or rows[0].get("value") == wanted:
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
    raise _date_not_written(name, wanted, f"{why} ({said})" if said else why)


def _note_new_date(run: Run, name: str, before: str, wanted: str) -> None:
    if before != wanted:
        run.report.note(
            f"{name} was {before or 'empty'} and is now {wanted}; if the package says otherwise, "
            "correct azure.secret_expires_on (or azure.json) and render"
        )


def _value(found: Found, name: str) -> str:
    return next((row.get("value", "") for row in found.rows if row.get("name") == name), "")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _entity(package: Package) -> PackageRecord:
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


def _no_source(run: Run) -> ConfigError:
    return ConfigError(
        Fault(
            "no-secret-source",
            "Nothing says where the client secret comes from.",
            file=str(run.environment.directory / "environment.yaml"),
            path="azure.client_secret_from",
            next="name its source, like env:NAME or file:PATH; or enter the secret on the instance",
        )
    )


def _lost(run: Run, entity: PackageRecord, error: RemoteError) -> RemoteError:
    return RemoteError(
        Fault(
            "secret-unknown",
            f"The secret was sent to {run.instance.url} for {entity.label} and no clear answer "
            "came: whether it was stored cannot be told by reading.",
            next=f"run {call(run.environment, 'secret deliver')}: to write the same secret "
            "again changes nothing",
        ),
        status=error.status,
    )


def _not_set(entity: PackageRecord) -> VerificationFailed:
    return VerificationFailed(
        Fault(
            "secret-not-set",
            f"The secret was sent and accepted, and {COLUMN} of {entity.label} ({entity.sys_id}) "
            "still reads as empty.",
            next="check that the user may write it (oauth_admin or admin); or enter it on the "
            "instance by hand",
        )
    )


def _date_not_written(name: str, wanted: str, why: str) -> VerificationFailed:
    return VerificationFailed(
        Fault(
            "expiry-not-written",
            f"The secret is set, but the property {name} does not say that it ends on {wanted}: "
            f"{why}.",
            next="check that the user may read and write sys_properties, and that the package is "
            "imported; then deliver again, or set the property by hand",
        )
    )
