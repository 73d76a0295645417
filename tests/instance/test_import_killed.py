"""An import killed in the middle: `--resume` ends as an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cutting import state
from roots import REPOSITORY, Command, write_root

from generator.cli import instance_call
from generator.clock import SteppedClock
from generator.sandbox.instance import Sandbox

KILLS = int(os.environ.get("SN_SMTP_KILLS", "3"))
"""Points at which an import is killed; each takes a process of its own."""

SEED = int(os.environ.get("SN_SMTP_SEED", "20261123"))
REQUESTS = 26
SECRET = "s" + "3cret-of-a-killed-import"

ENVIRONMENT = """\
instance:
  url: https://acme-dev.service-now.example
  production: false
  auth: {method: basic, user: admin, password_from: "env:SN_SMTP_TEST_PASSWORD"}
azure: {client_secret_from: "env:SN_SMTP_TEST_SECRET"}
"""


@pytest.fixture
def root(tmp_path: Path, sn_smtp: Command) -> Path:
    made = write_root(tmp_path / "root", {"dev": ENVIRONMENT})
    assert sn_smtp("render", "dev", "--root", made).code == 0
    return made


def _sandbox(clock: SteppedClock, patch: pytest.MonkeyPatch) -> Sandbox:
    made = Sandbox(name="acme-dev", clock=clock)
    patch.setattr(instance_call, "make_clock", lambda: clock)
    patch.setenv("SN_SMTP_TEST_PASSWORD", made.admin_password)
    patch.setenv("SN_SMTP_TEST_SECRET", SECRET)
    return made


@pytest.mark.slow
def test_a_killed_import_is_resumed(
    root: Path, sn_smtp: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {SEED}")
    points = sorted(random.Random(SEED).sample(range(1, REQUESTS), KILLS))  # noqa: S311
    # The child has the machine's clock; the one of the sandbox must not be far from it.
    clock = SteppedClock(datetime.now(UTC))
    whole = _sandbox(clock, monkeypatch)
    with whole:
        done = sn_smtp("import", "dev", "--root", root, "--yes", "--instance", whole.url)
        assert done.code == 0, done.said
        expected = state(whole)
    for point in points:
        found, said = _kill_and_resume(point, root, sn_smtp, monkeypatch)
        assert found == expected, f"killed at request {point}: {said}"


def _kill_and_resume(
    point: int, root: Path, sn_smtp: Command, patch: pytest.MonkeyPatch
) -> tuple[dict[str, object], str]:
    for journal in (root / "dev" / ".import").glob("*.jsonl"):
        journal.unlink()
    clock = SteppedClock(datetime.now(UTC))
    sandbox = _sandbox(clock, patch)
    children: list[subprocess.Popen[bytes]] = []
    answer = sandbox.wire.serve
    count = 0

    def serve(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count == point:
            children[0].send_signal(signal.SIGKILL)
        return answer(*arguments)  # type: ignore[arg-type]

    patch.setattr(sandbox.wire, "serve", serve)
    with sandbox:
        program = "from generator.cli import main; main()"
        arguments = ("import", "dev", "--root", str(root), "--yes", "--instance", sandbox.url)
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                env={**os.environ},
                cwd=REPOSITORY,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        assert children[0].wait(120) == -signal.SIGKILL
        after = sn_smtp(*arguments, "--resume")
        return state(sandbox), after.said
