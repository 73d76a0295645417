"""OAuth tokens of an instance: fetched at first need, renewed before they end (A3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

from generator.clock import Clock
from generator.config.instance_settings import AuthMethod
from generator.errors import AuthenticationError, Fault, RemoteError
from generator.instance.calls import Answer, Call, Kind
from generator.instance.refusals import platform_text
from generator.instance.rest import member, read_json, unexpected
from generator.instance.retry import Caller
from generator.instance.transport import Wire
from generator.secrets.interface import Secret

_TOKEN = re.compile(r"[\x21-\x7e]{8,8192}", re.ASCII)

_EARLY = 60.0
"""Seconds before its end at which a token is not used any more."""

_LIFE = 1799.0
"""What an instance says by default (A3); for a reply that says nothing readable."""

_ADVICE = {
    AuthMethod.OAUTH_CLIENT_CREDENTIALS: (
        "check the client id and the source of its secret, the property "
        "glide.oauth.inbound.client.credential.grant_type.enabled=true, and the OAuth Application "
        "User on the application registry record"
    ),
    AuthMethod.OAUTH_PASSWORD: (
        "check the client id and the source of its secret, the user and the source of its password"
    ),
}


class OAuthSignIn:
    """A bearer token by client credentials or by name and password."""

    def __init__(
        self,
        method: AuthMethod,
        *,
        client_id: str,
        client_secret: Callable[[], Secret],
        user: tuple[str, Callable[[], Secret]] | None,
        caller: Caller,
        wire: Wire,
        clock: Clock,
    ) -> None:
        """Args: user: Name and password, for the password grant."""
        self.method = method
        self.wire = wire
        self._client_id = client_id
        self._client_secret = client_secret
        self._user = user
        self._caller = caller
        self._clock = clock
        self._token: Secret | None = None
        self._ends = 0.0

    @property
    def advice(self) -> str:
        """What to check when the instance answers 401."""
        return _ADVICE[self.method]

    def headers(self) -> dict[str, str]:
        """`Authorization: Bearer ...`."""
        token = self._token
        if token is None or self._clock.monotonic() >= self._ends:
            token = self._fetch()
        return {"Authorization": f"Bearer {token.reveal()}"}

    def renew(self) -> bool:
        """Fetch a new token with the next request: the instance may have taken this one back."""
        self._token = None
        return True

    def password(self) -> tuple[str, Secret] | None:
        """User name and password, of the password grant."""
        return (self._user[0], self._user[1]()) if self._user else None

    def _fetch(self) -> Secret:
        form = {
            "grant_type": "password" if self._user else "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret().reveal(),
        }
        if self._user:
            form |= {"username": self._user[0], "password": self._user[1]().reveal()}
        call = Call(
            "fetch an OAuth token",
            "POST",
            "/oauth_token.do",
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
            kind=Kind.SIGN_IN,
        )
        answer = self._caller.send(call, wire=self.wire)
        if answer.status != 200:
            raise self._refused(answer)
        document = read_json(answer, messages=self._caller.messages)
        token, kind = member(document, "access_token"), member(document, "token_type")
        is_usable = isinstance(token, str) and _TOKEN.fullmatch(token) is not None
        if not is_usable or not isinstance(kind, str) or kind.lower() != "bearer":
            raise self._caller.messages.unusable(
                answer, code="instance-oauth-token", what="the answer holds no usable bearer token"
            )
        return self._keep(str(token), member(document, "expires_in"))

    def _keep(self, text: str, life: object) -> Secret:
        self._caller.scrubber.learn(text)
        self._token = Secret(text)
        told = str(life) if isinstance(life, int | str) else ""
        seconds = float(told) if told.isascii() and told.isdigit() and len(told) < 10 else _LIFE
        # Half of a short life, so that a token is used at all.
        self._ends = self._clock.monotonic() + max(seconds - _EARLY, seconds / 2)
        return self._token

    def _refused(self, answer: Answer) -> RemoteError:
        """Token requests are refused with 401 and the reason as OAuth says it (A3)."""
        messages = self._caller.messages
        if answer.status not in (400, 401):
            return unexpected(answer, messages=messages, advice=self.advice)
        error, description = platform_text(answer)
        said = self._caller.scrubber.clean(" ".join(part for part in (error, description) if part))
        where = f"POST /oauth_token.do: status {answer.status}"
        message = f"fetch an OAuth token: the instance gives none ({where})."
        if said:
            message += f' The instance says: "{said}".'
        return AuthenticationError(
            Fault("instance-oauth", message, next=self.advice), status=answer.status, detail=said
        )
