"""The mail side on this machine, and a chain that leads to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mail_setting import (
    APPLICATION,
    CLIENT,
    MAILBOX,
    PRINCIPAL,
    TENANT,
    Verify,
    settings_for,
)

from generator.clock import SteppedClock
from generator.mail.chain import verify_local
from generator.mail.interface import Verification
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.sandbox.mail.mail_switches import MailBehaviour
from generator.sandbox.mail.mailbox import Mailbox
from generator.sandbox.mail.stand_in import MailSandbox
from generator.secrets.interface import Secret


@pytest.fixture(scope="module")
def _served() -> Iterator[MailSandbox]:
    with MailSandbox(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=PRINCIPAL,
        application_object_id=APPLICATION,
        mailbox=MAILBOX,
        clock=SteppedClock(datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
    ) as box:
        yield box


@pytest.fixture
def box(_served: MailSandbox) -> Iterator[MailSandbox]:
    """The stand-ins, where everything is right until a test changes it."""
    _served.behaviour = MailBehaviour()
    _served.authorization = "app_role"
    _served.mailbox_taken = Mailbox()
    yield _served
    _served.latency = 0.0


@pytest.fixture
def settings(box: MailSandbox) -> MailSettings:
    """The chain that leads to the stand-ins."""
    return settings_for(box)


@pytest.fixture
def network(box: MailSandbox) -> Network:
    """As a user's, but pauses take no time."""
    return Network(ca_file=box.ca_file, clock=box.clock, timeout_seconds=10, whole_seconds=30)


@pytest.fixture
def verify(box: MailSandbox, settings: MailSettings, network: Network) -> Verify:
    """Verify a chain, the plain one unless told otherwise; a message is sent."""

    def walk(
        *,
        secret: str | None = None,
        send_to: str | None = "admin@contoso.example",
        limits: tuple[float, float] | None = None,
        exchange: tuple[Path, ...] = (),
        **changes: object,
    ) -> Verification:
        chosen = network
        if limits is not None:
            chosen = replace(network, timeout_seconds=limits[0], whole_seconds=limits[1])
        return verify_local(
            replace(settings, **changes),  # type: ignore[arg-type]
            fetch_secret=lambda: Secret(box.client_secret if secret is None else secret),
            network=chosen,
            send_to=send_to,
            exchange=exchange,
        )

    return walk


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
