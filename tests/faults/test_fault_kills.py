"""An import that is killed (SIGKILL) ends, when it is taken up, as one that nobody disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from fault_desk import LAYOUTS, SECRET, START, Desk
from fault_packages import Rendered
from matrix import Again, Undisturbed, wrong

from generator.clock import SteppedClock, SystemClock
from generator.errors import ExitCode
from generator.instance.run import Options
from generator.sandbox.instance import Sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

POINTS = 5
"""For each layout and each way to take the import up: 20 in all."""

SAMPLE = (LAYOUTS[0], Again.RESUME)
"""What `make test` takes of them; `make faults` takes all."""

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = "from generator.cli import main\nmain()\n"


class KillingSandbox(Sandbox):
    """Kills its client when the Nth request is there, or has been carried out."""

    def __init__(self, *, at: int, before: bool) -> None:
        super().__init__(name="acme-dev", clock=SystemClock())
        self._at = at
        self._before = before
        self._count = 0
        self._counting = threading.Lock()
        self.victim: subprocess.Popen[bytes] | None = None
        self.known = threading.Event()

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._counting:
            self._count += 1
            is_now = self._count == self._at
        if not is_now:
            return super().wsgi(environ, start_response)
        if self._before:
            self._kill()
        answer = super().wsgi(environ, start_response)
        if not self._before:
            self._kill()
        return answer

    def _kill(self) -> None:
        self.known.wait(30)
        if self.victim is not None:
            self.victim.send_signal(signal.SIGKILL)
            self.victim.wait(30)


def _killed(made: Desk, sandbox: KillingSandbox) -> int:
    """Import in a process of its own until it is killed; what it ended with."""
    root = made.environment.directory.parent
    assert made.url is not None
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "import", "dev", "--yes"),
            *("--root", str(root), "--instance", made.url),
        ],
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": str(int(START.timestamp())),
            "SN_SMTP_PASSWORD": sandbox.admin_password,
            "SN_SMTP_DEV_CLIENT_SECRET": SECRET,
        },
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    sandbox.victim = process
    sandbox.known.set()
    return process.wait(120)


def _points(seed: str, wanted: Undisturbed) -> list[tuple[int, bool]]:
    """Random requests, and whether the kill comes before they are carried out."""
    chance = Random(seed)  # noqa: S311 - a sample, no secret
    # The last request only ends the session.
    return [
        (chance.randrange(1, len(wanted.requests)), chance.random() < 0.5) for _ in range(POINTS)
    ]


def _try(rendered: Rendered, *, layout: str, again: Again, number: int, before: bool) -> list[str]:
    environment, package, wanted = rendered(layout)
    sandbox = KillingSandbox(at=number, before=before)
    clock = SteppedClock(SystemClock().now())
    with sandbox:
        made = Desk(environment, package, sandbox, clock, url=sandbox.url)
        made.forget()
        code = _killed(made, sandbox)
        name = f"{layout} {number} ({wanted.requests[number - 1]}) before={before}"
        if code != -signal.SIGKILL:
            return [f"{name}: ended with {code} before it was killed"]
        if again is Again.CLONE:
            made.forget()
        made.clock.sleep(SystemClock().now().timestamp() - clock.now().timestamp())
        came = made.call(options=Options(resume=again is Again.RESUME))
        found = wrong(made, wanted)
        if came.code is not ExitCode.OK:
            found.append(f"exit {int(came.code)}: {came.codes}")
        return [f"{name}, {again}: {text}" for text in found]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "again"),
    [
        pytest.param(layout, again, marks=() if (layout, again) == SAMPLE else pytest.mark.faults)
        for layout in LAYOUTS
        for again in Again
    ],
)
def test_a_killed_import_is_taken_up(
    rendered: Rendered, layout: str, again: Again, request: pytest.FixtureRequest
) -> None:
    _, _, wanted = rendered(layout)
    seed = f"{request.config.getoption('randomly_seed', 0)} {layout} {again}"
    print(f"seed {seed}")
    found = [
        text
        for number, before in _points(seed, wanted)
        for text in _try(rendered, layout=layout, again=again, number=number, before=before)
    ]
    assert not found, f"seed {seed}\n" + "\n".join(found)
