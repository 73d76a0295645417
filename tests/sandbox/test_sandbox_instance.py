"""The sandbox as a whole: what every answer carries, the socket and its in-process twin."""

import io
import re
from datetime import UTC, datetime

import pytest
import requests

from generator.clock import SteppedClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox

HOST = "https://dev.example"
ACCEPT = {"Accept": "application/json"}
NOW = datetime(2026, 3, 12, 10, 0, tzinfo=UTC)
READ = "/api/now/table/sys_user?sysparm_limit=1"


@pytest.fixture
def sandbox():
    made = Sandbox(clock=SteppedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def session(sandbox):
    made = requests.Session()
    made.mount(HOST, sandbox.adapter())
    made.auth = (sandbox.admin_user, sandbox.admin_password)
    made.headers.update(ACCEPT)
    return made


def cookies(response):
    return {cookie.name: cookie for cookie in response.cookies}


def test_every_answer_has_the_headers_of_an_instance(session):
    for path, logged_in in ((READ, "true"), ("/nonsense", "false"), ("/api/nonsense", "true")):
        headers = session.get(HOST + path).headers
        assert headers["X-Is-Logged-In"] == logged_in
        assert re.fullmatch(r"[0-9a-f]{12}", headers["X-Transaction-ID"])
        assert headers["Server"] == "ServiceNow"
        assert headers["Date"] == "Thu, 12 Mar 2026 10:00:00 GMT"
        assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert headers["Cache-Control"] == "no-cache,no-store,must-revalidate,max-age=-1"
        assert headers["Pragma"] == "no-store, no-cache"
        assert headers["Expires"] == "0"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server-Timing" in headers


def test_rest_answers_reissue_the_store_for_a_minute(session):
    found = cookies(session.get(HOST + READ))
    assert set(found) == {
        "JSESSIONID",
        "glide_user_route",
        "glide_node_id_for_js",
        "glide_user_activity",
        "glide_session_store",
    }
    again = session.get(HOST + READ)
    line = [value for value in again.raw.headers.getlist("Set-Cookie") if "session_store" in value]
    assert "Max-Age=60" in line[0]
    # What a client has is not given again.
    assert not any("glide_user_route" in v for v in again.raw.headers.getlist("Set-Cookie"))


def test_nobody_gets_no_session_store(sandbox):
    session = requests.Session()
    session.mount(HOST, sandbox.adapter())
    response = session.get(HOST + READ, headers=ACCEPT)
    assert response.status_code == 401
    assert response.headers["X-Is-Logged-In"] == "false"
    assert "glide_session_store" not in cookies(response)


def test_the_log_holds_no_parameter_and_no_secret(sandbox, session):
    session.get(f"{HOST}/api/now/table/sys_user?sysparm_query=user_name=canary&x-sn-apikey=canary")
    text = "\n".join(sandbox.log)
    assert "GET /api/now/table/sys_user 200" in text
    assert "canary" not in text
    assert sandbox.admin_password not in text


def test_lines_of_the_log_stay_lines():
    told = []
    sandbox = Sandbox(clock=SteppedClock(NOW), on_line=told.append)
    sandbox.say("a\nb\x1b[1m")
    assert told == [r"a\nb\x1b[1m"]
    sandbox.close()


def test_same_seed_same_answers_but_never_the_same_password():
    texts, passwords = [], set()
    for _ in range(2):
        sandbox = Sandbox(clock=SteppedClock(NOW), seed=5)
        session = requests.Session()
        session.mount(HOST, sandbox.adapter())
        session.auth = (sandbox.admin_user, sandbox.admin_password)
        path = f"{HOST}/api/now/table/sys_email_account"
        texts.append(session.post(path, json={"name": "a"}).text)
        passwords.add(sandbox.admin_password)
        sandbox.close()
    assert texts[0] == texts[1]
    assert len(passwords) == 2


def test_a_directory_keeps_the_data(tmp_path):
    for _ in range(2):
        sandbox = Sandbox(clock=SteppedClock(NOW), data=tmp_path / "new")
        values = {"name": "kept"}
        sandbox.database.insert("sys_email_account", values, by="t")
        count = sandbox.database.count("sys_email_account", "name=kept")
        sandbox.close()
    assert count == 2


def test_a_server_answers_and_stops(sandbox):
    with pytest.raises(RuntimeError):
        _ = sandbox.url
    with sandbox:
        url = sandbox.url
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(RuntimeError):
            sandbox.start()
        auth = (sandbox.admin_user, sandbox.admin_password)
        with requests.get(url + READ, auth=auth, headers=ACCEPT, timeout=30) as response:
            assert response.status_code == 200
            assert response.raw.headers.getlist("Server") == ["ServiceNow"]
            assert response.raw.headers.getlist("Date") == ["Thu, 12 Mar 2026 10:00:00 GMT"]
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=30)


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize("where", ["before", "after", "middle"])
def test_a_connection_breaks_the_same_way_over_both(served, where):
    sandbox = Sandbox(clock=SteppedClock(NOW), behaviour=Behaviour())
    session = requests.Session()
    session.auth = (sandbox.admin_user, sandbox.admin_password)
    session.mount(HOST, sandbox.adapter())
    base = sandbox.start() if served else HOST
    sandbox.behaviour.set({"cut": f"{where}:1"})
    path = f"{base}/api/now/table/sys_email_account"
    kinds = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    with pytest.raises(kinds):
        session.post(path, json={"name": "cut"}, timeout=30)
    count = sandbox.database.count("sys_email_account", "name=cut")
    assert count == (0 if where == "before" else 1)
    assert session.get(path, headers=ACCEPT, timeout=30).status_code == 200
    session.close()
    sandbox.close()


def pieces():
    yield b'{"name":'
    yield b'"streamed"}'


@pytest.mark.parametrize("served", [False, True])
@pytest.mark.parametrize(
    "body",
    [pieces, lambda: io.BytesIO(b"".join(pieces())), lambda: '{"name":"streamed"}'],
    ids=["generator", "file", "text"],
)
def test_bodies_arrive_as_they_are_sent(served, body):
    sandbox = Sandbox(clock=SteppedClock(NOW))
    session = requests.Session()
    session.auth = (sandbox.admin_user, sandbox.admin_password)
    session.mount(HOST, sandbox.adapter())
    base = sandbox.start() if served else HOST
    headers = {**ACCEPT, "Content-Type": "application/json"}
    path = f"{base}/api/now/table/sys_email_account"
    response = session.post(path, data=body(), headers=headers, timeout=30)
    assert response.json()["result"]["name"] == "streamed"
    session.close()
    sandbox.close()


def test_a_head_has_headers_alone(session):
    response = session.head(HOST + READ)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["X-Total-Count"]
