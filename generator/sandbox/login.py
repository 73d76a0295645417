"""Signing in and out in a browser's ways (`spec/instance-http.md` A4, B1).

`/angular.do` [PLAT], `/login.do` [MEAS], `/logout.do`, `/navpage.do`, and the pages that an
instance sends a browser to. `authenticate` is `generator.sandbox.identity`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from werkzeug.http import dump_cookie
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from generator.sandbox.context import Context
from generator.sandbox.identity import (
    Identity,
    authenticate,
    may_have_ui,
    user_with_password,
)
from generator.sandbox.notes import note
from generator.sandbox.sessions import COOKIE, SessionKind, UiSession

__all__ = ["ROUTES", "Identity", "authenticate", "login_page", "login_redirect", "with_session"]

WRONG = "User name or password invalid. Please try again."
MFA_PAGE = "/validate_multifactor_auth_code.do"
SSO_PAGE = "/login_with_sso.do"
INTERCEPTOR = "/security_interceptor.do"


def with_session(context: Context, response: Response, session: UiSession) -> Response:
    """Give a session's cookies to the client [MEAS]."""
    secure = context.request.is_secure
    store = dump_cookie(
        "glide_session_store",
        session.store,
        max_age=int(session.seconds),
        path="/",
        secure=secure,
        httponly=True,
    )
    name = dump_cookie(COOKIE, session.id, path="/", secure=secure, httponly=True)
    response.headers["X-Is-Logged-In"] = "true" if session.is_ui else "false"
    response.headers.add("Set-Cookie", name)
    response.headers.add("Set-Cookie", store)
    return response


def login_page(context: Context, *, message: str = "") -> Response:
    """The login page with status 200: also what a failed login is [MEAS]."""
    session = _own(context)
    said = f'<div class="outputmsg_text">{escape(message)}</div>' if message else ""
    response = context.html(
        "<!DOCTYPE html><html><head><title>Log in | ServiceNow</title></head><body>"
        f'{said}<form id="login" name="loginPage" method="post" action="login.do">'
        f'<input type="hidden" name="sysparm_ck" id="sysparm_ck" value="{session.token}">'
        '<input type="hidden" name="sys_action" value="sysverb_login">'
        '<input type="text" name="user_name" id="user_name">'
        '<input type="password" name="user_password" id="user_password">'
        '<button type="submit" id="sysverb_login" name="not_important">Log in</button>'
        "</form></body></html>"
    )
    return with_session(context, response, session)


def login_redirect(context: Context) -> Response:
    """Where a page sends somebody who is not signed in: the login, or the identity provider."""
    page = SSO_PAGE if context.sandbox.behaviour.sso_only else "/login.do"
    return redirect(page, 302)


def _angular(context: Context) -> Response:
    """`/angular.do`: sign in, or tell who is signed in. [PLAT] SDK `UISession.js`."""
    wanted = context.request.args.get("sysparm_type", "")
    if wanted == "view_form.login" and context.request.method == "POST":
        return _angular_login(context)
    if wanted == "get_user":
        return _angular_user(context)
    known = ("view_form.login", "get_user")
    note(context.sandbox, "/angular.do sysparm_type", given=wanted or "missing", known=known)
    return context.json({"status": "error", "message": f"Unknown sysparm_type {wanted[:80]}"})


def _angular_login(context: Context) -> Response:
    form = context.request.form
    behaviour = context.sandbox.behaviour
    if form.get("sysparm_type") != "login":
        return context.json({"status": "error", "message": "sysparm_type=login is missing"})
    name = form.get("user_name", "")
    user = user_with_password(context.sandbox, name, password=form.get("user_password", ""))
    if user is None or behaviour.sso_only:
        return context.json({"status": "error", "message": WRONG})
    if not may_have_ui(context.sandbox, user):
        # [PLAT] the sentence is the SDK documentation's.
        said = f"User {user['user_name']} is not allowed to access com.glide.ui.ng.AngularProcessor"
        return context.json({"status": "error", "message": said})
    if behaviour.mfa != "off":
        return context.json({"status": "mfa_code_required", "message": "Enter your code."})
    session = _signed_in(context, user["sys_id"])
    return with_session(context, context.json({"status": "success"}), session)


def _angular_user(context: Context) -> Response:
    """401 on purpose, with the token in a header; a right token is told the user [PLAT]."""
    session = _own(context)
    given = context.request.headers.get("X-UserToken")
    if context.user and context.sandbox.door.sessions.takes(session, given):
        who = {"user_name": context.user["user_name"], "user_sys_id": context.user["sys_id"]}
        return with_session(context, context.json(who), session)
    headers = {
        "X-UserToken-Response": session.token,
        "X-UserToken-AllowResubmit": "false",
        "WWW-Authenticate": "none",
    }
    detail = "Required to provide Auth information"
    refused = context.error(401, "User Not Authenticated", detail, headers=headers)
    return with_session(context, refused, session)


def _login(context: Context) -> Response:
    """`/login.do`: the form; a failure is the form again, with 200 [MEAS]."""
    if context.request.method == "GET":
        return login_page(context)
    form = context.request.form
    sandbox = context.sandbox
    if form.get("sys_action") != "sysverb_login":
        return login_page(context)
    token = form.get("sysparm_ck")
    if token and (context.session is None or token != context.session.token):
        return login_page(context)
    name = form.get("user_name", "")
    user = user_with_password(sandbox, name, password=form.get("user_password", ""))
    if user is None or sandbox.behaviour.sso_only or not may_have_ui(sandbox, user):
        return login_page(context, message=WRONG)
    if sandbox.behaviour.mfa != "off":
        # A redirect that is no success [INF]: the page of the code follows.
        return redirect(MFA_PAGE, 302)
    session = _signed_in(context, user["sys_id"])
    return with_session(context, redirect("/navpage.do", 302), session)


def _logout(context: Context) -> Response:
    if context.session is not None:
        context.sandbox.door.sessions.close(context.session)
    response = redirect("/login.do", 302)
    response.headers["X-Is-Logged-In"] = "false"
    for name in (COOKIE, "glide_session_store"):
        response.headers.add("Set-Cookie", dump_cookie(name, "", max_age=0, path="/"))
    return response


def _navpage(context: Context) -> Response:
    """The frame of the UI, which holds the token as `g_ck` [MEAS]."""
    if context.user is None or context.session is None or not context.session.is_ui:
        return login_redirect(context)
    page = (
        "<!DOCTYPE html><html><head><title>ServiceNow</title>"
        f"<script>var g_ck = '{context.session.token}';</script></head><body></body></html>"
    )
    return with_session(context, context.html(page), context.session)


def _plain(title: str, text: str) -> Callable[[Context], Response]:
    def page(context: Context) -> Response:
        return context.html(
            f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{text}</body></html>"
        )

    return page


def _own(context: Context) -> UiSession:
    """The request's session, or a guest's new one."""
    return context.session or context.sandbox.door.sessions.open(SessionKind.GUEST)


def _signed_in(context: Context, user: str) -> UiSession:
    """A new session for a user: the guest's ends, so that nobody else knows its id."""
    sessions = context.sandbox.door.sessions
    if context.session is not None:
        sessions.close(context.session)
    return sessions.open(SessionKind.UI, user=user)


ROUTES = (
    ("/angular.do", ("GET", "POST"), _angular),
    ("/login.do", ("GET", "POST"), _login),
    ("/logout.do", ("GET", "POST"), _logout),
    ("/navpage.do", ("GET",), _navpage),
    (INTERCEPTOR, ("GET", "POST"), _plain("Security", "Your request could not be processed.")),
    (MFA_PAGE, ("GET", "POST"), _plain("Verification", "Enter the code of your device.")),
    (SSO_PAGE, ("GET",), _plain("Single sign-on", "Going on to the identity provider.")),
)
"""Paths, methods and handlers (`generator.sandbox.routes`)."""
