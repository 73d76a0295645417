"""`keyvault:URL`: a secret in an Azure Key Vault, with the `azure` extra.

Through Microsoft's own client (azure-keyvault-secrets) and sign-in (azure-identity). Facts:
Microsoft, "About Azure Key Vault secrets": a version's dates don't keep anybody from reading it, so
they are judged here; a disabled one is refused by the vault.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from generator.clock import Clock, SystemClock
from generator.secrets.acceptable import secret_of_text
from generator.secrets.azure_sign_in import EXTRA, StandIn, make_credential, stand_in
from generator.secrets.forms import KEY_VAULT_PATTERN
from generator.secrets.interface import Secret
from generator.secrets.key_vault_failures import explain, is_absent
from generator.secrets.vault_failures import CONNECTING, LONGEST, READING, Asked
from generator.secrets.vault_question import VaultReference, answer_within, reads_back

if TYPE_CHECKING:
    from azure.keyvault.secrets import KeyVaultSecret, SecretClient, SecretProperties

VARIABLE: Final = "SN_SMTP_KEY_VAULT"
"""`https://localhost:PORT` of a stand-in for every vault."""

API_VERSION: Final = "7.4"
"""Of 2023; the national clouds get newer ones later than the client library does."""

LOGINS: Final = {
    "azure.cn": "https://login.chinacloudapi.cn",
    "usgovcloudapi.net": "https://login.microsoftonline.us",
}
"""Suffix of a national cloud's vaults to its login, as azure-identity's `AzureAuthorityHosts`."""

NOTE: Final = "sn-smtp"
"""The tag that holds the note of a new version."""

MOST_TAGS: Final = 15
LONGEST_TAG: Final = 256

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class KeyVaultSource(VaultReference):
    """One secret of a vault: its current version, or the one that is named."""

    clock: Clock = field(default_factory=SystemClock, repr=False)
    """What a version's dates are held against."""

    longest: float = field(default=LONGEST, repr=False)
    """Seconds that one question may take."""

    def fetch(self) -> Secret:
        """The version's value, as it is.

        Raises:
            ConfigError: The extra is not installed, nobody is signed in, the vault said no, the
                version is disabled, not valid yet or expired, or what it holds is no secret.
            RemoteError: The vault did not clearly answer.
        """
        asked = self._asked()
        found = self._get(asked, self._version())
        self._judge_dates(asked, found.properties)
        return self._secret(asked, found)

    def _get(self, asked: Asked, version: str | None) -> KeyVaultSecret:
        name = self._name()
        return self._ask(asked, lambda client: client.get_secret(name, version))

    def _ask(self, asked: Asked, work: Callable[[SecretClient], Answer]) -> Answer:
        """One question, with a sign-in of its own."""
        if not _is_installed():
            asked.refuse(
                "secret-key-vault", "the client of Key Vault is not installed.", next=EXTRA
            )
        local = stand_in(self.variables, VARIABLE)
        return answer_within(
            self.longest,
            lambda: _with_client(self._vault(), local, work),
            asked=asked,
            explain=lambda error: explain(asked, error, name=self._name()),
        )

    def _secret(self, asked: Asked, found: KeyVaultSecret) -> Secret:
        if found.value is None:
            asked.unclear("the vault answered without a value.")
        return secret_of_text(found.value, source=self.description, key=self.key)

    def _judge_dates(self, asked: Asked, properties: SecretProperties) -> None:
        now = self.clock.now()
        name = self._name()
        if properties.expires_on is not None and properties.expires_on <= now:
            asked.refuse(
                "secret-key-vault-expired",
                f"the vault says that this version expired on {properties.expires_on:%Y-%m-%d}.",
                next=f"store the valid secret as a new version of {name}; or, if the date is "
                "wrong, az keyvault secret set-attributes --expires",
            )
        if properties.not_before is not None and properties.not_before > now:
            asked.refuse(
                "secret-key-vault-early",
                f"the vault says that this version is valid from {properties.not_before:%Y-%m-%d}.",
                next="name an earlier version behind the secret's name, or correct the date: "
                "az keyvault secret set-attributes --not-before",
            )

    def _asked(self, *, writes: bool = False) -> Asked:
        return Asked(
            self.description,
            self.key,
            self._vault().removeprefix("https://"),
            "REQUESTS_CA_BUNDLE=FILE, if a proxy breaks TLS up",
            writes,
        )

    def _vault(self) -> str:
        return _parts(self.reference)[0]

    def _name(self) -> str:
        return _parts(self.reference)[1]

    def _version(self) -> str | None:
        return _parts(self.reference)[2]


@dataclass(frozen=True, slots=True)
class WritableKeyVaultSource(KeyVaultSource):
    """One secret of a vault without a version: its current one, and a place for the next."""

    def store(self, secret: Secret, *, note: str) -> str:
        """Write a new version, with the tags and content type of the one before, and read it back.

        Args:
            secret: The new value.
            note: Its tag `sn-smtp`, where the vault leaves room for one.

        Returns:
            The new version: 32 hexadecimal digits.

        Raises:
            ConfigError: The vault said no: nothing was written.
            OutcomeUnknown: It may have been written, and was not read back.
        """
        tags, content_type = self._manner()
        if NOTE in tags or len(tags) < MOST_TAGS:
            tags[NOTE] = note[:LONGEST_TAG]
        asked = self._asked(writes=True)
        name = self._name()
        written = self._ask(
            asked,
            lambda client: client.set_secret(
                name, secret.reveal(), tags=tags, content_type=content_type
            ),
        )
        version = written.properties.version
        if not version:
            asked.unclear("the vault did not name the new version.")
        if not reads_back(secret, read=lambda: self._get(self._asked(), version).value or ""):
            asked.unclear(f"version {version} cannot be read back as it was written.")
        return version

    def fetch_version(self, version: str) -> Secret:
        """The value of one version, whatever its dates are.

        Raises:
            ConfigError: There is no such version, or it is disabled.
            RemoteError: The vault did not clearly answer.
        """
        asked = self._asked()
        return self._secret(asked, self._get(asked, version))

    def current_version(self) -> str:
        """The version that `fetch` yields: 32 hexadecimal digits.

        Raises:
            ConfigError: There is none, or it may not be read.
            RemoteError: The vault did not clearly answer.
        """
        asked = self._asked()
        version = self._get(asked, None).properties.version
        if not version:
            asked.unclear("the vault did not name the version.")
        return version

    def _manner(self) -> tuple[dict[str, str], str | None]:
        """Tags and content type of the current version; nothing if there is none to be read."""
        asked = self._asked()
        name = self._name()

        def current(client: SecretClient) -> SecretProperties | None:
            from azure.core.exceptions import HttpResponseError

            try:
                return client.get_secret(name).properties
            except HttpResponseError as error:
                if is_absent(error):
                    return None
                raise

        properties = self._ask(asked, current)
        if properties is None:
            return {}, None
        return dict(properties.tags or {}), properties.content_type


def _parts(reference: str) -> tuple[str, str, str | None]:
    """Vault, name and version; the form was checked before a source was made of it."""
    found = re.fullmatch(KEY_VAULT_PATTERN, reference)
    if found is None:
        raise ValueError("no reference to a Key Vault secret")
    return found[1], found[3], (found[4] or "").removeprefix("/") or None


def _is_installed() -> bool:
    try:
        import azure.identity
        import azure.keyvault.secrets  # noqa: F401
    except ImportError:
        return False
    return True


def _with_client(
    vault: str, local: StandIn | None, work: Callable[[SecretClient], Answer]
) -> Answer:
    from azure.keyvault.secrets import SecretClient

    login = LOGINS.get(vault.partition(".vault.")[2])
    # Nothing is sent again: a write would make two versions, and a vault that asks to wait may ask
    # for an hour. Answers that lead elsewhere are not followed.
    with (
        make_credential(login=login, local=local) as credential,
        SecretClient(
            local.url if local else vault,
            credential,
            api_version=API_VERSION,
            verify_challenge_resource=local is None,
            connection_verify=(local.ca_file if local else None) or True,
            connection_timeout=CONNECTING,
            read_timeout=READING,
            retry_total=0,
            permit_redirects=False,
        ) as client,
    ):
        return work(client)
