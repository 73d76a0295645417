"""Answers that mean harm, and connections that are not what they should be, at the commands."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
import trustme
from fault_desk import SECRET, START, desk, render_example
from fault_packages import Rendered
from matrix import wrong
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from generator.cli import instance_call
from generator.cli.main import run
from generator.clock import SteppedClock
from generator.errors import ExitCode
from generator.sandbox.adapter import SandboxAdapter
from generator.sandbox.instance import Sandbox
from generator.sandbox.tls import make_tls

Change = Callable[[PreparedRequest, bytes], "Said | None"]


@dataclass(frozen=True, slots=True)
class Said:
    """Another answer than the sandbox's."""

    body: bytes
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class HostileAdapter(BaseAdapter):
    """Replaces answers, and keeps every address that was asked."""

    def __init__(self, inner: BaseAdapter, change: Change) -> None:
        super().__init__()
        self._inner = inner
        self._change = change
        self.asked: list[tuple[str, dict[str, str]]] = []

    def send(self, request: PreparedRequest, *rest: object, **more: object) -> Response:
        self.asked.append((str(request.url), dict(request.headers)))
        answer = self._inner.send(request, *rest, **more)  # type: ignore[arg-type]
        body = answer.content
        said = self._change(request, body)
        if said is None:
            return answer
        headers = {**answer.headers, "Content-Length": str(len(said.body)), **said.headers}
        raw = HTTPResponse(
            body=BytesIO(said.body),
            headers=HTTPHeaderDict(headers),
            status=said.status or answer.status_code,
            preload_content=False,
        )
        return SandboxAdapter(lambda *_: ()).build_response(request, raw)

    def close(self) -> None:
        self._inner.close()


def _at(path: str, change: Callable[[bytes], Said]) -> Change:
    return lambda request, body: change(body) if path in str(request.url) else None


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9))
    + b']><xml answer="&j;"/>'
)
FILE = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b'<xml answer="&a;"/>'
)
DEEP = b"[" * 300_000 + b"]" * 300_000
ELSEWHERE = {"Location": "https://thief.example/take"}
IDS = re.compile(rb"[0-9a-f]{32}")


def _ids(to: bytes) -> Callable[[bytes], Said]:
    return lambda body: Said(IDS.sub(to, body))


def _progress_elsewhere(body: bytes) -> Said:
    document = json.loads(body)
    document["result"].setdefault("links", {}).setdefault("progress", {})["url"] = (
        "https://thief.example/api/sn_cicd/progress/1"
    )
    return Said(json.dumps(document).encode())


STOPPED = (ExitCode.FAILED, ExitCode.VERIFICATION_FAILED, ExitCode.REFUSED)
HOSTILE: dict[str, tuple[Change, dict[str, object]]] = {
    "deep JSON in a batch": (_at("/v1/batch", lambda b: Said(DEEP)), {}),
    "deep JSON in a row": (_at("/table/sys_user_has_role", lambda b: Said(DEEP)), {}),
    "deep JSON in progress": (_at("/sn_cicd/update_set", lambda b: Said(DEEP)), {}),
    "an entity bomb": (_at("/xmlhttp.do", lambda b: Said(BOMB)), {"cicd": "inactive"}),
    "an entity of a file": (_at("/xmlhttp.do", lambda b: Said(FILE)), {"cicd": "inactive"}),
    "paths for a tracker": (
        _at("/xmlhttp.do", _ids(b"../../../../sys_user/0000000")),
        {"cicd": "inactive"},
    ),
    "paths for a progress": (
        _at("/sn_cicd/update_set", _ids(b"../../now/table/sys_user?a=1")),
        {},
    ),
    "paths for sets": (_at("/table/sys_remote_update_set", _ids(b"../../x")), {}),
    "paths in a user": (
        lambda request, body: (
            Said(body.replace(b'"sys_id"', b'"sys_id": "../../oauth_entity/x^OR1=1", "x"'))
            if "sys_user?" in str(request.url)
            else None
        ),
        {},
    ),
    "progress elsewhere": (
        _at("/sn_cicd/update_set", _progress_elsewhere),
        {},
    ),
    "a redirect of a read": (_at("/v1/batch", lambda b: Said(b"", 302, ELSEWHERE)), {}),
    "a redirect of the first": (
        _at("sysparm_limit=1", lambda b: Said(b"", 307, ELSEWHERE)),
        {},
    ),
    "a redirect of the login": (
        _at("/angular.do", lambda b: Said(b"", 308, ELSEWHERE)),
        {},
    ),
    "a redirect of the upload": (
        _at("/sys_upload.do", lambda b: Said(b"", 307, ELSEWHERE)),
        {},
    ),
    "a redirect of the commit": (
        _at("/update_set/commit", lambda b: Said(b"", 307, ELSEWHERE)),
        {},
    ),
    "a redirect of the secret": (
        lambda request, body: Said(b"", 307, ELSEWHERE) if request.method == "PATCH" else None,
        {},
    ),
    "headers that break lines": (
        _at(
            "/api/",
            lambda b: Said(b, headers={"X-Transaction-ID": "a\r\nSet-Cookie: x=y\x1b[31m"}),
        ),
        {},
    ),
    "text that paints the terminal": (
        _at(
            "/v1/batch",
            lambda b: Said(
                json.dumps(
                    {"error": {"message": "\x1b]0;owned\x07\x1b[2J", "detail": "\r\n\u202e"}}
                ).encode(),
                403,
            ),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer(rendered: Rendered, name: str) -> None:
    change, switches = HOSTILE[name]
    environment, package, wanted = rendered("batch")
    made = desk(environment, package, **switches)
    kept: list[HostileAdapter] = []

    def hostile(inner: BaseAdapter) -> BaseAdapter:
        kept.append(HostileAdapter(inner, change))
        return kept[0]

    came = made.call(on_adapter=hostile)
    assert came.code in (ExitCode.OK, *STOPPED), came.faults
    if came.code is ExitCode.OK:
        # Proven by reads: what started a step may lie, what it came to may not.
        left = [line for text in wrong(made, wanted) for line in text.splitlines()]
        assert [line for line in left if "v_plugin" not in line] == []
    for url, headers in kept[0].asked:
        assert url.startswith("https://acme-dev.service-now.example/"), url
        path = url.removeprefix("https://acme-dev.service-now.example").partition("?")[0]
        assert ".." not in path
        assert not any("\n" in value or "\r" in value for value in headers.values())
    said = "\n".join([*came.said, *(f"{fault.message} {fault.next}" for fault in came.faults)])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", said), "it may paint the terminal"


# TLS


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """`instance status dev` with `instance` keys as given."""
    environment = render_example(tmp_path / "root", "batch")
    path = environment.directory / "environment.yaml"
    text = path.read_text(encoding="utf-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(START.timestamp())))
    monkeypatch.setenv("SN_SMTP_PASSWORD", "p" + "assword-of-the-test")
    monkeypatch.setenv("SN_SMTP_DEV_CLIENT_SECRET", SECRET)
    monkeypatch.setattr(instance_call, "make_clock", lambda: SteppedClock(START))

    def made(
        *options: str, url: str | None = None, ca: bytes | None = None
    ) -> tuple[int, list[str]]:
        changed = text
        if url is not None:
            changed = changed.replace("https://acme-dev.service-now.example", url)
        if ca is not None:
            (environment.directory / "ca.pem").write_bytes(ca)
            changed = changed.replace("  production:", "  ca_file: ca.pem\n  production:")
        path.write_text(changed, encoding="utf-8")
        capsys.readouterr()
        root = str(environment.directory.parent)
        code = run(["instance", "status", "dev", "--root", root, "--json", *options])
        envelope = json.loads(capsys.readouterr().out)
        return int(code), [fault["code"] for fault in envelope["errors"]]

    return made


Calls = Callable[..., tuple[int, list[str]]]


def test_certificates_that_are_not_the_instances(call: Calls) -> None:
    ours, other = make_tls("127.0.0.1"), make_tls("elsewhere.example")
    with Sandbox(name="acme-dev") as sandbox:
        sandbox.stop()
        sandbox.start(ssl_context=ours.context)
        url = sandbox.url
        # Known authority, right name: as far as the credentials, which are wrong here.
        assert call("--instance", url, ca=ours.ca_pem) == (1, ["instance-not-signed-in"])
        assert call("--instance", url) == (1, ["instance-tls-authority"])
        assert call("--instance", url, ca=other.ca_pem) == (1, ["instance-tls-authority"])
        sandbox.stop()
        sandbox.start(ssl_context=other.context)
        assert call("--instance", sandbox.url, ca=other.ca_pem) == (1, ["instance-tls-host"])
        sandbox.stop()
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ended = datetime(2026, 1, 1, tzinfo=UTC)
        authority.issue_cert("127.0.0.1", not_after=ended).configure_cert(context)
        sandbox.start(ssl_context=context)
        pem = authority.cert_pem.bytes()
        assert call("--instance", sandbox.url, ca=pem) == (1, ["instance-tls-expired"])
        assert sandbox.wire.count <= 4


def test_no_tls_only_on_loopback(call: Calls) -> None:
    for url in ("http://acme-dev.service-now.example", "http://127.0.0.1.nip.example"):
        assert call("--instance", url)[0] == 2
        assert call(url=url)[0] == 2
    assert call("--instance", "https://elsewhere.example")[0] == 2
