"""Switches of the sandbox where they bite: a clear error with the right exit code, or success.

That each switch is tried by itself is `tests/instance/test_import_switches.py`; here stand those
that bite only together with others, or on another way to sign in, and what success leaves is
compared row by row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from fault_desk import Came, Desk, desk
from fault_packages import Rendered
from matrix import wrong

from generator.config.instance_settings import AuthMethod, AuthSettings, ProblemKind, ProblemRule
from generator.errors import ExitCode
from generator.instance.run import Options, Permission
from generator.sandbox.base_rows import ADMIN_ID
from generator.sandbox.behaviour import SWITCHES
from generator.sandbox.seed import add_api_key, add_oauth_client

OK, FAILED, PROBLEMS, MISSING, REFUSED = (
    ExitCode.OK,
    ExitCode.FAILED,
    ExitCode.PREVIEW_PROBLEMS,
    ExitCode.VERIFICATION_FAILED,
    ExitCode.REFUSED,
)

TOKEN = "sign-" + "in-secret-of-the-test"
PASSWORD = AuthSettings(AuthMethod.BASIC, user="admin", password_from="env:IT")
BEARER = AuthSettings(
    AuthMethod.OAUTH_CLIENT_CREDENTIALS, client_id="importer", client_secret_from="env:CLIENT"
)
KEY = AuthSettings(AuthMethod.API_KEY, api_key_from="env:KEY")


def _as(auth: AuthSettings, upload: AuthSettings | None = None) -> Callable[[Desk], None]:
    """Sign in another way."""

    def prepare(made: Desk) -> None:
        settings = replace(made.environment.instance, auth=auth, upload_auth=upload)
        made.environment = replace(made.environment, instance=settings)
        made.sources = {"env:CLIENT": TOKEN, "env:KEY": TOKEN}
        add_oauth_client(made.sandbox, "importer", secret=TOKEN, user=ADMIN_ID)
        add_api_key(made.sandbox, TOKEN)

    return prepare


def _production(made: Desk) -> None:
    settings = replace(made.environment.instance, production=True, change_gate=True)
    made.environment = replace(made.environment, instance=settings)


def _nothing(made: Desk) -> None:
    pass


CHANGE = Options(permission=Permission(change="CHG0000001"))
MISSING_TEXT = "Could not find a record in sys_app for column scope referenced in this update"


def _decided(made: Desk) -> Options:
    rule = ProblemRule(ProblemKind.MISSING_OBJECT, "sysevent_email_action", None, "a test")
    return Options(accept=(rule,))


@dataclass(frozen=True, slots=True)
class Case:
    """Switches, what is around them, and what must come of it."""

    switches: dict[str, object]
    code: ExitCode
    fault: str = ""
    prepare: Callable[[Desk], None] = _nothing
    options: Callable[[Desk], Options] = lambda made: Options()


NOTIFICATION = f"sysevent_email_action_*:{MISSING_TEXT}"
BITES: dict[str, Case] = {
    "a bearer token": Case({}, OK, prepare=_as(BEARER)),
    "an API key and a password": Case({}, OK, prepare=_as(KEY, PASSWORD)),
    "an API key alone": Case({}, FAILED, "instance-no-ui-session", _as(KEY)),
    "a bearer token that opens no pages": Case(
        {"bearer_opens_ui": "off"}, FAILED, "instance-no-ui-session", _as(BEARER)
    ),
    "such a token and a password": Case(
        {"bearer_opens_ui": "off"}, OK, prepare=_as(BEARER, PASSWORD)
    ),
    "client credentials off": Case(
        {"client_credentials": "property_off"}, FAILED, "instance-oauth", _as(BEARER)
    ),
    "client credentials without a user": Case(
        {"client_credentials": "no_user"}, FAILED, "instance-oauth", _as(BEARER)
    ),
    "a token that expires": Case({"oauth_expired": "2"}, OK, prepare=_as(BEARER)),
    "a token that expires as pages are opened": Case(
        {"oauth_expired": "4"}, OK, prepare=_as(BEARER)
    ),
    "tokens that always expire": Case(
        {"oauth_expired": "on"}, FAILED, "instance-not-signed-in", _as(BEARER)
    ),
    "tokens of a second": Case({"oauth_seconds": 1, "latency_ms": 900}, OK, prepare=_as(BEARER)),
    "no scope for REST": Case({"auth_scope": "demanded"}, FAILED, "", _as(BEARER)),
    "keys that are unknown": Case(
        {"api_keys": "inactive"}, FAILED, "instance-not-signed-in", _as(KEY, PASSWORD)
    ),
    "a limit that is reached": Case(
        {"rate_limit": "3/h", "latency_ms": 20_000}, FAILED, "instance-rate-limit"
    ),
    "a limit that says nothing": Case(
        {"rate_limit": "3/h", "rate_limit_headers": "off", "latency_ms": 20_000},
        FAILED,
        "instance-rate-limit",
    ),
    "sessions of a second": Case({"session_seconds": 1, "latency_ms": 700}, OK),
    "a write that stands and says 500": Case({"max_execution_time": "6"}, OK),
    "half an answer to a commit": Case({"cut": "middle:16"}, OK),
    "a problem": Case({"preview_problems": NOTIFICATION}, PROBLEMS, "preview-problem"),
    "a problem that is decided": Case({"preview_problems": NOTIFICATION}, OK, options=_decided),
    "a warning": Case({"preview_problems": f"warning:{NOTIFICATION}"}, PROBLEMS, "preview-problem"),
    "a problem, and no gate": Case(
        {"preview_problems": NOTIFICATION, "cicd_gate": "allow"}, PROBLEMS, "preview-problem"
    ),
    "a problem on the other way": Case(
        {"preview_problems": NOTIFICATION, "cicd": "inactive"}, PROBLEMS, "preview-problem"
    ),
    "a decided one on the other way": Case(
        {"preview_problems": NOTIFICATION, "cicd": "inactive", "processor_gate": "on"},
        OK,
        options=_decided,
    ),
    "records that fail on the other way": Case(
        {"fail_records": "sys_script_include_*", "cicd": "no_role"}, MISSING, "not-arrived"
    ),
    "a commit that stands still": Case({"stall_at": 40}, FAILED, "preview-unfinished"),
    "production": Case(
        {"production": "true", "change_requests": "CHG0000001"},
        REFUSED,
        "change-missing",
        _production,
    ),
    "production through the gate": Case(
        {"production": "true", "change_requests": "CHG0000001"},
        OK,
        prepare=_production,
        options=lambda made: CHANGE,
    ),
    "a gate that is closed": Case(
        {"production": "true", "change_requests": "CHG0000001:-2"},
        REFUSED,
        "change-closed",
        _production,
        lambda made: CHANGE,
    ),
    "a strict instance": Case({"strict_query": "on"}, OK),
    "an account that a commit leaves out": Case({"data_rows": "ignored"}, OK),
    "the lock of another": Case({"mutex_held": "on", "upgrading": "on"}, REFUSED, "busy-mutex"),
}

EXPLAINED = (
    *("v_plugin ", "change_request ", "instance ", 'sys_properties {"name": "glide.'),
    *("sys_update_preview_problem ", "api_key", '"External client importer"'),
)
"""Rows that follow a switch, or what a case has prepared."""


@pytest.mark.parametrize("name", BITES)
def test_a_switch_that_bites(rendered: Rendered, name: str) -> None:
    case = BITES[name]
    assert set(case.switches) <= set(SWITCHES)
    environment, package, wanted = rendered("batch")
    made = desk(environment, package)
    case.prepare(made)
    made.sandbox.behaviour.set(case.switches)
    came = made.call(options=case.options(made))
    assert came.code is case.code, came.faults
    assert case.fault in ("", *came.codes)
    _never_falsely(made, came)
    if came.code is OK:
        left = [line for text in wrong(made, wanted) for line in text.splitlines()]
        assert [line for line in left if not any(part in line for part in EXPLAINED)] == []


def _never_falsely(made: Desk, came: Came) -> None:
    """A refusal says what to do; nothing is told as done that is not."""
    if came.code is OK:
        return
    assert all(fault.next for fault in came.faults)
    assert came.report.secret == ""
    entity = made.package.first("oauth_entity")
    assert entity is not None
    there = made.sandbox.database.get("oauth_entity", entity.sys_id) or {}
    assert not there.get("client_secret")
    if came.code is not MISSING:
        assert made.sandbox.database.count("sys_update_set", "remote_sys_idISNOTEMPTY") == 0
