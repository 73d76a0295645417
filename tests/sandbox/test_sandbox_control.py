"""Control paths, and requests that nobody answers."""

from __future__ import annotations

import pytest
from door_calls import JSON, USERS, admin, angular_login, ask, jar, made
from werkzeug.test import Client

CONTROL = "/__sandbox__/"
BEHAVIOUR = f"{CONTROL}behaviour"


def test_switches_are_read_and_set_over_http() -> None:
    sandbox = made()
    before = ask(sandbox, "GET", BEHAVIOUR).json()
    assert before["hibernating"] is False
    after = ask(sandbox, "POST", BEHAVIOUR, json={"hibernating": True, "cut": "after:3"}).json()
    assert (after["hibernating"], after["cut"]) == (True, "after:3")
    assert sandbox.behaviour.hibernating
    # Control is never faulted.
    assert ask(sandbox, "POST", BEHAVIOUR, json=before).json() == before
    assert ask(sandbox, "GET", USERS).status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"{", b"[" * 5000, b'{"basic": "of"}', b'{"nonsense": 1}']
)
def test_wrong_switches_are_refused_whole(body: bytes) -> None:
    sandbox = made()
    said = ask(sandbox, "POST", BEHAVIOUR, data=body)
    assert said.status_code == 400
    assert sandbox.behaviour.revision == made().behaviour.revision


def test_a_huge_body_is_refused_unread() -> None:
    sandbox = made()
    assert ask(sandbox, "POST", BEHAVIOUR, data=b" " * 1_000_001).status_code == 400


@pytest.mark.parametrize("address", ["192.0.2.7", "", "host"])
def test_only_this_machine_may_ask(address: str) -> None:
    client = Client(made().wsgi)
    assert client.get(BEHAVIOUR, environ_overrides={"REMOTE_ADDR": address}).status_code == 403


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("[::1]:8080", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("192.0.2.7", 403),
        ("[", 403),
    ],
)
def test_only_a_loopback_host_may_be_asked(host: str, code: int) -> None:
    said = Client(made().wsgi).get(
        BEHAVIOUR, environ_overrides={"HTTP_HOST": host, "REMOTE_ADDR": "127.0.0.1"}
    )
    assert said.status_code == code


def test_a_page_of_a_stranger_may_not_ask() -> None:
    said = ask(made(), "POST", BEHAVIOUR, json={}, headers={"Origin": "https://evil.example"})
    assert said.status_code == 403


def test_requests_are_listed_without_what_they_carry() -> None:
    sandbox = made()
    canary = "can" + "ary-value"
    ask(sandbox, "GET", f"/api/now/table/x?sysparm_query={canary}&b=", auth=("admin", canary))
    ask(sandbox, "GET", f"{CONTROL}log")
    told = ask(sandbox, "GET", f"{CONTROL}requests")
    assert canary not in told.text
    assert told.json() == {
        "count": 1,
        "requests": [
            {
                "number": 1,
                "method": "GET",
                "path": "/api/now/table/x",
                "parameters": ["sysparm_query", "b"],
                "status": 401,
            }
        ],
    }
    assert ask(sandbox, "DELETE", f"{CONTROL}requests").json() == {"count": 0, "requests": []}


def test_the_log_is_told() -> None:
    sandbox = made()
    ask(sandbox, "GET", USERS)
    assert any("401" in line for line in ask(sandbox, "GET", f"{CONTROL}log").json()["log"])


def test_an_unknown_path_is_404_and_its_neighbour_is_named() -> None:
    sandbox = made()
    said = ask(sandbox, "GET", "/api/now/tables/sys_user", auth=admin(sandbox))
    assert said.status_code == 404
    assert said.json()["error"]["message"] == "Requested URI does not represent any resource"
    (line,) = ask(sandbox, "GET", f"{CONTROL}unsupported").json()["unsupported"]
    assert line.startswith("GET /api/now/tables/sys_user: nearest is /api/now/")
    assert "'tables' instead of" in line
    assert any(line in logged for logged in sandbox.log)


def test_an_unknown_path_without_neighbour_says_so() -> None:
    sandbox = made()
    ask(sandbox, "GET", "/zzzzzzzzzzzzzzzzzzzzzz", auth=admin(sandbox))
    assert sandbox.unsupported == ["GET /zzzzzzzzzzzzzzzzzzzzzz: no route is near"]


def test_an_unknown_page_is_404_only_for_who_is_in() -> None:
    sandbox = made()
    session = jar(sandbox)
    assert ask(sandbox, "GET", "/nonsense.do", session=session).headers["Location"] == "/login.do"
    angular_login(sandbox, session)
    assert ask(sandbox, "GET", "/nonsense.do", session=session).status_code == 404
    assert ask(sandbox, "GET", "/nonsense.txt").status_code == 404


def test_an_unknown_api_path_without_credentials_is_401() -> None:
    sandbox = made()
    assert ask(sandbox, "GET", "/api/now/nonsense").status_code == 401
    assert ask(sandbox, "GET", "/api/now/nonsense", headers=JSON).status_code == 401


def test_control_characters_of_a_path_do_not_reach_the_log() -> None:
    sandbox = made()
    ask(sandbox, "GET", "/%1b[2Jx%0aGET /forged.do 200")
    assert not any("\x1b" in line or "\n" in line for line in sandbox.log)


def test_many_unsupported_requests_take_no_more_room() -> None:
    from generator.sandbox.unsupported import MOST

    sandbox = made()
    sandbox.unsupported.extend(["x"] * MOST)
    ask(sandbox, "GET", "/nonsense.do")
    assert len(sandbox.unsupported) == MOST


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/upload.dos", "'upload.dos' instead of 'upload.do'"),
        ("/api/now/v1/batch/x", "'x' too much"),
        ("/api/v1/batch", "'now' missing"),
    ],
)
def test_differences_are_told(path: str, said: str) -> None:
    from generator.sandbox.unsupported import nearest

    assert said in nearest(path)


def test_neither_log_nor_requests_hold_the_text_of_a_query() -> None:
    sandbox = made()
    canary = "CAN" + "ARY"
    table = "/api/now/table/sys_user?sysparm_query="
    for query in (
        canary,
        f"user_name=u^{canary}^name=x",
        f"user_name=javascript:{canary}()",
        f"user_nameINjavascript:{canary}()",
        f"sys_created_onBETWEENjavascript:{canary}()",
        f"user_nameSAMEAS{canary}",
        f"ORDERBY{canary}",
        f"RLQUERY{canary}^name=x^ENDRLQUERY",
        f"no_such_column={canary}",
    ):
        said = ask(sandbox, "GET", table + query, auth=admin(sandbox))
        assert said.status_code == 200
    ask(sandbox, "GET", f"/api/now/table/sys_user?{canary}&sysparm_limit=1", auth=admin(sandbox))
    log = ask(sandbox, "GET", f"{CONTROL}log").text
    assert canary not in log
    assert "no operator in part 2 of the query" in log
    assert "the script of user_name is not computed" in log
    requests = ask(sandbox, "GET", f"{CONTROL}requests").json()["requests"]
    assert requests[-1]["parameters"] == ["sysparm_limit"]
    assert canary not in str(requests)
    assert canary not in str(sandbox.unsupported)
