"""Table, stats and batch API as the importer uses them (`spec/instance-http.md` A15, A16)."""

from __future__ import annotations

import base64
import json

import pytest
from contract_client import JSON_HEADERS, Rest
from contract_scratch import NOTHING, SYS_ID, Scratch
from contract_sets import a_name, new_id

PROPERTIES = "/api/now/table/sys_properties"


def _property(scratch: Scratch, **values: str) -> tuple[str, str]:
    """A new property: sys_id and name."""
    name = a_name(scratch.target.run)
    given = {"name": name, "type": "string", "value": "1", **values}
    return scratch.insert("sys_properties", given), name


# Reading


def test_a_read_gives_the_fields_that_were_asked(rest: Rest) -> None:
    """A15: `sysparm_fields`; unknown ones are left out of the reply [DOC]."""
    answer = rest.query("sys_user", "ORDERBYsys_id", fields="sys_id,user_name,u_none", limit=1)
    assert [set(row) for row in answer.rows()] == [{"sys_id", "user_name"}]


def test_values_are_strings(rest: Rest) -> None:
    """A15: numbers and booleans, too."""
    (row,) = rest.query("sys_user", "ORDERBYsys_id", fields="active,sys_mod_count", limit=1).rows()
    assert row["active"] in ("true", "false")
    assert isinstance(row["sys_mod_count"], str)
    assert row["sys_mod_count"].isdigit()


@pytest.mark.parametrize(
    ("display", "keys"),
    [
        ("false", {"link", "value"}),
        ("true", {"display_value", "link"}),
        ("all", {"display_value", "link", "value"}),
    ],
)
def test_a_reference_has_a_form_for_each_display(rest: Rest, display: str, keys: set[str]) -> None:
    """A15: `{link, value}`, `{display_value, link}`, or all three [DOC]."""
    answer = rest.get(
        "/api/now/table/sys_user_has_role",
        sysparm_fields="user",
        sysparm_query="userISNOTEMPTY",
        sysparm_display_value=display,
        sysparm_limit="1",
    )
    ((user,),) = ([row["user"]] for row in answer.rows())
    assert isinstance(user, dict)
    assert set(user) == keys


def test_a_reference_without_link_is_its_value(rest: Rest) -> None:
    """A15: `sysparm_exclude_reference_link` [DOC]."""
    (row,) = rest.find("sys_user_has_role", "userISNOTEMPTY", fields="user", limit=1)
    assert SYS_ID.fullmatch(row["user"])


def test_pages_and_their_total(rest: Rest) -> None:
    """A15: `X-Total-Count`, limit and offset [DOC]."""
    first = rest.query("sys_user_role", "ORDERBYsys_id", fields="sys_id", limit=2)
    assert int(first.headers["X-Total-Count"]) >= 3
    second = rest.get(
        "/api/now/table/sys_user_role",
        sysparm_query="ORDERBYsys_id",
        sysparm_fields="sys_id",
        sysparm_limit="2",
        sysparm_offset="2",
    )
    ids = [str(row["sys_id"]) for row in (*first.rows(), *second.rows())]
    assert len(first.rows()) == 2
    assert ids == sorted(set(ids))
    assert "link" in first.names


def test_nothing_found_is_an_empty_list(rest: Rest) -> None:
    """A15: unversioned and v2 answer 200 `{"result":[]}` [DOC]."""
    for version in ("", "/v2"):
        answer = rest.get(f"/api/now{version}/table/sys_user", sysparm_query=f"sys_id={NOTHING}")
        assert answer.status == 200
        assert answer.rows() == []


def test_nothing_found_is_404_in_the_first_version(rest: Rest) -> None:
    """A15: v1 answers 404 [DOC]."""
    assert rest.get("/api/now/v1/table/sys_user", sysparm_query=f"sys_id={NOTHING}").status == 404


def test_an_unknown_column_in_a_query_is_dropped(rest: Rest) -> None:
    """A15: silently, unless `glide.invalid_query.returns_no_rows` is true [DOC; MEAS BST]."""
    strict = rest.find(
        "sys_properties", "name=glide.invalid_query.returns_no_rows", fields="name,value"
    )
    answer = rest.query("sys_user_role", "u_sn_smtp_none=1", fields="sys_id", limit=1)
    assert answer.status == 200
    is_strict = any(row["value"] == "true" for row in strict)
    assert bool(answer.rows()) is not is_strict


def test_the_stats_api_counts(rest: Rest) -> None:
    """A15: `{"result":{"stats":{"count":"313"}}}` [DOC]."""
    answer = rest.get(
        "/api/now/stats/sys_user", sysparm_count="true", sysparm_query=f"sys_id={NOTHING}"
    )
    assert answer.json() == {"result": {"stats": {"count": "0"}}}
    assert rest.count("sys_user_role", "") >= 3


def test_the_batch_api_carries_reads(rest: Rest, me: dict[str, str]) -> None:
    """A15: REST calls in one; an unserviced part is named."""
    query = f"sysparm_query=sys_id={me['sys_id']}&sysparm_fields=user_name"
    headers = [{"name": name, "value": value} for name, value in JSON_HEADERS.items()]
    body = {
        "batch_request_id": "contract",
        "rest_requests": [
            {
                "id": "one",
                "method": "GET",
                "url": f"/api/now/table/sys_user?{query}",
                "headers": headers,
            }
        ],
    }
    answer = rest.send("POST", "/api/now/v1/batch", body=body)
    assert answer.status == 200
    found = answer.json()
    serviced, unserviced = found["serviced_requests"], found["unserviced_requests"]
    assert isinstance(serviced, list)
    if unserviced:
        pytest.skip("the instance serviced no part of the batch; the importer reads singly then")
    (part,) = serviced
    assert part["id"] == "one"
    assert part["status_code"] == 200
    rows = json.loads(base64.b64decode(part["body"]))["result"]
    assert rows == [{"user_name": me["user_name"]}]


# Writing


def test_an_insert_answers_with_the_record(rest: Rest, scratch: Scratch) -> None:
    """A15: 201, `Location`, the full record; a `sys_id` in the body is honoured [PLAT PySNC]."""
    sys_id, name = new_id(), a_name(scratch.target.run)
    scratch.forget_later("sys_properties", sys_id)
    body = {"sys_id": sys_id, "name": name, "type": "string", "value": "1", "u_none": "x"}
    answer = rest.send("POST", PROPERTIES, body=body)
    assert answer.status == 201
    assert answer.headers["Location"].endswith(f"/sys_properties/{sys_id}")
    made = answer.result()
    assert (made["sys_id"], made["name"], made["value"]) == (sys_id, name, "1")
    assert "u_none" not in made


def test_a_scope_is_demoted_to_global(rest: Rest, scratch: Scratch) -> None:
    """A15: scoped records are not born over REST [MEAS NF]."""
    scopes = rest.find("sys_scope", "scope!=global", fields="sys_id,scope", limit=1)
    given = scopes[0]["sys_id"] if scopes else new_id()
    sys_id, _ = _property(scratch, sys_scope=given)
    row = rest.row("sys_properties", sys_id, fields="sys_id,sys_scope")
    assert row == {"sys_id": sys_id, "sys_scope": "global"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_changes_the_given_columns_only(
    rest: Rest, scratch: Scratch, method: str
) -> None:
    """A15: PUT = PATCH [DOC]."""
    sys_id, name = _property(scratch, description="stays")
    answer = rest.send(method, f"{PROPERTIES}/{sys_id}", body={"value": "2"})
    assert answer.status == 200
    row = rest.row("sys_properties", sys_id, fields="name,value,description")
    assert row == {"name": name, "value": "2", "description": "stays"}


def test_a_body_can_be_kept_back(rest: Rest, scratch: Scratch) -> None:
    """A15: `X-no-response-body: true` [DOC]."""
    sys_id, _ = _property(scratch)
    headers = {**JSON_HEADERS, "X-no-response-body": "true"}
    path = f"{PROPERTIES}/{sys_id}"
    answer = rest.send("PATCH", path, body={"value": "2"}, headers=headers)
    assert answer.status in (200, 204)
    assert answer.size == 0
    assert (rest.row("sys_properties", sys_id, fields="value") or {})["value"] == "2"


def test_a_delete_says_nothing(rest: Rest, scratch: Scratch) -> None:
    """A15: 204; afterwards 404."""
    sys_id, _ = _property(scratch)
    answer = rest.send("DELETE", f"{PROPERTIES}/{sys_id}")
    assert (answer.status, answer.size) == (204, 0)
    assert rest.row("sys_properties", sys_id) is None
    again = rest.send("DELETE", f"{PROPERTIES}/{sys_id}")
    assert again.status == 404


def test_a_second_record_in_a_body_is_not_stored(rest: Rest, scratch: Scratch) -> None:
    """A15: several records in one body: only the first counts [DOC]."""
    names = [a_name(scratch.target.run) for _ in range(2)]
    ids = [new_id(), new_id()]
    for sys_id in ids:
        scratch.forget_later("sys_properties", sys_id)
    body = [
        {"sys_id": sys_id, "name": name, "type": "string", "value": "1"}
        for sys_id, name in zip(ids, names, strict=True)
    ]
    answer = rest.send("POST", PROPERTIES, body=body)
    stored = rest.find("sys_properties", f"sys_idIN{','.join(ids)}", fields="sys_id")
    assert answer.status in (201, 400)
    assert [row["sys_id"] for row in stored] == (ids[:1] if answer.status == 201 else [])


def test_a_write_to_a_tracked_table_is_captured(rest: Rest, scratch: Scratch) -> None:
    """A15: in the caller's current set, under the name of the record [TP PPS]."""
    sys_id, _ = _property(scratch)
    query = f"name=sys_properties_{sys_id}^remote_update_setISEMPTY"
    rows = rest.find("sys_update_xml", query, fields="action,update_set,update_set.name")
    assert [row["action"] for row in rows] == ["INSERT_OR_UPDATE"]
    assert rows[0]["update_set.name"].startswith("sn_smtp_contract.")


# Doors that are closed


def test_a_set_cannot_be_made_of_xml(rest: Rest, may_write: None) -> None:
    """A6: an XML body is 400 `Exception while reading request` [MEAS ARK]."""
    answer = rest.call(
        "POST",
        "/api/now/table/sys_remote_update_set",
        auth=rest.target.basic(),
        headers=JSON_HEADERS,
        data=b'<?xml version="1.0" encoding="UTF-8"?><unload/>',
    )
    assert answer.status == 400
    assert answer.error()[0].startswith("Exception while reading request")


def test_updates_cannot_be_inserted(rest: Rest, scratch: Scratch) -> None:
    """A6, A16: 403 of an ACL, admin or not [MEAS]."""
    sys_id = new_id()
    scratch.forget_later("sys_update_xml", sys_id)
    body = {"sys_id": sys_id, "name": a_name(scratch.target.run)}
    answer = rest.send("POST", "/api/now/table/sys_update_xml", body=body)
    assert answer.status == 403
    detail = "ACL Exception Insert Failed due to security constraints"
    assert answer.error() == ("Operation Failed", detail)


def test_a_write_to_nowhere_is_404(rest: Rest, may_write: None) -> None:
    """A16: `No Record found`."""
    answer = rest.send("PATCH", f"{PROPERTIES}/{NOTHING}", body={"value": "2"})
    assert answer.status == 404
    assert answer.error()[0] == "No Record found"
