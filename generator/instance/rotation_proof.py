"""The new secret of a rotation is proven: at Entra, on the instance, and what follows if not."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from generator.errors import (
    AuthenticationError,
    Fault,
    GeneratorError,
    OutcomeUnknown,
    RemoteError,
    VerificationFailed,
)
from generator.instance.interface import Found
from generator.instance.journal import Event
from generator.instance.next_step import call
from generator.instance.rotation_journal import Mark, Rotation
from generator.instance.rotation_model import New, Old, Rotating
from generator.instance.rotation_undo import undo_after
from generator.instance.run import Run
from generator.instance.secret_delivery import (
    SecretOutcome,
    check_delivery,
    entity_of,
    send_secret,
    settle_secret,
)
from generator.instance.secret_proof import (
    INVALID_SECRET,
    NEW_SECRET_LIMIT,
    ask_entra,
    granted_in_time,
)
from generator.instance.secret_refusals import not_proven
from generator.secrets.interface import Secret

_AGAIN_LIMIT = 60.0
"""Seconds for which an instance that does not answer is asked again before that counts."""

T = TypeVar("T")


def wait_for_entra(it: Rotating, secret: Secret) -> None:
    """Ask Entra with the new secret until it gives a token, some minutes at most.

    Raises:
        TokenRefused: It gives none, for another reason than that the secret is new; or for too
            long.
        RemoteError: It did not clearly answer.
    """
    run = it.run
    run.begin("entra")
    patience = run.patience(NEW_SECRET_LIMIT)
    while True:
        try:
            ask_entra(run, secret, which="the new one")
        except VerificationFailed as error:
            if not _is_unknown_yet(error) or patience.is_over:
                raise
        else:
            run.done("entra", "Microsoft Entra ID gives a token for the new secret")
            return
        run.sleep(patience)


def deliver_and_verify(it: Rotating, rotation: Rotation, new: New, old: Old) -> Rotation:
    """Deliver the new secret and its date, and have the instance get a token with it.

    Returns:
        The rotation, verified.

    Raises:
        VerificationFailed: The instance gets none. What it held before was put back where that
            could be had, else it holds the new secret; which one is said.
        PutBackFailed: It failed, and putting back could not be proven.
        OutcomeUnknown: Whether the instance has the new secret is not known; run it again.
        RemoteError: The instance said no: it holds what it held before.
    """
    run = it.run
    run.begin("secret")
    before = check_delivery(run, ends="")
    was_there = rotation.may_be_on_instance
    rotation = it.journal.write(rotation, Mark.DELIVERING, new_ends=new.ends or "")
    it.tell(rotation)
    _send(it, rotation, new.secret, old, was_there=was_there)
    try:
        _settle(run, new, before)
    except (VerificationFailed, RemoteError) as error:
        failed: GeneratorError = error
    else:
        rotation = it.journal.write(rotation, Mark.VERIFIED)
        run.report.secret = SecretOutcome.PROVEN.value
        run.journal.write(Event.PROVEN)
        run.done("secret", f"{SecretOutcome.PROVEN.value} ({entity_of(run.package).label})")
        return rotation
    _fail(it, rotation, old, failed)


def _send(it: Rotating, rotation: Rotation, secret: Secret, old: Old, *, was_there: bool) -> None:
    """Send the secret; to send the same again changes nothing, so a lost answer is tried again."""
    lost: list[OutcomeUnknown] = []

    def send() -> None:
        try:
            send_secret(it.run, secret)
        except OutcomeUnknown as error:
            lost.append(error)
            raise

    try:
        _again(it.run, send)
    except RemoteError as error:
        refused = error
    else:
        return
    if lost:
        # A no to a later try says nothing about the one whose answer was lost.
        later = () if isinstance(refused, OutcomeUnknown) else refused.faults
        raise OutcomeUnknown(
            Fault(
                "secret-unknown",
                f"{lost[-1].faults[0].message} Both secrets work, so mail goes on.",
                next=f"run {call(it.run.environment, 'secret rotate')}: it goes on from here",
            ),
            *later,
            status=refused.status,
        )
    # A clear no: the instance holds what it held before this call.
    if was_there:
        raise refused
    undo_after(it, rotation, old, refused, on_instance=False)
    raise refused


def _settle(run: Run, new: New, before: Found) -> None:
    _again(run, lambda: settle_secret(run, ends=new.ends, before=before, tells_date=False))
    run.tell("secret: asking for a new token through the instance")
    health = _again(run, lambda: granted_in_time(run))
    if not health.granted:
        raise not_proven(run, health)


def _again(run: Run, work: Callable[[], T]) -> T:
    """Do what may be done twice until the instance answers, for a minute at most."""
    patience = run.patience(_AGAIN_LIMIT)
    while True:
        try:
            return work()
        except AuthenticationError:
            raise
        except RemoteError as error:
            is_no = error.status is not None and 400 <= error.status < 500
            if is_no or patience.is_over:
                raise
        run.sleep(patience)


def _fail(it: Rotating, rotation: Rotation, old: Old, error: GeneratorError) -> NoReturn:
    """The instance holds the new secret and that could not be proven."""
    if rotation.fact("granted_before") != "true":
        why = "with what it held before it got no token either"
    elif old.secret is None:
        why = f"the old value cannot be had ({old.why_not})"
    else:
        _put_back(it, rotation, old, error)
    it.run.report.note(f"the instance now holds the new secret; {why}")
    told = Fault(
        "rotation-not-proven",
        f"The instance now holds the new secret, and it was not put back: {why}.",
        next="see why the instance gets no token; then "
        f"{call(it.run.environment, 'secret rotate')} goes on from here",
    )
    if isinstance(error, RemoteError):
        raise RemoteError(*error.faults, told, status=error.status)
    raise VerificationFailed(*error.faults, told)


def _put_back(it: Rotating, rotation: Rotation, old: Old, error: GeneratorError) -> NoReturn:
    it.run.tell("secret: the new one could not be proven; putting the old one back")
    undo_after(it, rotation, old, error, on_instance=True)
    it.run.report.secret = SecretOutcome.PUT_BACK.value
    raise VerificationFailed(
        *error.faults,
        Fault(
            "rotation-put-back",
            "The old secret was put back, and the instance gets a token with it.",
            next=f"see why, then {call(it.run.environment, 'secret rotate')}",
        ),
    )


def _is_unknown_yet(error: VerificationFailed) -> bool:
    return any(INVALID_SECRET in f"{fault.code} {fault.message}" for fault in error.faults)
