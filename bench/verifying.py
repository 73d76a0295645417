"""`verify` without sending, against stand-ins whose answers come 50 ms late.

`python -m bench.verifying N` walks the chain N times and prints what each cost. The stand-ins run
in a process of their own (`... serve`): what they compute must not slow the client down.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from generator.azure.clouds import ENDPOINTS, Cloud
from generator.config.environment import Authorization, ConnectionSecurity
from generator.mail.chain import verify_local
from generator.mail.interface import Proven
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.secrets.interface import Secret

LATENCY = 0.05
"""Seconds that every answer is late."""

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
MAILBOX = "servicenow@contoso.example"


@dataclass(frozen=True, slots=True)
class Walk:
    """One verification."""

    seconds: float
    round_trips: int
    """HTTP answers and SMTP replies, the greeting included."""

    @property
    def ratio(self) -> float:
        """Time against that many answers one after the other."""
        return self.seconds / (self.round_trips * LATENCY)


def walks(number: int) -> list[Walk]:
    """Verify so often, after once uncounted (which loads the modules)."""
    with _served() as served:
        settings, network = _settings(served.told), Network(ca_file=Path(served.told["ca_file"]))
        secret = Secret(served.told["client_secret"])
        found = []
        for _ in range(number + 1):
            before = served.answers()
            started = time.perf_counter()
            verification = verify_local(settings, fetch_secret=lambda: secret, network=network)
            seconds = time.perf_counter() - started
            assert verification.proven is Proven.AUTHENTICATED, verification
            found.append(Walk(seconds, served.answers() - before))
        return found[1:]


@dataclass(frozen=True, slots=True)
class _Served:
    told: dict[str, str]
    asks: IO[str]
    tells: IO[str]

    def answers(self) -> int:
        """How many answers they gave so far."""
        self.asks.write("\n")
        self.asks.flush()
        return int(self.tells.readline())


@contextmanager
def _served() -> Iterator[_Served]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.verifying", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield _Served(json.loads(process.stdout.readline()), process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def _settings(told: dict[str, str]) -> MailSettings:
    return MailSettings(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=PRINCIPAL,
        authorization=Authorization.APP_ROLE,
        cloud=Cloud.PUBLIC,
        token_url=f"{told['entra_url']}/{TENANT}/oauth2/v2.0/token",
        scope=ENDPOINTS[Cloud.PUBLIC].scope,
        smtp_host=told["smtp_host"],
        smtp_port=int(told["smtp_port"]),
        connection_security=ConnectionSecurity.STARTTLS,
        user_name=MAILBOX,
        from_address=MAILBOX,
        secret_expires_on=datetime.now(UTC) + timedelta(days=365),
    )


def _serve() -> None:
    """Serve until stdin ends; each line asks how many answers there were."""
    from generator.sandbox.mail.stand_in import MailSandbox

    with MailSandbox(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=PRINCIPAL,
        mailbox=MAILBOX,
    ) as box:
        box.latency = LATENCY
        told = {
            "entra_url": box.entra_url,
            "smtp_host": box.smtp_host,
            "smtp_port": str(box.smtp_port),
            "ca_file": str(box.ca_file),
            "client_secret": box.client_secret,
        }
        print(json.dumps(told), flush=True)
        for _ in sys.stdin:
            print(box.requests + box.replies, flush=True)


def main() -> None:
    """Serve, or walk and print."""
    if sys.argv[1] == "serve":
        _serve()
        return
    found = walks(int(sys.argv[1]))
    print(json.dumps([{"seconds": one.seconds, "round_trips": one.round_trips} for one in found]))


if __name__ == "__main__":
    main()
