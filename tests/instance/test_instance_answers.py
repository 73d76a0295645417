"""What comes instead of an answer, each its own error with what to do."""

from __future__ import annotations

import json

import pytest
from instance_replies import (
    API_KEY,
    HIBERNATING,
    ID,
    LOGIN_PAGE,
    NOT_SIGNED_IN,
    SIGN_ON,
    STALE,
    URL,
    Reply,
    bench,
    error,
    page,
    said,
)

from generator.errors import (
    AuthenticationError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.instance.calls import Answer, Call, Scrubber, printable
from generator.instance.interface import Read
from generator.instance.refusals import platform_text

USERS = Read("sys_user", fields=("sys_id",))
JSON = (("Content-Type", "application/json"),)
WANTS_SECOND_FACTOR = Reply(
    401, NOT_SIGNED_IN.body, (*NOT_SIGNED_IN.headers, ("X-MFA_TOKEN", "invalid"))
)
DEEP = b'{"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def _redirect(location: str) -> Reply:
    return Reply(302, b"", (("Location", location),))


def _failing(reply: Reply) -> RemoteError:
    made = bench(reply)
    with pytest.raises(RemoteError) as caught:
        made.instance.read([USERS])
    return caught.value


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (HIBERNATING, NetworkError, "instance-hibernating"),
        (SIGN_ON, AuthenticationError, "instance-sign-on"),
        (_redirect("/auth_redirect.do?sysparm_url=x"), AuthenticationError, "instance-sign-on"),
        (_redirect("/login_with_sso.do"), AuthenticationError, "instance-sign-on"),
        (_redirect("https://elsewhere.example/x"), AuthenticationError, "instance-sign-on"),
        (page("<html>SAMLRequest</html>"), AuthenticationError, "instance-sign-on"),
        (_redirect(f"{URL}/login.do"), AuthenticationError, "instance-login-page"),
        (_redirect("/welcome.do"), AuthenticationError, "instance-login-page"),
        (STALE, AuthenticationError, "instance-login-page"),
        (LOGIN_PAGE, AuthenticationError, "instance-login-page"),
        (_redirect("/elsewhere"), ResponseError, "instance-redirect"),
        (_redirect("https://[oops"), ResponseError, "instance-redirect"),
        (Reply(301), ResponseError, "instance-redirect"),
        (page("<html><title>Maintenance</title></html>"), ResponseError, "instance-html"),
        (page("<html></html>"), ResponseError, "instance-html"),
        (Reply(200, b"<!DOCTYPE html><p>"), ResponseError, "instance-html"),
        (
            Reply(200, b"pong", (("Content-Type", "text/plain"),)),
            ResponseError,
            "instance-not-json",
        ),
        (Reply(200, b"{}"), ResponseError, "instance-not-json"),
        (Reply(200, b'{"result": [', JSON), ResponseError, "instance-json-cut"),
        (Reply(200, b"", JSON), ResponseError, "instance-json-cut"),
        (Reply(200, b"\xff\xfe{", JSON), ResponseError, "instance-json-cut"),
        (Reply(200, DEEP, JSON), ResponseError, "instance-json-deep"),
        (Reply(200, b'{"a": ' + b"9" * 5000 + b"}", JSON), ResponseError, "instance-json-cut"),
        (said({"result": []}, 202), ResponseError, "instance-status"),
        (NOT_SIGNED_IN, AuthenticationError, "instance-not-signed-in"),
        (WANTS_SECOND_FACTOR, AuthenticationError, "instance-mfa"),
        (page("<html></html>", 407), NetworkError, "instance-proxy"),
        (error(405, "Method not allowed"), ResponseError, "instance-method"),
        (error(415, "Unsupported"), ResponseError, "instance-refused-request"),
        (error(500, "oops"), ResponseError, "instance-server-error"),
    ],
)
def test_what_is_no_answer_says_so(reply: Reply, kind: type[RemoteError], code: str) -> None:
    failed = _failing(reply)
    fault = failed.faults[0]
    assert (type(failed), fault.code) == (kind, code)
    assert "GET /api/now/table/sys_user" in fault.message
    assert f"status {reply.status}" in fault.message
    assert fault.next
    assert failed.status == reply.status
    assert failed.__context__ is None


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(400, "Exception while reading request", "x"), "instance-bad-request"),
        (error(403, "Operation Failed", "ACL Exception Insert Failed"), "instance-row-acl"),
        (
            error(403, "User Not Authorized", "Failed API level ACL Validation"),
            "instance-table-acl",
        ),
        (
            error(403, "Insufficient rights to query records", "Field(s) present in the query"),
            "instance-query-acl",
        ),
        (error(403, "No", "not in scope"), "instance-forbidden"),
        (error(404, "No Record found"), "instance-not-found"),
        (
            error(400, "Requested URI does not represent any resource"),
            "instance-endpoint-missing",
        ),
    ],
)
def test_each_refusal_has_its_meaning(reply: Reply, code: str) -> None:
    made = bench(reply)
    (found,) = made.instance.read([USERS])
    assert found.error is not None
    assert found.error.faults[0].code == code
    assert "transaction 0123456789ab" in str(found.error)
    assert json.loads(reply.body)["error"]["message"] in found.error.detail


def test_wrong_credentials_name_what_to_check() -> None:
    assert "restricted" in (_failing(NOT_SIGNED_IN).faults[0].next or "")
    made = bench(NOT_SIGNED_IN, auth=API_KEY)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.read([USERS])
    assert "API access policy" in (caught.value.faults[0].next or "")


def test_an_instance_that_waits_for_credentials_is_awake() -> None:
    made = bench(NOT_SIGNED_IN)
    made.instance.check_awake()
    (sent,) = made.replies.sent
    assert "Authorization" not in sent.headers
    assert sent.query == {"sysparm_limit": "1"}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (HIBERNATING, "instance-hibernating"),
        (SIGN_ON, "instance-sign-on"),
        (page("<html>hello</html>"), "instance-html"),
        (said({"result": []}), "instance-not-one"),
        (error(401, "User Not Authenticated"), "instance-not-one"),
        (page("<html></html>", 401, WWW_Authenticate="Basic"), "instance-not-one"),
        (page("<html></html>", 404), "instance-not-one"),
        (page("<html></html>", 500), "instance-not-one"),
    ],
)
def test_nothing_else_is_awake(reply: Reply, code: str) -> None:
    made = bench(reply)
    with pytest.raises(RemoteError) as caught:
        made.instance.check_awake()
    assert caught.value.faults[0].code == code


def test_a_hibernating_instance_is_not_asked_again() -> None:
    sleeping = Reply(503, HIBERNATING.body, HIBERNATING.headers)
    made = bench(sleeping)
    with pytest.raises(NetworkError) as caught:
        made.instance.check_awake()
    assert caught.value.faults[0].code == "instance-hibernating"


@pytest.mark.parametrize(
    "reply", [page("<html>hm</html>"), Reply(200, b'{"result"', JSON), Reply(200, DEEP, JSON)]
)
def test_a_change_without_a_clear_answer_may_stand(reply: Reply) -> None:
    made = bench(reply)
    with pytest.raises(OutcomeUnknown):
        made.instance.update("sys_user", ID, {"active": "true"})


@pytest.mark.parametrize("reply", [LOGIN_PAGE, SIGN_ON, HIBERNATING])
def test_a_change_that_met_a_door_did_not_happen(reply: Reply) -> None:
    made = bench(reply)
    with pytest.raises(RemoteError) as caught:
        made.instance.update("sys_user", ID, {"active": "true"})
    assert not isinstance(caught.value, OutcomeUnknown)


def test_redirects_are_not_followed() -> None:
    made = bench(SIGN_ON)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.read([USERS])
    assert made.instance.requests == 1
    assert "login.elsewhere.example" in str(caught.value)
    assert "SAMLRequest" not in str(caught.value)


def test_an_answer_cannot_write_on_the_terminal() -> None:
    forged = "bad\r\n\x1b[2Jforged: ok\u202e"
    failed = _failing(error(500, forged, "x" * 5000))
    assert not set("\r\n\x1b\u202e") & set(str(failed))
    assert len(str(failed)) < 1000


def test_a_transaction_id_cannot_either() -> None:
    made = bench(said({"result": []}, X_Transaction_ID="a\x1b[31mb"))
    made.instance.read([USERS])
    assert all("\x1b" not in line for line in made.log)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "a", "detail": "b"}}', ("a", "b")),
        (b'{"result": {"error": {"message": "a"}}}', ("a", "")),
        (b'{"error": "invalid_client", "error_description": "d"}', ("invalid_client", "d")),
        (b'{"error": {"message": null, "detail": 5}}', ("", "")),
        (b"[1]", ("", "")),
        (b"{", ("", "")),
        (DEEP, ("", "")),
        (b" " * 300_000, ("", "")),
    ],
)
def test_the_platforms_text_is_found_in_each_shape(body: bytes, text: tuple[str, str]) -> None:
    answer = Answer(Call("x", "GET", "/"), 400, {"content-type": "application/json"}, body)
    assert platform_text(answer) == text


def test_a_scrubber_knows_each_form_of_a_secret() -> None:
    word = 'a b"c&d/' + "ß9"
    scrubber = Scrubber()
    scrubber.learn(word)
    scrubber.learn("abc")
    echoes = [word, "a+b%22c%26d%2F%C3%9F9", json.dumps(word), "a b&quot;c&amp;d/ß9"]
    cleaned = scrubber.clean(" | ".join(echoes))
    assert cleaned.count("[secret]") == 4
    assert "abc" in scrubber.clean("abc"), "what is shorter than four letters is a word"
    assert word not in repr(scrubber)


def test_a_cut_leaves_no_half_of_a_secret() -> None:
    word = "half" + "-of-" + "a-secret-word"
    scrubber = Scrubber()
    scrubber.learn(word)
    assert word[:4] not in scrubber.clean("x" * 290 + word)


def test_long_text_is_cut() -> None:
    assert printable("a" * 400) == "a" * 299 + "…"
