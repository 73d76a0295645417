"""`secret rotate --finish`: the old secret is removed from the application, and nothing else.

Not before the grace time, by key id alone, and after a fresh token through the instance. What the
instance holds cannot be read: while both secrets work, a token tells nothing about which one it was
made with. So the instance is asked once more when the old one is gone; should it get no token then,
it is given the new one at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from generator.azure.graph import Application, PasswordCredential
from generator.errors import Fault, Refused, VerificationFailed
from generator.instance.app_check import Health, HealthStatus
from generator.instance.next_step import call
from generator.instance.rotation import preflight
from generator.instance.rotation_journal import Mark, Rotation
from generator.instance.rotation_keys import fits, is_live, listed, named_here
from generator.instance.rotation_model import Rotating
from generator.instance.rotation_says import ask
from generator.instance.rotation_undo import remove_key
from generator.instance.rotation_vault import same
from generator.instance.run import Run
from generator.instance.secret_delivery import SecretOutcome, check_delivery, put_secret, stamp
from generator.instance.secret_proof import ask_entra, granted_in_time, health_of
from generator.instance.secret_refusals import not_proven
from generator.secrets.interface import Secret, WritableSecretSource

REMOVED = "the old one is removed, the new one proven"


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two secrets that a rotation left."""

    old_key_id: str
    new: PasswordCredential
    since: datetime
    """Since when the new one is on the instance, aware, as far as it can be known."""


def finish_rotation(it: Rotating) -> None:
    """Remove the old secret, if the new one proves itself through the instance.

    Raises:
        Refused: It is too early; which secret is old cannot be told; the source yields another
            secret than the one that stays; a guard said no.
        TokenRefused: Entra gives no token for the secret that stays.
        VerificationFailed: The instance gets no token; nothing was removed, or what was done about
            it is said.
        RemoteError: Graph, Entra or the instance did not clearly answer; run it again.
    """
    run, rotation = it.run, _to_finish(it)
    if rotation is not None and rotation.mark is Mark.FINISHED:
        it.tell(rotation)
        run.idle("remove", f"{rotation.name} is finished already")
        return
    if rotation is not None and rotation.verified_at is None:
        raise _not_verified(it, rotation)
    health = preflight(it)
    run.begin("remove")
    application = it.graph.application()
    at_hand = it.source.fetch()
    pair = _pair(it, rotation, application, at_hand)
    _require_grace(it, pair)
    if not _is_new(it, rotation, pair, application, at_hand):
        raise _another(pair, it.source.description)
    ask_entra(run, at_hand)
    removing = rotation is not None and rotation.mark is Mark.REMOVING
    if health.granted:
        run.done("verify", "the instance gets a new token")
    elif not removing:
        raise not_proven(run, health)
    if run.options.dry_run:
        run.idle("remove", f"{pair.old_key_id} would be removed; {pair.new.key_id} stays")
        return
    if not removing:
        ask(it, f"Remove the client secret {pair.old_key_id} from {application.display_name}")
    if rotation is not None:
        rotation = it.journal.write(
            rotation, Mark.REMOVING, new_key_id=pair.new.key_id, old_key_id=pair.old_key_id
        )
    run.begin("remove")
    remove_key(it, application, pair.old_key_id)
    run.done("remove", f"{pair.old_key_id} is gone; {pair.new.key_id} stays")
    _prove_again(it, at_hand, pair)
    if rotation is not None:
        it.tell(it.journal.write(rotation, Mark.FINISHED))


def _to_finish(it: Rotating) -> Rotation | None:
    """The rotation that waits for its end; a later one that was put back changes nothing of it."""
    last = it.journal.last
    if last is not None and last.mark is Mark.FINISHED:
        return last if it.wishes.old_key_id is None else None
    standing = [one for one in it.journal.rotations if one.mark is not Mark.UNDONE]
    return standing[-1] if standing and standing[-1].is_open else None


def _pair(
    it: Rotating, rotation: Rotation | None, application: Application, at_hand: Secret
) -> _Pair:
    """Which secret goes and which one stays.

    Raises:
        Refused: It cannot be told.
    """
    run, now = it.run, it.run.clock.now()
    new_id = "" if rotation is None else rotation.fact("new_key_id")
    new = application.password(new_id) if new_id else _by_hint(application, at_hand, now)
    if new is None:
        raise _refused(it, application, "Which secret the instance holds cannot be told")
    known = "" if rotation is None else rotation.fact("old_key_id")
    old_id = it.wishes.old_key_id or known
    if not old_id and rotation is not None:
        old_id = _only_older(it, application, new)
    if old_id and old_id != known and application.password(old_id) is None:
        raise _refused(it, application, f"The application has no client secret {old_id}")
    if not old_id:
        raise _refused(it, application, "Which secret is the old one cannot be told")
    if old_id == new.key_id:
        raise _refused(it, application, f"{old_id} is the secret that the source yields")
    since = rotation.verified_at if rotation is not None else new.starts
    if since is None:
        raise _refused(it, application, f"Since when {new.key_id} is in use cannot be told")
    run.tell(f"remove: {old_id} goes, {new.key_id} stays")
    return _Pair(old_id, new, since)


def _only_older(it: Rotating, application: Application, new: PasswordCredential) -> str:
    """The only other secret, if its name says that it is this instance's, and it is older.

    Other instances may use the same application, and the source may yield an old value again.
    """
    others = [one for one in application.passwords if one.key_id != new.key_id]
    if len(others) != 1 or not named_here(others[0], it.run.environment):
        return ""
    (old,) = others
    is_older = old.starts is not None and new.starts is not None and old.starts < new.starts
    return old.key_id if is_older else ""


def _by_hint(application: Application, at_hand: Secret, now: datetime) -> PasswordCredential | None:
    fitting = [one for one in application.passwords if fits(one, at_hand) and is_live(one, now)]
    return fitting[0] if len(fitting) == 1 else None


def _require_grace(it: Rotating, pair: _Pair) -> None:
    earliest = pair.since + it.wishes.grace
    if it.run.clock.now() < earliest:
        raise Refused(
            Fault(
                "rotation-too-early",
                f"The new secret is in use since {pair.since:%Y-%m-%d %H:%M} UTC; the old one is "
                f"not removed before {earliest:%Y-%m-%d %H:%M} UTC, so that there is a way back.",
                next=f"run {call(it.run.environment, 'secret rotate', '--finish')} then; or "
                "shorten the time with --grace HOURS",
            )
        )


def _is_new(
    it: Rotating,
    rotation: Rotation | None,
    pair: _Pair,
    application: Application,
    at_hand: Secret,
) -> bool:
    """Whether the source yields the secret that stays: by the vault's version, else by hints."""
    version = "" if rotation is None else rotation.fact("new_version")
    if version and isinstance(it.source, WritableSecretSource):
        return same(it.source.fetch_version(version), at_hand)
    if pair.new.hint:
        return fits(pair.new, at_hand)
    old = application.password(pair.old_key_id)
    return old is None or not fits(old, at_hand)


def _another(pair: _Pair, source: str) -> Refused:
    return Refused(
        Fault(
            "rotation-sources",
            f"{source} does not yield the secret that stays ({pair.new.key_id}): the next import "
            "would deliver one that is about to be removed.",
            path="azure.client_secret_from",
            next="put the new secret where azure.client_secret_from says",
        )
    )


def _prove_again(it: Rotating, secret: Secret, pair: _Pair) -> None:
    """The instance must get a token now that only the new secret works.

    Raises:
        VerificationFailed: It gets none, with the new secret delivered once more.
        RemoteError: It did not clearly answer.
    """
    run = it.run
    run.begin("verify")
    # Asked once: should it hold the old one, every moment of waiting is one without mail.
    health = health_of(run)
    if not health.granted:
        health = _deliver_once_more(run, secret, pair, health)
    if not health.granted:
        raise VerificationFailed(
            Fault(
                "rotation-removed",
                f"The old secret {pair.old_key_id} is removed, and the instance gets no token "
                f"({health.status.value}), also after the new one was delivered again. Its check "
                f"says: {health.message}",
                next="see what it says; the new secret works at Microsoft Entra ID",
            )
        )
    run.report.secret = SecretOutcome.PROVEN.value
    run.done("verify", REMOVED)


def _deliver_once_more(run: Run, secret: Secret, pair: _Pair, health: Health) -> Health:
    """The instance held the old secret after all: it gets the new one."""
    if health.status is not HealthStatus.NO_TOKEN:
        return health
    run.report.note(
        "the instance got no token once the old secret was gone: it still held that one; the new "
        "one was delivered to it again"
    )
    before = check_delivery(run, ends="")
    ends = None if pair.new.ends is None else stamp(pair.new.ends)
    put_secret(run, secret, ends=ends, before=before)
    return granted_in_time(run)


def _not_verified(it: Rotating, rotation: Rotation) -> Refused:
    return Refused(
        Fault(
            "rotation-open",
            f"The rotation {rotation.name} is not delivered and proven ({rotation.mark.value}).",
            next=f"go on with it first: {call(it.run.environment, 'secret rotate')}",
        )
    )


def _refused(it: Rotating, application: Application, why: str) -> Refused:
    return Refused(
        Fault(
            "rotation-key",
            f"{why}. The application has: {listed(application) or 'none'}.",
            next="name the key id of the one to remove: "
            f"{call(it.run.environment, 'secret rotate', '--finish', '--old-key-id ID')}",
        )
    )
