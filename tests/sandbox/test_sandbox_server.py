"""The sandbox as a server: for an environment, with TLS, with a file of variables."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from door_calls import USERS

from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import UsageError
from generator.sandbox import server
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.server import Role, Running
from generator.sandbox.tls import make_tls

Run = Callable[..., Running]
HEADERS = {"Accept": "application/json"}


@pytest.fixture
def run() -> Iterator[Run]:
    """Start sandboxes that stop with the test."""
    started: list[Running] = []

    def start(role: Role | None = None, **options: object) -> Running:
        made = server.run(behaviour=Behaviour(), role=role or Role(), **options)  # type: ignore[arg-type]
        started.append(made)
        return made

    yield start
    for running in started:
        running.stop()


def role(auth: AuthSettings | None, *, upload: AuthSettings | None = None) -> Role:
    settings = InstanceSettings(auth=auth, upload_auth=upload)
    return Role.of(
        "https://acme-dev.service-now.example", settings=settings, client_secret_from=None
    )


def get(running: Running, **options: object) -> int:
    said = requests.get(running.url + USERS, timeout=10, **{"headers": HEADERS, **options})  # type: ignore[arg-type]
    return said.status_code


def test_a_server_answers_on_loopback_until_it_stops(run: Run) -> None:
    running = run()
    assert running.url.startswith("http://127.0.0.1:")
    sandbox = running.sandbox
    assert get(running, auth=(sandbox.admin_user, sandbox.admin_password)) == 200
    running.stop()
    with pytest.raises(requests.ConnectionError):
        get(running)


def test_passwords_differ_from_start_to_start(run: Run) -> None:
    assert run().sandbox.admin_password != run().sandbox.admin_password


def test_a_taken_port_is_a_usage_error(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="is taken"):
            run(port=other.getsockname()[1])


def test_tls_is_trusted_by_its_own_authority_only(run: Run, tmp_path: Path) -> None:
    running = run(tls=True)
    assert running.url.startswith("https://127.0.0.1:")
    assert running.ca_file is not None
    assert get(running, verify=str(running.ca_file)) == 401
    with pytest.raises(requests.exceptions.SSLError):
        get(running)
    kept = running.ca_file
    running.stop()
    assert not kept.parent.exists()
    with_data = run(tls=True, data=tmp_path / "data")
    assert with_data.ca_file == tmp_path / "data" / "sandbox-ca.pem"
    assert get(with_data, verify=str(with_data.ca_file)) == 401


def test_the_authoritys_path_is_absolute(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(tls=True, data=Path("data")).ca_file == tmp_path / "data" / "sandbox-ca.pem"


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def test_kept_data_is_its_owners_and_one_sandboxs(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = os.umask(0)
    try:
        running = run(data=data)
    finally:
        os.umask(before)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    found = modes(data)
    assert {"sandbox.sqlite", "sandbox.sqlite-wal", "sandbox.sqlite-shm"} <= set(found)
    assert set(found.values()) == {0o600}
    with pytest.raises(UsageError, match="another sandbox"):
        run(data=data)
    running.stop()
    (data / "sandbox.sqlite").chmod(0o644)
    run(data=data)
    assert set(modes(data).values()) == {0o600}


def test_a_directory_that_is_none_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be used"):
        run(data=tmp_path / "file" / "data")
    (tmp_path / "data" / "sandbox.sqlite").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be used"):
        run(data=tmp_path / "data")


def test_a_certificate_may_be_for_another_name() -> None:
    made = make_tls("other.example")
    assert made.context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert made.ca_pem.startswith(b"-----BEGIN CERT" + b"IFICATE-----")


def test_the_environment_names_the_first_user(run: Run) -> None:
    auth = AuthSettings(AuthMethod.BASIC, user="deployer", password_from="env:SN_PASS")
    running = run(role(auth))
    assert running.sandbox.name == "acme-dev"
    assert running.sandbox.admin_user == "deployer"
    assert running.variables == {"SN_PASS": running.sandbox.admin_password}
    assert get(running, auth=("deployer", running.variables["SN_PASS"])) == 200
    assert running.notes == ()
    assert running.variables["SN_PASS"] not in repr(running)


def test_a_second_user_uploads(run: Run) -> None:
    auth = AuthSettings(
        AuthMethod.OAUTH_CLIENT_CREDENTIALS, client_id="abc", client_secret_from="env:SN_CLIENT"
    )
    upload = AuthSettings(AuthMethod.BASIC, user="uploader", password_from="env:SN_UPLOAD")
    running = run(role(auth, upload=upload))
    assert set(running.variables) == {"SN_CLIENT", "SN_UPLOAD"}
    assert get(running, auth=("uploader", running.variables["SN_UPLOAD"])) == 200
    form = {
        "grant_type": "client_credentials",
        "client_id": "abc",
        "client_secret": running.variables["SN_CLIENT"],
    }
    said = requests.post(f"{running.url}/oauth_token.do", data=form, timeout=10).json()
    bearer = {**HEADERS, "Authorization": f"Bearer {said['access_token']}"}
    assert get(running, headers=bearer) == 200


def test_an_api_key_and_a_password_grant(run: Run) -> None:
    auth = AuthSettings(AuthMethod.API_KEY, api_key_from="env:SN_KEY")
    upload = AuthSettings(
        AuthMethod.OAUTH_PASSWORD,
        user="admin",
        password_from="env:SN_PASS",
        client_id="abc",
        client_secret_from="env:SN_CLIENT",
    )
    running = run(role(auth, upload=upload))
    assert get(running, headers={**HEADERS, "x-sn-apikey": running.variables["SN_KEY"]}) == 200
    form = {
        "grant_type": "password",
        "client_id": "abc",
        "client_secret": running.variables["SN_CLIENT"],
        "username": "admin",
        "password": running.variables["SN_PASS"],
    }
    said = requests.post(f"{running.url}/oauth_token.do", data=form, timeout=10)
    assert said.status_code == 200


def test_one_variable_of_two_users_has_one_value(run: Run) -> None:
    one = AuthSettings(AuthMethod.BASIC, user="one", password_from="env:SN_PASS")
    two = AuthSettings(AuthMethod.BASIC, user="two", password_from="env:SN_PASS")
    running = run(role(one, upload=two))
    for user in ("one", "two"):
        assert get(running, auth=(user, running.variables["SN_PASS"])) == 200


def test_what_cannot_be_filled_is_said(run: Run) -> None:
    auth = AuthSettings(AuthMethod.BASIC, password_from="file:secret.txt")
    upload = AuthSettings(AuthMethod.MTLS, certificate=Path("c.pem"))
    running = run(role(auth, upload=upload))
    assert running.variables == {}
    first, second = running.notes
    assert first.startswith("instance.auth.password_from is file source")
    assert second.startswith("instance.upload_auth is mtls")


KINDS = ("file:/nowhere", "command:vault read", "keyring:service/user")


@pytest.mark.parametrize("source", KINDS)
def test_the_printed_password_serves_for_every_source_that_a_person_fills(
    run: Run, source: str
) -> None:
    one = AuthSettings(AuthMethod.API_KEY, api_key_from=source)
    two = AuthSettings(
        AuthMethod.OAUTH_PASSWORD,
        user="uploader",
        password_from=source,
        client_id="abc",
        client_secret_from=source,
    )
    running = run(role(one, upload=two))
    printed = running.sandbox.admin_password
    assert running.variables == {}
    assert [note.partition(" ")[0] for note in running.notes] == [
        "instance.auth.api_key_from",
        "instance.upload_auth.password_from",
        "instance.upload_auth.client_secret_from",
    ]
    assert get(running, headers={**HEADERS, "x-sn-apikey": printed}) == 200
    assert get(running, auth=("uploader", printed)) == 200
    client = {"client_id": "abc", "client_secret": printed}
    for grant in (
        {"grant_type": "password", "username": "uploader", "password": printed},
        {"grant_type": "client_credentials"},
    ):
        said = requests.post(f"{running.url}/oauth_token.do", data={**client, **grant}, timeout=10)
        assert said.status_code == 200


def test_a_real_secret_of_azures_is_not_asked_for(run: Run) -> None:
    made = Role.of(
        "https://x.example", settings=InstanceSettings(), client_secret_from="file:secret.txt"
    )
    running = run(made)
    assert running.variables == {}
    assert "the real secret would be sent to this sandbox" in running.notes[1]
    assert "printed password" not in running.notes[1]


def test_an_environment_without_a_way_to_sign_in_is_told_the_keys(run: Run) -> None:
    [note] = run(role(None)).notes
    assert "instance.auth" in note
    assert "password_from: env:NAME" in note
    assert run().notes == ()


def test_azures_secret_is_a_throw_away_too(run: Run) -> None:
    made = Role.of("https://x.example", settings=InstanceSettings(), client_secret_from="env:AZ")
    running = run(made)
    assert list(running.variables) == ["AZ"]
    assert "instance.auth" in running.notes[0]


def test_the_file_of_variables_is_only_its_owners(run: Run, tmp_path: Path) -> None:
    auth = AuthSettings(AuthMethod.BASIC, password_from="env:SN_PASS")
    running = run(role(auth))
    path = tmp_path / "sandbox.env"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    running.write_env(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())
    assert {name: shlex.split(value) for name, value in lines.items()} == {
        "SN_SMTP_INSTANCE": [running.url],
        "SN_PASS": [running.sandbox.admin_password],
    }
    assert [found.name for found in tmp_path.iterdir()] == ["sandbox.env"]


def test_a_file_that_cannot_be_put_there_leaves_nothing(run: Run, tmp_path: Path) -> None:
    running = run()
    (tmp_path / "sandbox.env").mkdir()
    with pytest.raises(OSError, match=r"sandbox\.env"):
        running.write_env(tmp_path / "sandbox.env")
    assert [found.name for found in tmp_path.iterdir()] == ["sandbox.env"]


def test_a_failed_start_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(*_arguments: object, **_options: object) -> str:
        raise OSError("no socket")

    monkeypatch.setattr("generator.sandbox.instance.Sandbox.start", fail)
    with pytest.raises(OSError, match="no socket"):
        run(tls=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_end_the_wait_and_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
    timer.start()
    server.wait_for_end()
    timer.join()
    assert signal.getsignal(number) is before
