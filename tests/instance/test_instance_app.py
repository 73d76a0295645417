"""Calls of an application's own REST resources, and what the app's check may answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from instance_replies import (
    ID,
    LOGIN_PAGE,
    OTHER_ID,
    SIGN_ON,
    Bench,
    Reply,
    bench,
    error,
    page,
    said,
)

from generator.errors import (
    AuthenticationError,
    ExitCode,
    GeneratorError,
    InternalError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
    UsageError,
)
from generator.instance.app_check import (
    AppUnavailable,
    Health,
    HealthStatus,
    ask_health,
    is_address,
    queue_test,
)

SCOPE = "x_acme_smtp"
MARKER = "verify-0a1b2c3d"
NOTHING = error(404, "Requested URI does not represent any resource")
CUT = Reply(200, b'{"result": {', (("Content-Type", "application/json"),))

Ask = Callable[[Bench], Health]


def _ask(made: Bench) -> Health:
    return ask_health(made.instance, scope=SCOPE, account=ID)


def _queue(made: Bench) -> Health:
    return queue_test(made.instance, scope=SCOPE, account=ID, to="me@example.com", marker=MARKER)


def _result(**values: object) -> Reply:
    return said({"result": {**RESULT, **values}})


RESULT: Mapping[str, object] = {
    "ok": True,
    "status": "ok",
    "message": "The email account gets new tokens.",
    "token_expires_on": "2026-11-23 13:00:00",
    "secret_days_left": 200,
    "secret_expires_on": "2027-06-11 13:00:00",
    "account": ID,
    "test_queued": False,
}


def test_health_is_asked_for_one_account() -> None:
    made = bench(_result())
    assert _ask(made) == Health(
        ok=True,
        status=HealthStatus.OK,
        message="The email account gets new tokens.",
        token_expires_on=datetime(2026, 11, 23, 13, tzinfo=UTC),
        secret_days_left=200,
        secret_expires_on=datetime(2027, 6, 11, 13, tzinfo=UTC),
        test_queued=False,
    )
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("GET", f"/api/{SCOPE}/smtp_oauth/health")
    assert sent.query == {"account": ID}
    assert sent.headers["Accept"] == "application/json"


def test_a_test_message_is_asked_for_with_its_marker() -> None:
    made = bench(_result(test_queued=True))
    assert _queue(made).test_queued
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("POST", f"/api/{SCOPE}/smtp_oauth/test")
    assert json.loads(sent.body) == {"account": ID, "to": "me@example.com", "marker": MARKER}


@pytest.mark.parametrize(
    ("status", "ok", "granted"),
    [
        ("error", False, False),
        ("not_oauth", False, False),
        ("no_token", False, False),
        ("inactive", False, True),
        ("secret_expires", True, True),
        ("ok", True, True),
    ],
)
def test_each_status_says_whether_a_token_came(status: str, ok: bool, granted: bool) -> None:
    health = _ask(bench(_result(status=status, ok=ok)))
    assert (health.status, health.ok, health.granted) == (status, ok, granted)


@pytest.mark.parametrize(("days", "read"), [("", None), (None, None), (0, 0), (-3, -3), (12.0, 12)])
def test_days_left_may_be_unknown(days: object, read: int | None) -> None:
    health = _ask(bench(_result(secret_days_left=days, secret_expires_on="", token_expires_on="")))
    assert health.secret_days_left == read
    assert health.secret_expires_on is None
    assert health.token_expires_on is None


@pytest.mark.parametrize(
    "values",
    [
        {"status": "fine"},
        {"status": None},
        {"ok": "true"},
        {"ok": False},
        {"status": "no_token"},
        {"account": OTHER_ID},
        {"account": None},
        {"test_queued": "no"},
        {"token_expires_on": "soon"},
        {"secret_expires_on": "2027-02-30 00:00:00"},
        {"secret_days_left": "12"},
        {"secret_days_left": 1.5},
        {"secret_days_left": float("inf")},
        {"secret_days_left": True},
    ],
)
def test_an_answer_that_is_not_clear_is_none(values: Mapping[str, object]) -> None:
    with pytest.raises(ResponseError, match="not as this version expects"):
        _ask(bench(_result(**values)))
    with pytest.raises(OutcomeUnknown, match="not as this version expects"):
        _queue(bench(_result(**values)))


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (NOTHING, "app-missing"),
        (error(400, "Requested URI does not represent any resource"), "app-missing"),
        (error(404, "No such thing"), "app-missing"),
        (error(405, "Method not supported"), "app-missing"),
        (error(403, "User Not Authorized", "Failed API level ACL Validation"), "app-role"),
        (error(403, "The role is missing"), "app-role"),
        (error(400, "account is not a sys_id"), "app-refused"),
    ],
)
@pytest.mark.parametrize("ask", [_ask, _queue])
def test_an_app_that_cannot_be_asked(reply: Reply, code: str, ask: Ask) -> None:
    made = bench(reply)
    with pytest.raises(AppUnavailable) as caught:
        ask(made)
    (fault,) = caught.value.faults
    assert fault.code == code
    assert caught.value.exit_code is ExitCode.VERIFICATION_FAILED
    assert f"/api/{SCOPE}/smtp_oauth/" in fault.message
    assert json.loads(reply.body)["error"]["message"] in fault.message
    assert fault.next
    assert len(made.replies.sent) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(401, "User Not Authenticated"), AuthenticationError),
        (page("<html><title>Blocked</title></html>", 403), AuthenticationError),
        (Reply(403, b"{}", (("Content-Type", "application/json"),)), AuthenticationError),
        (page("<html>not found</html>", 404), ResponseError),
        (LOGIN_PAGE, AuthenticationError),
        (SIGN_ON, AuthenticationError),
        (page("<html>hello</html>"), ResponseError),
        (CUT, ResponseError),
        (said({"result": []}), ResponseError),
        (said({"result": {}, "error": {"message": "x"}}), ResponseError),
        (error(500, "java.lang.NullPointerException"), ResponseError),
        (error(406, "Not acceptable"), ResponseError),
    ],
)
def test_what_is_no_answer_of_the_app(reply: Reply, kind: type[RemoteError]) -> None:
    with pytest.raises(RemoteError) as caught:
        _ask(bench(reply))
    assert type(caught.value) is kind
    assert not isinstance(caught.value, AppUnavailable)


@pytest.mark.parametrize(
    "reply", [CUT, said({"result": []}), error(500, "failed"), error(503, "away"), OSError()]
)
def test_a_post_is_never_repeated(reply: Reply | Exception) -> None:
    made = bench(reply)
    with pytest.raises(GeneratorError) as caught:
        _queue(made)
    assert isinstance(caught.value, OutcomeUnknown | NetworkError)
    assert len(made.replies.sent) == 1


def test_a_get_is_repeated() -> None:
    made = bench(error(503, "away"), _result())
    assert _ask(made).ok
    assert len(made.replies.sent) == 2


@pytest.mark.parametrize(
    "address",
    ["", "me", "a@b,c@d", "a@b c@d", "a b@c.d", "<a@b.c>", "a@b@c", '"a"@b.c', "ü@b.c", "a@b\n"],
)
def test_a_test_message_goes_to_one_address(address: str) -> None:
    made = bench()
    with pytest.raises(UsageError):
        queue_test(made.instance, scope=SCOPE, account=ID, to=address, marker=MARKER)
    assert not is_address(address)


def test_ordinary_addresses_are_addresses() -> None:
    assert all(map(is_address, ("a@b.example", "o'x+test.1@b-c.example", "a/b=c@localhost")))


@pytest.mark.parametrize("marker", ["", "short", "with space1", "a" * 65, "abcdefgh]"])
def test_a_marker_is_checked_before_anything_is_sent(marker: str) -> None:
    with pytest.raises(InternalError):
        queue_test(bench().instance, scope=SCOPE, account=ID, to="a@b.c", marker=marker)


@pytest.mark.parametrize("account", ["", "global", ID.upper(), f"{ID}&x=1"])
def test_an_account_is_checked_before_anything_is_sent(account: str) -> None:
    with pytest.raises(InternalError):
        ask_health(bench().instance, scope=SCOPE, account=account)


@pytest.mark.parametrize("path", ["/api/x", "/api/x/../now", "api/x/y", "/api/x/y?z=1", "/x/y/z"])
def test_a_path_is_one_of_a_resource(path: str) -> None:
    with pytest.raises(InternalError):
        bench().instance.call_app("GET", path)


def test_texts_of_the_answer_are_fit_for_a_screen() -> None:
    health = _ask(bench(_result(message="one\n\x1b[31mtwo" + "x" * 5000)))
    assert health.message.startswith("one [31mtwo")
    assert len(health.message) == 2000
