"""`sn-smtp sandbox`: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from cli_calls import Call, edit
from jsonschema import Draft202012Validator

from generator.sandbox import server
from generator.sandbox.behaviour import SWITCHES

USERS = "/api/now/table/sys_user?sysparm_limit=1&sysparm_fields=user_name"
HEADERS = {"Accept": "application/json"}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Instead of waiting for a signal: what two requests are answered."""
    found: list[int] = []
    url: list[str] = []
    start = server.run

    def run(**options: object) -> server.Running:
        made = start(**options)  # type: ignore[arg-type]
        url.append(made.url)
        return made

    def look() -> None:
        found.extend(
            requests.get(url[-1] + path, headers=HEADERS, timeout=10).status_code
            for path in (USERS, "/api/now/nonsense")
        )

    monkeypatch.setattr(server, "run", run)
    monkeypatch.setattr(server, "wait_for_end", look)
    return found


def result(said_out: str, repository: Path) -> dict[str, object]:
    envelope = json.loads(said_out)
    assert (envelope["ok"], envelope["command"]) == (True, "sandbox")
    text = (repository / "docs" / "json" / "sandbox.schema.json").read_text(encoding="utf-8")
    Draft202012Validator(json.loads(text)).validate(envelope["result"])
    found = envelope["result"]
    assert isinstance(found, dict)
    return found


def test_it_says_where_it_is_and_who_may_in(sn_smtp: Call, seen: list[int]) -> None:
    said = sn_smtp("sandbox")
    assert said.code == 0
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert set(lines) == {"url", "instance", "user", "password"}
    assert lines["user"] == "admin"
    assert lines["instance"] == "sandbox"
    assert seen == [401, 401]
    assert "Ctrl-C" in said.err


def test_it_stands_in_for_an_environment(
    root: Path, sn_smtp: Call, seen: list[int], tmp_path: Path, repository: Path
) -> None:
    edit(
        root / "dev" / "environment.yaml",
        'instance: {url: "https://acme-dev.service-now.example"}',
        'instance: {url: "https://acme-dev.service-now.example", production: true, '
        "auth: {method: basic, user: deployer, password_from: env:SN_DEV_PASS}}",
    )
    file = tmp_path / "sandbox.env"
    said = sn_smtp("sandbox", "--for", "dev", "--root", root, "--write-env", file, "--json")
    assert said.code == 0, said.err
    found = result(said.out, repository)
    assert found["instance_name"] == "acme-dev"
    assert found["user"] == "deployer"
    assert found["variables"] == ["SN_DEV_PASS"]
    switches = found["switches"]
    assert isinstance(switches, dict)
    assert switches["production"] == "true"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_text(encoding="utf-8")
    assert f"SN_SMTP_INSTANCE={found['url']}\n" in written
    assert f"SN_DEV_PASS={found['password']}\n" in written


def test_a_switch_wins_over_the_environment(
    root: Path, sn_smtp: Call, seen: list[int], repository: Path
) -> None:
    edit(root / "dev" / "environment.yaml", 'example"}', 'example", production: false}')
    said = sn_smtp(
        *("sandbox", "--for", "dev", "--root", root, "--json"),
        *("--switch", "production=missing", "--switch", "hibernating"),
    )
    switches = result(said.out, repository)["switches"]
    assert isinstance(switches, dict)
    assert (switches["production"], switches["hibernating"]) == ("missing", True)
    assert seen == [200, 200]


def test_with_tls_the_authority_is_named(
    sn_smtp: Call, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    monkeypatch.setattr(server, "wait_for_end", lambda: None)
    found = result(sn_smtp("sandbox", "--tls", "--json").out, repository)
    assert str(found["url"]).startswith("https://")
    assert str(found["ca_file"]).endswith(".pem")
    said = sn_smtp("sandbox", "--tls", "--data", Path(str(found["ca_file"])).parent)
    assert "CA file" in said.out


def test_verbose_tells_every_request(sn_smtp: Call, seen: list[int]) -> None:
    assert "GET /api/now/nonsense 401" in sn_smtp("sandbox", "-v").err
    assert "GET /api" not in sn_smtp("sandbox").err
    assert sn_smtp("sandbox", "-q").err == ""


def test_what_is_unsupported_is_always_told(sn_smtp: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    urls: list[str] = []
    start = server.run

    def run(**options: object) -> server.Running:
        made = start(**options)  # type: ignore[arg-type]
        urls.append(made.url)
        return made

    monkeypatch.setattr(server, "run", run)
    monkeypatch.setattr(
        server, "wait_for_end", lambda: requests.get(f"{urls[0]}/uploads.do", timeout=10)
    )
    said = sn_smtp("sandbox")
    assert "unsupported GET /uploads.do: nearest is /upload.do" in said.err


def test_the_switches_are_listed(sn_smtp: Call, repository: Path) -> None:
    said = sn_smtp("sandbox", "--list-switches")
    assert said.code == 0
    assert all(name in said.out for name in SWITCHES)
    listed = result(sn_smtp("sandbox", "--list-switches", "--json").out, repository)["switches"]
    assert isinstance(listed, list)
    assert [row["name"] for row in listed] == list(SWITCHES)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--switch", "hibernate"), "Did you mean hibernating?"),
        (("--switch", "basic=of"), "basic takes on|restricted"),
        (("--port", "70000"), "70000"),
        (("--for", "nothing"), "nothing"),
    ],
)
def test_a_wrong_call_starts_nothing(
    root: Path, sn_smtp: Call, seen: list[int], arguments: tuple[str, ...], told: str
) -> None:
    said = sn_smtp("sandbox", "--root", root, *arguments)
    assert said.code == 2
    assert told in said.err
    assert seen == []


def test_a_file_that_cannot_be_written_stops_it(
    sn_smtp: Call, seen: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    said = sn_smtp("sandbox", "--write-env", tmp_path / "missing" / "sandbox.env")
    assert said.code == 2
    assert "its directory is not there" in said.err
    monkeypatch.setattr(server.Running, "write_env", refused)
    said = sn_smtp("sandbox", "--write-env", tmp_path / "sandbox.env")
    assert said.code == 2
    assert "Permission denied" in said.err
    assert seen == []


def test_without_the_extra_it_names_it(sn_smtp: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: None if name == "trustme" else find(name, package),
    )
    said = sn_smtp("sandbox")
    assert said.code == 2
    assert "trustme" in said.err
    assert "sn-smtp-oauth[sandbox]" in said.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "sandbox", "--json", "--tls"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, "it ended"
            text += line
        found = json.loads(text)["result"]
        assert (
            requests.get(
                found["url"] + USERS, headers=HEADERS, timeout=10, verify=found["ca_file"]
            ).ok
            is False
        )
        process.send_signal(number)
        rest, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, rest) == (0, "")
    assert found["password"] not in said
    assert list(tmp_path.iterdir()) == []
