"""`vault:MOUNT/PATH#KEY`: a secret in a HashiCorp Vault, KV version 2, with the `vault` extra.

Through hvac. Facts: HashiCorp, "KV secrets engine version 2 (API)": every write makes a version
with all its keys, `cas` lets it through only on top of the version that was read, and a deleted
version answers 404 with metadata.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from generator.secrets.acceptable import secret_of_text
from generator.secrets.azure_sign_in import quiet
from generator.secrets.forms import VAULT_PATTERN
from generator.secrets.interface import Secret
from generator.secrets.vault_answers import Version, explain, read_version, written_version
from generator.secrets.vault_failures import CONNECTING, LONGEST, READING, Asked
from generator.secrets.vault_question import VaultReference, answer_within, reads_back
from generator.secrets.vault_sign_in import AppRole, VaultAddress, VaultSurroundings

if TYPE_CHECKING:
    from hvac import Client  # type: ignore[import-untyped]

EXTRA: Final = "pip install 'sn-smtp-oauth[vault]'"

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class VaultSource(VaultReference):
    """One key of one path: in its current version, or in the one that is named."""

    longest: float = field(default=LONGEST, repr=False)
    """Seconds that one question may take."""

    def fetch(self) -> Secret:
        """The key's value, as it is.

        Raises:
            ConfigError: The extra is not installed, the Vault is not named, nobody is signed in, it
                said no, there is no such path, version or key, or what it holds is no secret.
            RemoteError: The Vault did not clearly answer.
        """
        return self._secret(self._read(_parts(self.reference).version))

    def _read(self, version: int | None) -> Version:
        """One version with all its keys."""
        asked = self._asked()
        parts = _parts(self.reference)
        answer = self._ask(
            asked,
            lambda client: client.secrets.kv.v2.read_secret_version(
                parts.path, version=version, mount_point=parts.mount, raise_on_deleted_version=True
            ),
        )
        return read_version(asked, answer)

    def _secret(self, version: Version) -> Secret:
        parts = _parts(self.reference)
        value = version.data.get(parts.key)
        if not isinstance(value, str):
            what = "is no text" if parts.key in version.data else "is not there"
            self._asked().refuse(
                "secret-vault-key",
                f"the key {what} in version {version.number}.",
                next=f"vault kv get -mount={parts.mount} {parts.path}",
            )
        return secret_of_text(value, source=self.description, key=self.key)

    def _ask(self, asked: Asked, work: Callable[[Client], Answer]) -> Answer:
        """One question, with a sign-in of its own where no token is at hand."""
        if not _is_installed():
            asked.refuse("secret-vault-setup", "the client of Vault is not installed.", next=EXTRA)
        surroundings = self._surroundings()
        address, sign_in = surroundings.address(), surroundings.sign_in()
        parts = _parts(self.reference)
        return answer_within(
            self.longest,
            lambda: _with_client(address, sign_in, work),
            asked=asked,
            explain=lambda error: explain(asked, error, mount=parts.mount, path=parts.path),
        )

    def _asked(self, *, writes: bool = False) -> Asked:
        return Asked(
            self.description,
            self.key,
            self._surroundings().address().host,
            "VAULT_CACERT=FILE",
            writes,
        )

    def _surroundings(self) -> VaultSurroundings:
        return VaultSurroundings(self.variables, self.description, self.key)


@dataclass(frozen=True, slots=True)
class WritableVaultSource(VaultSource):
    """One key of one path without a version: its current value, and a place for the next."""

    def store(self, secret: Secret, *, note: str) -> str:
        """Write a new version on top of the one just read, and read it back.

        The path's other keys are carried over. The path must exist: in an engine of version 1,
        where none is found, a write would land elsewhere.

        Args:
            secret: The new value.
            note: Not used: the engine has no place for one beside a version.

        Returns:
            The new version's number.

        Raises:
            ConfigError: The Vault said no, there is no current version, or somebody else wrote in
                between: nothing was written.
            OutcomeUnknown: It may have been written, and was not read back.
        """
        before = self._read(None)
        parts = _parts(self.reference)
        asked = self._asked(writes=True)
        data = {**before.data, parts.key: secret.reveal()}
        answer = self._ask(
            asked,
            lambda client: client.secrets.kv.v2.create_or_update_secret(
                parts.path, data, cas=before.number, mount_point=parts.mount
            ),
        )
        number = written_version(asked, answer)
        if not reads_back(secret, read=lambda: self._secret(self._read(number)).reveal()):
            asked.unclear(f"version {number} cannot be read back as it was written.")
        return str(number)

    def fetch_version(self, version: str) -> Secret:
        """The key's value in one version.

        Raises:
            ConfigError: There is no such version, it is deleted, or it lacks the key.
            RemoteError: The Vault did not clearly answer.
        """
        if not re.fullmatch(r"[1-9][0-9]{0,8}", version):
            self._asked().refuse(
                "secret-vault-absent", "has versions by number only.", next="name one by its number"
            )
        return self._secret(self._read(int(version)))

    def current_version(self) -> str:
        """The number of the version that `fetch` yields.

        Raises:
            ConfigError: There is none, or it may not be read.
            RemoteError: The Vault did not clearly answer.
        """
        return str(self._read(None).number)


@dataclass(frozen=True, slots=True)
class _Parts:
    mount: str
    path: str
    key: str
    version: int | None


def _parts(reference: str) -> _Parts:
    """What a reference names; the form was checked before a source was made of it."""
    found = re.fullmatch(VAULT_PATTERN, reference)
    if found is None:
        raise ValueError("no reference to a Vault secret")
    return _Parts(found[1], found[2], found[4], int(found[5][1:]) if found[5] else None)


def _is_installed() -> bool:
    try:
        import hvac  # noqa: F401
    except ImportError:
        return False
    return True


def _with_client(
    address: VaultAddress, sign_in: Secret | AppRole, work: Callable[[Client], Answer]
) -> Answer:
    import hvac
    import requests

    quiet("hvac")
    with requests.Session() as session:
        # Proxies of the surroundings count, except for this machine. What signs certificates is
        # given with each request, and wins over them; .netrc has no say in Vault's own header.
        session.trust_env = not address.is_local
        session.verify = address.trust
        client = hvac.Client(
            url=address.url,
            token=sign_in.reveal() if isinstance(sign_in, Secret) else "",
            cert=address.certificate,
            verify=address.trust,
            namespace=address.namespace,
            timeout=(CONNECTING, READING),
            # The token must not follow an answer that leads elsewhere.
            allow_redirects=False,
            session=session,
        )
        if isinstance(sign_in, AppRole):
            client.auth.approle.login(
                sign_in.role_id, sign_in.secret_id.reveal(), mount_point=sign_in.mount
            )
        return work(client)
