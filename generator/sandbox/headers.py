"""Headers and cookies that every answer of an instance carries (`spec/instance-http.md` B1).

[MEAS] throughout: recorded replies of live instances.
"""

from __future__ import annotations

import random
from datetime import datetime

from werkzeug.http import dump_cookie, http_date
from werkzeug.wrappers import Request, Response

from generator.sandbox.identity import OPENED
from generator.sandbox.sessions import COOKIE

UI_SECONDS = 1800
"""`Max-Age` of `glide_session_store` on answers of UI pages."""

REST_SECONDS = 60
"""The same on REST answers: a jar that saw one loses its UI session after a minute (A2)."""

_FIXED = (
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("Cache-Control", "no-cache,no-store,must-revalidate,max-age=-1"),
    ("Pragma", "no-store"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Content-Type-Options", "nosniff"),
)


def decorate(
    response: Response,
    *,
    request: Request,
    randomness: random.Random,
    now: datetime,
    logged_in: bool,
    secure: bool,
) -> None:
    """Add what every answer has; what a handler set already stays.

    Args:
        response: The answer.
        request: What it answers; its path says REST or UI.
        randomness: For transaction ids and cookie values.
        now: The present moment, aware, UTC.
        logged_in: For `X-Is-Logged-In`.
        secure: Whether cookies are marked `Secure`.
    """
    headers = response.headers
    headers.setdefault("X-Is-Logged-In", "true" if logged_in else "false")
    headers["X-Transaction-ID"] = f"{randomness.getrandbits(48):012x}"
    headers["Server"] = "ServiceNow"
    headers["Date"] = http_date(now)
    headers["Server-Timing"] = "wall;dur=12, sem_wait;dur=0"
    for name, value in _FIXED:
        if name == "Pragma" or name not in headers:
            headers.add(name, value)
    is_rest = request.path.startswith("/api/")
    millis = int(now.timestamp() * 1000)
    # A session that this very request opened (Basic on a fresh jar) names itself.
    opened = request.environ.get(OPENED)
    session = opened or f"{randomness.getrandbits(128):032X}"
    _cookie(response, request, COOKIE, session, secure=secure, always=opened is not None)
    _cookie(response, request, "glide_user_route", _route(randomness), secure=secure, age=2**31 - 1)
    node = f"{randomness.getrandbits(256):064x}"
    _cookie(response, request, "glide_node_id_for_js", node, secure=secure)
    if logged_in:
        activity = f"U0N2M18xOlRQ{millis}"
        _cookie(response, request, "glide_user_activity", activity, secure=secure, always=True)
        store = request.cookies.get("glide_session_store")
        _cookie(
            response,
            request,
            "glide_session_store",
            store or f"{randomness.getrandbits(128):032X}",
            secure=secure,
            age=REST_SECONDS if is_rest else UI_SECONDS,
            always=True,
        )


def _route(randomness: random.Random) -> str:
    return f"glide.{randomness.getrandbits(128):032x}"


def _cookie(
    response: Response,
    request: Request,
    name: str,
    value: str,
    *,
    secure: bool,
    age: int | None = None,
    always: bool = False,
) -> None:
    """Set a cookie, unless the answer sets it already or the client has one."""
    mark = f"{name}="
    if any(line.startswith(mark) for line in response.headers.getlist("Set-Cookie")):
        return
    if name in request.cookies and not always:
        return
    response.headers.add(
        "Set-Cookie", dump_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True)
    )
