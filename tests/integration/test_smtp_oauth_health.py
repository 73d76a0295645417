"""The script of `SmtpOAuthHealth`, run in an ES5 engine against stubs of the platform."""

from __future__ import annotations

import json
import re
from typing import Any

import dukpy
import pytest
from script_world import (
    ACCOUNT,
    GUID,
    JWT,
    OPAQUE,
    PROFILE,
    SCOPE,
    SECRET,
    STUBS,
    script,
    world,
)

from generator.integration.app_privileges import PRIVILEGES

OUTPUTS = {
    "ok": bool,
    "status": str,
    "message": str,
    "token_expires_on": str,
    "secret_days_left": (int, str),
    "test_queued": bool,
    "secret_expires_on": str,
    "account": str,
}

RUN = """
(function () {
    world.missing.forEach(function (path) {
        var names = path.split('.');
        var last = names.pop();
        var holder = (function () { return this; })();
        names.forEach(function (name) { holder = holder[name]; });
        delete holder[last];
        if (holder[last] !== undefined) { holder[last] = undefined; }
    });
    var result = new SmtpOAuthHealth().run(world.inputs);
    return JSON.stringify({result: result, trace: trace, type: SmtpOAuthHealth.prototype.type});
}())
"""


def account(**changes: str | None) -> dict[str, Any]:
    tables = world()["tables"]
    tables["sys_email_account"][ACCOUNT].update(changes)
    return {"tables": tables}


def response(**changes: Any) -> dict[str, Any]:
    return {"response": {**world()["response"], **changes}}


def refused(**changes: Any) -> dict[str, Any]:
    body = {
        "error": "invalid_client",
        "error_description": f"AADSTS7000215: Invalid client secret provided. Trace ID: {GUID}",
    }
    return response(
        **{"code": 401, "token": None, "body": json.dumps(body), "error": "no", **changes}
    )


def secret_ends(written: str, warn_days: str = "30") -> dict[str, Any]:
    return {"properties": {f"{SCOPE}.secret_expires_on": written, f"{SCOPE}.warn_days": warn_days}}


def sending_to(address: str, marker: str | None = None) -> dict[str, Any]:
    inputs = {"email_account": ACCOUNT, "send_test_to": address}
    return {"inputs": inputs if marker is None else {**inputs, "marker": marker}}


def run(**changes: Any) -> dict[str, Any]:
    """Run the script; whatever happens, the shape holds and no token shows."""
    answer = dukpy.evaljs([STUBS, script(), RUN], world=world(**changes))
    for canary in ("canary", JWT, OPAQUE, SECRET):
        assert canary not in answer
    told: dict[str, Any] = json.loads(answer)
    result = told["result"]
    assert list(result) == list(OUTPUTS)
    for name, kind in OUTPUTS.items():
        assert isinstance(result[name], kind), name
    if isinstance(result["secret_days_left"], str):
        assert result["secret_days_left"] == ""
    assert result["ok"] is (result["status"] in ("ok", "secret_expires"))
    assert result["message"]
    assert result["test_queued"] is bool(told["trace"]["events"])
    assert told["trace"]["logs"] == []
    assert "GlideOAuthClient.getToken" not in told["trace"]["calls"]
    assert "GlideOAuthClient.requestToken" not in told["trace"]["calls"]
    assert told["type"] == "SmtpOAuthHealth"
    return {**result, "trace": told["trace"]}


# ---- statuses -----------------------------------------------------------------------------


def test_ok() -> None:
    result = run()
    assert result["status"] == "ok"
    assert result["token_expires_on"] == "2026-11-23 12:59:59"
    assert result["secret_days_left"] == ""
    assert result["message"] == (
        "The email account Outbound gets new tokens; this one is valid until"
        " 2026-11-23 12:59:59 UTC."
    )
    assert result["trace"]["parameters"] == {
        "oauth_requestor_context": "sys_email_account",
        "oauth_requestor": ACCOUNT,
        "oauth_provider_profile": PROFILE,
    }
    assert result["trace"]["clientName"] is None
    assert result["trace"]["given"] is True
    assert "GlideOAuthClientResponse.getBody" not in result["trace"]["calls"]


@pytest.mark.parametrize("given", [None, "", "   "])
def test_no_account_given(given: str | None) -> None:
    result = run(inputs={"email_account": given, "send_test_to": None})
    assert result["status"] == "error"
    assert "No email account was given" in result["message"]


def test_the_record_is_as_good_as_its_sys_id() -> None:
    record = "world.inputs.email_account = {getUniqueValue: function () { return %s; }};"
    scripts = [STUBS, script(), record % json.dumps(ACCOUNT), RUN]
    told = json.loads(dukpy.evaljs(scripts, world=world()))
    assert told["result"]["status"] == "ok"
    assert told["trace"]["parameters"]["oauth_requestor"] == ACCOUNT


def test_no_inputs_at_all() -> None:
    assert run(inputs=None)["status"] == "error"


@pytest.mark.parametrize(
    ("table", "what"),
    [("sys_email_account", "email account"), ("oauth_entity_profile", "OAuth profile")],
)
class TestRecordsThatCannotBeRead:
    def test_the_record_is_missing(self, table: str, what: str) -> None:
        result = run(tables={**world()["tables"], table: {}})
        assert result["status"] == "error"
        assert f"The {what}" in result["message"]
        assert f"missing in {table}" in result["message"]

    def test_the_table_is_closed(self, table: str, what: str) -> None:
        result = run(closed=[table])
        assert result["status"] == "error"
        assert f"The table {table} cannot be read" in result["message"]
        assert "application access" in result["message"]

    def test_the_table_is_not_there(self, table: str, what: str) -> None:
        tables = world()["tables"]
        del tables[table]
        result = run(tables=tables)
        assert result["status"] == "error"
        assert f"The table {table} cannot be read" in result["message"]


@pytest.mark.parametrize("profile", ["", None])
def test_the_account_names_no_profile(profile: str | None) -> None:
    result = run(**account(oauth_profile=profile))
    assert result["status"] == "error"
    assert "names no OAuth profile" in result["message"]
    assert "com.glide.email.oauth" in result["message"]


@pytest.mark.parametrize("kind", ["imap", "pop3", "", None])
def test_an_account_that_does_not_send(kind: str | None) -> None:
    result = run(**account(type=kind))
    assert result["status"] == "error"
    assert "not an SMTP account" in result["message"]
    assert "new GlideOAuthClient" not in result["trace"]["calls"]


@pytest.mark.parametrize("authentication", ["password", "", None])
@pytest.mark.parametrize("profile", [PROFILE, ""])
def test_not_oauth(authentication: str | None, profile: str) -> None:
    result = run(**account(authentication=authentication, oauth_profile=profile))
    assert result["status"] == "not_oauth"
    assert "does not use OAuth 2.0" in result["message"]
    assert "new GlideOAuthClient" not in result["trace"]["calls"]


def test_no_token_keeps_what_the_provider_said() -> None:
    result = run(**refused(error="Cannot get access token"))
    assert result["status"] == "no_token"
    assert result["token_expires_on"] == ""
    assert result["message"] == (
        "The provider gave no token for the email account Outbound: HTTP 401, Cannot get access"
        " token, invalid_client: AADSTS7000215: Invalid client secret provided. Trace ID:"
        f" {GUID}. Next: enter the client secret of the application registry entry on this"
        " instance (it never comes with an update set), then check tenant, client ID and scope."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "", "body": ""}, "HTTP 401, it gave no reason."),
        ({"error": None, "code": None, "body": None}, "Outbound: it gave no reason."),
        ({"error": "", "body": "<html>"}, "HTTP 401, it gave no reason."),
        ({"error": "", "body": "null"}, "HTTP 401, it gave no reason."),
        ({"error": "", "body": '"text"'}, "HTTP 401, it gave no reason."),
        ({"error": "", "body": '{"error": "invalid_scope"}'}, "HTTP 401, invalid_scope."),
        ({"error": "", "body": '{"error_description": "Bad."}'}, "HTTP 401, Bad."),
        ({"error": "same", "body": '{"error": "same"}'}, "HTTP 401, same."),
    ],
)
def test_no_token_with_less_to_say(change: dict[str, Any], said: str) -> None:
    result = run(**refused(**change))
    assert result["status"] == "no_token"
    assert said in result["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"error": "something went wrong"},
        {"token": None},
        {"token": ""},
        {"code": "400"},
        {"code": 503},
    ],
)
def test_success_needs_every_sign_of_it(change: dict[str, Any]) -> None:
    result = run(**response(**change))
    assert result["status"] == "no_token"
    assert result["token_expires_on"] == ""


@pytest.mark.parametrize("code", ["200", 200, 200.0, "", None, "0"])
def test_the_response_code_may_be_text_or_number(code: object) -> None:
    assert run(**response(code=code))["status"] == "ok"


def test_no_answer_is_no_token() -> None:
    result = run(response=None)
    assert result["status"] == "no_token"
    assert "the platform gave no answer" in result["message"]


@pytest.mark.parametrize("active", ["0", "false", "", None])
def test_an_inactive_account_is_asked_for_a_token_too(active: str | None) -> None:
    result = run(**account(active=active))
    assert result["status"] == "inactive"
    assert result["token_expires_on"] == "2026-11-23 12:59:59"
    assert "GlideOAuthClient.requestTokenByRequest" in result["trace"]["calls"]


def test_a_refusal_comes_before_inactive_and_the_secret() -> None:
    result = run(**account(active="0"), **refused(), **secret_ends("2026-11-20 12:00:00"))
    assert result["status"] == "no_token"
    assert result["secret_days_left"] == -3
    assert "The client secret ended on 2026-11-20 12:00:00 UTC" in result["message"]


def test_inactive_comes_before_the_secret() -> None:
    result = run(**account(active="0"), **secret_ends("2026-11-24 12:00:00"))
    assert result["status"] == "inactive"
    assert "days left: 1" in result["message"]


def test_active_may_be_written_as_a_word() -> None:
    assert run(**account(active="true"))["status"] == "ok"


# ---- the client secret --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "days", "status"),
    [
        ("2026-12-24 12:00:00", 31, "ok"),
        ("2026-12-24 11:59:59", 30, "secret_expires"),
        ("2026-12-23 12:00:00", 30, "secret_expires"),
        ("2026-11-24 11:59:59", 0, "secret_expires"),
        ("2026-11-23 12:00:00", 0, "secret_expires"),
        ("2026-11-23 11:59:59", -1, "secret_expires"),
        ("2026-11-22 12:00:00", -1, "secret_expires"),
        ("2028-02-29 12:00:00", 463, "ok"),
    ],
)
def test_days_left_are_whole_days(written: str, days: int, status: str) -> None:
    result = run(**secret_ends(written))
    assert (result["secret_days_left"], result["status"]) == (days, status)
    assert (written in result["message"]) is (status == "secret_expires")


@pytest.mark.parametrize(
    "written",
    ["soon", "2027-02-29 00:00:00", "2027-13-01 00:00:00", "2027-01-01", "0001-01-01 00:00:00"],
)
def test_an_unreadable_end_is_said_and_not_counted(written: str) -> None:
    result = run(**secret_ends(written))
    assert result["secret_days_left"] == result["secret_expires_on"] == ""
    assert result["status"] == "ok"
    assert f"The property {SCOPE}.secret_expires_on is not a time" in result["message"]


def test_properties_that_are_not_there() -> None:
    result = run(properties={})
    assert (result["status"], result["secret_days_left"]) == ("ok", "")
    assert result["secret_expires_on"] == ""


def test_the_end_of_the_secret_is_told_whatever_the_status() -> None:
    ends = "2027-05-04 03:02:01"
    for changes in ({}, refused(), account(active="0"), {"closed": ["sys_email_account"]}):
        assert run(**changes, **secret_ends(ends))["secret_expires_on"] == ends


def test_the_account_is_told_whatever_the_status() -> None:
    for changes in ({}, refused(), account(type="imap"), {"closed": ["sys_email_account"]}):
        assert run(**changes)["account"] == ACCOUNT


@pytest.mark.parametrize(
    ("warn_days", "status"),
    [("5", "ok"), ("10", "secret_expires"), ("0", "ok"), ("many", "secret_expires"), ("", None)],
)
def test_warn_days(warn_days: str, status: str | None) -> None:
    result = run(**secret_ends("2026-12-03 12:00:00", warn_days))
    assert result["secret_days_left"] == 10
    assert result["status"] == (status or "secret_expires")


@pytest.mark.parametrize("expires_in", [0, -5, None, "soon", 1e12])
def test_a_token_without_a_usable_lifetime(expires_in: object) -> None:
    result = run(**response(expiresIn=expires_in))
    assert (result["status"], result["token_expires_on"]) == ("ok", "")


# ---- the test message ---------------------------------------------------------------------


def test_a_test_message_is_queued() -> None:
    result = run(**sending_to(" someone@example.com "))
    assert result["test_queued"] is True
    assert result["trace"]["events"] == [
        [
            f"{SCOPE}.smtp_oauth.test",
            "sys_email_account",
            "Outbound",
            "someone@example.com",
            "[test]",
        ]
    ]
    assert "A test message was queued" in result["message"]


@pytest.mark.parametrize("marker", ["abcd-123", "A" * 64, " 12345678 "])
def test_a_test_message_bears_its_marker(marker: str) -> None:
    result = run(**sending_to("a@b", marker))
    assert result["test_queued"] is True
    assert result["trace"]["events"][0][-1] == f"[{marker.strip()}]"


@pytest.mark.parametrize("marker", ["short", "A" * 65, "with space", "x]" * 8, "${event.parm1}"])
def test_not_a_marker(marker: str) -> None:
    result = run(**sending_to("a@b", marker))
    assert (result["status"], result["test_queued"]) == ("ok", False)
    assert "the marker is not 8 to 64 letters, digits and hyphens" in result["message"]


def test_a_secret_that_ends_soon_does_not_stop_the_test_message() -> None:
    result = run(**sending_to("a@b"), **secret_ends("2026-11-24 12:00:00"))
    assert (result["status"], result["test_queued"]) == ("secret_expires", True)


@pytest.mark.parametrize("address", ["nobody", "a@b, c@d", "a@b;c@d", "a b@c", "a@", "@b"])
def test_not_one_address(address: str) -> None:
    result = run(**sending_to(address))
    assert (result["status"], result["test_queued"]) == ("ok", False)
    assert "send_test_to is not one email address" in result["message"]


@pytest.mark.parametrize(
    "change",
    [
        account(active="0"),
        account(authentication="password"),
        refused(),
        {"closed": ["sys_email_account"]},
    ],
)
def test_no_test_message_unless_all_is_well(change: dict[str, Any]) -> None:
    result = run(**sending_to("a@b"), **change)
    assert result["test_queued"] is False
    assert result["message"].endswith("No test message was queued, because of this status.")


# ---- methods that fail or are not there ---------------------------------------------------

ALWAYS_CALLED = (
    "gs.getCurrentScopeName",
    "gs.getProperty",
    "new GlideRecord",
    "GlideRecord.isValid",
    "GlideRecord.get",
    "GlideRecord.getValue",
    "new GlideOAuthClientRequest",
    "GlideOAuthClientRequest.setParameter",
    "new GlideOAuthClient",
    "GlideOAuthClient.requestTokenByRequest",
    "GlideOAuthClientResponse.getErrorMessage",
    "GlideOAuthClientResponse.getResponseCode",
    "GlideOAuthClientResponse.getToken",
    "GlideOAuthToken.getAccessToken",
    "GlideOAuthToken.getExpiresIn",
    "gs.eventQueue",
)


def failed(result: dict[str, Any], method: str) -> None:
    assert result["status"] == "error"
    named = method.removeprefix("new ")
    assert (named if named.startswith(("gs.", "GlideO")) else "GlideRecord") in result["message"]
    assert "is missing on this instance or failed" in result["message"]
    assert "cross-scope privileges" in result["message"]


@pytest.mark.parametrize("method", ALWAYS_CALLED)
def test_a_method_that_throws(method: str) -> None:
    result = run(failing=method, failure=f"refused, token {JWT}", **sending_to("a@b"))
    failed(result, method)
    assert "refused, token" in result["message"]


def test_every_method_that_the_healthy_case_calls_was_tried() -> None:
    assert set(run(**sending_to("a@b"))["trace"]["calls"]) == set(ALWAYS_CALLED)


def test_the_reading_of_a_refusal_may_throw_too() -> None:
    method = "GlideOAuthClientResponse.getBody"
    result = run(**refused(error="AADSTS7000215"), failing=method)
    failed(result, method)
    assert "The provider had said: AADSTS7000215" in result["message"]
    failed(
        run(tables={**world()["tables"], "sys_email_account": {}}, failing="GlideRecord.canRead"),
        "GlideRecord.canRead",
    )


@pytest.mark.parametrize("failure", [None, ""])
def test_an_exception_without_a_text(failure: str | None) -> None:
    assert (
        run(failing="GlideOAuthClient.requestTokenByRequest", failure=failure)["status"] == "error"
    )


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("sn_auth", "sn_auth.GlideOAuthClientRequest"),
        ("sn_auth.GlideOAuthClientRequest", "sn_auth.GlideOAuthClientRequest"),
        ("sn_auth.GlideOAuthClient", "sn_auth.GlideOAuthClient"),
        ("sn_auth.GlideOAuthClientRequest.prototype.setParameter", "setParameter"),
        ("sn_auth.GlideOAuthClient.prototype.requestTokenByRequest", "requestTokenByRequest"),
        ("Response.prototype.getErrorMessage", "getErrorMessage"),
        ("Response.prototype.getResponseCode", "getResponseCode"),
        ("Response.prototype.getToken", "GlideOAuthClientResponse.getToken"),
        ("Token.prototype.getAccessToken", "getAccessToken"),
        ("Token.prototype.getExpiresIn", "getExpiresIn"),
        ("GlideRecord", "GlideRecord"),
        ("GlideRecord.prototype.isValid", "GlideRecord of sys_email_account"),
        ("gs.eventQueue", "gs.eventQueue"),
    ],
)
def test_a_method_that_is_not_there(path: str, named: str) -> None:
    result = run(missing=[path], **sending_to("a@b"))
    assert result["status"] == "error"
    assert f"{named} is missing on this instance or failed" in result["message"]


# ---- what must not show -------------------------------------------------------------------


@pytest.mark.parametrize(
    "leak",
    [
        JWT,
        OPAQUE,
        f"token={OPAQUE}",
        f"Bearer {OPAQUE}",
        f'{{"access_token":"{OPAQUE}"}}',
        f"client_secret={SECRET}&grant_type=client_credentials",
        f"secret {SECRET} is wrong",
        f"https://login.example.com/x/{OPAQUE}/y",
        f"'{JWT}'",
    ],
)
def test_what_looks_like_a_token_is_taken_out(leak: str) -> None:
    body = json.dumps({"error": leak, "error_description": leak, "access_token": JWT})
    result = run(**refused(error=leak, body=body))
    assert result["status"] == "no_token"
    assert "[removed]" in result["message"]
    run(failing="GlideOAuthClient.requestTokenByRequest", failure=leak)
    run(**account(name=leak))


@pytest.mark.parametrize(
    "kept",
    [
        f"AADSTS700016: Application with identifier '{GUID}' was not found in the directory",
        f"Correlation ID: {GUID}. Timestamp: 2026-11-23 12:00:00Z",
        "see https://login.microsoftonline.com/error?code=7000215",
        f"https://login.microsoftonline.com/{GUID}/oauth2/v2.0/token",
        "Cannot find function getIdTokenClaims in object com.glide.oauth.GlideOAuthClientResponse",
        f"sys_id {ACCOUNT}",
        # What Entra says when no secret was sent: the first fault after a commit.
        "AADSTS7000218: The request body must contain the following parameter: "
        "'client_assertion' or 'client_secret'.",
        "The access_token is expired",
        "Bearer token missing",
    ],
)
def test_what_helps_is_kept(kept: str) -> None:
    assert kept in run(**refused(error=kept))["message"]


def test_text_of_the_provider_is_one_line_and_bounded() -> None:
    result = run(**refused(error="first\r\n\x07second\u2028third", body=""))
    assert "first second third" in result["message"]
    long = run(**refused(error="long " * 5000, body=""))
    assert len(long["message"]) < 2000


# ---- the text -----------------------------------------------------------------------------


def test_the_script_is_es5() -> None:
    text = script()
    code = re.sub(r"/\*.*?\*/|(?m:^\s*//.*$)|'(?:[^'\\\n]|\\.)*'", "", text, flags=re.DOTALL)
    assert not re.findall(r"=>|`|\b(?:let|const|class|async|await|import|export|of)\b|\.\.\.", code)
    assert not re.findall(r"\bgs\.(?:log|info|warn|error|debug|print)\b", code)
    assert "\r" not in text
    assert text.isascii()
    assert text.endswith("};\n")


def test_privileges_are_what_the_script_does() -> None:
    """Both ways: nothing that the script calls lacks its privilege, and none is there in vain."""
    classes = {
        "request": "GlideOAuthClientRequest",
        "client": "GlideOAuthClient",
        "response": "GlideOAuthClientResponse",
        "token": "GlideOAuthToken",
    }
    called = {
        f"{classes[variable]}.{method}"
        for variable, method in re.findall(r"\b(request|client|response|token)\.(\w+)\(", script())
    }
    # Those of the REST API and of `gs` are held against both scripts in test_smtp_oauth_rest.py.
    shipped = {p.target for p in PRIVILEGES if p.target.startswith("GlideOAuth")}
    assert called == shipped
    reached = {
        call
        for result in (run(), run(**refused()))
        for call in result["trace"]["calls"]
        if re.match(r"GlideOAuth\w+\.", call)
    }
    assert reached == shipped
    read = set(re.findall(r"_record\('(\w+)'", script()))
    assert read == {p.target for p in PRIVILEGES if p.operation == "read"}
    # Saved by the platform when a profile is named (`spec/flow-action.md` section 10).
    saved = {"oauth_requestor_profile", "oauth_credential"}
    assert saved == {p.target for p in PRIVILEGES if p.operation == "create"}
