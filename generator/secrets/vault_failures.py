"""What went wrong between us and a vault, told in the same words for every vault.

Nothing of an exception is kept or shown but the names of its types and the reason why a certificate
was refused: its text, frames and chain hold requests, and with them tokens and secrets.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final, NoReturn

from generator.errors import Fault, NetworkError, OutcomeUnknown, RemoteError, ResponseError
from generator.network_failures import wrapped_by
from generator.secrets.acceptable import refusal

LONGEST: Final = 60.0
"""Seconds that one question to a vault may take, signing in included."""

CONNECTING: Final = 10
"""Seconds to wait for a connection."""

READING: Final = 20
"""Seconds to wait for each part of an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a vault, for the messages about it."""

    source: str
    """The source as the user wrote it."""

    key: str
    """The key that names the source."""

    host: str
    """Who was asked: `name.vault.azure.net`."""

    trust: str
    """How another certificate authority is named to this vault's client."""

    writes: bool = False
    """Whether a new version was to be written."""

    def refuse(self, code: str, message: str, *, next: str) -> NoReturn:
        """The vault said no, or the user must set something; nothing was changed."""
        raise refusal(code, message, source=self.source, key=self.key, next=next)

    def unclear(self, message: str, *, next: str = "", status: int | None = None) -> NoReturn:
        """An answer came that is no answer; after a write nobody knows what stands."""
        if self.writes:
            self._unknown(message, status)
        fault = self._fault("vault-answer", message, next or f"check that {self.host} is the vault")
        raise ResponseError(fault, status=status)

    def turned_away(self, message: str, *, next: str, status: int) -> NoReturn:
        """The vault said that it did nothing, and may do it later."""
        raise RemoteError(self._fault("vault-turned-away", message, next), status=status)

    def too_long(self) -> NoReturn:
        """The deadline passed."""
        message = f"{self.host} gave no whole answer within {LONGEST:.0f} seconds."
        if self.writes:
            self._unknown(message, None)
        raise NetworkError(
            self._fault("vault-silent", message, "run it again; check the way to the vault")
        )

    def no_answer(self, error: BaseException) -> NoReturn:
        """The network failed.

        Raises:
            OutcomeUnknown: A write may have been sent before.
            NetworkError: Nothing was sent, or it only read.
        """
        code, message, step, was_sent = self._explained(error)
        if self.writes and was_sent:
            self._unknown(message, None)
        raise NetworkError(self._fault(code, message, step))

    def _explained(self, error: BaseException) -> tuple[str, str, str, bool]:
        """Code, message, next step, and whether the request may have been sent."""
        parts = tuple(wrapped_by(error))
        names = {type(part).__name__ for part in parts}
        for part in parts:
            if isinstance(part, ssl.SSLCertVerificationError):
                return (
                    "vault-tls",
                    f"the certificate of {self.host} is not accepted: {part.verify_message}.",
                    f"name the authority that issued it: {self.trust}",
                    False,
                )
        if names & {"ProxyError", "ProxySchemeUnknown", "InvalidProxyURL"}:
            step = "check HTTPS_PROXY and NO_PROXY"
            return "vault-proxy", f"the proxy opens no way to {self.host}.", step, False
        if names & {"gaierror", "NameResolutionError"}:
            step = "check the vault's name, and that this machine can resolve it"
            return "vault-dns", f"the name {self.host} is not known.", step, False
        if "ConnectionRefusedError" in names:
            step = "check the address, and that the vault runs"
            return "vault-refused", f"{self.host} refuses connections.", step, False
        if names & {"ConnectTimeout", "ConnectTimeoutError", "ServiceRequestTimeoutError"}:
            step = "check the address and the firewalls in between"
            return "vault-silent", f"{self.host} does not let connect.", step, False
        if names & {"ReadTimeout", "ReadTimeoutError", "ServiceResponseTimeoutError"}:
            return "vault-silent", f"{self.host} did not answer in time.", "run it again", True
        return "vault-cut", f"the connection to {self.host} broke off.", "run it again", True

    def _unknown(self, message: str, status: int | None) -> NoReturn:
        fault = self._fault(
            "vault-unknown",
            f"{message} Whether the new version was written is not known.",
            "look at the secret's versions in the vault before writing again",
        )
        raise OutcomeUnknown(fault, status=status)

    def _fault(self, code: str, message: str, step: str) -> Fault:
        return Fault(code, f"{self.source}: {message}", path=self.key, next=step)
