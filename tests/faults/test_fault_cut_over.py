"""A cut-over that is cut at any request, or killed, leaves one account that sends, or says not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from cut_over_desk import OLD, OURS, CutOverDesk, cut_over_desk
from fault_desk import START, Break, Came, Lasts, Where

from generator.clock import SteppedClock, SystemClock
from generator.errors import ExitCode
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SAMPLE = 4
"""Requests that each part of the matrix tries in `make test`; `make faults` tries every one."""

KILLS = 4
REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = "from generator.cli import main\nmain()\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CutOverDesk]:
    """One instance; each point brings it back to how it was."""
    with cut_over_desk(tmp_path_factory.mktemp("cut") / "root", SteppedClock(START)) as desk:
        yield desk


@pytest.fixture(scope="module")
def requests(made: CutOverDesk) -> dict[str, int]:
    """How many requests each undisturbed call sends."""
    counts: dict[str, int] = {}
    for mail in ("healthy", "mailbox_full"):
        made.reset()
        made.mail.behaviour.smtp_data = mail
        came = made.activate()
        assert came.code is (ExitCode.OK if mail == "healthy" else ExitCode.VERIFICATION_FAILED)
        counts[mail] = came.sent
        if mail == "healthy":
            counts["deactivate"] = made.deactivate().sent
    return counts


def _judge(came: Came, active: set[str], *, before: set[str], after: set[str]) -> str:
    """What is wrong with what a disturbed call said, held against the instance."""
    if came.code is ExitCode.OK:
        return "" if active == after else f"exit 0, and active is {active}"
    if came.code is ExitCode.VERIFICATION_FAILED:
        return "" if active == before else f"exit 6, and active is {active}"
    if came.code is ExitCode.FAILED:
        said = active == before or came.codes[0] == "not-put-back"
        return "" if said else f"exit 1 {came.codes}, and active is {active}"
    return f"exit {int(came.code)} {came.codes}"


def _try_activation(made: CutOverDesk, point: Break, *, mail: str, keep: bool) -> Iterator[str]:
    made.reset()
    made.mail.behaviour.smtp_data = mail
    first = made.activate(broken=point)
    wrong = _judge(first, made.active(), before=OLD, after=OURS)
    if wrong:
        yield f"first: {wrong}"
    if not keep:
        made.desk.forget()
    made.desk.clock.sleep(90)
    second = made.activate()
    if mail == "healthy":
        if second.code is ExitCode.VERIFICATION_FAILED:
            if second.codes[0] != "activation-failed-before" or made.active() != OLD:
                yield f"second: {second.codes}, and active is {made.active()}"
            second = made.activate()
        if (second.code, made.active()) != (ExitCode.OK, OURS):
            yield f"in the end: {second.code} {second.codes}, and active is {made.active()}"
        return
    if (second.code, made.active()) != (ExitCode.VERIFICATION_FAILED, OLD):
        yield f"second: {second.code} {second.codes}, and active is {made.active()}"


def _try_deactivation(made: CutOverDesk, point: Break) -> Iterator[str]:
    made.reset()
    assert made.activate().code is ExitCode.OK
    first = made.deactivate(broken=point)
    wrong = _judge(first, made.active(), before=OURS, after=OLD)
    if wrong:
        yield f"first: {wrong}"
    second = made.deactivate()
    if (second.code, made.active()) != (ExitCode.OK, OLD):
        yield f"second: {second.code} {second.codes}, and active is {made.active()}"


def _try_all(
    made: CutOverDesk, numbers: Iterable[int], *, what: str, where: Where, lasts: Lasts
) -> list[str]:
    found: list[str] = []
    for number in numbers:
        point = Break(number, where, lasts)
        if what == "deactivate":
            wrongs = list(_try_deactivation(made, point))
        else:
            wrongs = list(_try_activation(made, point, mail=what, keep=True))
            if what == "healthy":
                # Without its journal nobody knows what was before; it goes on from what is there.
                wrongs += _try_activation(made, point, mail=what, keep=False)
        found += [f"{what} {number} {where} {lasts}: {text}" for text in wrongs]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("lasts", Lasts)
@pytest.mark.parametrize("where", [Where.AFTER])
@pytest.mark.parametrize("what", ["healthy", "mailbox_full", "deactivate"])
def test_a_cut_that_comes_anywhere_leaves_no_half(
    made: CutOverDesk,
    requests: dict[str, int],
    what: str,
    where: Where,
    lasts: Lasts,
    request: pytest.FixtureRequest,
) -> None:
    seed = f"{request.config.getoption('randomly_seed', 0)} {what} {where} {lasts}"
    chance = Random(seed)  # noqa: S311 - a sample, no secret
    numbers = sorted(chance.sample(range(1, requests[what] + 1), SAMPLE))
    wrong = _try_all(made, numbers, what=what, where=where, lasts=lasts)
    assert not wrong, f"seed {seed}\n" + "\n".join(wrong)


@pytest.mark.faults
@pytest.mark.parametrize("lasts", Lasts)
@pytest.mark.parametrize("where", Where)
@pytest.mark.parametrize("what", ["healthy", "mailbox_full", "deactivate"])
def test_every_cut_of_a_cut_over(
    made: CutOverDesk, requests: dict[str, int], what: str, where: Where, lasts: Lasts
) -> None:
    numbers = range(1, requests[what] + 1)
    wrong = _try_all(made, numbers, what=what, where=where, lasts=lasts)
    assert not wrong, "\n".join(wrong)


# Killed


class KillingSandbox(Sandbox):
    """Kills its client when one change of an account, or the test, was asked for."""

    def __init__(self, mail: MailSandbox) -> None:
        super().__init__(name="acme-dev", clock=SystemClock(), mail=mail)
        self.at = 0
        """Number of the request, from 1; 0 for none."""

        self.before = False
        self.count = 0
        self._counting = threading.Lock()
        self.victim: subprocess.Popen[bytes] | None = None
        self.known = threading.Event()

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._counting:
            self.count += 1
            is_now = self.count == self.at
        if is_now and self.before:
            self._kill()
        answer = super().wsgi(environ, start_response)
        if is_now and not self.before:
            self._kill()
        return answer

    def _kill(self) -> None:
        self.known.wait(30)
        if self.victim is not None:
            self.victim.send_signal(signal.SIGKILL)
            self.victim.wait(30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CutOverDesk]:
    """An instance that is served, for a process of its own."""
    root = tmp_path_factory.mktemp("kill") / "root"
    with cut_over_desk(root, SystemClock(), make=KillingSandbox) as desk:
        desk.sandbox.start()
        desk.desk.url = desk.sandbox.url
        desk.sandbox.behaviour.sender_seconds = 1
        yield desk


def _killed(made: CutOverDesk, *, at: int, before: bool) -> int:
    """Activate in a process of its own until it is killed; what it ended with."""
    sandbox = made.sandbox
    assert isinstance(sandbox, KillingSandbox)
    sandbox.known.clear()
    sandbox.count, sandbox.at, sandbox.before = 0, at, before
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM, "activate", "dev", "--yes"),
            *("--root", str(made.desk.environment.directory.parent)),
            *("--instance", sandbox.url),
        ],
        env={
            **os.environ,
            "SOURCE_DATE_EPOCH": str(int(START.timestamp())),
            "SN_SMTP_PASSWORD": sandbox.admin_password,
            "SN_SMTP_DEV_CLIENT_SECRET": made.mail.client_secret,
        },
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    sandbox.victim = process
    sandbox.known.set()
    code = process.wait(120)
    sandbox.at = 0
    return code


@pytest.mark.slow
def test_a_killed_activation_is_finished(
    served: CutOverDesk, request: pytest.FixtureRequest
) -> None:
    seed = f"{request.config.getoption('randomly_seed', 0)} killed"
    chance = Random(seed)  # noqa: S311 - a sample, no secret
    # From the token (3) to the first look for the message: the writes are in between.
    for at in chance.sample(range(3, 11), KILLS):
        served.reset()
        before = chance.random() < 0.5
        code = _killed(served, at=at, before=before)
        name = f"seed {seed}, request {at}, before={before}"
        assert code == -signal.SIGKILL, f"{name}: ended with {code}"
        left = served.active()
        assert left in (OLD, OURS, set()), name
        # Whatever is not as before was noted before it was written.
        assert left == OLD or served.events()[0] == "begun", name
        came = served.activate()
        assert (came.code, came.codes, served.active()) == (ExitCode.OK, [], OURS), name
        assert served.deactivate().code is ExitCode.OK, name
        assert served.active() == OLD, name
