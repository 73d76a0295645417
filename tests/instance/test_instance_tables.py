from __future__ import annotations

import json

import pytest
from instance_replies import ID, OTHER_ID, Reply, batch, bench, error, page, part, rows, said

from generator.errors import (
    AuthenticationError,
    InternalError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.instance.interface import Read

USERS = Read("sys_user", fields=("sys_id", "user_name"), limit=2)


def _row(number: int) -> dict[str, str]:
    return {"sys_id": f"{number:032x}", "user_name": f"user{number}"}


# Reads


def test_a_read_asks_for_what_is_documented() -> None:
    made = bench(rows(_row(1), total=7))
    read = Read("sys_user", query="active=true", fields=("sys_id", "user_name"), limit=2, offset=4)
    (found,) = made.instance.read([read])
    assert (found.rows, found.total, found.error) == ((_row(1),), 7, None)
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("GET", "/api/now/table/sys_user")
    assert sent.query == {
        "sysparm_query": "active=true^ORDERBYsys_id",
        "sysparm_fields": "sys_id,user_name",
        "sysparm_limit": "2",
        "sysparm_offset": "4",
        "sysparm_exclude_reference_link": "true",
    }
    assert sent.headers["Accept"] == sent.headers["Content-Type"] == "application/json"
    assert "Cookie" not in sent.headers


def test_a_count_comes_from_stats() -> None:
    made = bench(said({"result": {"stats": {"count": "313"}}}))
    (found,) = made.instance.read([Read("sys_user", query="active=true", count_only=True)])
    assert (found.rows, found.total) == ((), 313)
    assert made.replies.sent[0].query == {"sysparm_query": "active=true", "sysparm_count": "true"}


def test_rest_calls_keep_no_cookies() -> None:
    cookie = "glide_user_route=x; Path=/"
    made = bench(said({"result": []}, Set_Cookie=cookie), said({"result": []}))
    made.instance.read([USERS])
    made.instance.read([USERS])
    assert "Cookie" not in made.replies.sent[1].headers


def test_references_columns_and_nothing_are_told_apart() -> None:
    item = {"sys_id": ID, "a": {"link": "https://x", "value": OTHER_ID}, "b": None, "d": "extra"}
    made = bench(said({"result": [item]}))
    (found,) = made.instance.read([Read("sys_user", fields=("sys_id", "a", "b", "c"))])
    assert found.rows == ({"sys_id": ID, "a": OTHER_ID, "b": ""},)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"result": {}}, "instance-rows"),
        ({"status": "ok"}, "instance-rows"),
        ({"result": ["text"]}, "instance-row"),
        ({"result": [{"user_name": "x"}]}, "instance-row"),
        ({"result": [{"sys_id": "../../x", "user_name": "x"}]}, "instance-row"),
        ({"result": [{"sys_id": "a/b", "user_name": "x"}]}, "instance-row"),
        ({"result": [{"sys_id": "a%2Fb"}]}, "instance-row"),
        ({"result": [{"sys_id": ID, "user_name": 5}]}, "instance-row"),
        ({"result": [_row(1), _row(2), _row(3)]}, "instance-too-many-rows"),
        ({"result": [], "error": {"message": "late"}}, "instance-result-and-error"),
        ({"error": {"message": "late"}}, "instance-result-and-error"),
        ([], "instance-json-shape"),
    ],
)
def test_rows_that_were_not_asked_for_are_no_rows(result: object, code: str) -> None:
    made = bench(said(result))
    with pytest.raises(ResponseError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].code == code
    assert caught.value.faults[0].next


def test_a_condition_that_was_dropped_is_noticed() -> None:
    """An instance drops a condition that it does not know, and answers every record (A15)."""
    made = bench(rows({"sys_id": ID, "user_name": "somebody"}))
    read = Read("sys_user", query="user_name=admin^active=true", fields=("sys_id", "user_name"))
    with pytest.raises(ResponseError) as caught:
        made.instance.read([read])
    assert caught.value.faults[0].code == "instance-other-rows"


@pytest.mark.parametrize(
    "query",
    [
        "user_name=admin^ORuser_name=somebody",
        "active=true^NQuser_name=admin",
        "user_name=javascript:gs.getUserName()",
        "user_nameINadmin,somebody",
        "user_name!=admin",
        "user_name=SOMEbody^ORDERBYuser_name",
    ],
)
def test_other_conditions_are_not_misread(query: str) -> None:
    made = bench(rows({"sys_id": ID, "user_name": "somebody"}))
    (found,) = made.instance.read([Read("sys_user", query=query, fields=("sys_id", "user_name"))])
    assert len(found.rows) == 1


def test_more_rows_than_there_are_said_to_be() -> None:
    made = bench(rows(_row(1), _row(2), total=1))
    with pytest.raises(ResponseError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].code == "instance-total"


@pytest.mark.parametrize("count", ["many", "-1", 5, None])
def test_a_count_is_a_number(count: object) -> None:
    made = bench(said({"result": {"stats": {"count": count}}}))
    with pytest.raises(ResponseError):
        made.instance.read([Read("sys_user", count_only=True)])


def test_a_long_read_goes_by_pages() -> None:
    def answer(first: int, last: int) -> Reply:
        return rows(*[_row(number) for number in range(first, last)], total=2500)

    # The second page is short: access rules are applied after the limit.
    made = bench(answer(0, 1000), answer(1000, 1999), answer(2000, 2500))
    read = Read("sys_user", fields=("sys_id", "user_name"), limit=5000)
    (found,) = made.instance.read([read])
    assert (len(found.rows), found.total) == (2499, 2500)
    assert [sent.query.get("sysparm_offset") for sent in made.replies.sent] == [
        None,
        "1000",
        "2000",
    ]
    assert {sent.query["sysparm_query"] for sent in made.replies.sent} == {"ORDERBYsys_id"}


def test_without_a_total_pages_go_on_while_they_are_full() -> None:
    full = said({"result": [_row(number) for number in range(1000)]})
    made = bench(full, said({"result": [_row(1000)]}))
    read = Read("sys_user", fields=("sys_id", "user_name"), limit=3000)
    (found,) = made.instance.read([read])
    assert (len(found.rows), found.total) == (1001, 1001)


def test_a_page_in_the_middle_that_fails_fails_the_read() -> None:
    full = rows(*[_row(number) for number in range(1000)], total=1500)
    made = bench(full, error(403, "User Not Authorized", "Failed API level ACL Validation"))
    with pytest.raises(RemoteError):
        made.instance.read([Read("sys_user", fields=("sys_id", "user_name"), limit=2000)])


def test_a_total_that_was_not_told_is_counted() -> None:
    made = bench(said({"result": [_row(1), _row(2)]}), said({"result": {"stats": {"count": "9"}}}))
    assert made.instance.read([USERS])[0].total == 9


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (error(400, "Invalid table nonsense"), "instance-invalid-table"),
        (
            error(403, "User Not Authorized", "Failed API level ACL Validation"),
            "instance-table-acl",
        ),
        (
            error(404, "No Record found", "Record doesn't exist or ACL restricts"),
            "instance-not-found",
        ),
    ],
)
def test_a_refused_read_leaves_the_others_standing(reply: Reply, code: str) -> None:
    made = bench(batch([part(0, reply), part(1, rows(_row(1)))]))
    refused, found = made.instance.read([Read("nonsense"), USERS])
    assert refused.error is not None
    assert refused.error.faults[0].code == code
    assert refused.error.status == reply.status
    assert found.rows == (_row(1),)


# Batches


def test_reads_travel_together() -> None:
    made = bench(batch([part(1, rows(_row(2))), part(0, rows(_row(1), total=5))]))
    first, second = made.instance.read([USERS, USERS])
    assert (first.rows, first.total, second.rows) == ((_row(1),), 5, (_row(2),))
    asked = json.loads(made.replies.sent[0].body)["rest_requests"]
    assert [item["method"] for item in asked] == ["GET", "GET"]
    assert asked[0]["url"].startswith("/api/now/table/sys_user?sysparm_fields=sys_id%2Cuser_name&")
    assert {"name": "Accept", "value": "application/json"} in asked[0]["headers"]


@pytest.mark.parametrize(
    "served",
    [
        [],
        [{"id": "1", "status_code": "200", "body": ""}],
        [{"id": "1", "status_code": 200, "body": "%%%"}],
        [part(1, page("", 502))],
        [part(1, error(429, "Rate limit exceeded"))],
        [part(1, error(500, "Transaction cancelled"))],
    ],
)
def test_a_part_without_an_answer_is_read_singly(served: list[dict[str, object]]) -> None:
    made = bench(batch([part(0, rows(_row(1))), *served]), rows(_row(2)))
    assert [found.rows for found in made.instance.read([USERS, USERS])] == [(_row(1),), (_row(2),)]
    assert made.replies.paths() == ["POST /api/now/v1/batch", "GET /api/now/table/sys_user"]


def test_an_instance_without_the_batch_api_is_asked_singly() -> None:
    absent = error(404, "Requested URI does not represent any resource")
    made = bench(absent, rows(_row(1)), rows(_row(2)), rows(), rows())
    assert len(made.instance.read([USERS, USERS])) == 2
    made.instance.read([USERS, USERS])
    assert made.replies.paths().count("POST /api/now/v1/batch") == 1


@pytest.mark.parametrize(
    "document",
    [
        {"serviced_requests": "none"},
        {"serviced_requests": [part(7, rows())]},
        {"serviced_requests": [part(0, rows()), part(0, rows())]},
        {"serviced_requests": [5]},
    ],
)
def test_a_batch_that_answers_something_else_is_no_answer(document: object) -> None:
    made = bench(said(document))
    with pytest.raises(ResponseError) as caught:
        made.instance.read([USERS, USERS])
    assert caught.value.faults[0].code == "instance-batch"


def test_many_reads_go_in_several_batches() -> None:
    def answer(count: int) -> Reply:
        return batch([part(number, rows()) for number in range(count)])

    made = bench(answer(40), answer(40), rows())
    assert len(made.instance.read([USERS] * 81)) == 81
    assert made.instance.requests == 3


def test_a_part_that_is_not_signed_in_ends_all() -> None:
    made = bench(batch([part(0, rows()), part(1, error(401, "User Not Authenticated"))]))
    with pytest.raises(AuthenticationError):
        made.instance.read([USERS, USERS])


def test_a_part_with_a_strange_status_is_no_answer() -> None:
    made = bench(batch([part(0, rows()), part(1, said({"result": []}, 206))]))
    with pytest.raises(ResponseError):
        made.instance.read([USERS, USERS])


def test_a_batch_that_fails_fails() -> None:
    made = bench(error(500, "oh"))
    with pytest.raises(ResponseError):
        made.instance.read([USERS, USERS])


def test_nothing_to_read_asks_nothing() -> None:
    assert bench().instance.read([]) == ()


# Names


@pytest.mark.parametrize(
    "table", ["../x", "sys_user?x=1", "sys user", "SYS", "", "a\r\nb: c", "a/b"]
)
def test_no_table_leads_elsewhere(table: str) -> None:
    made = bench()
    with pytest.raises(InternalError):
        made.instance.read([Read(table)])
    with pytest.raises(InternalError):
        made.instance.delete(table, ID)


@pytest.mark.parametrize("sys_id", ["../x", "a/b", "a?b", "", "a" * 33, "a%2f", "a\r\n", "é"])
def test_no_sys_id_leads_elsewhere(sys_id: str) -> None:
    made = bench()
    with pytest.raises(InternalError):
        made.instance.update("sys_user", sys_id, {"active": "true"})
    with pytest.raises(InternalError):
        made.instance.write_secret("oauth_entity", sys_id, "client_secret", "x")


@pytest.mark.parametrize("column", ["a,b", "a&b", "A", "", "a.b.c.d.e"])
def test_no_column_leads_elsewhere(column: str) -> None:
    made = bench()
    with pytest.raises(InternalError):
        made.instance.read([Read("sys_user", fields=(column,))])
    with pytest.raises(InternalError):
        made.instance.insert("sys_user", {column: "x"})


# Writes


def test_an_insert_says_where_it_stands() -> None:
    made = bench(said({"result": {"sys_id": ID}}, 201))
    assert made.instance.insert("sys_email_account", {"name": "x"}) == ID
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("POST", "/api/now/table/sys_email_account")
    assert sent.query["sysparm_input_display_value"] == "false"
    assert json.loads(sent.body) == {"name": "x"}


@pytest.mark.parametrize(
    "reply",
    [
        said({"result": {"sys_id": ID}}, 200),
        said({"result": {"sys_id": "../x"}}, 201),
        said({"result": {}}, 201),
        said({"result": {"sys_id": OTHER_ID}}, 201),
        said({"result": {"sys_id": ID}, "error": {"message": "late"}}, 201),
        Reply(201, b'{"result": {"sys_', (("Content-Type", "application/json"),)),
        page("<html>who?</html>", 201),
    ],
)
def test_an_insert_that_is_not_clear_may_stand(reply: Reply) -> None:
    made = bench(reply)
    with pytest.raises(OutcomeUnknown):
        made.instance.insert("sys_email_account", {"sys_id": ID})


def test_an_update_changes_what_is_given() -> None:
    made = bench(said({"result": {"sys_id": ID}}))
    made.instance.update("sys_email_account", ID, {"port": "587"})
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("PATCH", f"/api/now/table/sys_email_account/{ID}")
    assert json.loads(sent.body) == {"port": "587"}


def test_an_update_of_another_record_is_none() -> None:
    made = bench(said({"result": {"sys_id": OTHER_ID}}))
    with pytest.raises(OutcomeUnknown):
        made.instance.update("sys_email_account", ID, {"port": "587"})


def test_a_refused_update_is_a_clear_no() -> None:
    rule = "Operation against file 'x' was aborted by Business Rule 'y^z'"
    made = bench(error(403, "Operation Failed", rule))
    with pytest.raises(ResponseError) as caught:
        made.instance.update("sys_email_account", ID, {"port": "587"})
    assert caught.value.faults[0].code == "instance-business-rule"
    assert rule in caught.value.detail


@pytest.mark.parametrize("reply", [Reply(204), Reply(200), said({"result": {"sys_id": ID}})])
def test_a_secret_goes_alone(reply: Reply) -> None:
    word = "s" + "3cret-" + "value"
    made = bench(reply)
    made.instance.write_secret("oauth_entity", ID, "client_secret", word)
    (sent,) = made.replies.sent
    assert (sent.method, sent.path) == ("PATCH", f"/api/now/table/oauth_entity/{ID}")
    assert sent.query["sysparm_input_display_value"] == "true"
    assert sent.headers["X-no-response-body"] == "true"
    assert json.loads(sent.body) == {"client_secret": word}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (page("<html>who?</html>"), OutcomeUnknown),
        (said({"error": {"message": "KB1296997"}}), OutcomeUnknown),
        (said({}, 201), OutcomeUnknown),
        (error(403, "Operation Failed", "ACL Exception Update Failed"), AuthenticationError),
        (error(404, "No Record found"), ResponseError),
    ],
)
def test_a_secret_that_was_not_clearly_taken(reply: Reply, kind: type[RemoteError]) -> None:
    made = bench(reply)
    with pytest.raises(kind):
        made.instance.write_secret("oauth_entity", ID, "client_secret", "x" * 8)


@pytest.mark.parametrize("reply", [Reply(204), error(404, "No Record found")])
def test_what_is_deleted_is_gone(reply: Reply) -> None:
    made = bench(reply)
    made.instance.delete("sys_remote_update_set", ID)
    assert made.replies.sent[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "reply",
    [
        said({"result": {}}),
        page("", 404),
        error(404, "Requested URI does not represent any resource"),
        error(403, "Operation Failed", "ACL Exception Delete Failed due to security constraints"),
    ],
)
def test_anything_else_is_no_deletion(reply: Reply) -> None:
    made = bench(reply)
    with pytest.raises(RemoteError):
        made.instance.delete("sys_remote_update_set", ID)


def test_a_query_too_long_for_an_address_goes_in_a_batch() -> None:
    made = bench(batch([part(0, rows())]))
    made.instance.read([Read("sys_user", query="sys_idIN" + ",".join(["a" * 32] * 200))])
    assert made.replies.paths() == ["POST /api/now/v1/batch"]
