"""The UI session: each way to open one, in its order, and its token."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from instance_replies import (
    API_KEY,
    BASIC,
    CLIENT,
    HIBERNATING,
    LOGGED_IN,
    LOGIN_PAGE,
    NEW_TOKEN,
    NOT_SIGNED_IN,
    PASSWORD,
    PASSWORD_GRANT,
    SIGN_ON,
    TOKEN,
    URL,
    Bench,
    Reply,
    bench,
    error,
    page,
    processor,
    rows,
    said,
    upload_page,
)

from generator.config.instance_settings import AuthMethod, AuthSettings
from generator.errors import AuthenticationError, NetworkError
from generator.instance import pages
from generator.instance.calls import Answer, Call
from generator.instance.interface import Operation, Read, Route, Work

WRONG = said({"status": "error", "message": "User name or password invalid"})
MFA = said({"status": "mfa_code_required"})
MACHINE = said(
    {
        "status": "error",
        "message": "User bot is not allowed to access com.glide.ui.ng.AngularProcessor",
    },
    403,
)
NO_PAGE = error(404, "Requested URI does not represent any resource")
ON_PURPOSE = error(401, "User Not Authenticated", X_UserToken_Response=TOKEN)
ANONYMOUS = error(401, "User Not Authenticated")
TOKEN_REPLY = said({"access_token": "bea" + "rer-1234", "token_type": "Bearer"})
WANTS_SECOND_FACTOR = Reply(
    401, NOT_SIGNED_IN.body, (*NOT_SIGNED_IN.headers, ("X-MFA_TOKEN", "invalid"))
)
TO_PAGES = Reply(302, b"", (("Location", f"{URL}/navpage.do"),))
MTLS = AuthSettings(AuthMethod.MTLS, certificate=Path("client.pem"), private_key_from="env:KEY")
TRACKER = Operation(Work.PREVIEW, Route.XMLHTTP, "ab" * 16)
PROGRESS = processor("{&quot;state&quot;:&quot;1&quot;}")


def _refused(made: Bench) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        made.instance.check_upload()
    assert caught.value.faults[0].code == "instance-no-ui-session"
    assert "instance.upload_auth" in (caught.value.faults[0].next or "")
    return caught.value


def test_name_and_password_open_a_session() -> None:
    made = bench(LOGGED_IN, upload_page())
    made.instance.check_upload()
    sign_in, form = made.replies.sent
    assert (sign_in.method, sign_in.path) == ("POST", "/angular.do")
    assert sign_in.query == {"sysparm_type": "view_form.login"}
    assert sign_in.form == {
        "sysparm_type": "login",
        "ni.nolog.user_password": "true",
        "user_name": "admin",
        "user_password": PASSWORD,
    }
    assert (form.method, form.path) == ("GET", "/upload.do")
    assert form.query == {
        "sysparm_referring_url": "sys_remote_update_set_list.do",
        "sysparm_target": "sys_remote_update_set",
    }
    assert form.headers["Cookie"] == "JSESSIONID=abc"
    assert "Authorization" not in form.headers


def test_a_session_is_opened_once() -> None:
    made = bench(LOGGED_IN, upload_page())
    made.instance.check_upload()
    made.instance.check_upload()
    assert made.instance.requests == 2


def test_no_rest_call_goes_through_the_sessions_jar() -> None:
    made = bench(LOGGED_IN, upload_page(), rows())
    made.instance.check_upload()
    made.instance.read([Read("sys_user")])
    assert "Cookie" not in made.replies.sent[2].headers
    assert "X-UserToken" not in made.replies.sent[2].headers


def test_basic_with_cookies_comes_next() -> None:
    signed_in = page("<html></html>", X_Is_Logged_In="true", Set_Cookie="JSESSIONID=b; Path=/")
    made = bench(NO_PAGE, signed_in, upload_page())
    made.instance.check_upload()
    _, first, second = made.replies.sent
    assert first.headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in second.headers
    assert second.headers["Cookie"] == "JSESSIONID=b"


def test_the_login_form_comes_last() -> None:
    form = page('<html><form><input name="sysparm_ck" type="hidden" value="' + NEW_TOKEN + '">')
    made = bench(NO_PAGE, LOGIN_PAGE, form, TO_PAGES, upload_page())
    made.instance.check_upload()
    sent = made.replies.sent[3]
    assert (sent.method, sent.path) == ("POST", "/login.do")
    assert sent.form == {
        "user_name": "admin",
        "user_password": PASSWORD,
        "sys_action": "sysverb_login",
        "sysparm_ck": NEW_TOKEN,
    }


def test_the_login_form_may_answer_with_a_page() -> None:
    inside = page(f"<html><script>var g_ck = '{TOKEN}';</script></html>")
    made = bench(NO_PAGE, LOGIN_PAGE, page("<html></html>"), inside, upload_page())
    made.instance.check_upload()
    assert "sysparm_ck" not in made.replies.sent[3].form


def test_every_ways_answer_is_told() -> None:
    made = bench(NO_PAGE, error(401, "User Not Authenticated"), LOGIN_PAGE, LOGIN_PAGE)
    text = str(_refused(made))
    for way in ("name and password", "Basic with cookies", "login form"):
        assert way in text
    assert "login page came again" in text
    assert "User Not Authenticated" in text


@pytest.mark.parametrize(
    ("reply", "text"),
    [(WRONG, "password invalid"), (MFA, "second factor"), (MACHINE, "identity type Machine")],
)
def test_a_clear_no_is_not_tried_by_a_form(reply: Reply, text: str) -> None:
    made = bench(reply, LOGIN_PAGE)
    assert text in str(_refused(made))
    assert made.replies.paths() == ["POST /angular.do", "GET /upload.do"]


def test_basic_may_still_open_what_mfa_closes() -> None:
    made = bench(MFA, page("<html></html>", X_Is_Logged_In="true"), upload_page())
    made.instance.check_upload()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (SIGN_ON, "single sign-on"),
        (page("<html></html>", 401), "status 401"),
        (WANTS_SECOND_FACTOR, "second factor"),
        (LOGIN_PAGE, "login page"),
    ],
)
def test_what_basic_met_is_told(reply: Reply, text: str) -> None:
    assert text in str(_refused(bench(WRONG, reply)))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (upload_page(logged_in="false"), "nobody is signed in"),
        (page("<html></html>", X_Is_Logged_In="true"), "no token"),
        (LOGIN_PAGE, "login page"),
        (SIGN_ON, "single sign-on"),
        (page("", X_Is_Logged_In="true"), "no token"),
        (page("<!-- nothing -->", X_Is_Logged_In="true"), "no token"),
        (upload_page("short"), "no token"),
        (upload_page("x" * 20 + "%0d%0aX: y"), "no token"),
    ],
)
def test_without_the_upload_page_there_is_no_session(reply: Reply, text: str) -> None:
    made = bench(LOGGED_IN, reply, LOGIN_PAGE, LOGIN_PAGE, LOGIN_PAGE)
    assert text in str(_refused(made))


def test_a_bearer_token_becomes_a_session() -> None:
    scope = said({"result": []}, Set_Cookie="JSESSIONID=c; Path=/")
    made = bench(TOKEN_REPLY, ANONYMOUS, scope, ON_PURPOSE, upload_page(), auth=CLIENT)
    # The way's first request needs no token; it is fetched for the second.
    made.replies.steps = [ANONYMOUS, TOKEN_REPLY, scope, ON_PURPOSE, upload_page()]
    made.instance.check_upload()
    assert made.replies.paths() == [
        "POST /angular.do",
        "POST /oauth_token.do",
        "GET /api/now/table/sys_scope",
        "POST /angular.do",
        "GET /upload.do",
    ]
    first, _, second, third, form = made.replies.sent
    assert first.query == third.query == {"sysparm_type": "get_user"}
    assert second.headers["Authorization"].startswith("Bearer ")
    assert "Authorization" not in first.headers | third.headers | form.headers
    assert form.headers["Cookie"] == "JSESSIONID=c"


@pytest.mark.parametrize(
    ("replies", "text"),
    [
        # A token may have ended a moment ago: one more is tried.
        (
            (ANONYMOUS, TOKEN_REPLY, NOT_SIGNED_IN, TOKEN_REPLY, NOT_SIGNED_IN),
            "token is not accepted",
        ),
        ((ANONYMOUS, TOKEN_REPLY, rows(), ANONYMOUS), "X-UserToken-Response"),
        ((ANONYMOUS, TOKEN_REPLY, rows(), MACHINE), "identity type Machine"),
        ((ANONYMOUS, said({"error": "invalid_client"}, 401)), "invalid_client"),
    ],
)
def test_a_token_that_opens_nothing(replies: tuple[Reply, ...], text: str) -> None:
    assert text in str(_refused(bench(*replies, auth=CLIENT)))


def test_the_password_grant_signs_in_by_name_first() -> None:
    made = bench(LOGGED_IN, upload_page(), auth=PASSWORD_GRANT)
    made.instance.check_upload()
    assert made.replies.paths() == ["POST /angular.do", "GET /upload.do"]


def test_an_api_key_opens_no_page() -> None:
    assert "API key" in str(_refused(bench(auth=API_KEY)))


def test_a_second_sign_in_uploads_where_the_first_cannot() -> None:
    made = bench(LOGGED_IN, upload_page(), rows(), auth=API_KEY, upload_auth=BASIC)
    made.instance.check_upload()
    made.instance.read([Read("sys_user")])
    assert "x-sn-apikey" in made.replies.sent[2].headers
    assert "x-sn-apikey" not in made.replies.sent[0].headers


def test_the_key_of_the_second_is_named_when_it_fails() -> None:
    made = bench(WRONG, LOGIN_PAGE, auth=CLIENT, upload_auth=BASIC)
    assert _refused(made).faults[0].path == "instance.upload_auth"


def test_a_certificate_may_open_a_session() -> None:
    signed_in = page("<html></html>", X_Is_Logged_In="true")
    made = bench(signed_in, upload_page(), auth=MTLS)
    made.instance.check_upload()
    assert "client certificate" in str(_refused(bench(LOGIN_PAGE, auth=MTLS)))


def test_a_sleeping_instance_ends_the_search() -> None:
    made = bench(LOGGED_IN, HIBERNATING)
    with pytest.raises(NetworkError):
        made.instance.check_upload()


def test_a_lost_sign_in_is_not_repeated() -> None:
    made = bench(requests.ConnectionError("reset"))
    with pytest.raises(NetworkError):
        made.instance.check_upload()
    assert made.instance.requests == 1


def test_a_sign_in_that_answers_nonsense_says_its_status() -> None:
    nonsense = Reply(200, b"{", (("Content-Type", "application/json"),))
    assert "status 200" in str(_refused(bench(nonsense, LOGIN_PAGE, LOGIN_PAGE, LOGIN_PAGE)))


def test_an_error_without_a_message_is_still_a_no() -> None:
    assert "without a reason" in str(_refused(bench(said({"status": "error"}), LOGIN_PAGE)))


def test_an_ended_session_is_opened_once_more() -> None:
    made = bench(LOGGED_IN, upload_page(), LOGIN_PAGE, LOGGED_IN, upload_page(NEW_TOKEN), PROGRESS)
    made.instance.check_upload()
    made.clock.sleep(3600)
    made.instance.check_upload()
    made.instance.progress(TRACKER)
    assert made.replies.sent[-1].form["sysparm_ck"] == NEW_TOKEN


def test_closing_signs_out() -> None:
    made = bench(LOGGED_IN, upload_page(), Reply(302, b"", (("Location", "/welcome.do"),)))
    with made.instance as instance:
        instance.check_upload()
    assert made.replies.paths()[-1] == "GET /logout.do"
    assert made.replies.sent[-1].headers["Cookie"] == "JSESSIONID=abc"
    made.instance.close()
    assert made.instance.requests == 3


def test_closing_never_fails() -> None:
    made = bench(LOGGED_IN, upload_page(), requests.ConnectionError("reset"))
    made.instance.check_upload()
    made.instance.close()
    bench().instance.close()


def test_hostile_pages_hold_no_token() -> None:
    call = Call("x", "GET", "/")
    bomb = (
        '<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "' + "&a;" * 1000 + '">]><html>'
        '<input name="sysparm_ck" value="&b;"></html>'
    )
    for body in (b"<" * 100_000, b"<div>" * 200_000, bomb.encode(), b"x" * (3 * 1024 * 1024)):
        assert pages.form_token(Answer(call, 200, {}, body)) is None
