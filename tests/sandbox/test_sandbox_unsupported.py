"""What the sandbox knows and does not do is listed, never silent."""

from __future__ import annotations

import base64

import pytest
from door_calls import admin, ask, made


def listed(method: str, path: str, **options: object) -> list[str]:
    sandbox = made()
    ask(sandbox, method, path, auth=admin(sandbox), **options)  # type: ignore[arg-type]
    found: list[str] = ask(sandbox, "GET", "/__sandbox__/unsupported").json()["unsupported"]
    assert found == sandbox.unsupported
    assert all(any(line in logged for logged in sandbox.log) for line in found)
    return found


def test_an_unknown_table() -> None:
    (line,) = listed("GET", "/api/now/table/sys_users")
    assert line == "table 'sys_users': nearest is sys_user"


def test_a_wrong_method() -> None:
    (line,) = listed("DELETE", "/api/now/table/sys_user")
    assert line == "DELETE /api/now/table/sys_user: this path takes GET, HEAD, POST"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"id": "1", "url": "/login.do"}, "a part of a batch: GET /login.do"),
        ({"id": "1", "url": "/api/now/v1/batch"}, "a part of a batch: GET /api/now/v1/batch"),
        ({"id": "1", "url": "http://[x"}, "a part of a batch whose address is none"),
        (
            {"id": "1", "url": "/api/now/table/sys_user", "method": "TRACE"},
            "a part of a batch: of another method /api/now/table/sys_user",
        ),
    ],
)
def test_a_part_of_a_batch_that_is_not_serviced(part: dict[str, str], told: str) -> None:
    body = {"batch_request_id": "b", "rest_requests": [part]}
    assert listed("POST", "/api/now/v1/batch", json=body) == [told]


def test_what_a_part_of_a_batch_meets_is_listed_too() -> None:
    part = {"id": "1", "url": "/api/now/table/sys_users", "method": "GET"}
    assert listed("POST", "/api/now/v1/batch", json={"rest_requests": [part]}) == [
        "table 'sys_users': nearest is sys_user"
    ]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("get_users", "/angular.do sysparm_type 'get_users': nearest is get_user"),
        ("", "/angular.do sysparm_type 'missing': none is near"),
    ],
)
def test_an_unknown_type_of_angular(wanted: str, told: str) -> None:
    assert listed("POST", f"/angular.do?sysparm_type={wanted}") == [told]


def test_flows_are_not_activated() -> None:
    body = {"flows": [{"sys_id": "0" * 32}], "actions": []}
    assert listed("POST", "/api/now/wfa_fluent/activate_flows", json=body) == [
        "activate_flows: flows are not activated, only actions"
    ]


def test_parameters_without_effect_are_listed_once_for_a_path() -> None:
    sandbox = made()
    secret = base64.b16encode(b"value").decode()
    for path in ("table/sys_user", "stats/sys_user", "table/sys_user", "table/sys_user_role"):
        query = f"sysparm_limit=1&sysparm_view={secret}&sysparm_having={secret}&other=1"
        ask(sandbox, "GET", f"/api/now/{path}?{query}", auth=admin(sandbox))
    assert sandbox.unsupported == [
        "GET /api/now/table/sys_user: sysparm_view has no effect here",
        "GET /api/now/table/sys_user: sysparm_having has no effect here",
        "GET /api/now/stats/sys_user: sysparm_limit has no effect here",
        "GET /api/now/stats/sys_user: sysparm_view has no effect here",
        "GET /api/now/stats/sys_user: sysparm_having has no effect here",
        "GET /api/now/table/sys_user_role: sysparm_view has no effect here",
        "GET /api/now/table/sys_user_role: sysparm_having has no effect here",
    ]


def test_parameters_that_are_read_are_not_listed() -> None:
    assert listed("GET", "/api/now/table/sys_user?sysparm_query=active=true&sysparm_limit=1") == []
    assert listed("GET", "/api/now/stats/sys_user?sysparm_count=true") == []
    assert listed("GET", "/api/now/attachment?sysparm_limit=1") == []
