"""What is asked before anything is sent (`spec/instance-http.md` A5)."""

from __future__ import annotations

import re

import pytest
from contract_client import Rest, Target
from contract_scratch import NOTHING, SYS_ID

PRODUCTION = "glide.installation.production"


def test_the_caller_is_told_who_it_is(me: dict[str, str], target: Target) -> None:
    """A5: `gs.getUserName()` in a query names the authenticated user [MEAS PSS]."""
    assert me["user_name"] == target.user
    assert SYS_ID.fullmatch(me["sys_id"])


def test_roles_are_told(rest: Rest, me: dict[str, str]) -> None:
    """A5: `sys_user_has_role` with the role's name by dot-walk."""
    rows = rest.find("sys_user_has_role", f"user={me['sys_id']}", fields="role.name,inherited")
    assert rows
    assert all(set(row) == {"role.name", "inherited"} for row in rows)
    assert all(row["role.name"] for row in rows)


def test_the_instance_has_a_name_and_a_release(settings: dict[str, str]) -> None:
    """A5: `instance_name`; `glide.war` names family and date [MEAS SNC]."""
    assert settings["instance_name"]
    assert re.match(r"glide-[a-z]+-\d\d-\d\d-\d{4}__", settings["glide.war"])


def test_the_production_mark_is_true_or_false_where_it_is_there(settings: dict[str, str]) -> None:
    """A5: only the exact value `false` means sub-production [DOC]."""
    assert settings.get(PRODUCTION, "") in ("", "true", "false")


def test_no_other_property_comes_with_an_or_query(settings: dict[str, str]) -> None:
    """A5, A15: every row meets the query, or a part of it was dropped."""
    assert set(settings) <= {"instance_name", PRODUCTION, "glide.war"}


def test_plugins_are_told_by_v_plugin(rest: Rest) -> None:
    """A5: `v_plugin.active` is a string, `active` or `true` [MEAS NF, TP]."""
    query = "id=com.glide.continuousdelivery"
    rows = rest.find("v_plugin", query, fields="id,name,active,version,state")
    if not rows:
        pytest.skip("v_plugin does not list com.glide.continuousdelivery")
    assert rows[0]["id"] == "com.glide.continuousdelivery"
    assert rows[0]["active"].lower() in ("active", "true", "inactive", "false")


def test_the_dictionary_tells_whether_accounts_have_oauth(rest: Rest) -> None:
    """A5: the column `oauth_profile` proves `com.glide.email.oauth` [PLAT]."""
    query = "name=sys_email_account^element=oauth_profile"
    rows = rest.find("sys_dictionary", query, fields="name,element")
    if not rows:
        pytest.skip("com.glide.email.oauth is not active here")
    assert rows == [{"name": "sys_email_account", "element": "oauth_profile"}]


def test_a_progress_that_is_nowhere_is_404(rest: Rest, cicd: None) -> None:
    """A5, A12: `Not found.` for an unknown progress [DOC]."""
    assert rest.get(f"/api/sn_cicd/progress/{NOTHING}").status == 404


def test_an_upgrade_can_be_seen(rest: Rest) -> None:
    """A5: unfinished upgrades by `upgrade_finishedISEMPTY` [MEAS BST]."""
    rows = rest.find("sys_upgrade_history", "upgrade_finishedISEMPTY", fields="upgrade_finished")
    assert all(row["upgrade_finished"] == "" for row in rows)


def test_the_mutex_can_be_seen(rest: Rest) -> None:
    """A5: `Update-Mutex` by name and time [PLAT SDK]."""
    query = "name=Update-Mutex^acquiredISNOTEMPTY"
    answer = rest.query("sys_mutex", query, fields="name,acquired")
    assert answer.status in (200, 403)
    if answer.status == 200:
        assert all(row["name"] == "Update-Mutex" and row["acquired"] for row in answer.rows())


def test_a_change_request_that_is_nowhere_is_no_row(rest: Rest) -> None:
    """A5: exactly one row, or refuse."""
    answer = rest.query("change_request", "number=CHG-none", fields="sys_id,number,state")
    if answer.status == 400:
        pytest.skip("there are no change requests here")
    assert answer.status == 200
    assert answer.rows() == []


def test_the_official_reader_of_a_change(rest: Rest) -> None:
    """A5: each field with display value and value, numbers as floats [DOC]."""
    found = rest.query("change_request", "ORDERBYsys_id", fields="sys_id", limit=1)
    if found.status != 200 or not found.rows():
        pytest.skip("there is no change request here")
    answer = rest.get(f"/api/sn_chg_rest/change/{found.rows()[0]['sys_id']}")
    assert answer.status == 200
    state = answer.result()["state"]
    assert isinstance(state, dict)
    assert isinstance(state["value"], float)
    assert isinstance(state["display_value"], str)
