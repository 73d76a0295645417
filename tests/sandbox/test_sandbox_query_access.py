"""A query by what the caller may not read is refused, and the client says what it means."""

from __future__ import annotations

import pytest
import requests

from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.instance.http_instance import open_instance
from generator.instance.interface import Read
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.secrets.interface import Secret

JSON = {"Accept": "application/json"}
NO = {
    "message": "Insufficient rights to query records",
    "detail": "Field(s) present in the query do not have permission to be read",
}


def _get(sandbox: Sandbox, path: str, **parameters: str) -> requests.Response:
    session = requests.Session()
    session.mount("https://", sandbox.adapter())
    return session.get(
        f"https://sandbox.service-now.com{path}",
        params=parameters,
        headers=JSON,
        auth=(sandbox.admin_user, sandbox.admin_password),
    )


PATH = "remote_update.remote_update_set"


@pytest.mark.parametrize(
    ("table", "query"),
    [
        ("sys_update_preview_xml", f"{PATH}=a"),
        ("sys_update_preview_xml", f"sys_id=a^OR{PATH}ISEMPTY"),
        ("sys_update_preview_xml", f"sys_id=a^NQ{PATH}ISEMPTY"),
        ("sys_update_preview_xml", f"ORDERBY{PATH}"),
        ("sys_update_preview_xml", f"sys_idSAMEAS{PATH}"),
        ("sys_remote_update_set", "JOINsys_remote_update_set.sys_id=sys_update_xml.name!name=x"),
        ("sys_remote_update_set", "RLQUERYsys_update_xml.remote_update_set,>=1^ENDRLQUERY"),
        ("sys_user", f"JOINsys_user.sys_id=sys_update_preview_xml.sys_id!{PATH}=x"),
        ("sys_user", f"RLQUERYsys_update_preview_xml.sys_id,>=1^{PATH}=x^ENDRLQUERY"),
    ],
)
@pytest.mark.parametrize("api", ["table", "stats"])
def test_a_closed_table_in_a_query_is_refused(table: str, query: str, api: str) -> None:
    sandbox = Sandbox(behaviour=Behaviour(closed_tables=("sys_update_xml",)))
    answer = _get(sandbox, f"/api/now/{api}/{table}", sysparm_query=query)
    assert (answer.status_code, answer.json()["error"]) == (403, NO)
    assert answer.json()["status"] == "failure"
    sandbox.behaviour.closed_tables = ()
    assert _get(sandbox, f"/api/now/{api}/{table}", sysparm_query=query).status_code == 200


def test_who_does_not_name_it_is_served() -> None:
    sandbox = Sandbox(behaviour=Behaviour(closed_tables=("sys_update_xml",)))
    for query in ("remote_update=a", "sys_id=b", "remote_update.nonsense=a", "nonsense.x=a"):
        answer = _get(sandbox, "/api/now/table/sys_update_preview_xml", sysparm_query=query)
        assert answer.status_code == 200


def test_a_closed_column_is_absent_and_cannot_be_asked_for() -> None:
    sandbox = Sandbox(behaviour=Behaviour(closed_columns=("sys_properties.value",)))
    path = "/api/now/table/sys_properties"
    (row,) = _get(sandbox, path, sysparm_query="name=instance_name").json()["result"]
    assert "name" in row
    assert "value" not in row
    assert _get(sandbox, path, sysparm_query="valueISEMPTY").json()["error"] == NO
    assert _get(sandbox, path, value="x").json()["error"] == NO


def test_a_closed_column_is_closed_below_its_table_too() -> None:
    sandbox = Sandbox(behaviour=Behaviour(closed_columns=("sys_metadata.sys_name",)))
    answer = _get(sandbox, "/api/now/table/sys_script_include", sysparm_query="sys_name=x")
    assert answer.json()["error"] == NO


def test_the_client_tells_it_apart() -> None:
    sandbox = Sandbox(name="acme-dev", behaviour=Behaviour(closed_columns=("sys_user.email",)))
    settings = InstanceSettings(
        auth=AuthSettings(AuthMethod.BASIC, user="admin", password_from="env:IT")
    )
    instance = open_instance(
        settings,
        url="https://acme-dev.service-now.com",
        clock=sandbox.clock,
        secrets=lambda source: Secret(sandbox.admin_password),
        adapter=sandbox.adapter(),
    )
    with instance:
        reads = [Read("sys_user", "emailISEMPTY"), Read("sys_user", "user_name=admin")]
        refused, served = instance.read(reads)
    assert served.total == 1
    assert refused.error is not None
    (fault,) = refused.error.faults
    assert fault.code == "instance-query-acl"
    assert "query names" in fault.message
    assert "role" in str(fault.next)
