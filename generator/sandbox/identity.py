"""Who asks: Basic, bearer token, API key or session, and what is said to those refused.

`spec/instance-http.md` A3, A4, A16, B3.9. `authenticate` is called by the dispatcher for every
request but those below `/__sandbox__/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from generator.sandbox import api_keys
from generator.sandbox.context import error_response
from generator.sandbox.passwords import password_matches
from generator.sandbox.serving import CERTIFICATE_USER
from generator.sandbox.sessions import COOKIE, SessionKind, UiSession
from generator.sandbox.wire import HEADERS

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

Row = Mapping[str, str]

CHALLENGE = 'BASIC realm="Service-now"'
API_KEY_PLUGIN = "com.glide.tokenbased_auth"
OPENED = "sandbox.session"
"""Key of the WSGI environment: id of a session that the request opened."""

OAUTH_PAGE = "/oauth_token.do"
TRUE = ("true", "1")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request's credentials came to."""

    user: Row | None = None
    """Row of `sys_user`; None for nobody."""

    auth: str = "none"
    """How: none, basic, bearer, api_key, certificate, session."""

    session: UiSession | None = None
    """The session of the cookies, or one that this request opened."""

    refusal: Response | None = None
    """Set: this is the answer, whatever the route."""


def authenticate(sandbox: Sandbox, request: Request) -> Identity:
    """Find out who asks, and whether a REST request may go on at all."""
    if request.path == OAUTH_PAGE:
        # A client may send its own id and secret as Basic: that is no user.
        return Identity()
    is_rest = request.path.startswith("/api/")
    session = sandbox.door.sessions.find(request.cookies.get(COOKIE))
    found = _by_credentials(sandbox, request, session=session, is_rest=is_rest)
    if found.refusal is not None or not is_rest:
        return found
    if found.user is None:
        return Identity(session=session, refusal=unauthenticated())
    return _limited(sandbox, request, found)


def _by_credentials(
    sandbox: Sandbox, request: Request, *, session: UiSession | None, is_rest: bool
) -> Identity:
    behaviour = sandbox.behaviour
    scheme, _, _ = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(sandbox, request, session=session, is_rest=is_rest)
    if scheme.lower() == "bearer":
        return _bearer(sandbox, request, session=session, is_rest=is_rest)
    key = api_keys.given(request)
    # Never on UI pages [DOC].
    if key and is_rest and behaviour.api_keys == "on":
        user = active_user(sandbox, sandbox.door.api_keys.user(key) or "")
        return Identity(user, "api_key") if user else Identity(refusal=unauthenticated())
    name = request.environ.get(CERTIFICATE_USER)
    if isinstance(name, str):
        return _certificate(sandbox, request, name, session=session, is_rest=is_rest)
    return _by_session(sandbox, request, session=session, is_rest=is_rest)


def _certificate(
    sandbox: Sandbox, request: Request, name: str, *, session: UiSession | None, is_rest: bool
) -> Identity:
    """A client certificate signs in REST calls [DOC]; that it opens pages, too, is [INF]."""
    user = user_named(sandbox, name)
    if user is None:
        if is_rest:
            return Identity(session=session, refusal=unauthenticated())
        return _by_session(sandbox, request, session=session, is_rest=is_rest)
    if is_rest:
        return Identity(user, "certificate", session)
    if may_have_ui(sandbox, user):
        session = _signed_in(sandbox, session, user, kind=SessionKind.UI, request=request)
        sandbox.door.sessions.touch(session, rest=is_rest)
        return Identity(user, "certificate", session)
    return Identity(_user_of(sandbox, session), _auth_of(session), session)


def _basic(
    sandbox: Sandbox, request: Request, *, session: UiSession | None, is_rest: bool
) -> Identity:
    behaviour = sandbox.behaviour
    given = request.authorization
    name, password = (given.username or "", given.password or "") if given else ("", "")
    user = user_with_password(sandbox, name, password=password)
    # Restricted by default on newly provisioned instances [DOC].
    is_known = user is not None and behaviour.basic == "on"
    # glide.authenticate.multifactor.for_integrations=true [DOC].
    needs_code = is_known and behaviour.mfa == "all"
    if is_rest and (not is_known or needs_code):
        refusal = unauthenticated({"X-MFA_TOKEN": "invalid"} if needs_code else {})
        return Identity(session=session, refusal=refusal)
    opens = behaviour.basic_opens_ui and not needs_code
    if user is not None and is_known and opens and may_have_ui(sandbox, user):
        session = _signed_in(sandbox, session, user, kind=SessionKind.UI, request=request)
        sandbox.door.sessions.touch(session, rest=is_rest)
        return Identity(user, "basic", session)
    if not is_rest or user is None:
        # A page looks at its session alone.
        return Identity(_user_of(sandbox, session), _auth_of(session), session)
    # Reused cookies keep the current update set of that session, no more [TP].
    session = _signed_in(sandbox, session, user, kind=SessionKind.REST, request=request)
    return Identity(user, "basic", session)


def _bearer(
    sandbox: Sandbox, request: Request, *, session: UiSession | None, is_rest: bool
) -> Identity:
    behaviour = sandbox.behaviour
    if not is_rest:
        # A token opens no page by itself; its session does [PLAT].
        return Identity(_user_of(sandbox, session), _auth_of(session), session)
    token = request.headers["Authorization"].partition(" ")[2].strip()
    found = sandbox.door.tokens.bearer(token)
    user = active_user(sandbox, found.user) if found else None
    if user is None or (behaviour.oauth_expired and behaviour.hits("oauth_expired")):
        return Identity(session=session, refusal=unauthenticated())
    if behaviour.auth_scope == "demanded":
        # [TP] New instances may demand REST API auth scopes; the body is [INF].
        refusal = error_response(403, "User Not Authorized", "Failed API level ACL Validation")
        return Identity(user, "bearer", session, refusal)
    if behaviour.bearer_opens_ui and session is not None and may_have_ui(sandbox, user):
        # The SDK turns the jar of an anonymous page into a UI session this way [PLAT]; that
        # /sys_upload.do accepts it is [INF].
        session = _signed_in(sandbox, session, user, kind=SessionKind.UI, request=request)
        sandbox.door.sessions.touch(session, rest=is_rest)
    return Identity(user, "bearer", session)


def _by_session(
    sandbox: Sandbox, request: Request, *, session: UiSession | None, is_rest: bool
) -> Identity:
    user = _user_of(sandbox, session)
    if session is None or user is None or not session.is_ui:
        return Identity(session=session)
    if is_rest:
        given = request.headers.get("X-UserToken")
        if not sandbox.door.sessions.takes(session, given):
            return Identity(user, "session", session, token_refused(session, given=given))
    sandbox.door.sessions.touch(session, rest=is_rest)
    return Identity(user, "session", session)


def _limited(sandbox: Sandbox, request: Request, found: Identity) -> Identity:
    assert found.user is not None  # noqa: S101 - the caller looked
    verdict = sandbox.door.limits.count(found.user["sys_id"])
    if verdict is None:
        return found
    if not verdict.denied:
        request.environ.setdefault(HEADERS, []).extend(verdict.headers)
        return found
    detail = f"Rate limit of {verdict.limit} requests per hour for Table API exceeded"
    refusal = error_response(429, "Rate limit exceeded", detail, headers=dict(verdict.headers))
    return Identity(found.user, found.auth, found.session, refusal)


def unauthenticated(headers: Mapping[str, str] | None = None) -> Response:
    """401 of wrong or missing credentials (A16) [MEAS]."""
    return error_response(
        401,
        "User Not Authenticated",
        "Required to provide Auth information",
        headers={"WWW-Authenticate": CHALLENGE, **(headers or {})},
    )


def token_refused(session: UiSession, *, given: str | None) -> Response:
    """401 of a session without the right `X-UserToken` (A4); it names the right one [MEAS]."""
    headers = {
        "X-Is-Logged-In": "true",
        "X-SessionLoggedIn": "true",
        # Of what came in only whether it did: nothing that was sent is echoed.
        "X-UserToken-Request": "" if given is None else "invalid",
        "X-UserToken-Response": session.token,
        "X-UserToken-AllowResubmit": "false",
        "WWW-Authenticate": "none",
    }
    return error_response(
        401, "User Not Authenticated", "Required to provide Auth information", headers=headers
    )


def user_with_password(sandbox: Sandbox, name: str, *, password: str) -> Row | None:
    """The active user of that name and password."""
    user = user_named(sandbox, name)
    if user is None or not password_matches(user.get("user_password", ""), password):
        return None
    return user


def user_named(sandbox: Sandbox, name: str) -> Row | None:
    """The active user of a name; names that are no plain value find nobody."""
    # A caret would end the condition of the query.
    if not name or "^" in name or not name.isprintable():
        return None
    rows = sandbox.database.query("sys_user", f"user_name={name}", limit=1)
    # Dropped conditions find everybody: look again.
    if not rows or rows[0].get("user_name", "").lower() != name.lower():
        return None
    return _if_active(rows[0])


def active_user(sandbox: Sandbox, sys_id: str) -> Row | None:
    """The user of a sys_id, unless inactive or locked out."""
    found = sandbox.database.get("sys_user", sys_id) if sys_id else None
    return _if_active(found) if found else None


def may_have_ui(sandbox: Sandbox, user: Row) -> bool:
    """Whether a user may have a UI session: no machine, not for web services only [DOC]."""
    if sandbox.behaviour.machine_user:
        return False
    return user.get("web_service_access_only", "") not in TRUE


def _if_active(user: Row) -> Row | None:
    is_in = user.get("active", "true") in TRUE and user.get("locked_out", "") not in TRUE
    return user if is_in else None


def _user_of(sandbox: Sandbox, session: UiSession | None) -> Row | None:
    if session is None or not session.is_ui:
        return None
    return active_user(sandbox, session.user)


def _auth_of(session: UiSession | None) -> str:
    return "session" if session is not None and session.is_ui else "none"


def _signed_in(
    sandbox: Sandbox,
    session: UiSession | None,
    user: Row,
    *,
    kind: SessionKind,
    request: Request,
) -> UiSession:
    """The session of a user who came with credentials: the cookie's, or a new one."""
    sessions = sandbox.door.sessions
    if session is None:
        session = sessions.open(kind, user=user["sys_id"])
        # The answer's cookie names it (`generator.sandbox.headers`).
        request.environ[OPENED] = session.id
        return session
    # A REST call does not take a page's session away from its user.
    if session.is_ui and session.user == user["sys_id"]:
        kind = SessionKind.UI
    sessions.sign_in(session, user=user["sys_id"], kind=kind)
    return session
