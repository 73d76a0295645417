"""The UI session that uploads and `xmlhttp.do` need: cookies and a token (`spec` A4).

Its cookies stay in its own jar, and no REST call goes through that jar: a REST answer would shorten
the session's life (A2).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from generator.clock import Clock
from generator.errors import AuthenticationError, Fault, RemoteError
from generator.instance import pages
from generator.instance.auth import CAN_UPLOAD, SignIn
from generator.instance.calls import Answer, Call, Kind, Upload
from generator.instance.messages import Messages
from generator.instance.pages import Page
from generator.instance.retry import Caller
from generator.instance.ui_login import OpenSession, open_ways, upload_page

_FORM = "application/x-www-form-urlencoded"

_TOKEN_SECONDS = 60.0
"""How old a token may be that is sent with a change; an older one is read anew (our figure)."""


class UiSession:
    """A UI session, opened at first need and once more when it has ended."""

    def __init__(
        self, caller: Caller, *, sign_in: SignIn, clock: Clock, host: str, key: str
    ) -> None:
        """Args: sign_in: Who opens it. key: Where that stands in the environment file."""
        self._caller = caller
        self._sign_in = sign_in
        self._clock = clock
        self._host = host
        self._key = key
        self._open: OpenSession | None = None
        self._token_read = 0.0
        self._is_token_used = False

    @property
    def messages(self) -> Messages:
        """Makes errors out of answers."""
        return self._caller.messages

    def ready(self) -> str:
        """A token that was just read and not yet used; opens the session where there is none.

        Raises:
            AuthenticationError: No way opened one; says what each answered.
            NetworkError: The instance does not answer.
        """
        return self._ready().token

    def renew(self) -> str:
        """A fresh token, after the instance did not take the last one."""
        self._is_token_used = True
        return self.ready()

    def post_form(self, path: str, *, step: str, form: Mapping[str, str], kind: Kind) -> Answer:
        """Post a form with the token as field and header; redirects are not followed.

        Raises:
            RemoteError: As `Caller.send`.
        """
        # A read may use a token again; a change gets a fresh one.
        session = self._open if kind is Kind.READ and self._open else self._ready()
        body = urlencode({**form, "sysparm_ck": session.token}).encode()
        return self._post(session, path, step=step, body=body, media_type=_FORM, kind=kind)

    def post_file(self, path: str, *, step: str, body: Upload, media_type: str) -> Answer:
        """Post a multipart form that holds the token of `ready` already.

        Raises:
            RemoteError: As `Caller.send`.
        """
        session = self._open or self._ready()
        return self._post(
            session, path, step=step, body=body, media_type=media_type, kind=Kind.WRITE
        )

    def send(
        self, method: str, path: str, *, step: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        """A change over REST that wants cookies and token; sent once, with a fresh token.

        Raises:
            RemoteError: As `Caller.send`.
        """
        session = self._ready()
        self._is_token_used = True
        call = Call(
            step,
            method,
            path,
            headers={**headers, "X-UserToken": session.token},
            body=body,
            kind=Kind.WRITE,
        )
        return self._caller.send(call, wire=self._sign_in.wire, jar=session.jar)

    def is_turned_away(self, answer: Answer) -> bool:
        """Whether session or token were not accepted, so that nothing was done (A4, B3.1)."""
        if answer.status in (401, 403):
            return True
        if answer.is_html or 300 <= answer.status < 400:
            page = pages.what_page(answer, host=self._host)
            return page in (Page.LOGIN, Page.STALE_TOKEN)
        return False

    def close(self) -> None:
        """End the session (`/logout.do`); what the instance says to it changes nothing."""
        if self._open is None:
            return
        jar, self._open = self._open.jar, None
        call = Call("sign out", "GET", "/logout.do", headers=_accept(), kind=Kind.SIGN_IN)
        try:
            self._caller.send(call, wire=self._sign_in.wire, jar=jar)
        except RemoteError as error:
            self._caller.note(f"GET /logout.do: {error.faults[0].code}")

    def _ready(self) -> OpenSession:
        if self._open is not None and self._is_stale():
            self._open = self._read_again(self._open)
        if self._open is None:
            self._open = self._sign_in_by_each_way()
        return self._open

    def _is_stale(self) -> bool:
        return self._is_token_used or self._clock.monotonic() - self._token_read > _TOKEN_SECONDS

    def _post(
        self,
        session: OpenSession,
        path: str,
        *,
        step: str,
        body: bytes | Upload,
        media_type: str,
        kind: Kind,
    ) -> Answer:
        call = Call(
            step,
            "POST",
            path,
            headers={**_accept(), "Content-Type": media_type, "X-UserToken": session.token},
            body=body,
            kind=kind,
        )
        if kind is Kind.WRITE:
            self._is_token_used = True
        return self._caller.send(call, wire=self._sign_in.wire, jar=session.jar)

    def _read_again(self, session: OpenSession) -> OpenSession | None:
        """A fresh token of the open session; without one it has ended."""
        token, why = upload_page(
            self._caller, wire=self._sign_in.wire, jar=session.jar, host=self._host
        )
        if token is not None:
            return self._fresh(OpenSession(session.jar, token))
        self._caller.note(f"the UI session has ended: {why}")
        return None

    def _sign_in_by_each_way(self) -> OpenSession:
        said: list[str] = []
        for way in open_ways(self._caller, sign_in=self._sign_in, host=self._host):
            if isinstance(way, OpenSession):
                return self._fresh(way)
            said.append(way)
            self._caller.note(f"UI session: {way}")
        method = self._sign_in.method.value
        answers = "; ".join(said)
        message = f"open a UI session: none of the ways of {self._key} ({method}) opened one: "
        raise AuthenticationError(
            Fault("instance-no-ui-session", f"{message}{answers}.", path=self._key, next=CAN_UPLOAD)
        )

    def _fresh(self, session: OpenSession) -> OpenSession:
        self._caller.scrubber.learn(session.token)
        self._token_read = self._clock.monotonic()
        self._is_token_used = False
        return session


def _accept() -> dict[str, str]:
    return {"Accept": "*/*"}
