"""From the environment file's `auth` and `upload_auth` to ways to sign in, secrets at need."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from generator.clock import Clock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import ConfigError, Fault
from generator.instance.auth import (
    ApiKeySignIn,
    BasicSignIn,
    CertificateSignIn,
    SignIn,
    checked_user,
    header_secret,
    missing,
    need,
)
from generator.instance.client_certificate import add_client_certificate
from generator.instance.oauth import OAuthSignIn
from generator.instance.retry import Caller
from generator.instance.transport import Wire
from generator.secrets.interface import Secret

_REST_KEY = "instance.auth"
_PAGES_KEY = "instance.upload_auth"


class SignIns:
    """The sign-ins of one instance, each made once."""

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        secrets: Callable[[str], Secret],
        caller: Caller,
        clock: Clock,
        plain_wire: Callable[[], Wire],
        make_wire: Callable[[Callable[[ssl.SSLContext], None]], Wire],
    ) -> None:
        """Args: plain_wire: The shared connection. make_wire: One with a client certificate."""
        self._settings = settings
        self._secrets = secrets
        self._caller = caller
        self._clock = clock
        self._plain_wire = plain_wire
        self._make_wire = make_wire
        self._fetched: dict[str, Secret] = {}
        self._rest: SignIn | None = None

    def rest(self) -> SignIn:
        """Who calls the APIs.

        Raises:
            ConfigError: There is no `instance.auth`, or it is incomplete.
        """
        if self._rest is None:
            auth = self._settings.auth
            if auth is None:
                raise ConfigError(
                    Fault(
                        "instance-auth-missing",
                        "The environment file does not say how to sign in to the instance.",
                        path=_REST_KEY,
                        next="add instance.auth with method, user and password_from",
                    )
                )
            self._rest = self._make(auth, key=_REST_KEY)
        return self._rest

    def pages(self) -> tuple[SignIn, str]:
        """Who opens UI sessions, and the key that says so: `upload_auth` where there is one.

        Raises:
            ConfigError: Neither is there, or it is incomplete.
        """
        auth = self._settings.upload_auth
        if auth is None:
            return self.rest(), _REST_KEY
        return self._make(auth, key=_PAGES_KEY), _PAGES_KEY

    def _make(self, auth: AuthSettings, *, key: str) -> SignIn:
        method = auth.method
        if method is AuthMethod.BASIC:
            user = checked_user(need(auth, "user", key=key), key=key)
            password = self._source(auth, "password_from", key=key)
            return BasicSignIn(user=user, password=password, wire=self._plain_wire())
        if method is AuthMethod.API_KEY:
            source = need(auth, "api_key_from", key=key)

            def api_key() -> Secret:
                secret = self._fetch(source)
                return header_secret(secret, key=f"{key}.api_key_from", source=source)

            return ApiKeySignIn(key=api_key, wire=self._plain_wire())
        if method is AuthMethod.MTLS:
            return self._certificate(auth, key=key)
        pair = None
        if method is AuthMethod.OAUTH_PASSWORD:
            name = checked_user(need(auth, "user", key=key), key=key)
            pair = (name, self._source(auth, "password_from", key=key))
        return OAuthSignIn(
            method,
            client_id=need(auth, "client_id", key=key),
            client_secret=self._source(auth, "client_secret_from", key=key),
            user=pair,
            caller=self._caller,
            wire=self._plain_wire(),
            clock=self._clock,
        )

    def _certificate(self, auth: AuthSettings, *, key: str) -> SignIn:
        certificate = auth.certificate
        if certificate is None:
            raise missing(auth, "certificate", key=key)
        private_key = self._source(auth, "private_key_from", key=key)

        def prepare(context: ssl.SSLContext) -> None:
            add_client_certificate(
                context, certificate=certificate, private_key=private_key(), key=key
            )

        return CertificateSignIn(lambda: self._make_wire(prepare))

    def _source(self, auth: AuthSettings, name: str, *, key: str) -> Callable[[], Secret]:
        """Fetches a secret when it is called, and not again."""
        source = need(auth, name, key=key)
        return lambda: self._fetch(source)

    def _fetch(self, source: str) -> Secret:
        if source not in self._fetched:
            secret = self._secrets(source)
            self._caller.scrubber.learn(secret.reveal())
            self._fetched[source] = secret
        return self._fetched[source]
