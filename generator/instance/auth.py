"""Ways to sign in to REST calls, and what each of them can open (`spec/instance-http.md` A3)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from generator.config.instance_settings import AuthMethod, AuthSettings
from generator.errors import ConfigError, Fault
from generator.secrets.interface import Secret

if TYPE_CHECKING:
    from generator.instance.transport import Wire


class SignIn(Protocol):
    """How requests say whose they are."""

    @property
    def method(self) -> AuthMethod:
        """Which way it is."""

    @property
    def wire(self) -> Wire:
        """What its requests go over; a client certificate has its own."""

    @property
    def advice(self) -> str:
        """What to check when the instance answers 401."""

    def headers(self) -> dict[str, str]:
        """Headers of a request; may fetch a token first."""

    def renew(self) -> bool:
        """After a 401: whether there is something newer to try, once."""

    def password(self) -> tuple[str, Secret] | None:
        """User name and password, where it has them: they open a UI session in more ways."""


class BasicSignIn:
    """Name and password in each request."""

    method = AuthMethod.BASIC
    advice = (
        "check the user, the source of its password, and that Basic authentication is not "
        "restricted, as it is by default on newly provisioned instances (then use OAuth)"
    )

    def __init__(self, *, user: str, password: Callable[[], Secret], wire: Wire) -> None:
        """Args: user: The name. password: Fetches it at first need."""
        self.wire = wire
        self._user = user
        self._password = password

    def headers(self) -> dict[str, str]:
        """`Authorization: Basic ...`."""
        pair = f"{self._user}:{self._password().reveal()}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def renew(self) -> bool:
        """Nothing is newer than a password."""
        return False

    def password(self) -> tuple[str, Secret]:
        """User name and password."""
        return self._user, self._password()


class ApiKeySignIn:
    """A key in the header `x-sn-apikey`; it opens `/api` only, never a UI session."""

    method = AuthMethod.API_KEY
    advice = (
        "check the key, its inbound authentication profile and the API access policy "
        "(plugin com.glide.tokenbased_auth)"
    )

    def __init__(self, *, key: Callable[[], Secret], wire: Wire) -> None:
        """Args: key: Fetches it at first need."""
        self.wire = wire
        self._key = key

    def headers(self) -> dict[str, str]:
        """`x-sn-apikey: ...`."""
        return {"x-sn-apikey": self._key().reveal()}

    def renew(self) -> bool:
        """Nothing is newer than a key."""
        return False

    def password(self) -> None:
        """None."""


class CertificateSignIn:
    """A client certificate on the connection; no header says anything."""

    method = AuthMethod.MTLS
    advice = (
        "check that certificate-based authentication is active and that the certificate is mapped "
        "to a user"
    )

    def __init__(self, make_wire: Callable[[], Wire]) -> None:
        """Args: make_wire: Makes the connection with the certificate, at first need."""
        self._make_wire = make_wire
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        """The connection with the certificate."""
        if self._wire is None:
            self._wire = self._make_wire()
        return self._wire

    def headers(self) -> dict[str, str]:
        """None."""
        return {}

    def renew(self) -> bool:
        """Nothing is newer than a certificate."""
        return False

    def password(self) -> None:
        """None."""


CANNOT_UPLOAD = {
    AuthMethod.API_KEY: "an API key opens /api only, never the UI session that an upload needs",
}
"""Methods that can open no UI session (A3, B1), and why."""

CAN_UPLOAD = (
    "set instance.upload_auth to method basic or oauth_password with an admin of identity type "
    "Human, who is exempt from MFA or needs none"
)
"""Which sign-in can upload, whichever way failed (A3)."""


def need(settings: AuthSettings, name: str, *, key: str) -> str:
    """One key of the sign-in, which its method needs.

    Raises:
        ConfigError: It is not there.
    """
    value = getattr(settings, name)
    if isinstance(value, str) and value:
        return value
    raise missing(settings, name, key=key)


def missing(settings: AuthSettings, name: str, *, key: str) -> ConfigError:
    """The error for a key of the sign-in that is not there."""
    return ConfigError(
        Fault(
            "instance-auth-incomplete",
            f"The method {settings.method.value} needs {name}.",
            path=f"{key}.{name}",
            next=f"add {name} to {key} in the environment file",
        )
    )


def checked_user(user: str, *, key: str) -> str:
    """A user's name that Basic authentication can carry.

    Raises:
        ConfigError: It holds a colon or a control character.
    """
    if ":" not in user and user.isprintable():
        return user
    raise ConfigError(
        Fault(
            "instance-user",
            "The user's name holds a colon or a control character.",
            path=f"{key}.user",
            next="correct the user's name",
        )
    )


def header_secret(secret: Secret, *, key: str, source: str) -> Secret:
    """A secret that may stand in a header.

    Raises:
        ConfigError: It is empty or holds what a header cannot; the text itself is not shown.
    """
    value = secret.reveal()
    if value and value.isascii() and value.isprintable() and " " not in value:
        return secret
    raise ConfigError(
        Fault(
            "instance-secret-form",
            f"What {source} holds is empty or has spaces, line breaks or non-ASCII characters, "
            "which a header cannot carry.",
            path=key,
            next="correct what the source holds",
        )
    )
