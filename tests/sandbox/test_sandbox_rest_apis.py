"""Stats, attachments, batches and changes over HTTP, in-process."""

import base64
import json
from datetime import UTC, datetime

import pytest
import requests

from generator.clock import SteppedClock
from generator.sandbox.base_rows import ADMIN_ID, PLAIN_USER
from generator.sandbox.instance import Sandbox

HOST = "https://dev.example"
ACCEPT = {"Accept": "application/json"}
JSON = {**ACCEPT, "Content-Type": "application/json"}
ACCOUNT = "sys_email_account"
MISSING = "No Record found"


@pytest.fixture
def sandbox():
    made = Sandbox(clock=SteppedClock(datetime(2026, 3, 12, 10, 0, tzinfo=UTC)))
    yield made
    made.close()


@pytest.fixture
def call(sandbox):
    session = requests.Session()
    session.mount(HOST, sandbox.adapter())

    def send(method, path, *, user=sandbox.admin_user, headers=JSON, **options):
        session.cookies.clear()
        return session.request(
            method, HOST + path, headers=headers, auth=(user, sandbox.admin_password), **options
        )

    return send


def add_accounts(sandbox):
    for name, kind, port in (("a", "x", "25"), ("b", "x", "587"), ("c", "y", "")):
        values = {"name": name, "type": kind, "port": port}
        sandbox.database.insert(ACCOUNT, values, by="t")


# Stats


def test_rows_are_counted(call, sandbox):
    add_accounts(sandbox)
    options = {"sysparm_count": "true", "sysparm_query": "type=x"}
    response = call("GET", f"/api/now/stats/{ACCOUNT}", params=options)
    assert response.json() == {"result": {"stats": {"count": "2"}}}
    assert call("GET", f"/api/now/v1/stats/{ACCOUNT}").json() == {"result": {"stats": {}}}


def test_rows_are_counted_in_groups(call, sandbox):
    add_accounts(sandbox)
    groups = [
        {"stats": {"count": "2"}, "groupby_fields": [{"field": "type", "value": "x"}]},
        {"stats": {"count": "1"}, "groupby_fields": [{"field": "type", "value": "y"}]},
    ]
    query = "typeINx,y"
    for options in (
        {"sysparm_query": query, "sysparm_group_by": "type"},
        {"sysparm_query": f"{query}^GROUPBYtype"},
    ):
        options["sysparm_count"] = "true"
        found = call("GET", f"/api/now/stats/{ACCOUNT}", params=options).json()
        assert found == {"result": groups}


def test_numbers_are_summed_up(call, sandbox):
    add_accounts(sandbox)
    names = ("avg", "min", "max", "sum")
    options = {f"sysparm_{name}_fields": "port,nonsense" for name in names}
    options["sysparm_query"] = "typeINx,y"
    stats = call("GET", f"/api/now/stats/{ACCOUNT}", params=options).json()["result"]["stats"]
    assert [stats[name]["port"] for name in names] == ["306", "25", "587", "612"]
    assert stats["sum"]["nonsense"] == ""
    assert "count" not in stats


def test_stats_of_closed_tables_are_closed(call):
    response = call("GET", "/api/now/stats/sys_properties", user=PLAIN_USER)
    assert response.json()["error"]["detail"] == "Failed API level ACL Validation"
    assert call("GET", "/api/now/stats/nonsense").status_code == 400


# Attachments


def upload(call, **options):
    parameters = {"table_name": "sys_user", "table_sys_id": ADMIN_ID, "file_name": "a.xml"}
    return call(
        "POST",
        "/api/now/attachment/file",
        headers={**ACCEPT, "Content-Type": "text/xml"},
        params={**parameters, **options},
        data=b"<unload/>",
    )


def test_a_file_is_stored_listed_read_and_deleted(call, sandbox):
    made = upload(call)
    assert made.status_code == 201
    record = made.json()["result"]
    path = f"/api/now/attachment/{record['sys_id']}"
    assert made.headers["Location"] == f"{HOST}/api/now/v1/attachment/{record['sys_id']}"
    assert record["size_bytes"] == "9"
    assert record["download_link"] == f"{HOST}{path}/file"
    assert call("GET", path).json()["result"] == record
    listed = call("GET", "/api/now/attachment", params={"sysparm_query": "file_name=a.xml"})
    assert listed.json()["result"] == [record]
    assert listed.headers["X-Total-Count"] == "1"
    page = call("GET", "/api/now/attachment", params={"sysparm_limit": 1, "sysparm_offset": 1})
    assert page.json()["result"] == []
    file = call("GET", f"{path}/file", headers={})
    assert (file.content, file.headers["Content-Type"]) == (b"<unload/>", "text/xml")
    assert file.headers["Content-Disposition"] == 'attachment;filename="a.xml"'
    # It is never taken for an update set.
    assert sandbox.database.count("sys_remote_update_set") == 0
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).json()["error"]["message"] == MISSING
    assert sandbox.database.content(record["sys_id"]) is None


def test_a_file_comes_in_a_form(call):
    made = call(
        "POST",
        "/api/now/attachment/upload",
        headers=ACCEPT,
        data={"table_name": "sys_user", "table_sys_id": ADMIN_ID},
        files={"uploadFile": ("b.txt", b"text", "text/plain")},
    )
    assert made.status_code == 201
    assert made.json()["result"]["file_name"] == "b.txt"
    empty = call("POST", "/api/now/attachment/upload", headers=ACCEPT, data={"table_name": "t"})
    assert empty.status_code == 400


def test_a_file_before_a_field_is_refused(call, sandbox):
    file = ("uploadFile", ("b.txt", b"text", "text/plain"))
    fields = (("table_name", (None, "sys_user")), ("table_sys_id", (None, ADMIN_ID)))
    path = "/api/now/attachment/upload"
    refused = call("POST", path, headers=ACCEPT, files=[file, *fields])
    assert (refused.status_code, refused.json()["status"]) == (400, "failure")
    assert sandbox.database.count("sys_attachment") == 0
    assert call("POST", path, headers=ACCEPT, files=[*fields, file]).status_code == 201


@pytest.mark.parametrize("number", ["\u00b2", "9" * 20, "x", "-1"])
def test_a_number_that_is_none_is_the_default(call, number):
    upload(call)
    given = {"sysparm_limit": number, "sysparm_offset": number}
    for path in ("/api/now/attachment", "/api/now/table/sys_attachment"):
        said = call("GET", path, params=given)
        assert (said.status_code, len(said.json()["result"])) == (200, 1)


def test_a_form_with_too_much_text_is_refused(call):
    response = call(
        "POST",
        "/api/now/attachment/upload",
        headers=ACCEPT,
        data={"table_name": "x" * 600_000},
        files={"uploadFile": ("b.txt", b"text", "text/plain")},
    )
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Bad request"


def test_a_file_needs_a_record_and_a_name(call):
    assert upload(call, file_name="").status_code == 400
    assert upload(call, table_name="nonsense").status_code == 400
    assert upload(call, table_sys_id="0" * 32).status_code == 404


def test_a_file_without_content_type_is_refused(call):
    response = call("POST", "/api/now/attachment/file", headers=ACCEPT, data=b"x")
    assert response.json()["error"]["message"] == "Exception while reading request"


def test_a_file_is_for_those_who_see_its_record(call, sandbox):
    account = sandbox.database.query(ACCOUNT, limit=1)[0]["sys_id"]
    sys_id = upload(call, table_name=ACCOUNT, table_sys_id=account).json()["result"]["sys_id"]
    path = f"/api/now/attachment/{sys_id}"
    assert call("GET", path, user=PLAIN_USER).status_code == 404
    assert call("GET", "/api/now/attachment", user=PLAIN_USER).json() == {"result": []}
    seen = upload(call).json()["result"]["sys_id"]
    assert call("GET", f"/api/now/attachment/{seen}", user=PLAIN_USER).status_code == 200
    refused = call("DELETE", f"/api/now/attachment/{seen}", user=PLAIN_USER)
    assert refused.status_code == 403
    parameters = {"table_name": "sys_user", "table_sys_id": ADMIN_ID, "file_name": "x"}
    refused = call(
        "POST", "/api/now/attachment/file", user=PLAIN_USER, params=parameters, data=b"x"
    )
    assert refused.json()["error"]["message"] == "User Not Authorized"


# Batches


def part(number, url, *, method="GET", body=None, **more):
    made = {"id": str(number), "url": url, "method": method, **more}
    if body is not None:
        made["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    return made


def batch(call, *parts, **options):
    body = {"batch_request_id": 7, "rest_requests": list(parts)}
    return call("POST", "/api/now/v1/batch", json=body, **options)


def opened(answer):
    return json.loads(base64.b64decode(answer["body"]))


def test_parts_are_answered_in_order_each_with_its_own_status(call, sandbox):
    answer = batch(
        call,
        part("a", f"/api/now/table/sys_user/{ADMIN_ID}?sysparm_fields=user_name"),
        part("b", "/api/now/table/nonsense"),
        part("c", f"/api/now/table/{ACCOUNT}", method="POST", body={"name": "new"}),
    ).json()
    assert answer["batch_request_id"] == "7"
    assert answer["unserviced_requests"] == []
    first, second, third = answer["serviced_requests"]
    assert [part["id"] for part in answer["serviced_requests"]] == ["a", "b", "c"]
    assert opened(first) == {"result": {"user_name": "admin"}}
    assert (first["status_code"], first["status_text"]) == (200, "OK")
    assert first["redirect_url"] is None
    assert second["status_code"] == 400
    assert opened(second)["error"]["message"] == "Invalid table nonsense"
    assert (third["status_code"], third["status_text"]) == (201, "Created")
    names = {header["name"].lower() for header in third["headers"]}
    assert "location" in names
    assert sandbox.database.count(ACCOUNT, "name=new") == 1


def test_headers_are_left_out_if_wanted(call):
    one = part("a", "/api/now/table/sys_user?sysparm_limit=1", exclude_response_headers=True)
    assert batch(call, one).json()["serviced_requests"][0]["headers"] == []


def test_headers_of_a_part_count_before_those_of_the_batch(call):
    headers = [{"name": "accept", "value": "text/html"}]
    one = part("a", "/api/now/table/sys_user?sysparm_limit=1", headers=headers)
    assert batch(call, one).json()["serviced_requests"][0]["status_code"] == 406


def test_what_is_no_rest_call_is_not_serviced(call):
    answer = batch(
        call,
        part("a", "/login.do"),
        part("b", "https://elsewhere.example/api/now/table/sys_user"),
        part("c", "/api/now/v1/batch", method="POST", body={}),
        part("d", "/api/now/table/sys_user", method="TRACE"),
        {"id": "e", "url": "/api/now/table/sys_user", "body": "not base64!"},
        part("f", "http://[/api/now/table/sys_user"),
    ).json()
    assert answer["serviced_requests"] == []
    assert answer["unserviced_requests"] == ["a", "b", "c", "d", "e", "f"]


def test_parts_may_hold_any_letter(call):
    for url in ("/api/now/table/sys_user?sysparm_query=name=\u00e9\ud83d", "/api/now/table/\udc00"):
        answer = batch(call, part("a", url)).json()["serviced_requests"][0]
        assert answer["status_code"] in (200, 400)


def test_a_batch_without_parts_is_refused(call):
    assert call("POST", "/api/now/v1/batch", json={}).status_code == 400
    assert batch(call, {"url": "/api/now/table/sys_user"}).status_code == 400


def test_parts_have_the_rights_of_whoever_sent_the_batch(call):
    one = part("a", "/api/now/table/sys_properties")
    answer = batch(call, one, user=PLAIN_USER).json()["serviced_requests"][0]
    assert answer["status_code"] == 403


# Changes


def test_a_change_has_every_field_twice_and_numbers_as_floats(call, sandbox):
    row = sandbox.database.insert(
        "change_request",
        {"number": "CHG0030001", "state": "-1", "risk": "", "assigned_to": ADMIN_ID},
        by="t",
    )
    for version in ("", "/v1"):
        response = call("GET", f"/api/sn_chg_rest{version}/change/{row['sys_id']}")
        change = response.json()["result"]
        assert change["state"] == {"display_value": "-1", "value": -1.0}
        assert '"value":-1.0' in response.text
        assert change["risk"] == {"display_value": "", "value": ""}
        assert change["assigned_to"] == {
            "display_value": "System Administrator",
            "value": ADMIN_ID,
        }
    path = f"/api/sn_chg_rest/change/{row['sys_id']}"
    assert call("GET", path, user=PLAIN_USER).json()["error"]["message"] == MISSING
    assert call("GET", "/api/sn_chg_rest/change/nonsense").status_code == 404
