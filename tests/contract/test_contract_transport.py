"""What every exchange with an instance rests on (`spec/instance-http.md` A2, A16)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from contract_client import JSON_HEADERS, Rest, Target, anonymous
from contract_scratch import NOTHING, Scratch
from contract_sets import a_name

from generator.secrets.interface import Secret

USERS = "/api/now/table/sys_user"
NO_SUCH_TABLE = "u_sn_smtp_contract_none"


def test_an_awake_instance_refuses_an_anonymous_read(rest: Rest) -> None:
    """A2: 401 with `WWW-Authenticate` is the decisive sign of an awake instance [MEAS]."""
    answer = rest.send("GET", USERS, params={"sysparm_limit": "1"}, auth=anonymous)
    assert answer.status == 401
    assert "www-authenticate" in answer.names
    assert "x-transaction-id" in answer.names
    assert answer.headers["Server"] == "ServiceNow"


def test_the_refusal_of_unknown_credentials_has_its_body(rest: Rest, target: Target) -> None:
    """A16: message and detail of a 401 [MEAS]."""
    answer = rest.send("GET", USERS, params={"sysparm_limit": "1"}, auth=anonymous)
    assert answer.error() == ("User Not Authenticated", "Required to provide Auth information")
    assert answer.json()["status"] == "failure"


def test_a_wrong_password_is_refused_like_none(target: Target) -> None:
    """A16: wrong credentials are a 401, too [MEAS]."""
    stranger = replace(target, user=a_name(target.run), password=Secret("not" + "-a-password"))
    caller = Rest(stranger)
    answer = caller.send("GET", USERS, params={"sysparm_limit": "1"})
    caller.close()
    assert answer.status == 401
    assert answer.error()[0] == "User Not Authenticated"


def test_a_path_that_is_nowhere_is_no_page(rest: Rest) -> None:
    """A2: 404 or a redirection to the login for nonsense, never 200 [MEAS]."""
    answer = rest.send("GET", "/sn_smtp_contract_nonsense.do", auth=anonymous)
    assert answer.status in (302, 401, 404)


def test_a_rest_path_that_is_nowhere_says_so(rest: Rest) -> None:
    """A16: `Requested URI does not represent any resource`, 400 or 404 [MEAS]."""
    answer = rest.get("/api/sn_smtp_contract/nothing")
    assert answer.status in (400, 404)
    assert answer.error()[0] == "Requested URI does not represent any resource"


def test_an_unknown_table_is_named(rest: Rest) -> None:
    """A16: 400 `Invalid table x` [MEAS]."""
    answer = rest.get(f"/api/now/table/{NO_SUCH_TABLE}", sysparm_limit="1")
    assert answer.status == 400
    assert answer.error()[0] == f"Invalid table {NO_SUCH_TABLE}"


def test_a_record_that_is_nowhere_is_404(rest: Rest) -> None:
    """A16: absent and invisible are answered alike [MEAS]."""
    answer = rest.get(f"{USERS}/{NOTHING}")
    assert answer.status == 404
    assert answer.error() == (
        "No Record found",
        "Record doesn't exist or ACL restricts the record retrieval",
    )


def test_a_read_needs_accept(rest: Rest) -> None:
    """A2: GET requires `Accept`, else 400 [DOC]."""
    answer = rest.send("GET", USERS, params={"sysparm_limit": "1"}, headers={})
    assert answer.status == 400


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("missing", ["Accept", "Content-Type"])
def test_a_write_needs_both_headers(
    rest: Rest, scratch: Scratch, method: str, missing: str
) -> None:
    """A2: `Accept` and `Content-Type` on every write, DELETE included, else 400 [DOC]."""
    name = a_name(rest.target.run)
    values = {"name": name, "value": "1", "type": "string"}
    sys_id = scratch.insert("sys_properties", values)
    path = "/api/now/table/sys_properties" + ("" if method == "POST" else f"/{sys_id}")
    headers = {key: value for key, value in JSON_HEADERS.items() if key != missing}
    body = None if method == "DELETE" else {"name": name, "value": "2"}
    answer = rest.send(method, path, headers=headers, body=body)
    rows = rest.find("sys_properties", f"name={name}", fields="sys_id,value")
    for row in rows:
        scratch.forget_later("sys_properties", row["sys_id"])
    assert answer.status in (400, 415)
    assert rows == [{"sys_id": sys_id, "value": "1"}]


def test_json_is_named_as_json(rest: Rest) -> None:
    """A2: the content type tells data from pages."""
    answer = rest.get(USERS, sysparm_limit="1", sysparm_fields="sys_id")
    assert answer.status == 200
    assert answer.is_json


def test_every_reply_can_be_named_to_support(rest: Rest) -> None:
    """A2, B1: `X-Transaction-ID` on replies of an awake instance [MEAS]."""
    answer = rest.get(USERS, sysparm_limit="1", sysparm_fields="sys_id")
    assert "x-transaction-id" in answer.names
    assert "x-is-logged-in" in answer.names


def test_a_rest_reply_shortens_the_session(rest: Rest) -> None:
    """A2: REST replies give `glide_session_store` 60 s or little more, never half an hour."""
    answer = rest.get(USERS, sysparm_limit="1", sysparm_fields="sys_id")
    age = answer.ages.get("glide_session_store", "")
    if not age:
        pytest.skip("this reply sets no glide_session_store")
    assert int(age) <= 300


def test_replies_are_not_kept(rest: Rest) -> None:
    """B1: nothing of a reply belongs in a cache [MEAS]."""
    answer = rest.get(USERS, sysparm_limit="1", sysparm_fields="sys_id")
    assert "cache-control" in answer.names


def test_a_body_that_is_no_json_is_refused(rest: Rest, may_write: None) -> None:
    """A16: 400 `Exception while reading request` [MEAS]; nothing is stored."""
    answer = rest.call(
        "POST",
        "/api/now/table/sys_properties",
        auth=rest.target.basic(),
        headers=JSON_HEADERS,
        data=b"{not json",
    )
    assert answer.status == 400
    assert re.match("Exception while reading request", answer.error()[0])


def test_a_large_body_is_refused(rest: Rest, scratch: Scratch) -> None:
    """A2: above 10,485,760 bytes 400 [DOC KB0747638]."""
    values = {"name": a_name(rest.target.run), "value": "1", "type": "string"}
    sys_id = scratch.insert("sys_properties", values)
    body = {"value": "x" * 10_485_760}
    answer = rest.send("PATCH", f"/api/now/table/sys_properties/{sys_id}", body=body)
    assert answer.status == 400
    row = rest.row("sys_properties", sys_id, fields="value")
    assert row == {"value": "1"}
