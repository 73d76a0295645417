"""Plain HTTP to a sandbox in this process, as the tests of its door send it."""

from __future__ import annotations

from datetime import UTC, datetime

import requests

from generator.clock import SteppedClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox

URL = "https://acme-dev.service-now.example"
USERS = "/api/now/table/sys_user?sysparm_limit=1&sysparm_fields=user_name"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}
START = datetime(2026, 11, 23, 12, 0, 10, tzinfo=UTC)


def made(**switches: object) -> Sandbox:
    """A sandbox whose clock only moves when it is slept on."""
    behaviour = Behaviour()
    behaviour.set(switches)
    return Sandbox(name="acme-dev", behaviour=behaviour, clock=SteppedClock(START))


def jar(sandbox: Sandbox) -> requests.Session:
    """A client that keeps cookies and follows nothing."""
    session = requests.Session()
    session.trust_env = False
    session.mount(URL, sandbox.adapter())
    return session


def ask(
    sandbox: Sandbox,
    method: str,
    path: str,
    *,
    session: requests.Session | None = None,
    **options: object,
) -> requests.Response:
    """One request; no cookies unless a session is given."""
    client = session or jar(sandbox)
    options.setdefault("headers", JSON if path.startswith("/api") else {})
    return client.request(method, URL + path, allow_redirects=False, **options)  # type: ignore[arg-type]


def admin(sandbox: Sandbox) -> tuple[str, str]:
    """Name and password of the administrator."""
    return sandbox.admin_user, sandbox.admin_password


def angular_login(
    sandbox: Sandbox, session: requests.Session, *, user: str = "", password: str = ""
) -> dict[str, str]:
    """Sign in by `/angular.do`; what it said."""
    form = {
        "sysparm_type": "login",
        "ni.nolog.user_password": "true",
        "user_name": user or sandbox.admin_user,
        "user_password": password or sandbox.admin_password,
    }
    said = ask(
        sandbox, "POST", "/angular.do?sysparm_type=view_form.login", session=session, data=form
    )
    assert said.status_code == 200
    found: dict[str, str] = said.json()
    return found


def token_of(sandbox: Sandbox, session: requests.Session) -> str:
    """The token that `get_user` hands over with its 401."""
    said = ask(sandbox, "POST", "/angular.do?sysparm_type=get_user", session=session)
    assert said.status_code == 401
    return said.headers["X-UserToken-Response"]
