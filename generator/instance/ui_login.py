"""The ways to open a UI session, in the order in which they are tried (`spec` A4).

Each way signs in on a fresh jar; whichever it was, the upload page must then show its token and
`X-Is-Logged-In: true`, or the way did not lead anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from generator.config.instance_settings import AuthMethod
from generator.errors import AuthenticationError, ResponseError
from generator.instance import pages
from generator.instance.auth import CANNOT_UPLOAD, SignIn
from generator.instance.calls import Answer, Call, Kind
from generator.instance.pages import Page
from generator.instance.refusals import platform_text
from generator.instance.rest import JSON_HEADERS, text_member
from generator.instance.retry import Caller
from generator.instance.transport import Wire
from generator.secrets.interface import Secret

if TYPE_CHECKING:
    from requests.cookies import RequestsCookieJar

UPLOAD_PAGE = "/upload.do"
_UPLOAD_QUERY = (
    ("sysparm_referring_url", "sys_remote_update_set_list.do"),
    ("sysparm_target", "sys_remote_update_set"),
)
_FORM_HEADERS = {"Accept": "*/*", "Content-Type": "application/x-www-form-urlencoded"}
_LARGEST_PAGE = 4 * 1024 * 1024

_MFA = "the user has to give a second factor (use OAuth, or the group 'MFA Exempted User Group')"
_MACHINE = (
    "the user may not sign in to pages: identity type Machine, or 'Web service access only' "
    "(use a user of identity type Human)"
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Cookies of a session, and its token."""

    jar: RequestsCookieJar = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Result:
    """How a sign-in ended, before the upload page was asked."""

    refused: str = ""
    """Why it did not succeed; "" if it may have."""

    is_final: bool = False
    """Whether the same name and password cannot succeed by a form either."""


def open_ways(caller: Caller, *, sign_in: SignIn, host: str) -> Iterator[OpenSession | str]:
    """Try way after way: what each said, until one is open.

    Args:
        caller: Sends.
        sign_in: Who signs in.
        host: The instance's own name.

    Raises:
        NetworkError: The instance does not answer.
    """
    if sign_in.method in CANNOT_UPLOAD:
        yield CANNOT_UPLOAD[sign_in.method]
        return
    door = _Door(caller, sign_in=sign_in, host=host)
    for name, way in door.ways():
        yield door.try_way(name, way)


def upload_page(
    caller: Caller, *, wire: Wire, jar: RequestsCookieJar, host: str
) -> tuple[str | None, str]:
    """The token of the upload page, or None and why there is none."""
    call = Call(
        "open the upload page",
        "GET",
        UPLOAD_PAGE,
        query=_UPLOAD_QUERY,
        headers={"Accept": "*/*"},
    )
    answer = caller.send(call, wire=wire, jar=jar, largest=_LARGEST_PAGE)
    if caller.messages.is_hibernating(answer):
        raise caller.messages.not_json(answer)
    token = pages.form_token(answer) if answer.status == 200 else None
    if token is not None and pages.is_logged_in(answer):
        return token, ""
    return None, _why_no_page(answer, has_token=token is not None, host=host)


def _why_no_page(answer: Answer, *, has_token: bool, host: str) -> str:
    page = Page.OTHER
    if answer.is_html or 300 <= answer.status < 400:
        page = pages.what_page(answer, host=host)
    if page is Page.SIGN_ON:
        return "the instance sends to single sign-on"
    if page is Page.LOGIN:
        return "the instance shows its login page"
    if has_token:
        return "the upload page says that nobody is signed in"
    return f"the upload page shows no token (status {answer.status})"


class _Door:
    """The ways of one user."""

    def __init__(self, caller: Caller, *, sign_in: SignIn, host: str) -> None:
        self._caller = caller
        self._sign_in = sign_in
        self._host = host
        self._is_refused_for_good = False

    def ways(self) -> Iterator[tuple[str, Callable[[RequestsCookieJar], _Result]]]:
        """Those that this sign-in can go."""
        method = self._sign_in.method
        pair = self._sign_in.password()
        if pair is not None:
            user, password = pair
            yield "name and password", lambda jar: self._angular(jar, user, password)
        if method in (AuthMethod.OAUTH_PASSWORD, AuthMethod.OAUTH_CLIENT_CREDENTIALS):
            yield "bearer token", self._bearer
        if method is AuthMethod.BASIC:
            yield "Basic with cookies", self._request_with_headers
        if method is AuthMethod.MTLS:
            # [INF]: as Basic, the certificate signs in a request for a page.
            yield "client certificate", self._request_with_headers
        # Not where the same check has just said no: it might lock the user out.
        if pair is not None and not self._is_refused_for_good:
            yield "login form", lambda jar: self._form(jar, user, password)

    def try_way(self, name: str, way: Callable[[RequestsCookieJar], _Result]) -> OpenSession | str:
        """Go one way on a fresh jar, and look at the upload page."""
        from requests.cookies import RequestsCookieJar

        jar = RequestsCookieJar()
        try:
            result = way(jar)
            if not result.refused:
                token, why = upload_page(
                    self._caller, wire=self._sign_in.wire, jar=jar, host=self._host
                )
                if token is not None:
                    return OpenSession(jar, token)
                result = _Result(why)
        except (AuthenticationError, ResponseError) as error:
            return f"{name}: {error.faults[0].message}"
        self._is_refused_for_good = self._is_refused_for_good or result.is_final
        return f"{name}: {self._caller.scrubber.clean(result.refused)}"

    def _angular(self, jar: RequestsCookieJar, user: str, password: Secret) -> _Result:
        """`angular.do`: name and password, as ServiceNow's SDK signs in [PLAT]."""
        form = {
            "sysparm_type": "login",
            "ni.nolog.user_password": "true",
            "user_name": user,
            "user_password": password.reveal(),
        }
        answer = self._post(
            "/angular.do", jar=jar, form=form, query=(("sysparm_type", "view_form.login"),)
        )
        said = _document(answer)
        status = text_member(said, "status")
        message = text_member(said, "message") or "; ".join(filter(None, platform_text(answer)))
        if status == "mfa_code_required":
            return _Result(_MFA, is_final=True)
        if "is not allowed to access" in message:
            return _Result(f"{_MACHINE}; it says: {message}", is_final=True)
        if answer.status == 200 and status == "success":
            return _Result()
        if status == "error" or answer.status in (401, 403):
            return _Result(message or "refused without a reason", is_final=True)
        if answer.status == 404:
            return _Result("there is no such page; is it an instance?")
        return _Result(message or _strange(answer, host=self._host))

    def _bearer(self, jar: RequestsCookieJar) -> _Result:
        """A bearer token turned into a UI session, as ServiceNow's SDK does it [PLAT; C3]."""
        self._get_user(jar)
        answer = self._with_token(jar)
        # It may have ended a moment ago.
        if answer.status == 401 and self._sign_in.renew():
            answer = self._with_token(jar)
        if answer.status != 200:
            return _Result(f"the token is not accepted (status {answer.status})")
        answer = self._get_user(jar)
        if "is not allowed to access" in answer.text[:4096]:
            return _Result(_MACHINE)
        if pages.header_token(answer) is None:
            return _Result("no session came of the token (no X-UserToken-Response)")
        return _Result()

    def _with_token(self, jar: RequestsCookieJar) -> Answer:
        """A read with the token, on the session that is to be signed in."""
        call = Call(
            "turn the token into a session",
            "GET",
            "/api/now/table/sys_scope",
            query=(("sysparm_fields", "sys_id,sys_class_name"), ("sysparm_limit", "1")),
            headers={**JSON_HEADERS, **self._sign_in.headers()},
        )
        return self._caller.send(call, wire=self._sign_in.wire, jar=jar)

    def _get_user(self, jar: RequestsCookieJar) -> Answer:
        """Answers 401 on purpose; with a session, its token is in a header."""
        query = (("sysparm_type", "get_user"),)
        return self._post("/angular.do", jar=jar, form={}, query=query)

    def _request_with_headers(self, jar: RequestsCookieJar) -> _Result:
        """A page asked for with Basic: its cookies may be a session (A4.3)."""
        call = Call(
            "sign in to pages",
            "GET",
            UPLOAD_PAGE,
            query=_UPLOAD_QUERY,
            headers={"Accept": "*/*", **self._sign_in.headers()},
        )
        answer = self._caller.send(call, wire=self._sign_in.wire, jar=jar, largest=_LARGEST_PAGE)
        if answer.status == 200 and pages.is_logged_in(answer):
            return _Result()
        if "x-mfa_token" in answer.headers:
            return _Result(_MFA)
        return _Result(_strange(answer, host=self._host))

    def _form(self, jar: RequestsCookieJar, user: str, password: Secret) -> _Result:
        """The classic form; a wrong password answers 200 with the form again."""
        call = Call("open the login form", "GET", "/login.do", headers={"Accept": "*/*"})
        page = self._caller.send(call, wire=self._sign_in.wire, jar=jar, largest=_LARGEST_PAGE)
        form = {
            "user_name": user,
            "user_password": password.reveal(),
            "sys_action": "sysverb_login",
        }
        token = pages.form_token(page)
        if token is not None:
            form["sysparm_ck"] = token
        answer = self._post("/login.do", jar=jar, form=form)
        if answer.is_html or 300 <= answer.status < 400:
            kind = pages.what_page(answer, host=self._host)
            is_in = answer.status == 302 or pages.session_token(answer) is not None
            if is_in and kind is Page.OTHER:
                return _Result()
        return _Result(_strange(answer, host=self._host))

    def _post(
        self,
        path: str,
        *,
        jar: RequestsCookieJar,
        form: Mapping[str, str],
        query: tuple[tuple[str, str], ...] = (),
    ) -> Answer:
        call = Call(
            "sign in to pages",
            "POST",
            path,
            query=query,
            headers=_FORM_HEADERS,
            body=urlencode(form).encode(),
            kind=Kind.SIGN_IN,
        )
        return self._caller.send(call, wire=self._sign_in.wire, jar=jar, largest=_LARGEST_PAGE)


def _document(answer: Answer) -> object:
    try:
        return json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        return None


def _strange(answer: Answer, *, host: str) -> str:
    """What came instead of a session."""
    if answer.is_html or 300 <= answer.status < 400:
        page = pages.what_page(answer, host=host)
        if page is Page.SIGN_ON:
            return "the instance sends to single sign-on; its users have no password there"
        if page is Page.LOGIN:
            return "the login page came again: the name or password is wrong, or not accepted here"
    own = "; ".join(part for part in platform_text(answer) if part)
    return f"status {answer.status}" + (f", {own}" if own else "")
