"""Faults on the wire, in-process and over a socket alike."""

from __future__ import annotations

import pytest
import requests
from door_calls import JSON, URL, USERS, admin, ask, jar, made

from generator.clock import SteppedClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.sandbox.wire import HUGE

PROPERTIES = "/api/now/table/sys_properties"
BROKEN = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)


def write(sandbox: Sandbox, name: str, *, session: requests.Session | None = None) -> object:
    return ask(
        sandbox,
        "POST",
        PROPERTIES,
        session=session,
        auth=admin(sandbox),
        json={"name": name, "value": "x"},
    )


def stands(sandbox: Sandbox, name: str) -> bool:
    return sandbox.database.count("sys_properties", f"name={name}") == 1


# Is anybody there (A2)


@pytest.mark.parametrize("path", ["/", "/nonsense", USERS, "/upload.do"])
def test_a_hibernating_instance_answers_every_path_alike(path: str) -> None:
    said = ask(made(hibernating=True), "GET", path)
    assert said.status_code == 200
    assert said.headers["Content-Type"] == "text/html"
    assert said.headers["Server"] == "snow_adc"
    assert "X-Transaction-ID" not in said.headers
    assert len(said.content) == 5904
    assert "<title>Instance Hibernating page</title>" in said.text
    assert "Your instance is hibernating" in said.text


@pytest.mark.parametrize("path", ["/", "/nonsense", USERS])
def test_an_instance_without_node_answers_502(path: str) -> None:
    said = ask(made(no_node=True), "GET", path)
    assert (said.status_code, len(said.content)) == (502, 153)
    assert said.headers["Content-Type"] == "text/html"
    assert "X-Transaction-ID" not in said.headers


def test_an_awake_instance_refuses_who_does_not_sign_in() -> None:
    said = ask(made(), "GET", USERS)
    assert said.status_code == 401
    assert said.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
    assert said.headers["Server"] == "ServiceNow"
    assert len(said.headers["X-Transaction-ID"]) == 12
    assert said.json() == {
        "error": {
            "message": "User Not Authenticated",
            "detail": "Required to provide Auth information",
        },
        "status": "failure",
    }


def test_a_share_of_requests_meets_an_outage() -> None:
    sandbox = made(flaky_502=0.25)
    codes = [ask(sandbox, "GET", USERS).status_code for _ in range(80)]
    assert set(codes) == {401, 502}
    assert 5 < codes.count(502) < 40


def test_the_next_requests_meet_an_outage() -> None:
    sandbox = made(outage_502=2)
    assert [ask(sandbox, "GET", USERS).status_code for _ in range(3)] == [502, 502, 401]


def test_a_proxy_may_stand_before_it() -> None:
    said = ask(made(proxy_page=True), "GET", USERS)
    assert (said.status_code, said.headers["Content-Type"]) == (200, "text/html")


def test_latency_sleeps_on_the_sandbox_clock() -> None:
    sandbox = made(latency_ms=100)
    ask(sandbox, "GET", USERS)
    ask(sandbox, "GET", USERS)
    assert sandbox.clock.monotonic() == pytest.approx(0.2)


# Connections that break


@pytest.mark.parametrize(
    ("where", "written"), [("before", False), ("after", True), ("middle", True)]
)
@pytest.mark.parametrize("over", ["adapter", "socket"])
def test_a_cut_hits_one_request(where: str, written: bool, over: str) -> None:
    sandbox = made()
    session = jar(sandbox)
    url = URL
    try:
        if over == "socket":
            url = sandbox.start()
        sandbox.behaviour.set({"cut": f"{where}:2"})

        def send(name: str) -> int:
            said = session.post(
                url + PROPERTIES,
                auth=admin(sandbox),
                json={"name": name, "value": "x"},
                headers=JSON,
            )
            assert said.json()["result"]["name"] == name
            return said.status_code

        assert send("first") == 201
        with pytest.raises(BROKEN):
            send("second")
        assert send("third") == 201
    finally:
        sandbox.close() if over == "socket" else None
    if over == "adapter":
        assert stands(sandbox, "second") is written
        statuses = [seen.status for seen in sandbox.wire.seen]
        assert statuses == [201, 201 if where == "middle" else None, 201]


def test_every_request_may_be_cut() -> None:
    sandbox = made(cut="before")
    for _ in range(3):
        with pytest.raises(requests.exceptions.ConnectionError):
            ask(sandbox, "GET", USERS)
    sandbox.behaviour.set({"cut": "off"})
    assert ask(sandbox, "GET", USERS).status_code == 401


def test_a_connection_may_break_after_some_bytes() -> None:
    sandbox = made(cut_bytes=10)
    said = ask(sandbox, "GET", USERS, stream=True)
    assert int(said.headers["Content-Length"]) > 10
    assert said.raw.read(10, decode_content=False) == b'{"error":{'
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask(sandbox, "GET", USERS)


@pytest.mark.parametrize("switches", [{"cut_bytes": 10**6}, {"cut": "middle", "cut_bytes": 10**6}])
def test_an_answer_that_is_shorter_breaks_before_its_head(switches: dict[str, object]) -> None:
    sandbox = made(**switches)
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(sandbox, "GET", USERS, stream=True)
    assert [seen.status for seen in sandbox.wire.seen] == [None]


@pytest.mark.parametrize("switches", [{"cut": "middle"}, {"cut_bytes": 10}])
def test_an_empty_answer_breaks_before_its_head(switches: dict[str, object]) -> None:
    sandbox = made()
    row = sandbox.database.insert("sys_properties", {"name": "x"}, by="t")
    sandbox.behaviour.set(switches)
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(
            sandbox,
            "DELETE",
            f"{PROPERTIES}/{row['sys_id']}",
            auth=admin(sandbox),
            stream=True,
        )
    assert not stands(sandbox, "x")
    # A HEAD has no body to be cut.
    said = ask(sandbox, "HEAD", "/login.do")
    assert (said.status_code, said.content) == (200, b"")


# Answers that are none


def test_a_write_stands_although_it_was_cancelled() -> None:
    sandbox = made(max_execution_time="on")
    said = write(sandbox, "cancelled")
    assert isinstance(said, requests.Response)
    assert said.status_code == 500
    assert said.json()["error"]["message"] == (
        "Transaction cancelled: maximum execution time exceeded"
    )
    assert stands(sandbox, "cancelled")
    # Reads, and what failed anyway, are left alone.
    assert ask(sandbox, "GET", USERS, auth=admin(sandbox)).status_code == 200
    assert ask(sandbox, "POST", PROPERTIES, json={}).status_code == 401


def test_json_may_be_cut_in_a_whole_answer() -> None:
    sandbox = made(cut_json=1)
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert said.status_code == 200
    assert "json" in said.headers["Content-Type"]
    with pytest.raises(requests.exceptions.JSONDecodeError):
        said.json()
    assert ask(sandbox, "GET", USERS, auth=admin(sandbox)).json()["result"]


def test_an_answer_may_hold_result_and_error() -> None:
    sandbox = made(result_and_error=1)
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert said.status_code == 200
    assert set(said.json()) == {"result", "error", "status"}


def test_a_body_may_be_huge() -> None:
    sandbox = made(huge_body=1)
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert len(said.content) > HUGE


# Rate limits (A2)


def test_a_rate_limit_is_late_and_tells_when_to_come_back() -> None:
    sandbox = made(rate_limit="2/h")

    def get() -> requests.Response:
        return ask(sandbox, "GET", USERS, auth=admin(sandbox))

    assert [get().status_code for _ in range(5)] == [200] * 5
    assert get().headers["X-RateLimit-Limit"] == "2"
    sandbox.clock.sleep(30)
    said = get()
    assert said.status_code == 429
    assert said.json()["error"] == {
        "message": "Rate limit exceeded",
        "detail": "Rate limit of 2 requests per hour for Table API exceeded",
    }
    assert int(said.headers["Retry-After"]) == 3600 - 40
    assert int(said.headers["X-RateLimit-Reset"]) % 3600 == 0
    assert len(said.headers["X-RateLimit-Rule"]) == 32
    sandbox.clock.sleep(float(said.headers["Retry-After"]))
    assert get().status_code == 200


def test_a_429_may_come_without_headers() -> None:
    sandbox = made(rate_limit=1, rate_limit_headers=False)
    ask(sandbox, "GET", USERS, auth=admin(sandbox))
    sandbox.clock.sleep(30)
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert said.status_code == 429
    assert not {"Retry-After", "X-RateLimit-Limit"} & set(said.headers)


def test_users_are_limited_apart() -> None:
    sandbox = made(rate_limit=1)
    ask(sandbox, "GET", USERS, auth=admin(sandbox))
    sandbox.clock.sleep(30)
    assert ask(sandbox, "GET", USERS, auth=admin(sandbox)).status_code == 429
    machine = ("sn_smtp.machine", sandbox.admin_password)
    assert ask(sandbox, "GET", USERS, auth=machine).status_code == 200


# The same over a socket


def test_the_server_is_the_same_instance() -> None:
    behaviour = Behaviour()
    with Sandbox(behaviour=behaviour, clock=SteppedClock(made().clock.now())) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        said = requests.get(sandbox.url + USERS, headers=JSON, timeout=10)
        assert (said.status_code, said.headers["Server"]) == (401, "ServiceNow")
        assert said.headers["Date"] == "Mon, 23 Nov 2026 12:00:10 GMT"
        behaviour.hibernating = True
        said = requests.get(sandbox.url + "/x", timeout=10)
        assert (said.headers["Server"], len(said.content)) == ("snow_adc", 5904)
