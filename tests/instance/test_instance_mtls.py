"""The client signs in to a sandbox with a client certificate, over a real connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from generator.clock import SteppedClock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import AuthenticationError, RemoteError
from generator.instance.http_instance import HttpInstance, open_instance
from generator.instance.interface import Read
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.server import Role, Running, run
from generator.sandbox.serving import certificate_user
from generator.sandbox.tls import make_tls
from generator.secrets.interface import Secret

ME = Read("sys_user", "user_name=javascript:gs.getUserName()", ("sys_id", "user_name"))
AUTH = AuthSettings(
    AuthMethod.MTLS, certificate=Path("client.pem"), private_key_from="env:SN_CLIENT_KEY"
)


@pytest.fixture
def running() -> Iterator[Running]:
    """A sandbox for an environment that signs in with a certificate, with TLS."""
    role = Role("acme-dev", InstanceSettings(auth=AUTH, upload_auth=AUTH), stands_in=True)
    made = run(behaviour=Behaviour(), role=role, tls=True)
    yield made
    made.stop()


@pytest.fixture
def opened(running: Running) -> Iterator[Callable[..., HttpInstance]]:
    """Opens clients of it."""
    with ExitStack() as stack:

        def make(certificate: Path, key: str) -> HttpInstance:
            settings = InstanceSettings(
                auth=replace(AUTH, certificate=certificate), ca_file=running.ca_file
            )
            return stack.enter_context(
                open_instance(
                    settings,
                    url="https://acme-dev.service-now.com",
                    override_url=running.url,
                    clock=SteppedClock(running.sandbox.clock.now()),
                    secrets=lambda source: Secret(key),
                    budget_seconds=1,
                )
            )

        yield make


def _issued(running: Running) -> tuple[Path, str]:
    assert running.ca_file is not None
    return running.ca_file.with_name("sandbox-client.pem"), running.variables["SN_CLIENT_KEY"]


def test_a_certificate_signs_in_and_opens_the_upload(
    running: Running, opened: Callable[..., HttpInstance]
) -> None:
    instance = opened(*_issued(running))
    (found,) = instance.read([ME])
    assert [row["user_name"] for row in found.rows] == ["admin"]
    instance.check_awake()
    instance.check_upload()
    assert [note.partition(" is mtls")[0] for note in running.notes] == [
        "instance.auth",
        "instance.upload_auth",
    ]
    assert all("sandbox-client.pem" in note for note in running.notes)


def test_nothing_of_the_key_is_in_a_file_or_shown(running: Running) -> None:
    path, key = _issued(running)
    assert "PRIVATE KEY" not in path.read_text()
    assert key not in repr(running)
    assert "PRIVATE KEY" in key


def test_a_machine_opens_no_page(running: Running, opened: Callable[..., HttpInstance]) -> None:
    running.sandbox.behaviour.machine_user = True
    instance = opened(*_issued(running))
    assert instance.read([ME])[0].total == 1
    with pytest.raises(AuthenticationError, match="client certificate"):
        instance.check_upload()


@pytest.mark.parametrize("change", [{"active": "false"}, {"user_name": "somebody"}])
def test_a_certificate_of_nobody_signs_nobody_in(
    running: Running, opened: Callable[..., HttpInstance], change: dict[str, str]
) -> None:
    (user,) = running.sandbox.database.query("sys_user", "user_name=admin")
    running.sandbox.database.update("sys_user", user["sys_id"], change, by="x")
    instance = opened(*_issued(running))
    with pytest.raises(AuthenticationError):
        instance.read([ME])
    with pytest.raises(AuthenticationError):
        instance.check_upload()


def test_a_certificate_of_another_authority_is_refused(
    opened: Callable[..., HttpInstance], tmp_path: Path
) -> None:
    issued = trustme.CA().issue_cert(common_name="admin")
    certificate = tmp_path / "client.pem"
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    instance = opened(certificate, issued.private_key_pem.bytes().decode())
    with pytest.raises(RemoteError):
        instance.read([ME])


def test_without_tls_it_is_said() -> None:
    made = run(behaviour=Behaviour(), role=Role("acme-dev", InstanceSettings(auth=AUTH)))
    try:
        assert any("instance.auth is mtls, which needs" in note for note in made.notes)
        assert "SN_CLIENT_KEY" not in made.variables
    finally:
        made.stop()


def test_a_key_of_another_source_cannot_be_handed_over() -> None:
    auth = replace(AUTH, private_key_from="file:key.pem")
    role = Role("acme-dev", InstanceSettings(auth=auth))
    made = run(behaviour=Behaviour(), role=role, tls=True)
    try:
        assert any("private_key_from is file source" in note for note in made.notes)
        assert made.variables == {}
    finally:
        made.stop()


def test_what_is_no_tls_names_nobody() -> None:
    assert certificate_user(object()) == ""


def test_a_private_key_shows_nowhere() -> None:
    issued = make_tls().issue_client("admin")
    assert "PRIVATE" not in repr(issued)
