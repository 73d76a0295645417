"""Every way in which the sandbox can misbehave: a clear error, or success that is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from importing import Came, Place, place

from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.sandbox.behaviour import SWITCHES

Make = Callable[..., Environment]

OK, FAILED, PROBLEMS, MISSING, REFUSED = (
    ExitCode.OK,
    ExitCode.FAILED,
    ExitCode.PREVIEW_PROBLEMS,
    ExitCode.VERIFICATION_FAILED,
    ExitCode.REFUSED,
)

EXPECTED: tuple[tuple[str, ExitCode, str], ...] = (
    ("hibernating=on", FAILED, "instance-hibernating"),
    ("no_node=on", FAILED, "instance-no-node"),
    ("flaky_502=0.2", OK, ""),
    ("outage_502=3", OK, ""),
    ("proxy_page=on", FAILED, "instance-html"),
    ("rate_limit=5/h", OK, ""),
    ("rate_limit_headers=off", OK, ""),
    ("latency_ms=1", OK, ""),
    ("max_execution_time=on", FAILED, "instance-transaction-cancelled"),
    ("cut_json=on", FAILED, "instance-json-cut"),
    ("result_and_error=on", FAILED, "instance-result-and-error"),
    ("cut=before:3", OK, ""),
    ("cut=after:3", OK, ""),
    ("cut_bytes=20", FAILED, "instance-connection-lost"),
    ("huge_body=on", FAILED, "instance-too-much"),
    ("basic=restricted", FAILED, "instance-not-signed-in"),
    ("basic_opens_ui=off", OK, ""),
    ("bearer_opens_ui=off", OK, ""),
    ("mfa=ui", FAILED, "instance-no-ui-session"),
    ("mfa=all", FAILED, "instance-mfa"),
    ("sso_only=on", FAILED, "instance-no-ui-session"),
    ("machine_user=on", FAILED, "instance-no-ui-session"),
    ("session_seconds=1", OK, ""),
    ("token_stale_after=1", OK, ""),
    ("oauth_seconds=1", OK, ""),
    ("oauth_expired=on", OK, ""),
    ("client_credentials=no_user", OK, ""),
    ("auth_scope=demanded", OK, ""),
    ("api_keys=inactive", OK, ""),
    ("missing_roles=admin", FAILED, "production-unclear"),
    ("closed_tables=oauth_entity", FAILED, "instance-table-acl"),
    ("closed_tables=sys_dictionary", OK, ""),
    ("closed_tables=sys_mutex", FAILED, "instance-table-acl"),
    ("closed_tables=sys_user_has_role", FAILED, "instance-table-acl"),
    ("closed_tables=sys_update_preview_problem", FAILED, "instance-table-acl"),
    ("closed_tables=sys_update_set_log", OK, ""),
    ("closed_tables=sys_hub_action_type_definition", MISSING, "not-arrived"),
    ("closed_tables=sys_variable_value", OK, ""),
    ("plugin_tables=open", OK, ""),
    ("cicd=inactive", OK, ""),
    ("cicd=no_role", OK, ""),
    ("ide=absent", OK, ""),
    ("email_oauth_plugin=inactive", REFUSED, "plugin-missing"),
    ("missing_plugins=com.glide.email.oauth", OK, ""),
    ("v_plugin_lag=on", OK, ""),
    ("release=washingtondc", REFUSED, "release-below"),
    ("release=brazil", OK, ""),
    ("closed_columns=sys_remote_update_set.description", FAILED, "instance-query-acl"),
    ("missing_columns=sys_email_account.enable_debug_output", PROBLEMS, "preview-problem"),
    ("missing_columns=sys_email_account.enable_debug_output preview_columns=ignored", OK, ""),
    (
        "missing_columns=sys_email_account.connection_security preview_columns=ignored",
        MISSING,
        "account-differs",
    ),
    ("missing_columns=oauth_entity.client_uuid preview_columns=ignored", MISSING, "not-arrived"),
    ("production=true", REFUSED, "production"),
    ("production=missing", REFUSED, "production-unclear"),
    ("production=unreadable", REFUSED, "production-unclear"),
    ("upgrading=on", REFUSED, "busy-upgrade"),
    ("mutex_held=on", REFUSED, "busy-mutex"),
    ("change_requests=", OK, ""),
    ("strict_query=on", OK, ""),
    ("upload_order=lenient", OK, ""),
    ("reupload=upsert", OK, ""),
    ("upload_reply=302", OK, ""),
    ("preview_problems=", OK, ""),
    ("fail_records=sys_user_role_*", MISSING, "not-arrived"),
    ("slow_polls=9", OK, ""),
    ("stall_at=40", FAILED, "preview-unfinished"),
    ("processor_gate=on", OK, ""),
    ("cicd_gate=allow", OK, ""),
    ("cicd_back_out=inactive", OK, ""),
    ("data_rows=ignored", OK, ""),
    ("cascade=off", OK, ""),
    ("progress_extra_ids=off", OK, ""),
    ("sender_seconds=5", OK, ""),
)


def _imported(where: Place, *switches: str) -> Came:
    for switch in switches:
        name, _, value = switch.partition("=")
        if value:
            setattr(where.sandbox.behaviour, name, value)
    return where.call()


def test_every_switch_is_tried() -> None:
    tried = {name.partition("=")[0] for switches, _, _ in EXPECTED for name in switches.split()}
    assert tried == set(SWITCHES)


@pytest.mark.parametrize(("switch", "code", "fault"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_an_import_meets_it(environment: Make, switch: str, code: ExitCode, fault: str) -> None:
    where = place(environment())
    where.client_secret = "s" + "3cret-value"
    came = _imported(where, *switch.split())
    assert came.code is code, came.faults
    if fault:
        assert fault in came.codes
        assert all(found.next for found in came.faults)
    database = where.sandbox.database
    if code is OK:
        assert database.count("sys_update_set", "remote_sys_idISNOTEMPTY^state=complete") == 2
        (account,) = database.query("sys_email_account", "name=Exchange Online SMTP")
        assert account["active"] == "false"
    else:
        # Never a false success: the secret was not delivered to what is not proven.
        assert came.report.secret == ""


@pytest.mark.parametrize(
    "switches",
    [
        ("cicd=inactive", "session_seconds=1"),
        ("cicd=inactive", "token_stale_after=1"),
        ("cicd=inactive", "stall_at=40"),
        ("cicd=no_role", "fail_records=sys_user_role_*"),
        ("cicd=inactive", "processor_gate=on", "slow_polls=4"),
    ],
)
def test_the_ui_route_is_no_less_careful(environment: Make, switches: tuple[str, ...]) -> None:
    came = _imported(place(environment()), *switches)
    expected = OK
    # A commit whose token was stale is not sent again, so that this import ends without one.
    if {"stall_at=40", "token_stale_after=1"} & {*switches}:
        expected = FAILED
    if any("fail" in switch for switch in switches):
        expected = MISSING
    assert came.code is expected, came.faults
