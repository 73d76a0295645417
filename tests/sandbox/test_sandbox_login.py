"""Every way into a sandbox, and every way to stay outside (`spec/instance-http.md` A3, A4)."""

from __future__ import annotations

import re

import pytest
import requests
from door_calls import JSON, URL, USERS, admin, angular_login, ask, jar, made, token_of

from generator.sandbox.base_rows import fixed_id
from generator.sandbox.instance import Sandbox
from generator.sandbox.passwords import KeyModule
from generator.sandbox.seed import add_api_key, add_oauth_client

MACHINE = "sn_smtp.machine"
NAVPAGE = "/navpage.do"


def is_in(sandbox: Sandbox, session: requests.Session) -> bool:
    """Whether a jar opens UI pages."""
    said = ask(sandbox, "GET", NAVPAGE, session=session)
    if said.status_code == 302:
        return False
    assert re.search(r"var g_ck = '[0-9a-f]{72}'", said.text)
    assert said.headers["X-Is-Logged-In"] == "true"
    return True


def form_login(
    sandbox: Sandbox, session: requests.Session, **changes: str | None
) -> requests.Response:
    """Sign in by the classic form."""
    page = ask(sandbox, "GET", "/login.do", session=session)
    found = re.search(r'name="sysparm_ck"[^>]*value="([0-9a-f]{72})"', page.text)
    assert found
    form = {
        "user_name": sandbox.admin_user,
        "user_password": sandbox.admin_password,
        "sys_action": "sysverb_login",
        "sysparm_ck": found[1],
        **changes,
    }
    return ask(
        sandbox,
        "POST",
        "/login.do",
        session=session,
        data={key: value for key, value in form.items() if value is not None},
    )


def oauth_token(sandbox: Sandbox) -> str:
    """An access token of the administrator's."""
    secret = "cl" + "ient-secret"
    add_oauth_client(sandbox, "c1", secret=secret)
    form = {"grant_type": "client_credentials", "client_id": "c1", "client_secret": secret}
    said = ask(sandbox, "POST", "/oauth_token.do", data=form)
    assert said.status_code == 200
    return str(said.json()["access_token"])


# Basic


def test_basic_serves_rest_calls() -> None:
    sandbox = made()
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert said.status_code == 200
    assert said.headers["X-Is-Logged-In"] == "true"


@pytest.mark.parametrize(
    "wrong", [("admin", "no"), ("nobody-such", "no"), ("adm^in", "x"), ("", ""), ("ad\x00", "x")]
)
def test_wrong_credentials_are_401(wrong: tuple[str, str]) -> None:
    said = ask(made(), "GET", USERS, auth=wrong)
    assert said.status_code == 401
    assert said.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'


def test_a_broken_basic_header_is_401() -> None:
    said = ask(made(), "GET", USERS, headers={**JSON, "Authorization": "Basic !!!"})
    assert said.status_code == 401


@pytest.mark.parametrize("column", [("active", "false"), ("locked_out", "true")])
def test_who_is_locked_out_stays_out(column: tuple[str, str]) -> None:
    sandbox = made()
    user = sandbox.database.query("sys_user", "user_name=admin")[0]
    sandbox.database.put("sys_user", {**user, column[0]: column[1]})
    assert ask(sandbox, "GET", USERS, auth=admin(sandbox)).status_code == 401


def test_basic_may_be_restricted() -> None:
    sandbox = made(basic="restricted", basic_opens_ui=True)
    assert ask(sandbox, "GET", USERS, auth=admin(sandbox)).status_code == 401
    assert ask(sandbox, "GET", NAVPAGE, auth=admin(sandbox)).status_code == 302


def test_a_second_factor_for_apis_has_its_own_header() -> None:
    sandbox = made(mfa="all")
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert (said.status_code, said.headers["X-MFA_TOKEN"]) == (401, "invalid")


def test_basic_opens_no_page_by_default() -> None:
    sandbox = made()
    session = jar(sandbox)
    assert ask(sandbox, "GET", NAVPAGE, session=session, auth=admin(sandbox)).status_code == 302
    ask(sandbox, "GET", USERS, session=session, auth=admin(sandbox))
    assert not is_in(sandbox, session)


@pytest.mark.parametrize("path", [USERS, NAVPAGE])
def test_basic_with_a_jar_may_open_the_ui(path: str) -> None:
    sandbox = made(basic_opens_ui=True)
    session = jar(sandbox)
    assert ask(sandbox, "GET", path, session=session, auth=admin(sandbox)).status_code == 200
    assert is_in(sandbox, session)
    # Without the jar nobody is in.
    assert not is_in(sandbox, jar(sandbox))


def test_a_machine_gets_no_ui_session_by_basic() -> None:
    sandbox = made(basic_opens_ui=True)
    session = jar(sandbox)
    machine = (MACHINE, sandbox.admin_password)
    assert ask(sandbox, "GET", USERS, session=session, auth=machine).status_code == 200
    assert not is_in(sandbox, session)


def test_reused_rest_cookies_are_the_same_session() -> None:
    sandbox = made()
    session = jar(sandbox)
    for _ in range(3):
        ask(sandbox, "GET", USERS, session=session, auth=admin(sandbox))
    cookie = session.cookies.get("JSESSIONID")
    found = sandbox.door.sessions.find(cookie)
    assert found is not None
    assert not found.is_ui


# /angular.do


def test_angular_signs_in_and_hands_over_a_token() -> None:
    sandbox = made()
    session = jar(sandbox)
    assert angular_login(sandbox, session) == {"status": "success"}
    assert session.cookies.get("glide_session_store")
    token = token_of(sandbox, session)
    assert re.fullmatch("[0-9a-f]{72}", token)
    assert is_in(sandbox, session)
    said = ask(
        sandbox,
        "POST",
        "/angular.do?sysparm_type=get_user",
        session=session,
        headers={"X-UserToken": token},
    )
    assert (said.status_code, said.json()["user_name"]) == (200, "admin")


def test_a_guest_has_a_token_too_but_no_session() -> None:
    sandbox = made()
    session = jar(sandbox)
    guest = token_of(sandbox, session)
    assert not is_in(sandbox, session)
    angular_login(sandbox, session)
    assert token_of(sandbox, session) != guest


def test_signing_in_gives_a_new_session() -> None:
    sandbox = made()
    session = jar(sandbox)
    token_of(sandbox, session)
    before = session.cookies.get("JSESSIONID")
    angular_login(sandbox, session)
    assert session.cookies.get("JSESSIONID") != before
    assert sandbox.door.sessions.find(before) is None


def test_angular_refuses_in_its_own_words() -> None:
    sandbox = made()
    session = jar(sandbox)
    assert angular_login(sandbox, session, password="no")["status"] == "error"
    said = angular_login(sandbox, session, user=MACHINE)
    assert said == {
        "status": "error",
        "message": f"User {MACHINE} is not allowed to access com.glide.ui.ng.AngularProcessor",
    }
    assert not is_in(sandbox, session)
    said = ask(sandbox, "POST", "/angular.do?sysparm_type=view_form.login", session=session).json()
    assert said["status"] == "error"
    said = ask(sandbox, "GET", "/angular.do?sysparm_type=other", session=session).json()
    assert said["status"] == "error"


@pytest.mark.parametrize(
    ("switches", "status"),
    [
        ({"mfa": "ui"}, "mfa_code_required"),
        ({"mfa": "all"}, "mfa_code_required"),
        ({"sso_only": True}, "error"),
        ({"machine_user": True}, "error"),
    ],
)
def test_switches_keep_a_name_and_password_out(switches: dict[str, object], status: str) -> None:
    sandbox = made(**switches)
    session = jar(sandbox)
    assert angular_login(sandbox, session)["status"] == status
    said = form_login(sandbox, session)
    # The form answers with itself, or with the way to the code: neither is a way in.
    assert said.status_code == (302 if "mfa" in switches else 200)
    assert said.headers.get("Location", "") != "/navpage.do"
    assert not is_in(sandbox, session)


# The classic form


def test_the_form_signs_in_with_a_redirect() -> None:
    sandbox = made()
    session = jar(sandbox)
    said = form_login(sandbox, session)
    assert (said.status_code, said.headers["Location"]) == (302, NAVPAGE)
    assert said.headers["X-Is-Logged-In"] == "true"
    assert is_in(sandbox, session)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_password": "wrong"},
        {"user_name": "nobody"},
        {"sys_action": None},
        {"sysparm_ck": "0" * 72},
        {"user_name": MACHINE},
    ],
)
def test_a_failed_form_is_the_form_again_with_200(changes: dict[str, str | None]) -> None:
    sandbox = made()
    session = jar(sandbox)
    said = form_login(sandbox, session, **changes)
    assert said.status_code == 200
    assert 'name="user_password"' in said.text
    assert said.headers["X-Is-Logged-In"] == "false"
    assert not is_in(sandbox, session)


def test_logging_out_ends_the_session() -> None:
    sandbox = made()
    session = jar(sandbox)
    angular_login(sandbox, session)
    kept = session.cookies.copy()
    assert ask(sandbox, "GET", "/logout.do", session=session).status_code == 302
    session.cookies.update(kept)
    assert not is_in(sandbox, session)
    assert ask(sandbox, "GET", "/logout.do").status_code == 302


def test_sso_sends_pages_to_the_provider() -> None:
    sandbox = made(sso_only=True)
    said = ask(sandbox, "GET", NAVPAGE)
    assert said.headers["Location"] == "/login_with_sso.do"
    assert ask(sandbox, "GET", "/login_with_sso.do").status_code == 200


# Sessions


def test_a_session_idles_out() -> None:
    sandbox = made(session_seconds=100)
    session = jar(sandbox)
    angular_login(sandbox, session)
    sandbox.clock.sleep(100)
    assert is_in(sandbox, session)
    sandbox.clock.sleep(101)
    assert not is_in(sandbox, session)


def test_a_rest_reply_on_the_jar_shortens_its_life() -> None:
    sandbox = made()
    session = jar(sandbox)
    angular_login(sandbox, session)
    token = token_of(sandbox, session)
    said = ask(sandbox, "GET", USERS, session=session, headers={**JSON, "X-UserToken": token})
    assert said.status_code == 200
    assert "Max-Age=60;" in said.headers["Set-Cookie"]
    sandbox.clock.sleep(61)
    assert not is_in(sandbox, session)


def test_a_cookie_without_the_right_token_is_401_and_names_it() -> None:
    sandbox = made()
    session = jar(sandbox)
    angular_login(sandbox, session)
    token = token_of(sandbox, session)
    for headers in ({}, {"X-UserToken": "0" * 72}, {"X-UserToken": "\xe4"}):
        said = ask(sandbox, "GET", USERS, session=session, headers={**JSON, **headers})
        assert said.status_code == 401
        assert said.json() == {
            "error": {
                "message": "User Not Authenticated",
                "detail": "Required to provide Auth information",
            },
            "status": "failure",
        }
        assert said.headers["X-Is-Logged-In"] == "true"
        assert said.headers["X-SessionLoggedIn"] == "true"
        assert "X-UserToken-Request" in said.headers
        assert said.headers["X-UserToken-Response"] == token
        assert said.headers["X-UserToken-AllowResubmit"] == "false"
        assert said.headers["WWW-Authenticate"] == "none"


def test_a_token_goes_stale_after_some_uses() -> None:
    sandbox = made(token_stale_after=2)
    session = jar(sandbox)
    angular_login(sandbox, session)
    token = token_of(sandbox, session)

    def get(given: str) -> int:
        headers = {**JSON, "X-UserToken": given}
        return ask(sandbox, "GET", USERS, session=session, headers=headers).status_code

    assert [get(token) for _ in range(3)] == [200, 200, 401]
    assert get(token_of(sandbox, session)) == 200


def test_a_foreign_cookie_is_nobody() -> None:
    sandbox = made()
    session = jar(sandbox)
    session.cookies.set("JSESSIONID", "F" * 32)
    assert not is_in(sandbox, session)


def test_ended_sessions_are_forgotten() -> None:
    sandbox = made(session_seconds=10)
    for _ in range(300):
        ask(sandbox, "GET", "/login.do")
        sandbox.clock.sleep(1)
    assert len(sandbox.door.sessions._open) < 300


# OAuth


def test_a_bearer_token_serves_rest_and_opens_no_page_alone() -> None:
    sandbox = made()
    bearer = {**JSON, "Authorization": f"Bearer {oauth_token(sandbox)}"}
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 200
    assert ask(sandbox, "GET", NAVPAGE, headers=bearer).status_code == 302
    assert ask(sandbox, "GET", USERS, headers={**JSON, "Authorization": "Bearer x"}).ok is False


@pytest.mark.parametrize("opens", [True, False])
def test_a_bearer_token_turns_a_guests_jar_into_a_session(opens: bool) -> None:
    sandbox = made(bearer_opens_ui=opens)
    session = jar(sandbox)
    guest = token_of(sandbox, session)
    bearer = {**JSON, "Authorization": f"Bearer {oauth_token(sandbox)}"}
    assert ask(sandbox, "GET", USERS, session=session, headers=bearer).status_code == 200
    assert (token_of(sandbox, session) != guest) is opens
    assert is_in(sandbox, session) is opens


def test_the_reply_of_a_token_request() -> None:
    sandbox = made()
    secret = "se" + "cret-of-c2"
    add_oauth_client(sandbox, "c2", secret=secret)
    form = {"client_id": "c2", "client_secret": secret}
    said = ask(
        sandbox, "POST", "/oauth_token.do", data={**form, "grant_type": "client_credentials"}
    ).json()
    assert set(said) == {"access_token", "token_type", "expires_in", "scope"}
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 1799)
    assert said["scope"] == "useraccount"
    said = ask(
        sandbox,
        "POST",
        "/oauth_token.do",
        data={
            **form,
            "grant_type": "password",
            "username": "admin",
            "password": sandbox.admin_password,
        },
    ).json()
    assert "refresh_token" in said
    again = ask(
        sandbox,
        "POST",
        "/oauth_token.do",
        auth=("c2", secret),
        data={"grant_type": "refresh_token", "refresh_token": said["refresh_token"]},
    ).json()
    bearer = {**JSON, "Authorization": f"Bearer {again['access_token']}"}
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("switches", "changes", "error"),
    [
        ({}, {"client_secret": "wrong"}, "invalid_client"),
        ({}, {"client_id": "other"}, "invalid_client"),
        ({"client_credentials": "property_off"}, {}, "server_error"),
        ({"client_credentials": "no_user"}, {}, "server_error"),
        ({}, {"grant_type": "password", "username": "admin", "password": "no"}, "server_error"),
        ({}, {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({}, {"grant_type": "authorization_code"}, "unsupported_grant_type"),
    ],
)
def test_token_requests_are_refused(
    switches: dict[str, object], changes: dict[str, str], error: str
) -> None:
    sandbox = made(**switches)
    secret = "se" + "cret-of-c3"
    add_oauth_client(sandbox, "c3", secret=secret)
    form = {"grant_type": "client_credentials", "client_id": "c3", "client_secret": secret}
    said = ask(sandbox, "POST", "/oauth_token.do", data={**form, **changes})
    assert said.status_code == 401
    assert said.json() == {"error": error, "error_description": "access_denied"}


def test_a_client_without_application_user_gets_no_token() -> None:
    sandbox = made()
    secret = "se" + "cret-of-c4"
    add_oauth_client(sandbox, "c4", secret=secret, user="")
    form = {"grant_type": "client_credentials", "client_id": "c4", "client_secret": secret}
    said = ask(sandbox, "POST", "/oauth_token.do", data=form)
    assert (said.status_code, said.json()["error"]) == (401, "server_error")


@pytest.mark.parametrize(
    "changes",
    [
        {"active": "false"},
        {"type": "oauth_provider"},
        {"client_secret": "stored as it came"},
        {"client_secret": ""},
        {"client_secret": KeyModule("0" * 32, b"another").encrypt("x", nonce=b"n" * 16)},
    ],
)
def test_a_registration_that_is_none_gets_no_token(changes: dict[str, str]) -> None:
    sandbox = made()
    secret = "x"
    add_oauth_client(sandbox, "c5", secret=secret)
    sys_id = fixed_id("oauth_entity", "inbound/c5")
    form = {"grant_type": "client_credentials", "client_id": "c5", "client_secret": secret}
    assert ask(sandbox, "POST", "/oauth_token.do", data=form).status_code == 200
    sandbox.database.update("oauth_entity", sys_id, changes, by="admin")
    said = ask(sandbox, "POST", "/oauth_token.do", data=form)
    assert (said.status_code, said.json()["error"]) == (401, "invalid_client")


def test_tokens_end() -> None:
    sandbox = made(oauth_seconds=100)
    bearer = {**JSON, "Authorization": f"Bearer {oauth_token(sandbox)}"}
    sandbox.clock.sleep(99)
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 200
    sandbox.clock.sleep(1)
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 401


def test_an_expired_token_and_a_missing_scope_may_be_switched_on() -> None:
    sandbox = made(oauth_expired=1)
    bearer = {**JSON, "Authorization": f"Bearer {oauth_token(sandbox)}"}
    codes = [ask(sandbox, "GET", USERS, headers=bearer).status_code for _ in range(2)]
    assert codes == [401, 200]
    sandbox.behaviour.set({"auth_scope": "demanded"})
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 403
    sandbox.behaviour.set({"auth_scope": "off"})
    sandbox.door.tokens.revoke_all()
    assert ask(sandbox, "GET", USERS, headers=bearer).status_code == 401


# API keys


def test_an_api_key_serves_apis_only() -> None:
    sandbox = made()
    key = "ke" + "y-1"
    add_api_key(sandbox, key)
    header = {**JSON, "x-sn-apikey": key}
    assert ask(sandbox, "GET", USERS, headers=header).status_code == 200
    assert ask(sandbox, "GET", f"{USERS}&x-sn-apikey={key}").status_code == 200
    assert ask(sandbox, "GET", NAVPAGE, headers=header).status_code == 302
    wrong = {**JSON, "x-sn-apikey": "other"}
    assert ask(sandbox, "GET", USERS, headers=wrong).status_code == 401
    sandbox.behaviour.set({"api_keys": "inactive"})
    assert ask(sandbox, "GET", USERS, headers=header).status_code == 401


def test_a_machine_says_so_of_itself() -> None:
    sandbox = made()

    def says() -> str:
        path = (
            "/api/now/table/sys_user?sysparm_fields=web_service_access_only&sysparm_limit=2"
            "&sysparm_query=user_name=javascript:gs.getUserName()"
        )
        (row,) = ask(sandbox, "GET", path, auth=admin(sandbox)).json()["result"]
        return str(row["web_service_access_only"])

    assert says() == "false"
    sandbox.behaviour.set({"machine_user": True})
    assert says() == "true"
    sandbox.behaviour.set({"machine_user": False})
    assert says() == "false"
    (machine,) = sandbox.database.query("sys_user", f"user_name={MACHINE}")
    assert machine["web_service_access_only"] == "true"


def test_roles_may_be_missing() -> None:
    sandbox = made(missing_roles=["admin"])
    said = ask(
        sandbox, "POST", "/api/now/table/sys_properties", auth=admin(sandbox), json={"name": "x"}
    )
    assert said.status_code == 403


def test_no_answer_echoes_a_password() -> None:
    sandbox = made()
    session = jar(sandbox)
    wrong = "wr" + "ong-password-of-somebody"
    said = ask(
        sandbox,
        "POST",
        "/login.do",
        session=session,
        data={"user_name": wrong, "user_password": wrong, "sys_action": "sysverb_login"},
    )
    assert wrong not in said.text
    ask(sandbox, "GET", f"/nonsense.do?password={wrong}", auth=("admin", wrong))
    told = [*sandbox.log, *sandbox.unsupported, *map(repr, sandbox.wire.seen)]
    assert told
    assert not any(wrong in line for line in told)
    assert URL not in str(said.headers)
