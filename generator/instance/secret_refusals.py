"""What is said where the client secret could not be delivered, or not be proven."""

from __future__ import annotations

from generator.errors import ConfigError, Fault, OutcomeUnknown, RemoteError, VerificationFailed
from generator.instance.app_check import Health
from generator.instance.next_step import call
from generator.instance.package_files import PackageRecord
from generator.instance.run import Run


def no_source(run: Run) -> ConfigError:
    """No key says where the secret is."""
    return ConfigError(
        Fault(
            "no-secret-source",
            "Nothing says where the client secret comes from.",
            file=str(run.environment.directory / "environment.yaml"),
            path="azure.client_secret_from",
            next="name its source, like env:NAME or file:PATH; or enter the secret on the instance",
        )
    )


def lost(run: Run, entity: PackageRecord, error: RemoteError) -> OutcomeUnknown:
    """The request with the secret may have been carried out or not."""
    return OutcomeUnknown(
        Fault(
            "secret-unknown",
            f"The secret was sent to {run.instance.url} for {entity.label} and no clear answer "
            "came: whether it was stored cannot be told by reading.",
            next=f"run {call(run.environment, 'secret deliver')}: to write the same secret "
            "again changes nothing",
        ),
        status=error.status,
    )


def not_set(entity: PackageRecord, column: str) -> VerificationFailed:
    """The instance said yes and holds no secret."""
    return VerificationFailed(
        Fault(
            "secret-not-set",
            f"The secret was sent and accepted, and {column} of {entity.label} ({entity.sys_id}) "
            "still reads as empty.",
            next="check that the user may write it (oauth_admin or admin); or enter it on the "
            "instance by hand",
        )
    )


def date_not_written(name: str, wanted: str, why: str) -> VerificationFailed:
    """The date does not stand on the instance."""
    return VerificationFailed(
        Fault(
            "expiry-not-written",
            f"The secret is set, but the property {name} does not say that it ends on {wanted}: "
            f"{why}.",
            next="check that the user may read and write sys_properties, and that the package is "
            "imported; then deliver again, or set the property by hand",
        )
    )


def not_proven(run: Run, health: Health) -> VerificationFailed:
    """The instance holds the secret, and its own check gets no token."""
    said = health.message or "it gave no reason"
    return VerificationFailed(
        Fault(
            "secret-not-proven",
            "The client secret was delivered, not proven: Microsoft Entra ID gives a token for it "
            f"here, and the instance gets none ({health.status.value}). Its check says: {said}",
            next="see that the instance reaches the token endpoint and what the check says about "
            f"account, profile and scope; then run {call(run.environment, 'secret deliver')}",
        )
    )


def not_asked(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """The app's check could not be asked after the secret was delivered."""
    return (
        Fault(
            "secret-not-proven",
            "The client secret was delivered, not proven: the check of the app on the instance "
            f"could not be asked. {faults[0].message}",
            next=faults[0].next,
        ),
        *faults[1:],
    )
