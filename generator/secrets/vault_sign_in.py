"""Where a HashiCorp Vault is and who asks it, by the variables that Vault's own tools read.

`VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_NAMESPACE`, `VAULT_CACERT`, `VAULT_CAPATH`, `VAULT_CLIENT_CERT`,
`VAULT_CLIENT_KEY` and `~/.vault-token` as HashiCorp documents them ("Vault commands: environment
variables", "Token helpers"). `VAULT_ROLE_ID`, `VAULT_SECRET_ID`, `VAULT_SECRET_ID_FILE` and
`VAULT_APPROLE_MOUNT` are names of this project: Vault has none. `VAULT_SKIP_VERIFY` is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

from generator.secrets.acceptable import refusal
from generator.secrets.env_source import EnvSource
from generator.secrets.file_source import FileSource
from generator.secrets.interface import Secret

TOKEN_FILE: Final = ".vault-token"  # noqa: S105 - the name of a file

_VISIBLE: Final = re.compile(r"[!-~]+")
_LOOPBACK: Final = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class AppRole:
    """A sign-in of a machine."""

    role_id: str
    secret_id: Secret
    mount: str
    """Where the method is mounted: `approle`."""


@dataclass(frozen=True, slots=True)
class VaultAddress:
    """Where a Vault is."""

    url: str
    """`https://host:port`."""

    host: str
    """`host:port`, for messages."""

    is_local: bool
    """Whether it is on this machine."""

    namespace: str | None
    trust: str | bool
    """What signs its certificate: a file or directory, or True for the usual authorities."""

    certificate: tuple[str, str] | None
    """Files of a client certificate and its key."""


@dataclass(frozen=True, slots=True)
class VaultSurroundings:
    """What the variables say about a Vault; nothing is read before it is asked for."""

    variables: Mapping[str, str] = field(repr=False)
    source: str
    key: str

    def address(self) -> VaultAddress:
        """Where it is.

        Raises:
            ConfigError: `VAULT_ADDR` is not set or is no address that a token may be sent to.
        """
        url = self.variables.get("VAULT_ADDR", "").rstrip("/")
        if not url:
            self._refuse(
                "VAULT_ADDR is not set, so nobody knows where the Vault is.",
                "set VAULT_ADDR=https://HOST:8200",
            )
        host, is_local = self._host(url)
        certificate = self.variables.get("VAULT_CLIENT_CERT")
        private = self.variables.get("VAULT_CLIENT_KEY")
        return VaultAddress(
            url,
            host,
            is_local,
            self._visible("VAULT_NAMESPACE"),
            self.variables.get("VAULT_CACERT") or self.variables.get("VAULT_CAPATH") or True,
            (certificate, private) if certificate and private else None,
        )

    def sign_in(self) -> Secret | AppRole:
        """A token, or what gets one: `VAULT_TOKEN`, an AppRole, or the file of `vault login`.

        Raises:
            ConfigError: There is none of them, or it cannot be used.
        """
        if self.variables.get("VAULT_TOKEN"):
            return self._token(EnvSource("VAULT_TOKEN", self.variables, self.key).fetch())
        role = self._visible("VAULT_ROLE_ID")
        if role is not None:
            mount = self._visible("VAULT_APPROLE_MOUNT") or "approle"
            return AppRole(role, self._secret_id(), mount)
        home = self.variables.get("HOME") or self.variables.get("USERPROFILE")
        if home and (Path(home) / TOKEN_FILE).exists():
            return self._token(FileSource(TOKEN_FILE, Path(home), self.key).fetch())
        self._refuse(
            "nobody is signed in to the Vault.",
            "vault login; or set VAULT_TOKEN; or set VAULT_ROLE_ID with VAULT_SECRET_ID or "
            "VAULT_SECRET_ID_FILE",
        )

    def _host(self, url: str) -> tuple[str, bool]:
        """Host and port, and whether that is this machine."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            named = host if parts.port is None else f"{host}:{parts.port}"
        except ValueError:
            parts, host, named = urlsplit(""), "", ""
        if parts.username is not None or parts.query or parts.fragment or not host:
            self._refuse(
                "VAULT_ADDR is no address of a Vault; https://HOST:PORT is accepted.",
                "set VAULT_ADDR=https://HOST:8200",
            )
        is_local = _LOOPBACK.fullmatch(host) is not None
        if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
            self._refuse(
                "VAULT_ADDR is no https:// address; token and secret would travel for all to read.",
                "set VAULT_ADDR=https://HOST:8200",
            )
        return named, is_local

    def _secret_id(self) -> Secret:
        path = self.variables.get("VAULT_SECRET_ID_FILE")
        if path:
            return FileSource(path, Path.cwd(), self.key).fetch()
        return EnvSource("VAULT_SECRET_ID", self.variables, self.key).fetch()

    def _visible(self, name: str) -> str | None:
        """What a header or body takes; None if it is not set."""
        value = self.variables.get(name)
        if value and not _VISIBLE.fullmatch(value):
            self._refuse(
                f"{name} holds blanks or other characters that it cannot have.",
                f"set {name} to the name alone",
            )
        return value or None

    def _token(self, token: Secret) -> Secret:
        if not _VISIBLE.fullmatch(token.reveal()):
            self._refuse(
                "the Vault token holds blanks or other characters that no token has.",
                "vault login; or set VAULT_TOKEN to the token alone",
            )
        return token

    def _refuse(self, message: str, step: str) -> NoReturn:
        raise refusal("secret-vault-setup", message, source=self.source, key=self.key, next=step)
