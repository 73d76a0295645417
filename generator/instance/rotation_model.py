"""What a rotation works with: the run, the journal, Graph, the vault, and what the user wished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from generator.azure.graph import AddedPassword, Application
from generator.errors import Fault, GeneratorError, UsageError
from generator.instance.rotation_journal import Mark, Rotation, RotationJournal
from generator.instance.run import Run
from generator.secrets.interface import Secret, SecretSource, WritableSecretSource

GRACE = timedelta(hours=24)
"""For how long the old secret stays beside the new one, unless said otherwise (`spec/
azure-and-smtp.md` section 9, step 6)."""

LIFETIME = timedelta(days=180)
"""How long a new secret lives unless said otherwise; Microsoft recommends less than 12 months."""


class Directory(Protocol):
    """What a rotation asks of Microsoft Graph (`generator.azure.graph.Graph`)."""

    def application(self) -> Application:
        """The application and its client secrets."""

    def add_password(self, object_id: str, *, display_name: str, ends: datetime) -> AddedPassword:
        """Add a client secret."""

    def remove_password(self, object_id: str, *, key_id: str) -> None:
        """Remove a client secret."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said about a rotation."""

    grace: timedelta = GRACE
    lifetime: timedelta = LIFETIME
    """Of a new secret that Graph makes."""

    old_key_id: str | None = None
    """Key id of the secret in use, where neither hint nor journal tells it."""

    ends: datetime | None = None
    """When a secret ends that was handed in, aware; None: what the environment says."""


@dataclass(slots=True)
class Rotating:
    """One call of `secret rotate`."""

    run: Run
    journal: RotationJournal
    source: SecretSource
    """`azure.client_secret_from`."""

    open_graph: Callable[[], Directory]
    wishes: Wishes = Wishes()
    handed: SecretSource | None = None
    """`--new-secret-from`: where the new value is, which somebody made elsewhere."""

    kept: SecretSource | None = None
    """`--old-secret-from`: where the value of before can be had, to put it back."""

    _graph: Directory | None = field(default=None, init=False)

    @property
    def graph(self) -> Directory:
        """Microsoft Graph, signed in to when it is first asked."""
        if self._graph is None:
            self._graph = self.open_graph()
        return self._graph

    def tell(self, rotation: Rotation) -> None:
        """Keep for the report how far a rotation is."""
        verified = rotation.verified_at
        self.run.report.rotation = {
            "name": rotation.name,
            "stage": rotation.mark.value,
            "via": rotation.fact("via"),
            "old_key_id": rotation.fact("old_key_id"),
            "new_key_id": rotation.fact("new_key_id"),
            "new_ends": rotation.fact("new_ends"),
            "vault_version": rotation.fact("new_version"),
            "verified_at": "" if verified is None else verified.isoformat(),
            "finish_from": "" if verified is None else (verified + self.wishes.grace).isoformat(),
        }


def require_vault(it: Rotating) -> WritableSecretSource:
    """The source, which is a vault that can be written.

    Raises:
        UsageError: It is none, and no new value was handed in.
    """
    if isinstance(it.source, WritableSecretSource):
        return it.source
    raise UsageError(
        Fault(
            "rotation-source",
            f"The source of the client secret ({it.source.description}) is no vault that can be "
            "written, so that a new secret made by Microsoft Graph could not be kept.",
            path="azure.client_secret_from",
            next="name a vault there without a version (keyvault:..., vault:...); or make the new "
            "secret yourself (az ad app credential reset --append), put it where the source says, "
            "and hand it in with --new-secret-from",
        )
    )


def is_past(it: Rotating, rotation: Rotation) -> bool:
    """Whether a rotation by hand is done as far as this machine can tell, so that the next begins.

    Another secret that is handed in is another rotation: no value is kept to hold it against. And
    the old one's removal may be somebody else's, who writes nothing here.
    """
    if rotation.by_graph or rotation.mark is not Mark.VERIFIED or rotation.verified_at is None:
        return False
    return it.handed is not None or it.run.clock.now() >= rotation.verified_at + it.wishes.grace


def left_over(it: Rotating) -> str:
    """Key id of the old secret that a rotation by hand before this one left, if it is known."""
    last = it.journal.last
    if last is None or last.by_graph or last.mark is not Mark.VERIFIED:
        return ""
    it.run.report.note(
        f"the rotation before ({last.name}) was not finished: the secret before it may still be "
        "at the application"
    )
    return last.fact("old_key_id")


@dataclass(frozen=True, slots=True)
class New:
    """The new secret of a rotation."""

    secret: Secret
    ends: str | None
    """Its end as the app's property holds it; None if nobody knows it."""


@dataclass(frozen=True, slots=True)
class Old:
    """What the instance held before, as far as it can be put back."""

    secret: Secret | None
    """None where the value cannot be had, or Entra gives no token for it."""

    why_not: str = ""
    """Why there is none."""


class PutBackFailed(GeneratorError):
    """Putting back could not be proven; holds what went wrong then."""
