"""One request over real sockets: TLS, limits, cut connections, and what the surroundings say."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from instance_replies import BASIC, ID, SECRETS, START
from instance_server import RawServer, Script, reply

from generator.clock import SteppedClock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import ConfigError, NetworkError, OutcomeUnknown, RemoteError, ResponseError
from generator.instance import transport
from generator.instance.calls import Call, Kind
from generator.instance.http_instance import HttpInstance, open_instance
from generator.instance.interface import Read
from generator.instance.multipart import MultipartForm
from generator.secrets.interface import Secret

USERS = Read("sys_user", fields=("sys_id",))
NONE_FOUND = b'{"result": []}'

Open = Callable[..., HttpInstance]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[HttpInstance] = []

    def make(
        url: str,
        *,
        ca: trustme.CA | None = None,
        auth: AuthSettings = BASIC,
        proxy: str | None = None,
        secrets: dict[str, str] | None = None,
    ) -> HttpInstance:
        ca_file = None
        if ca is not None:
            ca_file = tmp_path / "ca.pem"
            ca.cert_pem.write_to_path(str(ca_file))
        known = SECRETS | (secrets or {})
        instance = open_instance(
            InstanceSettings(auth=auth, ca_file=ca_file, proxy=proxy),
            url=url,
            clock=SteppedClock(START),
            secrets=lambda source: Secret(known[source]),
        )
        made.append(instance)
        return instance

    yield make
    for instance in made:
        instance.close()


def _serving(answer: bytes | Script, context: ssl.SSLContext | None = None) -> RawServer:
    script = answer if callable(answer) else lambda _request: answer
    return RawServer(script, context=context)


def _tls(ca: trustme.CA, *names: str, **options: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names, **options).configure_cert(context)
    return context


def _code(instance: HttpInstance, kind: type[RemoteError] = NetworkError) -> str:
    with pytest.raises(RemoteError) as caught:
        instance.read([USERS])
    assert type(caught.value) is kind
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "the library's exceptions hold the credentials"
    return caught.value.faults[0].code


# TLS


def test_a_certificate_of_the_named_authority_is_trusted(opened: Open) -> None:
    ca = trustme.CA()
    with _serving(reply(NONE_FOUND), _tls(ca, "localhost")) as server:
        instance = opened(server.url("localhost"), ca=ca)
        assert instance.read([USERS])[0].rows == ()


def test_another_hosts_certificate_is_refused(opened: Open) -> None:
    ca = trustme.CA()
    with _serving(reply(NONE_FOUND), _tls(ca, "other.example")) as server:
        assert _code(opened(server.url("localhost"), ca=ca)) == "instance-tls-host"
        assert server.requests == []


def test_a_certificate_for_an_address_is_refused_for_another(opened: Open) -> None:
    ca = trustme.CA()
    with _serving(reply(NONE_FOUND), _tls(ca, "127.0.0.2")) as server:
        assert _code(opened(server.url(), ca=ca)) == "instance-tls-host"


def test_an_unknown_authority_is_refused(opened: Open) -> None:
    with _serving(reply(NONE_FOUND), _tls(trustme.CA(), "localhost")) as server:
        instance = opened(server.url("localhost"), ca=trustme.CA())
        with pytest.raises(NetworkError) as caught:
            instance.read([USERS])
        assert caught.value.faults[0].code == "instance-tls-authority"
        assert "instance.ca_file" in (caught.value.faults[0].next or "")
        assert instance.requests == 1, "no certificate gets better by waiting"
        assert server.requests == []


def test_the_systems_authorities_do_not_know_a_throw_away_one(opened: Open) -> None:
    with _serving(reply(NONE_FOUND), _tls(trustme.CA(), "localhost")) as server:
        assert _code(opened(server.url("localhost"))) == "instance-tls-authority"


def test_an_expired_certificate_is_refused(opened: Open) -> None:
    ca = trustme.CA()
    ended = datetime.now(UTC) - timedelta(days=1)
    context = _tls(ca, "localhost", not_before=ended - timedelta(days=9), not_after=ended)
    with _serving(reply(NONE_FOUND), context) as server:
        assert _code(opened(server.url("localhost"), ca=ca)) == "instance-tls-expired"
        assert server.requests == []


def test_a_certificate_of_tomorrow_is_refused(opened: Open) -> None:
    ca = trustme.CA()
    starts = datetime.now(UTC) + timedelta(days=2)
    context = _tls(ca, "localhost", not_before=starts, not_after=starts + timedelta(days=9))
    with _serving(reply(NONE_FOUND), context) as server:
        assert _code(opened(server.url("localhost"), ca=ca)) == "instance-tls-expired"


def test_what_speaks_no_tls_is_told(opened: Open) -> None:
    class Plain(RawServer):
        def _talk(self, connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Plain(lambda _request: b"") as server:
        url = server.url().replace("http:", "https:")
        assert _code(opened(url, ca=trustme.CA())) == "instance-tls"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        transport.trust(path)
    assert caught.value.faults[0].path == "instance.ca_file"


def test_a_client_certificate_is_shown(opened: Open, tmp_path: Path) -> None:
    ca = trustme.CA()
    issued = ca.issue_cert("client@example.com")
    certificate = tmp_path / "client.pem"
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    auth = AuthSettings(
        AuthMethod.MTLS, certificate=certificate, private_key_from="env:PRIVATE_KEY"
    )
    key = {"env:PRIVATE_KEY": issued.private_key_pem.bytes().decode()}
    context = _tls(ca, "localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    with _serving(reply(NONE_FOUND), context) as server:
        instance = opened(server.url("localhost"), ca=ca, auth=auth, secrets=key)
        assert instance.read([USERS])[0].rows == ()
        assert len(server.requests) == 1
        # The probe without credentials does not show it.
        with pytest.raises(RemoteError):
            instance.check_awake()
        assert len(server.requests) == 1


# Connections


def _unused_port() -> int:
    with RawServer(lambda _request: b"") as server:
        return server.port


def test_a_closed_port_refuses(opened: Open) -> None:
    assert _code(opened(f"http://127.0.0.1:{_unused_port()}")) == "instance-refused"


def test_a_name_that_nobody_has(opened: Open) -> None:
    assert _code(opened("https://no-such-instance.invalid")) in (
        "instance-dns",
        "instance-unreachable",
    )


def test_a_proxy_that_does_not_answer(opened: Open) -> None:
    proxy = f"http://127.0.0.1:{_unused_port()}"
    assert _code(opened("https://dev1.example.invalid", proxy=proxy)) == "instance-proxy"


def test_a_proxy_that_refuses(opened: Open) -> None:
    with _serving(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as server:
        instance = opened("https://dev1.example.invalid", proxy=server.url())
        assert _code(instance) == "instance-proxy"
        assert server.requests[0].startswith(b"CONNECT dev1.example.invalid:443")
        assert b"uthorization" not in server.requests[0]


def test_the_surroundings_do_not_say_where_requests_go(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither proxies of the environment nor `.netrc` nor a bundle of authorities are read."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login other password " + "wr" + "ong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    challenge = reply(b"{}", "WWW-Authenticate: BASIC", status="401 Unauthorized")
    with _serving(challenge) as server:
        opened(server.url()).check_awake()
        assert b"uthorization:" not in server.requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        reply(NONE_FOUND, length=5000),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"res',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(500)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        reply(b"no gzip", "Content-Encoding: gzip"),
    ],
)
def test_a_broken_answer_is_none(opened: Open, answer: bytes) -> None:
    with _serving(answer) as server:
        instance = opened(server.url())
        assert _code(instance) == "instance-connection-lost"
        assert len(server.requests) > 1, "a read comes again"


def test_a_broken_answer_to_a_change_may_stand(opened: Open) -> None:
    with _serving(reply(b'{"result": {}}', length=5000)) as server:
        with pytest.raises(OutcomeUnknown):
            opened(server.url()).update("sys_user", ID, {"active": "true"})
        assert len(server.requests) == 1


def test_a_slow_answer_is_a_timeout(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.05)
    end = threading.Event()

    def wait(_request: bytes) -> bytes:
        end.wait(30)
        return b""

    with _serving(wait) as server:
        assert _code(opened(server.url())) == "instance-timeout"
        end.set()


def test_an_answer_in_drops_is_given_up(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "WHOLE_SECONDS", -1.0)
    with _serving(reply(NONE_FOUND)) as server:
        assert _code(opened(server.url())) == "instance-timeout"


# Limits


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_huge_answer_is_not_read_to_its_end(opened: Open, is_packed: bool) -> None:
    body = b'{"result": "' + b"x" * 20_000_000 + b'"}'
    headers = ["Content-Encoding: gzip"] if is_packed else []
    answer = reply(gzip.compress(body) if is_packed else body, *headers)
    with _serving(answer) as server:
        instance = opened(server.url())
        with pytest.raises(ResponseError) as caught:
            instance._caller.send(_call(), wire=instance._plain(), largest=1_000_000)
        assert caught.value.faults[0].code == "instance-too-much"
        assert instance.requests == 1


def _call() -> Call:
    return Call("read", "GET", "/api/now/table/sys_user")


def test_a_large_upload_costs_no_memory(opened: Open, tmp_path: Path) -> None:
    """The body is read piece by piece; 40 MB cost less than one."""
    path = tmp_path / "large.xml"
    size = 40_000_000
    with path.open("wb") as file:
        file.truncate(size)
    seen: list[int] = []

    class Counting(RawServer):
        def _talk(self, connection: socket.socket) -> None:
            count, data = 0, b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(4096)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            count = len(body)
            while count < length:
                count += len(connection.recv(65536))
            seen.append(count)
            connection.sendall(reply(b""))

    with Counting(lambda _request: b"") as server, path.open("rb") as file:
        instance = opened(server.url())
        form = MultipartForm(
            (("a", "b"),), file_field="f", file_name="x.xml", file=file, media_type="text/xml"
        )
        headers = {"Content-Type": form.content_type}
        call = Call("upload", "POST", "/sys_upload.do", headers=headers, body=form, kind=Kind.WRITE)
        wire = instance._plain()
        tracemalloc.start()
        try:
            answer = wire.exchange(call)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert getattr(answer, "status", None) == 200
    assert seen == [len(form)] and len(form) > size
    assert peak < 3_000_000


# Headers


def test_an_answers_headers_cannot_become_ours(opened: Open) -> None:
    token = "5a" * 36
    answers = [
        reply(b'{"status": "success"}', "Set-Cookie: JSESSIONID=a\tb; Path=/"),
        reply(f'<html><input name="sysparm_ck" value="{token}&#13;&#10;X: y">'.encode()),
        *[reply(b"<html>") for _ in range(5)],
    ]
    with _serving(lambda _request: answers.pop(0)) as server:
        with pytest.raises(RemoteError):
            opened(server.url()).check_upload()
        for request in server.requests:
            head = request.partition(b"\r\n\r\n")[0]
            assert b"\nX: y" not in head


def test_credentials_stay_on_the_host(opened: Open) -> None:
    with _serving(reply(NONE_FOUND)) as other:
        location = f"Location: {other.url('localhost')}/api/now/table/sys_user"
        with _serving(reply(b"", location, status="302 Found")) as server:
            with pytest.raises(RemoteError):
                opened(server.url()).read([USERS])
        assert other.requests == []


# Proxies


class _Tunnel(RawServer):
    """A proxy that is at once the host behind it."""

    def __init__(self, inside: ssl.SSLContext) -> None:
        super().__init__(lambda _request: reply(NONE_FOUND))
        self._inside = inside

    def _talk(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        assert head.startswith(b"CONNECT dev1.example.invalid:443 ")
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with self._inside.wrap_socket(connection, server_side=True) as secure:
            super()._talk(secure)


def test_a_proxy_sees_nothing_of_what_passes(opened: Open) -> None:
    ca = trustme.CA()
    with _Tunnel(_tls(ca, "dev1.example.invalid")) as proxy:
        instance = opened("https://dev1.example.invalid", ca=ca, proxy=proxy.url())
        assert instance.read([USERS])[0].rows == ()
        assert len(proxy.requests) == 1


def test_a_proxy_cannot_stand_for_the_host(opened: Open) -> None:
    with _Tunnel(_tls(trustme.CA(), "dev1.example.invalid")) as proxy:
        instance = opened("https://dev1.example.invalid", ca=trustme.CA(), proxy=proxy.url())
        assert _code(instance) == "instance-tls-authority"
        assert proxy.requests == []


def test_the_named_authority_is_the_only_one(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's own list must not be added to `instance.ca_file`."""
    listed = trustme.CA()
    bundle = tmp_path / "bundle.pem"
    listed.cert_pem.write_to_path(str(bundle))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(bundle))
    with _serving(reply(NONE_FOUND), _tls(listed, "localhost")) as server:
        instance = opened(server.url("localhost"), ca=trustme.CA())
        assert _code(instance) == "instance-tls-authority"
