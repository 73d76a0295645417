"""A rotation that failed is taken back: the instance first, then the vault, Azure last.

In this order nothing is ever removed that something still uses: the new secret goes only when the
instance was proven to work with the old one, and the vault yields the old one again.
"""

from __future__ import annotations

from generator.azure.graph import Application
from generator.errors import Fault, GeneratorError, RemoteError, VerificationFailed
from generator.instance.next_step import call
from generator.instance.rotation_journal import Mark, Rotation
from generator.instance.rotation_keys import fits
from generator.instance.rotation_model import Old, PutBackFailed, Rotating, require_vault
from generator.instance.rotation_vault import value_in, version_of
from generator.instance.secret_delivery import check_delivery, put_secret
from generator.instance.secret_proof import ask_entra, granted_in_time, health_of
from generator.instance.secret_refusals import not_proven
from generator.secrets.interface import Secret, WritableSecretSource

_GONE_LIMIT = 60.0
"""Seconds for which Graph may still list what was removed [MEM: it is eventually consistent]."""


def undo(it: Rotating, rotation: Rotation, old: Old, *, on_instance: bool) -> Rotation:
    """Put everything back as it was before a rotation.

    Args:
        it: The call.
        rotation: What is undone.
        old: The value of before; needed where `on_instance`.
        on_instance: Whether the instance may hold the new secret.

    Returns:
        The rotation, undone.

    Raises:
        PutBackFailed: Something could not be put back, or not be proven; it stays open, and the
            next call goes on with this.
    """
    it.run.begin("put back")
    # Where the instance said a clear no, the next call need not put anything back there either.
    fact = {} if on_instance else {"delivering": "false"}
    rotation = it.journal.write(rotation, Mark.PUTTING_BACK, **fact)
    try:
        if on_instance:
            _instance(it, rotation, _value(old))
        if rotation.by_graph:
            application = it.graph.application()
            _vault(it, rotation, old, application)
            _azure(it, rotation, application)
            # While both worked, no token told which one the instance held.
            if on_instance and not health_of(it.run).granted:
                _instance(it, rotation, _value(old))
    except GeneratorError as error:
        raise PutBackFailed(
            Fault(
                "put-back-unproven",
                "What the rotation had changed could not be put back, or that could not be "
                f"proven: {error.faults[0].message}",
                next=f"{call(it.run.environment, 'secret rotate', '--undo')} goes on with it; "
                f"first: {error.faults[0].next or 'see that everything answers'}",
            )
        ) from None
    rotation = it.journal.write(rotation, Mark.UNDONE)
    it.run.done("put back", "the old secret is in its places again" if on_instance else "undone")
    return rotation


def undo_after(
    it: Rotating, rotation: Rotation, old: Old, error: GeneratorError, *, on_instance: bool
) -> None:
    """`undo` because of an error, which is told first where putting back fails, too.

    Raises:
        PutBackFailed: As `undo`, with what was wrong in the first place.
    """
    try:
        it.tell(undo(it, rotation, old, on_instance=on_instance))
    except PutBackFailed as failed:
        raise PutBackFailed(*error.faults, *failed.faults) from None


def remove_key(it: Rotating, application: Application, key_id: str) -> None:
    """Remove a secret from the application and see that it is gone; one that is not there is.

    Raises:
        VerificationFailed: It is still listed.
        RemoteError: Graph did not clearly answer.
    """
    if not key_id or application.password(key_id) is None:
        return
    lost: RemoteError | None = None
    try:
        it.graph.remove_password(application.object_id, key_id=key_id)
    except RemoteError as error:
        # Whether it is gone, the list tells, whatever was answered.
        lost = error
    patience = it.run.patience(_GONE_LIMIT)
    while it.graph.application().password(key_id) is not None:
        if lost is not None:
            raise lost
        if patience.is_over:
            raise VerificationFailed(
                Fault(
                    "rotation-not-removed",
                    f"Microsoft Graph said yes, and still lists the secret {key_id}.",
                    next="look again later; or az ad app credential delete --id "
                    f"{it.run.environment.azure.client_id} --key-id {key_id}",
                )
            )
        it.run.sleep(patience)


def old_value(it: Rotating, *, version: str) -> Old:
    """The value that the instance held, if it can be had and Entra still gives a token for it.

    Args:
        it: The call.
        version: Version of the vault that holds it; empty where there is none.
    """
    try:
        if it.kept is not None:
            found = it.kept.fetch()
        elif version and isinstance(it.source, WritableSecretSource):
            found = it.source.fetch_version(version)
        else:
            return Old(None, "no source holds the value of before (--old-secret-from)")
        ask_entra(it.run, found, which="the old one")
    except VerificationFailed as error:
        return Old(None, f"it gets no token any more: {error.faults[0].message}")
    except GeneratorError as error:
        return Old(None, error.faults[0].message)
    return Old(found)


def _value(old: Old) -> Secret:
    if old.secret is None:
        raise VerificationFailed(
            Fault(
                "rotation-no-old",
                f"The value of before cannot be had: {old.why_not}.",
                next="name where it is with --old-secret-from SOURCE",
            )
        )
    return old.secret


def _instance(it: Rotating, rotation: Rotation, secret: Secret) -> None:
    """The old secret and date to the instance, proven by a token through it."""
    run = it.run
    before = check_delivery(run, ends="")
    put_secret(run, secret, ends=rotation.fact("old_ends"), before=before)
    health = granted_in_time(run)
    if not health.granted:
        raise not_proven(run, health)


def _vault(it: Rotating, rotation: Rotation, old: Old, application: Application) -> None:
    """The old value as the newest version, if what the rotation stored is the newest."""
    vault = require_vault(it)
    if not rotation.fact("new_key_id") or not _yields_new(vault, rotation, application):
        return
    if old.secret is None:
        it.run.report.note(
            f"{vault.description} yields the new secret, which is removed: the value of before "
            f"cannot be had ({old.why_not})"
        )
        return
    vault.store(old.secret, note=f"sn-smtp secret rotate: {rotation.name} was put back")


def _yields_new(vault: WritableSecretSource, rotation: Rotation, application: Application) -> bool:
    """Whether the newest version is this rotation's, also where its write was not noted."""
    current = version_of(vault)
    if not current or current == rotation.fact("old_version"):
        return False
    if rotation.fact("new_version"):
        return current == rotation.fact("new_version")
    credential, found = application.password(rotation.fact("new_key_id")), value_in(vault, current)
    return credential is not None and found is not None and fits(credential, found)


def _azure(it: Rotating, rotation: Rotation, application: Application) -> None:
    """Remove what was added under this rotation's name, noted or not."""
    for one in application.passwords:
        if one.key_id == rotation.fact("new_key_id") or one.display_name == rotation.name:
            remove_key(it, application, one.key_id)
