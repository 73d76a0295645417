"""The scripts of the app's REST API, run in an ES5 engine against stubs of the platform."""

from __future__ import annotations

import json
import re
from typing import Any

import dukpy
import pytest
from script_world import ACCOUNT, JWT, SCOPE, STUBS, script, world

from generator.integration import app_api
from generator.integration.app_privileges import PRIVILEGES

REST = "sys_script_include.SmtpOAuthRest"
ADDRESS = "someone@example.com"
MARKER = "verify-0a1b2c3d"

# `response.setBody` gives `{"result": ...}`, `response.setError` the form of the platform's errors.
STUBS_OF_REST = """
var answer = {};
gs.hasRole = function (role) {
    reached('gs.hasRole');
    trace.asked = role;
    return world.roles.indexOf(role) >= 0;
};
var sn_ws_err = {ServiceError: function () { this.error = {message: '', detail: ''}; }};
sn_ws_err.ServiceError.prototype = {
    setStatus: function (status) { this.status = status; },
    setMessage: function (text) { this.error.message = text; },
    setDetail: function (text) { this.error.detail = text; }
};
var response = {
    setBody: function (body) { answer = {status: 200, body: {result: body}}; },
    setError: function (e) {
        answer = {status: e.status, body: {error: e.error, status: 'failure'}};
    }
};
var request = {};
Object.defineProperty(request, 'queryParams', {get: function () {
    reached('request.queryParams');
    return world.query;
}});
Object.defineProperty(request, 'body', {get: function () {
    reached('request.body');
    return {data: world.body};
}});
"""
TELL = "JSON.stringify({answer: answer, trace: trace})"


def _call(name: str, **changes: Any) -> dict[str, Any]:
    given = {"roles": [f"{SCOPE}.user"], "query": {}, "body": None, **world(), **changes}
    operation = script(f"sys_ws_operation.{name}", "operation_script")
    scripts = [STUBS, STUBS_OF_REST, script(), script(REST), operation, TELL]
    text = dukpy.evaljs(scripts, world=given)
    assert JWT not in text
    told: dict[str, Any] = json.loads(text)
    assert told["trace"]["logs"] == []
    return {**told["answer"], "trace": told["trace"]}


def health(**changes: Any) -> dict[str, Any]:
    return _call("health", **{"query": {"account": [ACCOUNT]}, **changes})


def send(**changes: Any) -> dict[str, Any]:
    body = {"account": ACCOUNT, "to": ADDRESS, "marker": MARKER}
    return _call("test", **{"body": body, **changes})


def body(**changes: Any) -> dict[str, Any]:
    return {"body": {"account": ACCOUNT, "to": ADDRESS, "marker": MARKER, **changes}}


def test_health_answers_what_the_check_found() -> None:
    told = health(properties={f"{SCOPE}.secret_expires_on": "2027-05-04 03:02:01"})
    assert told["status"] == 200
    assert told["body"] == {
        "result": {
            "ok": True,
            "status": "ok",
            "message": told["body"]["result"]["message"],
            "token_expires_on": "2026-11-23 12:59:59",
            "secret_days_left": 161,
            "test_queued": False,
            "secret_expires_on": "2027-05-04 03:02:01",
            "account": ACCOUNT,
        }
    }
    assert told["trace"]["events"] == []
    assert told["trace"]["asked"] == app_api.role_name(SCOPE)


def test_a_check_that_finds_a_fault_is_an_answer_too() -> None:
    told = health(response=None)
    assert (told["status"], told["body"]["result"]["status"]) == (200, "no_token")
    told = health(tables={**world()["tables"], "sys_email_account": {}})
    assert (told["status"], told["body"]["result"]["status"]) == (200, "error")


def test_a_test_message_is_queued_with_its_marker() -> None:
    told = send()
    assert (told["status"], told["body"]["result"]["test_queued"]) == (200, True)
    assert told["trace"]["events"] == [
        [f"{SCOPE}.smtp_oauth.test", "sys_email_account", "Outbound", ADDRESS, f"[{MARKER}]"]
    ]


def test_health_never_sends() -> None:
    told = health(query={"account": [ACCOUNT], "to": [ADDRESS], "marker": [MARKER]}, **body())
    assert told["body"]["result"]["test_queued"] is False
    assert told["trace"]["events"] == []


@pytest.mark.parametrize("roles", [[], ["itil"], ["x_other.user"]])
@pytest.mark.parametrize("call", [health, send])
def test_who_lacks_the_role_is_refused(call: Any, roles: list[str]) -> None:
    told = call(roles=roles)
    assert told["status"] == 403
    assert told["body"] == {
        "error": {
            "message": f"The role {SCOPE}.user is missing",
            "detail": "Only its holders and administrators may ask this application",
        },
        "status": "failure",
    }
    assert "GlideOAuthClient.requestTokenByRequest" not in told["trace"]["calls"]
    assert told["trace"]["events"] == []


@pytest.mark.parametrize("call", [health, send])
def test_the_role_comes_before_the_inputs(call: Any) -> None:
    assert call(roles=[], query=None, body=None)["status"] == 403


@pytest.mark.parametrize(
    "account",
    [None, [], "", ["x"], [ACCOUNT, ACCOUNT], [ACCOUNT.upper()], [f"{ACCOUNT}^active=true"], {}],
)
def test_an_account_that_is_none(account: object) -> None:
    told = health(query={"account": account})
    _not_understood(told, "account is not the sys_id of one record")
    _not_understood(send(**body(account=account)), "account is not the sys_id of one record")


def test_a_parameter_may_come_as_one_text() -> None:
    assert health(query={"account": ACCOUNT})["status"] == 200


def test_no_parameters_at_all() -> None:
    _not_understood(health(query={}), "account is not the sys_id of one record")
    assert health(query=None)["status"] == 500


@pytest.mark.parametrize("given", [None, "text", 5, True])
def test_a_body_that_is_no_object(given: object) -> None:
    _not_understood(send(body=given), "Its body is no JSON object")


def test_a_body_that_cannot_be_parsed() -> None:
    _not_understood(send(failing="request.body"), "Its body is no JSON object")


@pytest.mark.parametrize(
    "to", [None, "", "me", "a@b,c@d", "a@b c@d", "<a@b>", "a@b@c", "a@b\n", ["a@b", "c@d"], {}]
)
def test_a_message_to_what_is_not_one_address(to: object) -> None:
    _not_understood(send(**body(to=to)), "to is not one email address")


@pytest.mark.parametrize("marker", [None, "", "short", "a" * 65, "with space", "abcdefgh]", {}])
def test_a_marker_that_is_none(marker: object) -> None:
    told = send(**body(marker=marker))
    _not_understood(told, "marker is not 8 to 64 letters, digits and hyphens")


def _not_understood(told: dict[str, Any], detail: str) -> None:
    assert (told["status"], told["body"]["status"]) == (400, "failure")
    assert told["body"]["error"] == {
        "message": "The request was not understood",
        "detail": detail,
    }
    assert "GlideOAuthClient.requestTokenByRequest" not in told["trace"]["calls"]
    assert told["trace"]["events"] == []


@pytest.mark.parametrize("method", ["gs.getCurrentScopeName", "gs.hasRole", "request.queryParams"])
def test_a_method_that_throws_is_named_and_nothing_else(method: str) -> None:
    told = health(failing=method, failure=f"denied {JWT}")
    assert told["status"] == 500
    assert told["body"]["error"]["message"] == "The check failed"
    assert told["body"]["error"]["detail"].startswith(f"{method} is missing on this instance or")
    assert "denied" not in json.dumps(told["body"])


def test_a_check_that_is_not_there() -> None:
    """As after a commit of which the other script include did not arrive."""
    given = {**world(), "roles": [f"{SCOPE}.user"], "query": {"account": [ACCOUNT]}, "body": None}
    operation = script("sys_ws_operation.health", "operation_script")
    text = dukpy.evaljs([STUBS, STUBS_OF_REST, script(REST), operation, TELL], world=given)
    told = json.loads(text)["answer"]
    assert (told["status"], told["body"]["error"]["message"]) == (500, "The check failed")


def test_client_and_script_accept_the_same() -> None:
    text = script(REST)
    for pattern in (app_api.ADDRESS_PATTERN, app_api.MARKER_PATTERN):
        assert f"/^{pattern}$/" in text
    assert f"/^{app_api.MARKER_PATTERN}$/" in script()
    assert f"+ '.{app_api.ROLE_SUFFIX}'" in text


@pytest.mark.parametrize(
    ("logical_name", "field"),
    [
        (REST, "script"),
        ("sys_ws_operation.health", "operation_script"),
        ("sys_ws_operation.test", "operation_script"),
    ],
)
def test_the_scripts_are_es5(logical_name: str, field: str) -> None:
    text = script(logical_name, field)
    code = re.sub(r"/\*.*?\*/|(?m:^\s*//.*$)|'(?:[^'\\\n]|\\.)*'", "", text, flags=re.DOTALL)
    assert not re.findall(r"=>|`|\b(?:let|const|class|async|await|import|export|of)\b|\.\.\.", code)
    assert not re.findall(r"\bgs\.(?:log|info|warn|error|debug|print)\b", code)
    assert "\r" not in text
    assert text.isascii()


# Methods of `gs` are recorded in groups; for the name of the scope no group was ever seen.
GROUPS = {
    "getProperty": "Glide API: properties",
    "eventQueue": "Glide API: event management",
    "hasRole": "Glide API: user roles and groups",
    "getCurrentScopeName": None,
}
READ = {
    "request.queryParams": "RESTAPIRequest",
    "request.body.data": "RESTAPIRequestBody",
}


def test_privileges_are_what_the_scripts_do() -> None:
    """Both ways: nothing that the scripts call lacks its privilege, and none is there in vain."""
    both = script() + script(REST)
    called = {GROUPS[method] for method in re.findall(r"\bgs\.(\w+)\(", both)} - {None}
    read = re.findall(r"(?:return|=) (request\.\w+(?:\.data)?)\b", script(REST))
    called |= {READ[what] for what in read}
    answered = re.findall(r"\bresponse\.(\w+)\(", script(REST))
    called |= {f"ScriptableServiceResultBuilder.{method}" for method in answered}
    shipped = {p.target for p in PRIVILEGES if p.operation == "execute"}
    assert called == {target for target in shipped if not target.startswith("GlideOAuth")}
