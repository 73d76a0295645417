"""What a rotation tells people: what would be done, what is next, and two refusals."""

from __future__ import annotations

from datetime import datetime

from generator.azure.graph import Application
from generator.errors import Fault, Refused, UsageError, VerificationFailed
from generator.instance.app_check import Health
from generator.instance.next_step import call
from generator.instance.rotation_journal import Rotation
from generator.instance.rotation_model import Old, Rotating
from generator.instance.secret_delivery import SecretOutcome, stamp, wanted

_NOT_BACK = "if it failed, the old secret could not be put back: {}"


def warn_without_old(it: Rotating, old: Old) -> None:
    """Say before anything is done that there will be no way back."""
    if old.secret is None:
        it.run.tell(_NOT_BACK.format(old.why_not))


def ask(it: Rotating, what: str) -> None:
    """The user's yes before something is changed.

    Raises:
        Refused: The user said no.
    """
    run = it.run
    if not run.ask(f"{what} ({run.report.instance_name}, {run.instance.url})?"):
        raise Refused(
            Fault("declined", "Nothing was changed, as you said.", next="run it when it may be")
        )


def say_what_would_be(
    it: Rotating, rotation: Rotation | None, old: Old, application: Application | None
) -> None:
    """What a dry run tells."""
    run = it.run
    if rotation is not None:
        run.idle("secret", f"{rotation.name} would be gone on with ({rotation.mark.value})")
    elif application is not None:
        ends = stamp(run.clock.now() + it.wishes.lifetime)
        run.idle(
            "secret",
            f"a new one until {ends} would be added to {application.display_name}, stored in "
            f"{it.source.description} and delivered",
        )
    else:
        run.idle("secret", "the one that is handed in would be delivered")
    if old.secret is None:
        run.report.note(_NOT_BACK.format(old.why_not))


def say_what_is_next(it: Rotating, rotation: Rotation) -> None:
    """What is left to do once the new secret is delivered and proven."""
    run, verified = it.run, rotation.verified_at
    run.report.secret = SecretOutcome.PROVEN.value
    ends = rotation.fact("new_ends")
    if ends and ends != wanted(run):
        run.report.note(
            f"now write azure.secret_expires_on: {ends.replace(' ', 'T')}Z (or renew azure.json), "
            "and render; until then an import refuses the older date"
        )
    if verified is not None:
        run.report.note(
            "the old secret still works; remove it from "
            f"{_shown(verified + it.wishes.grace)} on: "
            f"{call(run.environment, 'secret rotate', '--finish')}"
        )


def sources_differ(it: Rotating) -> Refused:
    """The value that was handed in is not the one that the next import would deliver."""
    handed = it.handed.description if it.handed is not None else ""
    return Refused(
        Fault(
            "rotation-sources",
            f"{it.source.description} yields another secret than --new-secret-from ({handed}): the "
            "next import would bring the old one back.",
            path="azure.client_secret_from",
            next="put the new secret where azure.client_secret_from says, then run it again",
        )
    )


def removing(it: Rotating) -> Refused:
    """The way back is closed."""
    return Refused(
        Fault(
            "rotation-removing",
            "The old secret of this rotation is being removed, or is removed already.",
            next=call(it.run.environment, "secret rotate", "--finish"),
        )
    )


def not_finished(it: Rotating, rotation: Rotation) -> Refused:
    """The next rotation waits for the end of this one."""
    return Refused(
        Fault(
            "rotation-not-finished",
            f"The last rotation ({rotation.name}) is delivered and proven, and its old secret "
            f"({rotation.fact('old_key_id')}) is not removed yet: no new one was made.",
            next=f"{call(it.run.environment, 'secret rotate', '--finish')}; then rotate again",
        )
    )


def proven_no_more(it: Rotating, rotation: Rotation, health: Health) -> VerificationFailed:
    """What was proven then does not hold any more."""
    when = "" if rotation.verified_at is None else f" on {_shown(rotation.verified_at)}"
    return VerificationFailed(
        Fault(
            "rotation-no-token",
            f"The new secret of {rotation.name} was delivered and proven{when}, and the instance "
            f"gets no token now ({health.status.value}). Its check says: "
            f"{health.message or 'it gave no reason'}",
            next="see what it says; if the secret is no longer there (a clone, a reset): "
            f"{call(it.run.environment, 'secret deliver')}",
        )
    )


def nobody_proves() -> UsageError:
    """A sandbox without a token endpoint proves nothing."""
    return UsageError(
        Fault(
            "rotation-unproven",
            "Requests go to a sandbox and nobody says where Microsoft Entra ID's stand-in is: a "
            "rotation could not be proven.",
            path="--entra",
            next="start it with sn-smtp sandbox --mail and name it with --entra (SN_SMTP_ENTRA)",
        )
    )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
