"""Microsoft Graph as a client sees it: answers of every kind, and none at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from generator.azure import graph_wire
from generator.azure.clouds import Cloud
from generator.azure.graph import Graph, open_graph
from generator.errors import (
    AuthenticationError,
    ConfigError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.sandbox.mail.stand_in import MailSandbox
from generator.secrets.azure_sign_in import StandIn

CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
OBJECT = "c0ffee00-1111-4222-8333-444455556666"
KEY = "9f8e7d6c-5b4a-4938-8271-605142332415"
TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
TOKEN = "to" + "ken-of-a-test"
VALUE = "abc8" + "Q" + "~value-of-a-test"
ENDS = datetime(2027, 5, 1, tzinfo=UTC)


def credential(**changes: object) -> dict[str, object]:
    """One secret, as Graph tells it."""
    return {
        "keyId": KEY,
        "displayName": "mail",
        "hint": "abc",
        "startDateTime": "2026-11-01T00:00:00Z",
        "endDateTime": "2027-05-01T00:00:00.1234567Z",
        "secretText": None,
        **changes,
    }


def application(**changes: object) -> dict[str, object]:
    """The application, as Graph tells it."""
    return {
        "id": OBJECT,
        "appId": CLIENT.upper(),
        "displayName": "ServiceNow",
        "passwordCredentials": [credential()],
        **changes,
    }


@dataclass(slots=True)
class Server:
    """A server that answers as it is told."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    def say(self, body: object, status: int = 200, **headers: str) -> None:
        """What it answers next."""
        self.status, self.headers = status, headers
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def graph(self, url: str | None = None, longest: float = 20) -> Graph:
        """A client of it."""
        return Graph(client_id=CLIENT, url=url or self.url, token=lambda: TOKEN, longest=longest)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            authorization = self.headers.get("Authorization", "")
            made.seen.append((self.command, self.path, authorization, sent))
            if made.status == 0:
                # Nothing at all.
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        do_POST = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield made
    http.shutdown()
    http.server_close()
    thread.join()


def test_the_application_and_its_secrets(server: Server) -> None:
    server.say(application())
    found = server.graph().application()
    assert (found.object_id, found.display_name) == (OBJECT, "ServiceNow")
    one = found.password(KEY)
    assert one is not None
    assert (one.display_name, one.hint) == ("mail", "abc")
    assert one.starts == datetime(2026, 11, 1, tzinfo=UTC)
    assert one.ends == datetime(2027, 5, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert found.password("other") is None
    assert "abc" not in repr(one)
    ((method, path, authorization, _),) = server.seen
    assert (method, authorization) == ("GET", f"Bearer {TOKEN}")
    assert path.startswith(f"/v1.0/applications(appId='{CLIENT}')?%24select=id%2CappId")


def test_a_netrc_puts_nothing_in_the_tokens_place(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from pathlib import Path

    netrc = Path(str(tmp_path)) / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.say(application())
    server.graph().application()
    assert server.seen[0][2] == f"Bearer {TOKEN}"


def test_a_secret_is_added_and_told_once(server: Server) -> None:
    server.say(credential(secretText=VALUE, endDateTime="2027-05-01T00:00:00Z"))
    added = server.graph().add_password(OBJECT, display_name="it's", ends=ENDS)
    assert added.secret.reveal() == VALUE
    assert (added.credential.key_id, added.credential.ends) == (KEY, ENDS)
    assert VALUE not in repr(added)
    ((method, path, _, sent),) = server.seen
    assert (method, path) == ("POST", f"/v1.0/applications/{OBJECT}/addPassword")
    assert json.loads(sent) == {
        "passwordCredential": {"displayName": "it's", "endDateTime": "2027-05-01T00:00:00Z"}
    }


def test_a_secret_is_removed_by_its_key_id(server: Server) -> None:
    server.say(b"", 204)
    server.graph().remove_password(OBJECT, key_id=KEY)
    ((_, path, _, sent),) = server.seen
    assert path == f"/v1.0/applications/{OBJECT}/removePassword"
    assert json.loads(sent) == {"keyId": KEY}


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_is_told_graphs_words(server: Server, status: int) -> None:
    server.say({"error": {"code": "Authorization_RequestDenied", "message": "No.\x1b[2J"}}, status)
    with pytest.raises(AuthenticationError) as caught:
        server.graph().application()
    assert "Authorization_RequestDenied: No. [2J" in caught.value.faults[0].message
    assert caught.value.status == status


@pytest.mark.parametrize("status", [400, 403])
def test_an_answer_that_repeats_the_token_is_not_shown_with_it(server: Server, status: int) -> None:
    server.say({"error": {"code": "Denied", "message": f"Bearer {TOKEN} is not for this."}}, status)
    with pytest.raises(RemoteError) as caught:
        server.graph().add_password(OBJECT, display_name="x", ends=ENDS)
    assert TOKEN not in str(caught.value)
    assert "Bearer [token] is not for this." in caught.value.faults[0].message


def test_an_application_that_is_not_there(server: Server) -> None:
    server.say({"error": {"code": "Request_ResourceNotFound"}}, 404)
    with pytest.raises(ConfigError, match=CLIENT):
        server.graph().application()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"[" * 100_000,
        {},
        application(id="x"),
        application(appId="another"),
        application(passwordCredentials=None),
        application(passwordCredentials=["x"]),
        application(passwordCredentials=[{"keyId": "x"}]),
    ],
    ids=str,
)
def test_an_answer_that_is_no_application(server: Server, body: object) -> None:
    server.say(body)
    with pytest.raises(ResponseError):
        server.graph().application()


def test_dates_that_are_none_are_unknown(server: Server) -> None:
    server.say(
        application(passwordCredentials=[credential(startDateTime=None, endDateTime="soon")])
    )
    (one,) = server.graph().application().passwords
    assert (one.starts, one.ends) == (None, None)


def _add(graph: Graph) -> object:
    return graph.add_password(OBJECT, display_name="x", ends=ENDS)


def _remove(graph: Graph) -> object:
    graph.remove_password(OBJECT, key_id=KEY)
    return None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", 200),
        (credential(secretText=""), 200),
        (credential(), 200),
        (credential(secretText=VALUE, keyId=""), 200),
        (b"<html>", 502),
        (b"", 0),
        (b" " * (5 << 20), 200),
    ],
)
def test_after_a_lost_answer_a_secret_may_stand(server: Server, body: object, status: int) -> None:
    server.say(body, status)
    with pytest.raises(OutcomeUnknown) as caught:
        _add(server.graph())
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize("change", [_add, _remove])
@pytest.mark.parametrize("status", [400, 429])
def test_a_refusal_is_no_change(
    server: Server, change: Callable[[Graph], object], status: int
) -> None:
    server.say({"error": {"code": "Bad", "message": "x" * 5000}}, status)
    with pytest.raises(ResponseError) as caught:
        change(server.graph())
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(caught.value.faults[0].message) < 500


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.say(b"", 302, Location=f"{server.url}/elsewhere")
    with pytest.raises(ResponseError):
        server.graph().application()
    assert len(server.seen) == 1


@pytest.mark.parametrize("body", [{"error": "no object"}, b"no json"])
def test_a_refusal_without_words_is_one(server: Server, body: object) -> None:
    server.say(body, 503)
    with pytest.raises(ResponseError, match="503"):
        server.graph().application()


def test_a_server_that_is_not_there_took_nothing(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        graph = server.graph(f"http://127.0.0.1:{taken.getsockname()[1]}")
        for change in (_add, Graph.application):
            with pytest.raises(NetworkError, match="refuses connections"):
                change(graph)


def test_a_connection_that_breaks(server: Server) -> None:
    server.say(b"", 0)
    with pytest.raises(NetworkError, match="did not come whole"):
        server.graph().application()


def test_an_answer_that_never_ends_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def stuck(*arguments: object, **more: object) -> object:
        ended.wait(20)
        raise OSError

    monkeypatch.setattr("generator.azure.graph.exchange", stuck)
    try:
        with pytest.raises(NetworkError, match="was not there within"):
            server.graph(longest=0.01).application()
        with pytest.raises(OutcomeUnknown):
            _add(server.graph(longest=0.01))
    finally:
        ended.set()


@pytest.mark.parametrize(
    ("error", "words", "was_sent"),
    [
        ("SSLError", "connection broke", True),
        ("ProxyError", "proxy", False),
        ("ConnectTimeout", "does not let connect", False),
        ("ReadTimeout", "did not come whole", True),
    ],
)
def test_why_no_answer_came(error: str, words: str, was_sent: bool) -> None:
    from requests import exceptions

    why, sent = graph_wire.explained(getattr(exceptions, error)("x"))
    assert words in why
    assert sent is was_sent


def test_a_certificate_is_judged_before_anything_is_sent() -> None:
    import ssl

    from requests import exceptions

    error = exceptions.SSLError(ssl.SSLCertVerificationError("unknown authority"))
    assert graph_wire.explained(error) == ("its certificate is not accepted", False)


def test_an_unknown_name_is_told() -> None:
    import socket as sockets

    from requests import exceptions

    error = exceptions.ConnectionError(sockets.gaierror(-2, "no name"))
    assert graph_wire.explained(error) == ("its name is not known", False)


# Signing in, with azure-identity itself


@pytest.fixture
def mail() -> Iterator[MailSandbox]:
    with MailSandbox(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=OBJECT,
        mailbox="a@b.example",
    ) as made:
        yield made


def _opened(mail: MailSandbox) -> Graph:
    local = StandIn(mail.graph_url, mail.entra_url, str(mail.ca_file))
    return open_graph(
        Cloud.PUBLIC, client_id=CLIENT, login="https://login.microsoftonline.com", local=local
    )


@pytest.fixture
def signed_in(mail: MailSandbox, monkeypatch: pytest.MonkeyPatch) -> MailSandbox:
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", mail.operator_client_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", mail.operator_secret)
    for name in ("HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return mail


def test_azure_identity_signs_in_and_the_whole_life_of_a_secret(signed_in: MailSandbox) -> None:
    graph = _opened(signed_in)
    before = graph.application()
    assert [one.key_id for one in before.passwords] == [signed_in.first_credential.key_id]
    added = graph.add_password(before.object_id, display_name="new", ends=ENDS)
    after = graph.application()
    assert after.password(added.credential.key_id) == added.credential
    assert added.secret.reveal().startswith(added.credential.hint)
    graph.remove_password(before.object_id, key_id=added.credential.key_id)
    assert graph.application() == before
    with pytest.raises(ResponseError, match="No password credential found"):
        graph.remove_password(before.object_id, key_id=added.credential.key_id)


def test_nobody_signed_in_is_told(signed_in: MailSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "wr" + "ong-secret-of-a-test"
    monkeypatch.setenv("AZURE_CLIENT_SECRET", value)
    with pytest.raises(AuthenticationError, match="Nobody is signed in") as caught:
        _opened(signed_in).application()
    assert "AADSTS7000215" in str(caught.value)
    assert value not in str(caught.value)


def test_without_the_extra_it_is_named(
    signed_in: MailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(ConfigError, match="azure-identity is not installed") as caught:
        _opened(signed_in).application()
    assert "sn-smtp-oauth[azure]" in (caught.value.faults[0].next or "")


def test_a_sign_in_that_does_not_end_is_not_waited_for(
    signed_in: MailSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def stuck(**more: object) -> object:
        ended.wait(20)
        raise OSError

    monkeypatch.setattr(graph_wire, "LONGEST", 0.01)
    monkeypatch.setattr("generator.secrets.azure_sign_in.make_credential", stuck)
    try:
        with pytest.raises(NetworkError, match="did not end"):
            _opened(signed_in).application()
    finally:
        ended.set()


def test_each_cloud_has_its_own_graph() -> None:
    found = {cloud: open_graph(cloud, client_id=CLIENT, login="x").url for cloud in Cloud}
    assert found[Cloud.PUBLIC] == "https://graph.microsoft.com"
    assert len(set(found.values())) == len(Cloud)
