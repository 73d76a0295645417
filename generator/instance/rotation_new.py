"""The new secret of a rotation by Microsoft Graph: added there, then kept in the vault.

Its value is known only while this runs, until the vault has it. What a killed call left is found
again by the secret's unique name, and taken away: a secret whose value is lost serves nobody.
"""

from __future__ import annotations

from contextlib import suppress

from generator.azure.graph import Application
from generator.errors import (
    ConfigError,
    Fault,
    GeneratorError,
    OutcomeUnknown,
    Refused,
    RemoteError,
    VerificationFailed,
)
from generator.instance.next_step import call
from generator.instance.rotation_journal import Mark, Rotation
from generator.instance.rotation_keys import fits
from generator.instance.rotation_model import New, Rotating, require_vault
from generator.instance.rotation_undo import remove_key
from generator.instance.rotation_vault import same, version_of
from generator.instance.secret_delivery import stamp

_VAULT_LIMIT = 30.0
"""Seconds for which a vault may still yield the version before the one that was written."""


def new_secret(it: Rotating, rotation: Rotation, application: Application) -> tuple[Rotation, New]:
    """Make the new secret and keep it, or take up what an interrupted call did of that.

    Raises:
        ConfigError: The vault said no; the new secret was removed again.
        VerificationFailed: The vault yields another value than was stored; it was undone.
        RemoteError: Graph or the vault did not clearly answer.
        Refused: The new secret of an interrupted rotation is gone.
    """
    if rotation.fact("new_version"):
        return rotation, _kept(it, rotation, application)
    if rotation.mark is Mark.STORING:
        kept = _stored_after_all(it, rotation, application)
        if kept is not None:
            return kept
    if rotation.mark is not Mark.STARTED:
        _clear(it, rotation, application)
    return _store(it, *_add(it, rotation, application))


def _add(it: Rotating, rotation: Rotation, application: Application) -> tuple[Rotation, New]:
    run = it.run
    run.begin("new secret")
    ends = (run.clock.now() + it.wishes.lifetime).replace(microsecond=0)
    rotation = it.journal.write(rotation, Mark.ADDING)
    try:
        added = it.graph.add_password(application.object_id, display_name=rotation.name, ends=ends)
    except OutcomeUnknown:
        # The value never came: whether the secret stands or not, nobody can use it. Where Graph
        # does not answer now, the next call clears it away.
        with suppress(GeneratorError):
            _clear(it, rotation, it.graph.application())
            it.journal.write(rotation, Mark.UNDONE)
        raise
    except RemoteError:
        it.journal.write(rotation, Mark.UNDONE)
        raise
    one = added.credential
    rotation = it.journal.write(
        rotation, Mark.ADDED, new_key_id=one.key_id, new_ends=stamp(one.ends or ends)
    )
    run.done("new secret", f"{one.display_name} ({one.key_id}) until {rotation.fact('new_ends')}")
    return rotation, New(added.secret, rotation.fact("new_ends"))


def _store(it: Rotating, rotation: Rotation, new: New) -> tuple[Rotation, New]:
    run, vault = it.run, require_vault(it)
    run.begin("store")
    rotation = it.journal.write(rotation, Mark.STORING)
    try:
        version = vault.store(new.secret, note=f"sn-smtp secret rotate: {rotation.name}")
    except OutcomeUnknown as error:
        unknown = error
    except (ConfigError, RemoteError):
        _abandon(it, rotation)
        raise
    else:
        return _stored(it, rotation, new, version)
    kept = _stored_after_all(it, rotation, it.graph.application())
    if kept is None:
        _abandon(it, rotation)
        raise unknown
    return kept


def _stored(it: Rotating, rotation: Rotation, new: New, version: str) -> tuple[Rotation, New]:
    """The vault must yield the new value to whoever asks it next."""
    rotation = it.journal.write(rotation, Mark.STORED, new_version=version)
    patience = it.run.patience(_VAULT_LIMIT)
    while not same(it.source.fetch(), new.secret):
        if not patience.is_over:
            it.run.sleep(patience)
            continue
        raise VerificationFailed(
            Fault(
                "rotation-store",
                f"{it.source.description} was written (version {version}), and yields another "
                "value than was stored.",
                path="azure.client_secret_from",
                next="see who else writes to it",
            )
        )
    it.run.done("store", f"{it.source.description}, version {version}")
    return rotation, new


def _stored_after_all(
    it: Rotating, rotation: Rotation, application: Application
) -> tuple[Rotation, New] | None:
    """The new value in the vault, where a write's answer was lost; None if it is not there."""
    vault = require_vault(it)
    version = version_of(vault)
    credential = application.password(rotation.fact("new_key_id"))
    if not version or version == rotation.fact("old_version") or credential is None:
        return None
    found = vault.fetch_version(version)
    if not fits(credential, found):
        return None
    it.run.begin("store")
    return _stored(it, rotation, New(found, rotation.fact("new_ends")), version)


def _kept(it: Rotating, rotation: Rotation, application: Application) -> New:
    """The new value of an interrupted rotation, from the vault."""
    key_id, version = rotation.fact("new_key_id"), rotation.fact("new_version")
    found = require_vault(it).fetch_version(version)
    credential = application.password(key_id)
    if credential is None or (credential.hint and not fits(credential, found)):
        raise Refused(
            Fault(
                "rotation-gone",
                f"The new secret of the interrupted rotation ({rotation.name}, {key_id}) is no "
                f"longer at the application, or version {version} of {it.source.description} is "
                "not it.",
                next="put it all back and begin anew: "
                f"{call(it.run.environment, 'secret rotate', '--undo')}",
            )
        )
    it.run.idle("store", f"{it.source.description} has it already, version {version}")
    return New(found, rotation.fact("new_ends"))


def _clear(it: Rotating, rotation: Rotation, application: Application) -> None:
    """Remove what was added under this rotation's name, and whose value is lost."""
    for one in application.passwords:
        if one.display_name == rotation.name:
            remove_key(it, application, one.key_id)
            it.run.report.note(
                f"a secret {one.display_name} ({one.key_id}) whose value was lost was removed again"
            )


def _abandon(it: Rotating, rotation: Rotation) -> None:
    """The vault has nothing: take the new secret away again, and tell where that fails."""
    key_id = rotation.fact("new_key_id")
    try:
        remove_key(it, it.graph.application(), key_id)
        it.journal.write(rotation, Mark.UNDONE)
    except GeneratorError as error:
        it.run.report.note(
            f"the new secret {key_id} could not be removed again: {error.faults[0].message}"
        )
    else:
        it.run.report.note(f"the new secret {key_id} was removed again; nothing was delivered")
