"""`secret rotate`: a new client secret to the instance while the old one still works.

Steps of `spec/azure-and-smtp.md` section 9, each resumable: find the secret in use; add a new one
beside it (Graph) and keep it in the vault, or take the one that was handed in; ask Entra with it;
deliver it with its date; have the instance get a token with it. What fails on the way is put back
as far as the old value can be had. The old secret is removed by another call, `finish_rotation`.
"""

from __future__ import annotations

from generator.azure.graph import Application
from generator.errors import Fault, Refused, VerificationFailed
from generator.instance.app_check import Health, ask_health
from generator.instance.guards import guard_reads, judge
from generator.instance.next_step import call, package_anew
from generator.instance.rotation_journal import Mark, Rotation
from generator.instance.rotation_keys import in_use, new_name, refuse_another
from generator.instance.rotation_model import (
    New,
    Old,
    Rotating,
    is_past,
    left_over,
    require_vault,
)
from generator.instance.rotation_new import new_secret
from generator.instance.rotation_proof import deliver_and_verify, wait_for_entra
from generator.instance.rotation_says import (
    ask,
    nobody_proves,
    not_finished,
    proven_no_more,
    removing,
    say_what_is_next,
    say_what_would_be,
    sources_differ,
    warn_without_old,
)
from generator.instance.rotation_undo import old_value, undo, undo_after
from generator.instance.rotation_vault import same, value_in, version_of
from generator.instance.run import Faults
from generator.instance.secret_delivery import (
    check_delivery,
    expiry_name,
    stamp,
    value_of,
    wanted,
)
from generator.instance.secret_refusals import no_source
from generator.secrets.interface import Secret


def rotate(it: Rotating) -> None:
    """Rotate the client secret, or go on with a rotation that was interrupted.

    Raises:
        Refused: A guard said no; the secret in use cannot be told; the sources disagree.
        UsageError: There is no way to a new secret; or nobody can prove one.
        TokenRefused: Entra gives no token for the new secret: nothing was delivered.
        VerificationFailed: The instance gets no token with it; what could be was put back.
        PutBackFailed: It failed, and putting back could not be proven.
        RemoteError: Graph, vault, Entra or instance did not clearly answer; run it again.
        ConfigError: A source has no secret.
    """
    rotation = it.journal.last
    if rotation is not None and (not rotation.is_open or is_past(it, rotation)):
        rotation = None
    if it.handed is None and (rotation is None or rotation.by_graph):
        # A wrong call is told before anybody is asked.
        require_vault(it)
    health = preflight(it)
    if rotation is not None:
        _require_same_way(it, rotation)
        it.tell(rotation)
        if rotation.mark is Mark.PUTTING_BACK:
            _go_on_undoing(it, rotation)
        if rotation.verified_at is not None:
            _wait_for_finish(it, rotation, health)
            return
    if it.handed is not None:
        _by_hand(it, rotation, health, it.handed.fetch())
    else:
        _by_graph(it, rotation, health)


def undo_rotation(it: Rotating) -> None:
    """Put back what an open rotation has changed.

    Raises:
        Refused: There is none, a guard said no, or the value of before cannot be had.
        PutBackFailed: It could not be put back, or not be proven.
        RemoteError: The instance did not clearly answer.
    """
    rotation = it.journal.last
    preflight(it)
    if rotation is None or not rotation.is_open:
        raise Refused(
            Fault(
                "rotation-none",
                "No rotation is under way on this machine: there is nothing to put back.",
                next=f"{call(it.run.environment, 'secret status', '--from graph')} shows what is "
                "at the application",
            )
        )
    if rotation.mark is Mark.REMOVING:
        raise removing(it)
    it.tell(rotation)
    old = old_value(it, version=rotation.fact("old_version"))
    on_instance = rotation.may_be_on_instance
    if on_instance and old.secret is None:
        raise Refused(
            Fault(
                "rotation-no-old",
                "The instance holds the new secret, and the value of before cannot be had: "
                f"{old.why_not}",
                next="name where it is with --old-secret-from SOURCE; or go on: "
                f"{call(it.run.environment, 'secret rotate')}",
            )
        )
    if it.run.options.dry_run:
        it.run.idle("put back", f"{rotation.name} would be put back")
        return
    it.tell(undo(it, rotation, old, on_instance=on_instance))


def preflight(it: Rotating) -> Health:
    """May this instance be changed, and can its app be asked? Nothing is changed here.

    Returns:
        What the app's check says before anything is changed.

    Raises:
        Refused, UsageError, RemoteError: No.
        AppUnavailable: The app cannot be asked, so that nothing could be proven afterwards.
    """
    run = it.run
    if run.prove_secret is None:
        raise nobody_proves()
    faults = Faults()
    run.begin("preflight")
    run.instance.check_awake()
    judge(run, run.read(guard_reads(run.options.permission)), faults)
    faults.raise_if_any()
    check_delivery(run, ends="")
    health = ask_health(
        run.instance,
        scope=run.environment.app.scope,
        account=run.package.account.sys_id,
        update=package_anew(run.environment),
    )
    run.done("preflight", f"{run.report.instance_name}; the app's check says {health.status.value}")
    return health


def _by_graph(it: Rotating, rotation: Rotation | None, health: Health) -> None:
    """With a new secret that Graph makes and the vault keeps."""
    run, now = it.run, it.run.clock.now()
    vault = require_vault(it)
    run.begin("secret in use")
    application = it.graph.application()
    if rotation is None:
        version = version_of(vault)
        at_hand = value_in(vault, version)
        found = in_use(
            application,
            named=it.wishes.old_key_id,
            remembered=it.journal.in_use,
            at_hand=at_hand,
            now=now,
            environment=run.environment,
        )
        old_key_id = found.key_id
    else:
        version, old_key_id = rotation.fact("old_version"), rotation.fact("old_key_id")
    known = frozenset({old_key_id, *(one.fact("new_key_id") for one in it.journal.rotations)})
    mine = frozenset() if rotation is None else _named(application, rotation.name)
    refuse_another(
        application,
        environment=run.environment,
        known=known | mine,
        now=now,
        grace=it.wishes.grace,
    )
    run.done("secret in use", f"{old_key_id} ({application.display_name})")
    old = old_value(it, version=version)
    if run.options.dry_run:
        say_what_would_be(it, rotation, old, application)
        return
    warn_without_old(it, old)
    if rotation is None:
        ask(it, f"Add a client secret to {application.display_name} and deliver it")
        rotation = it.journal.start(
            new_name(run.environment, now),
            via="graph",
            source=vault.description,
            application=application.object_id,
            old_key_id=old_key_id,
            old_version=version,
            **_before(it, health),
        )
    it.tell(rotation)
    rotation, new = _made(it, rotation, application, old)
    _prove_and_deliver(it, rotation, new, old)


def _by_hand(it: Rotating, rotation: Rotation | None, health: Health, secret: Secret) -> None:
    """With a new secret that somebody made, and handed in by its source."""
    run = it.run
    if run.fetch_secret is None:
        raise no_source(run)
    if not same(it.source.fetch(), secret):
        raise sources_differ(it)
    ends = _handed_end(it, rotation)
    # What the last rotation stored is the value of before, unless it is the new one itself.
    old = old_value(it, version=it.journal.in_use_version)
    if old.secret is not None and same(old.secret, secret):
        old = Old(None, "the source of the old value yields the new one")
    if run.options.dry_run:
        say_what_would_be(it, rotation, old, None)
        return
    warn_without_old(it, old)
    if rotation is None:
        assert it.handed is not None  # noqa: S101 - the caller's condition
        ask(it, f"Deliver the secret of {it.handed.description}")
        rotation = it.journal.start(
            new_name(run.environment, run.clock.now()),
            via="hand",
            source=it.handed.description,
            old_key_id=it.wishes.old_key_id or left_over(it),
            new_ends=ends or "",
            **_before(it, health),
        )
    it.tell(rotation)
    _prove_and_deliver(it, rotation, New(secret, ends), old)


def _prove_and_deliver(it: Rotating, rotation: Rotation, new: New, old: Old) -> None:
    """Entra first, then the instance; a new secret that Entra refuses for good is taken back."""
    try:
        wait_for_entra(it, new.secret)
    except VerificationFailed as error:
        if rotation.may_be_on_instance and old.secret is None:
            raise
        undo_after(it, rotation, old, error, on_instance=rotation.may_be_on_instance)
        raise
    rotation = deliver_and_verify(it, rotation, new, old)
    it.tell(rotation)
    say_what_is_next(it, rotation)


def _made(
    it: Rotating, rotation: Rotation, application: Application, old: Old
) -> tuple[Rotation, New]:
    try:
        return new_secret(it, rotation, application)
    except VerificationFailed as error:
        last = it.journal.last or rotation
        if not last.may_be_on_instance:
            undo_after(it, last, old, error, on_instance=False)
        raise
    finally:
        it.tell(it.journal.last or rotation)


def _before(it: Rotating, health: Health) -> dict[str, str]:
    """What the instance holds before: the date, and whether it got a token."""
    found = check_delivery(it.run, ends="")
    return {
        "old_ends": value_of(found, expiry_name(it.run)),
        "granted_before": "true" if health.granted else "false",
    }


def _named(application: Application, name: str) -> frozenset[str]:
    return frozenset(one.key_id for one in application.passwords if one.display_name == name)


def _handed_end(it: Rotating, rotation: Rotation | None) -> str | None:
    """End of a secret that was handed in; what the environment says must not be older."""
    if it.wishes.ends is not None:
        return stamp(it.wishes.ends)
    if rotation is not None and rotation.fact("new_ends"):
        # Said when this rotation began; the call that goes on need not say it again.
        return rotation.fact("new_ends")
    found = check_delivery(it.run)
    said = wanted(it.run)
    on_instance = value_of(found, expiry_name(it.run))
    if not said or said == on_instance:
        it.run.report.note(
            "nobody said when the new secret ends (--expires-on, azure.secret_expires_on): the "
            f"date on the instance stays {on_instance or 'empty'}"
        )
    return said or None


def _wait_for_finish(it: Rotating, rotation: Rotation, health: Health) -> None:
    """The rotation is done but for the old secret's removal.

    Raises:
        VerificationFailed: What was proven then does not hold any more.
        Refused: The removal is due, or was begun: the next rotation waits for it.
    """
    if rotation.mark is Mark.REMOVING:
        raise removing(it)
    if not health.granted:
        raise proven_no_more(it, rotation, health)
    assert rotation.verified_at is not None  # noqa: S101 - the caller's condition
    if it.run.clock.now() >= rotation.verified_at + it.wishes.grace:
        raise not_finished(it, rotation)
    it.run.idle("secret", f"{rotation.name} is delivered and proven already")
    say_what_is_next(it, rotation)


def _go_on_undoing(it: Rotating, rotation: Rotation) -> None:
    """An interrupted putting back comes first; that rotation failed.

    Raises:
        VerificationFailed: It was put back now.
        PutBackFailed: It could not be.
    """
    if it.run.options.dry_run:
        it.run.idle("put back", f"{rotation.name} would be put back")
        return
    old = old_value(it, version=rotation.fact("old_version"))
    it.tell(undo(it, rotation, old, on_instance=rotation.may_be_on_instance))
    raise VerificationFailed(
        Fault(
            "rotation-undone",
            f"The interrupted rotation {rotation.name} had failed, and is put back now.",
            next=f"see why it failed, then {call(it.run.environment, 'secret rotate')}",
        )
    )


def _require_same_way(it: Rotating, rotation: Rotation) -> None:
    if rotation.by_graph is (it.handed is None) or rotation.mark is Mark.PUTTING_BACK:
        return
    way = "without --new-secret-from" if rotation.by_graph else "with --new-secret-from"
    raise Refused(
        Fault(
            "rotation-open",
            f"A rotation is under way ({rotation.name}) that began {way}.",
            next=f"go on {way}; or put it back: "
            f"{call(it.run.environment, 'secret rotate', '--undo')}",
        )
    )
