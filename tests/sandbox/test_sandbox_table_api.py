"""The Table API over HTTP, in-process: shapes, headers, roles, refusals."""

import json
from datetime import UTC, datetime
from threading import Thread

import pytest
import requests

from generator.clock import SteppedClock
from generator.sandbox.base_rows import ADMIN_ID, PLAIN_USER
from generator.sandbox.instance import Sandbox

HOST = "https://dev.example"
TABLE = "/api/now/table"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}
ACCOUNT = "sys_email_account"


@pytest.fixture
def sandbox():
    made = Sandbox(clock=SteppedClock(datetime(2026, 3, 12, 10, 0, tzinfo=UTC)))
    yield made
    made.close()


class Caller:
    """One user's REST calls, without cookies."""

    def __init__(self, sandbox, user):
        self.session = requests.Session()
        self.session.mount(HOST, sandbox.adapter())
        self.auth = (user, sandbox.admin_password)

    def __call__(self, method, path, body=None, headers=JSON, **parameters):
        self.session.cookies.clear()
        data = json.dumps(body) if body is not None and not isinstance(body, bytes) else body
        request = requests.Request(
            method, HOST + path, headers=headers, params=parameters, data=data, auth=self.auth
        )
        prepared = self.session.prepare_request(request)
        for name in ("Accept", "Content-Type"):
            if name not in headers:
                prepared.headers.pop(name, None)
        return self.session.send(prepared)


@pytest.fixture
def call(sandbox):
    return Caller(sandbox, sandbox.admin_user)


def error(response):
    body = response.json()
    assert body["status"] == "failure"
    return response.status_code, body["error"]["message"], body["error"]["detail"]


def add_accounts(sandbox, *names):
    for number, name in enumerate(names):
        sandbox.database.insert(
            ACCOUNT, {"name": name, "type": "x"}, by="t", sys_id=f"{number:032x}"
        )


def test_a_record_is_made_read_changed_and_deleted(call, sandbox):
    made = call("POST", f"{TABLE}/{ACCOUNT}", {"name": "a", "port": 587, "active": False, "x": "?"})
    assert made.status_code == 201
    record = made.json()["result"]
    sys_id = record["sys_id"]
    assert made.headers["Location"] == f"{HOST}{TABLE}/{ACCOUNT}/{sys_id}"
    assert (record["name"], record["port"], record["active"]) == ("a", "587", "false")
    assert record["sys_created_by"] == sandbox.admin_user
    assert record["sys_created_on"] == "2026-03-12 10:00:00"
    assert "x" not in record
    path = f"{TABLE}/{ACCOUNT}/{sys_id}"
    assert call("GET", path).json()["result"] == record
    for method in ("PATCH", "PUT"):
        changed = call(method, path, {"server": method}).json()["result"]
        assert (changed["name"], changed["server"]) == ("a", method)
    assert changed["sys_mod_count"] == "2"
    gone = call("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    missing = (404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
    for method in ("GET", "PATCH", "DELETE"):
        assert error(call(method, path, {})) == missing


def test_a_save_that_changes_nothing_moves_no_stamp(call):
    made = call("POST", f"{TABLE}/{ACCOUNT}", {"name": "a"}).json()["result"]
    again = call("PATCH", f"{TABLE}/{ACCOUNT}/{made['sys_id']}", {"name": "a"}).json()["result"]
    assert again == made


def test_a_given_sys_id_is_honoured_once(call):
    given = {"sys_id": "ab" * 16, "name": "a"}
    assert call("POST", f"{TABLE}/{ACCOUNT}", given).json()["result"]["sys_id"] == "ab" * 16
    status, message, detail = error(call("POST", f"{TABLE}/{ACCOUNT}", given))
    assert (status, message) == (403, "Operation Failed")
    assert "Unique Key violation" in detail


def test_stamps_cannot_be_written(call):
    body = {"name": "a", "sys_created_by": "somebody", "sys_mod_count": "9"}
    made = call("POST", f"{TABLE}/{ACCOUNT}", body).json()["result"]
    assert (made["sys_created_by"], made["sys_mod_count"]) == ("admin", "0")
    body = {"sys_id": "cd" * 16, "sys_updated_by": "x", "name": "b"}
    changed = call("PATCH", f"{TABLE}/{ACCOUNT}/{made['sys_id']}", body).json()["result"]
    assert (changed["sys_id"], changed["sys_updated_by"]) == (made["sys_id"], "admin")


def test_of_several_records_only_the_first_counts(call):
    made = call("POST", f"{TABLE}/{ACCOUNT}", [{"name": "first"}, {"name": "second"}])
    assert made.json()["result"]["name"] == "first"
    assert call("GET", f"{TABLE}/{ACCOUNT}", sysparm_query="name=second").json() == {"result": []}


def test_no_body_is_sent_back_where_none_is_wanted(call):
    headers = {**JSON, "X-no-response-body": "true"}
    made = call("POST", f"{TABLE}/{ACCOUNT}", {"name": "quiet"}, headers=headers)
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["Location"].startswith(f"{HOST}{TABLE}/{ACCOUNT}/")


@pytest.mark.parametrize(
    ("display", "links", "expected"),
    [
        ("false", True, {"link": "L", "value": ADMIN_ID}),
        ("false", False, ADMIN_ID),
        ("true", True, {"display_value": "System Administrator", "link": "L"}),
        ("true", False, "System Administrator"),
        ("all", True, {"display_value": "System Administrator", "link": "L", "value": ADMIN_ID}),
        ("all", False, {"display_value": "System Administrator", "value": ADMIN_ID}),
        ("nonsense", False, ADMIN_ID),
    ],
)
def test_references_have_the_shape_that_was_asked_for(call, display, links, expected):
    row = call(
        "GET",
        f"{TABLE}/sys_user_has_role",
        sysparm_query=f"user={ADMIN_ID}",
        sysparm_fields="user",
        sysparm_display_value=display,
        sysparm_exclude_reference_link=str(not links).lower(),
    ).json()["result"][0]
    if isinstance(expected, dict) and "link" in expected:
        expected = {**expected, "link": f"{HOST}{TABLE}/sys_user/{ADMIN_ID}"}
    assert row == {"user": expected}


def test_plain_columns_have_a_shape_too(call):
    options = {"sysparm_fields": "user_name,manager", "sysparm_query": f"sys_id={ADMIN_ID}"}
    path = f"{TABLE}/sys_user"
    both = call("GET", path, sysparm_display_value="all", **options).json()["result"][0]
    assert both["user_name"] == {"display_value": "admin", "value": "admin"}
    assert call("GET", path, **options).json()["result"][0]["manager"] == ""


def test_dot_walked_fields_come_only_when_asked_for_and_unknown_ones_never(call):
    options = {"sysparm_query": f"user={ADMIN_ID}^role.name=admin"}
    path = f"{TABLE}/sys_user_has_role"
    fields = "user.user_name, role.name,role.nonsense,nonsense,inherited"
    row = call("GET", path, sysparm_fields=fields, **options).json()["result"][0]
    assert row["user.user_name"] == "admin"
    assert row["role.name"] == "admin"
    assert set(row) == {"user.user_name", "role.name", "inherited"}
    assert not any("." in name for name in call("GET", path, **options).json()["result"][0])


def test_pages_carry_their_total_and_their_neighbours(call, sandbox):
    add_accounts(sandbox, "a", "b", "c", "d", "e")
    path = f"{TABLE}/{ACCOUNT}"
    options = {"sysparm_query": "type=x^ORDERBYname", "sysparm_fields": "name"}
    page = call("GET", path, sysparm_limit="2", sysparm_offset="2", **options)
    assert [row["name"] for row in page.json()["result"]] == ["c", "d"]
    assert page.headers["X-Total-Count"] == "5"
    links = requests.utils.parse_header_links(page.headers["Link"])
    offsets = {
        link["rel"]: link["url"].partition("sysparm_offset=")[2].partition("&")[0] for link in links
    }
    assert offsets == {"first": "0", "prev": "0", "next": "4", "last": "4"}
    assert all(link["url"].startswith(f"{HOST}{path}?") for link in links)
    bare = call("GET", path, sysparm_no_count="true", **options)
    assert "X-Total-Count" not in bare.headers and "Link" not in bare.headers
    quiet = call("GET", path, sysparm_suppress_pagination_header="true", **options)
    assert quiet.headers["X-Total-Count"] == "5" and "Link" not in quiet.headers


def test_an_empty_answer_is_404_in_version_1_only(call):
    for version, status in (("", 200), ("/v2", 200), ("/v1", 404)):
        path = f"/api/now{version}/table/{ACCOUNT}"
        assert call("GET", path, sysparm_query="name=nobody").status_code == status


def test_columns_may_be_asked_as_parameters(call, sandbox):
    add_accounts(sandbox, "a", "b^c")
    rows = call("GET", f"{TABLE}/{ACCOUNT}", name="b^c", sysparm_query="type=x").json()["result"]
    assert [row["name"] for row in rows] == ["b^c"]


def test_who_asks_is_known_to_the_query(call):
    query = "user_name=javascript:gs.getUserName()"
    rows = call("GET", f"{TABLE}/sys_user", sysparm_query=query).json()["result"]
    assert [row["sys_id"] for row in rows] == [ADMIN_ID]


def test_an_unknown_column_is_dropped_from_a_query_unless_strict(call, sandbox):
    options = {"sysparm_query": "nonsense=1", "sysparm_limit": "1"}
    path = f"{TABLE}/sys_user"
    assert len(call("GET", path, **options).json()["result"]) == 1
    assert any("no column 'nonsense'" in line for line in sandbox.log)
    sandbox.behaviour.strict_query = True
    assert call("GET", path, **options).json() == {"result": []}
    sandbox.behaviour.strict_query = False
    body = {"name": "glide.invalid_query.returns_no_rows", "value": "true"}
    assert call("POST", f"{TABLE}/sys_properties", body).status_code == 201
    assert call("GET", path, **options).json() == {"result": []}


def test_display_values_are_taken_where_they_are_announced(call):
    path = f"{TABLE}/sys_user/{ADMIN_ID}"
    options = {"sysparm_fields": "manager", "sysparm_exclude_reference_link": "true"}
    plain = call("PATCH", path, {"manager": "System Administrator"}, **options).json()["result"]
    assert plain == {"manager": "System Administrator"}
    options["sysparm_input_display_value"] = "true"
    body = {"manager": "System Administrator", "title": "Boss"}
    assert call("PATCH", path, body, **options).json()["result"] == {"manager": ADMIN_ID}
    assert call("PATCH", path, {"manager": ADMIN_ID}, **options).json()["result"] == {
        "manager": ADMIN_ID
    }
    nobody = call("PATCH", path, {"manager": "Nobody"}, **options).json()["result"]
    assert nobody == {"manager": "Nobody"}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_accept_is_demanded(call, method):
    path = f"{TABLE}/sys_user" + ("" if method in ("GET", "POST") else f"/{ADMIN_ID}")
    response = call(method, path, headers={"Content-Type": "application/json"})
    assert error(response)[:2] == (400, "Exception while reading request")
    refused = call(method, path, headers={**JSON, "Accept": "text/html"})
    assert refused.status_code == 406


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_content_type_is_demanded_of_writes(call, method):
    path = f"{TABLE}/sys_user" + ("" if method == "POST" else f"/{ADMIN_ID}")
    accept = {"Accept": "application/json"}
    assert error(call(method, path, b"{}", headers=accept))[:2] == (
        400,
        "Exception while reading request",
    )
    form = {**accept, "Content-Type": "application/x-www-form-urlencoded"}
    assert call(method, path, b"a=b", headers=form).status_code == 415


def test_xml_makes_no_retrieved_set(call, sandbox):
    headers = {"Accept": "application/json", "Content-Type": "application/xml"}
    response = call("POST", f"{TABLE}/sys_remote_update_set", b"<unload/>", headers=headers)
    assert error(response) == (400, "Exception while reading request", "Misshaped element")
    assert sandbox.database.count("sys_remote_update_set") == 0


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'"text"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(call, body):
    response = call("POST", f"{TABLE}/{ACCOUNT}", body)
    assert error(response)[:2] == (400, "Exception while reading request")


def test_a_body_above_ten_mebibytes_is_refused(call):
    body = b'{"name":"' + b"x" * 10_485_760 + b'"}'
    response = call("POST", f"{TABLE}/{ACCOUNT}", body)
    assert error(response)[:2] == (400, "Exception while reading request")


def test_no_body_makes_an_empty_record(call):
    assert call("POST", f"{TABLE}/{ACCOUNT}", b"").status_code == 201
    assert call("POST", f"{TABLE}/{ACCOUNT}", []).status_code == 201


def test_values_become_strings(call):
    body = {
        "name": None,
        "server": {"value": "v", "display_value": "d"},
        "port": 1.5,
        "from": ["x"],
    }
    made = call("POST", f"{TABLE}/{ACCOUNT}", body).json()["result"]
    assert [made[name] for name in body] == ["", "v", "1.5", '["x"]']


def test_nothing_is_locked_while_a_body_comes_in(call, sandbox):
    path = f"{TABLE}/sys_user/{ADMIN_ID}"
    found = []

    def slowly():
        yield b'{"title":'
        reader = Thread(target=lambda: found.append(sandbox.database.get("sys_user", ADMIN_ID)))
        reader.start()
        reader.join(timeout=30)
        yield b'"Boss"}'

    request = requests.Request("PATCH", HOST + path, headers=JSON, auth=call.auth, data=slowly())
    response = call.session.send(call.session.prepare_request(request))
    assert response.json()["result"]["title"] == "Boss"
    assert found[0]["sys_id"] == ADMIN_ID


def test_half_a_character_breaks_no_answer(call):
    made = call("POST", f"{TABLE}/{ACCOUNT}", b'{"name":"a\\ud83db"}')
    assert (made.status_code, made.json()["result"]["name"]) == (201, "a?b")


def test_an_unknown_table_is_refused(call):
    for method in ("GET", "POST"):
        assert error(call(method, f"{TABLE}/nonsense", {})) == (400, "Invalid table nonsense", None)


def test_a_method_that_is_not_there_is_405(call):
    response = call("DELETE", f"{TABLE}/sys_user")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


CLOSED = (403, "User Not Authorized", "Failed API level ACL Validation")


def test_tables_may_be_closed(call, sandbox):
    for table in ("sys_plugins", "sys_store_app"):
        assert error(call("GET", f"{TABLE}/{table}")) == CLOSED
    sandbox.behaviour.plugin_tables = "open"
    assert call("GET", f"{TABLE}/sys_plugins").status_code == 200
    sandbox.behaviour.closed_tables = "sys_user"
    assert error(call("GET", f"{TABLE}/sys_user")) == CLOSED
    assert error(call("PATCH", f"{TABLE}/sys_user/{ADMIN_ID}", {})) == CLOSED


def test_a_table_may_be_closed_to_one_role(call, sandbox):
    user = sandbox.database.query("sys_user", f"user_name={PLAIN_USER}")[0]
    for name in ("email_account_admin", "oauth_admin"):
        role = sandbox.database.query("sys_user_role", f"name={name}")[0]
        held = {"user": user["sys_id"], "role": role["sys_id"]}
        sandbox.database.insert("sys_user_has_role", held, by="t")
    plain = Caller(sandbox, PLAIN_USER)
    row = sandbox.database.query(ACCOUNT)[0]["sys_id"]
    paths = (f"{TABLE}/{ACCOUNT}", f"{TABLE}/{ACCOUNT}/{row}", f"/api/now/stats/{ACCOUNT}")
    sandbox.behaviour.closed_tables = f"{ACCOUNT}:email_account_admin"
    for path in paths:
        assert error(plain("GET", path)) == CLOSED
        assert call("GET", path).status_code == 200
    assert error(plain("PATCH", paths[1], {"active": "true"})) == CLOSED
    assert plain("GET", f"{TABLE}/oauth_entity").status_code == 200
    sandbox.behaviour.closed_tables = f"{ACCOUNT}:admin,sys_user:admin"
    assert error(call("GET", paths[0])) == CLOSED
    assert plain("GET", paths[0]).status_code == 200
    # Who one is depends on no role; writing does.
    assert call("GET", f"{TABLE}/sys_user").status_code == 200
    assert error(call("PATCH", f"{TABLE}/sys_user/{ADMIN_ID}", {"name": "x"}))[0] == 403


def test_a_dot_walk_over_a_closed_table_is_empty(call, sandbox):
    path = f"{TABLE}/sys_user_has_role"
    asked = {"sysparm_fields": "role.name,user.user_name", "sysparm_limit": "1"}
    [row] = call("GET", path, **asked).json()["result"]
    assert row["role.name"] and row["user.user_name"]
    sandbox.behaviour.closed_tables = "sys_user_role"
    [row] = call("GET", path, **asked).json()["result"]
    assert row["role.name"] == "" and row["user.user_name"]
    grouped = {"sysparm_count": "true", "sysparm_group_by": "role.name"}
    [group] = call("GET", "/api/now/stats/sys_user_has_role", **grouped).json()["result"]
    assert group["groupby_fields"] == [{"field": "role.name", "value": ""}]


def test_a_user_without_roles_reads_who_one_is_and_writes_nothing(sandbox):
    plain = Caller(sandbox, PLAIN_USER)
    assert plain("GET", f"{TABLE}/sys_user").status_code == 200
    assert error(plain("GET", f"{TABLE}/sys_properties")) == CLOSED
    # Absent and invisible records read alike (B3.21).
    row = sandbox.database.query("sys_properties", limit=1)[0]
    for sys_id in (row["sys_id"], "0" * 32):
        assert error(plain("GET", f"{TABLE}/sys_properties/{sys_id}"))[0] == 404
        assert error(plain("PATCH", f"{TABLE}/sys_properties/{sys_id}", {}))[0] == 404
    refused = error(plain("POST", f"{TABLE}/{ACCOUNT}", {"name": "x"}))
    denied = "ACL Exception {} Failed due to security constraints"
    assert refused == (403, "Operation Failed", denied.format("Insert"))
    refused = error(plain("PATCH", f"{TABLE}/sys_user/{ADMIN_ID}", {"name": "x"}))
    assert refused == (403, "Operation Failed", denied.format("Update"))
    refused = error(plain("DELETE", f"{TABLE}/sys_user/{ADMIN_ID}"))
    assert refused == (403, "Operation Failed", denied.format("Delete"))


def test_a_role_opens_its_own_tables(sandbox):
    user = sandbox.database.query("sys_user", f"user_name={PLAIN_USER}")[0]
    role = sandbox.database.query("sys_user_role", "name=email_account_admin")[0]
    held = {"user": user["sys_id"], "role": role["sys_id"]}
    sandbox.database.insert("sys_user_has_role", held, by="t")
    plain = Caller(sandbox, PLAIN_USER)
    assert plain("POST", f"{TABLE}/{ACCOUNT}", {"name": "x"}).status_code == 201
    assert error(plain("GET", f"{TABLE}/oauth_entity")) == CLOSED
    sandbox.behaviour.missing_roles = "email_account_admin"
    assert error(plain("GET", f"{TABLE}/{ACCOUNT}")) == CLOSED


def test_a_row_of_a_descendant_is_changed_through_its_parent(call, sandbox):
    app = sandbox.database.insert("sys_app", {"name": "a", "scope": "x_a"}, by="t")
    path = f"{TABLE}/sys_package/{app['sys_id']}"
    assert call("PATCH", path, {"name": "b"}).json()["result"]["name"] == "b"
    assert sandbox.database.get("sys_app", app["sys_id"])["scope"] == "x_a"
    assert call("DELETE", path).status_code == 204


def test_what_the_writes_refuse_is_refused_and_leaves_nothing(call, sandbox):
    denied = "ACL Exception Insert Failed due to security constraints"
    response = call("POST", f"{TABLE}/sys_update_xml", {"name": "x"})
    assert error(response) == (403, "Operation Failed", denied)
    assert sandbox.database.count("sys_update_xml", "name=x") == 0


def test_an_older_release_lacks_columns(call, sandbox):
    path = f"{TABLE}/{ACCOUNT}"
    assert "enable_debug_output" in call("GET", path).json()["result"][0]
    sandbox.behaviour.missing_columns = f"{ACCOUNT}.enable_debug_output"
    assert "enable_debug_output" not in call("GET", path).json()["result"][0]
    sandbox.behaviour.email_oauth_plugin = "inactive"
    assert "oauth_profile" not in call("GET", path).json()["result"][0]


def test_nobody_is_401(sandbox):
    stranger = Caller(sandbox, "nobody")
    response = stranger("GET", f"{TABLE}/sys_user")
    assert error(response) == (
        401,
        "User Not Authenticated",
        "Required to provide Auth information",
    )
    assert response.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
