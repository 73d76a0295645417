"""A render that dies at any point: the package is whole or refused, and the next one mends it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packages import set_files, snapshot
from roots import DAY, EPOCH, Command, child, write_environment, write_root

from generator.errors import Refused
from generator.update_set.package_state import require_whole

POINTS = 5
SEED = random.SystemRandom().randrange(1 << 32)
"""Printed when a test fails; written here by hand it repeats the same points."""

CHANCE = random.Random(SEED)  # noqa: S311 - nothing is kept secret by it

BEFORE = "email_account: {label: before}\n"
AFTER = "layout: separate\nemail_account: {label: after}\nintegration: second\n"
"""Changes every file: names of sets and records, the summary, the account."""

DYING = """
import os, signal, sys
directory, point, seen = {directory!r}, {point}, 0
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def hook(event, arguments):
    global seen
    if event == "open":
        path, mode, flags = arguments
        if not flags & WRITES:
            return
    elif event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
        path = arguments[0]
    else:
        return
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    path = os.fsdecode(path)
    # Within rmtree names are relative to an open directory.
    if path.startswith(directory) or not os.path.isabs(path):
        seen += 1
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)
import atexit
atexit.register(lambda: print("steps", seen))
sys.addaudithook(hook)
"""
"""Counts what is done to the environment's directory, and dies before step `point`."""


def dying(root: Path, point: int, epoch: int) -> tuple[int, int]:
    """Render in a process that dies before that step; exit code and steps taken."""
    done = child(
        "render",
        "dev",
        "--root",
        str(root),
        before=DYING.format(directory=str(root / "dev"), point=point),
        variables={"SOURCE_DATE_EPOCH": str(epoch)},
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    steps = done.stdout.rpartition(b"steps ")[2]
    return done.returncode, int(steps) if done.returncode == 0 else 0


def at_start(root: Path, sn_smtp: Command, *, first: bool) -> None:
    """The state before the render that dies: nothing rendered yet, or another package."""
    write_root(root, {"dev": BEFORE})
    (root / "dev" / "notes.txt").write_bytes(b"mine")
    if not first:
        assert sn_smtp("render", "dev", "--root", root, epoch=EPOCH).code == 0
    write_environment(root, "dev", AFTER)


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["first render", "later render"])
def test_killed_at_any_step(tmp_path: Path, sn_smtp: Command, first: bool) -> None:
    at_start(tmp_path / "undisturbed", sn_smtp, first=first)
    old = snapshot(tmp_path / "undisturbed" / "dev")
    code, steps = dying(tmp_path / "undisturbed", 0, EPOCH + DAY)
    assert code == 0
    undisturbed = snapshot(tmp_path / "undisturbed" / "dev")
    at_start(tmp_path / "late", sn_smtp, first=first)
    sn_smtp("render", "dev", "--root", tmp_path / "late", epoch=EPOCH + 2 * DAY)
    late = snapshot(tmp_path / "late" / "dev")
    assert steps > 50
    # The first and the last steps always, those between by chance.
    points = {2, steps // 2, steps - 1, steps, *CHANCE.sample(range(3, steps - 1), POINTS)}
    for turn, point in enumerate(sorted(points)):
        where = f"seed {SEED}, killed before step {point} of {steps}"
        root = tmp_path / str(point)
        at_start(root, sn_smtp, first=first)
        assert dying(root, point, EPOCH + DAY)[0] == -signal.SIGKILL, where
        found = snapshot(root / "dev")
        assert found["notes.txt"] == b"mine", where
        try:
            require_whole(root / "dev")
        except Refused as refused:
            assert refused.faults[0].code in ("no-package", "render-interrupted"), where
        else:
            settled = {n: d for n, d in found.items() if not n.startswith(".render/")}
            assert settled in (old, undisturbed), where
        # A render that had begun is finished with the time that it began with.
        epoch, ends = (
            (EPOCH + 2 * DAY, (undisturbed, late)) if turn % 2 else (EPOCH + DAY, (undisturbed,))
        )
        assert sn_smtp("render", "dev", "--root", root, epoch=epoch).code == 0, where
        require_whole(root / "dev")
        assert snapshot(root / "dev") in ends, where
        assert not (root / "dev" / ".render").exists(), where
        assert sn_smtp("render", "dev", "--check", "--root", root).code == 0, where


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path, sn_smtp: Command) -> None:
    """The same by the clock, which also strikes in the middle of writing a file."""
    at_start(tmp_path / "undisturbed", sn_smtp, first=False)
    began = time.monotonic()
    dying(tmp_path / "undisturbed", 0, EPOCH + DAY)
    took = time.monotonic() - began
    undisturbed = snapshot(tmp_path / "undisturbed" / "dev")
    for attempt in range(4):
        root = tmp_path / str(attempt)
        at_start(root, sn_smtp, first=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "generator", "render", "dev", "--root", str(root)],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH + DAY)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parent.parent,
        )
        time.sleep(took * CHANCE.uniform(0.5, 1.0))
        process.kill()
        process.wait()
        assert sn_smtp("render", "dev", "--root", root, epoch=EPOCH + DAY).code == 0
        assert snapshot(root / "dev") == undisturbed, f"seed {SEED}, attempt {attempt}"


def test_until_it_is_finished_everything_else_refuses(tmp_path: Path, sn_smtp: Command) -> None:
    root = tmp_path / "root"
    at_start(root, sn_smtp, first=False)
    _, steps = dying(root, 0, EPOCH + DAY)
    whole = snapshot(root / "dev")
    (tmp_path / "again").mkdir()
    root = tmp_path / "again" / "root"
    at_start(root, sn_smtp, first=False)
    # Two thirds on, the renames are under way.
    assert dying(root, steps * 2 // 3, EPOCH + DAY)[0] == -signal.SIGKILL
    half = snapshot(root / "dev")
    for option in ("--check", "--dry-run"):
        answer = sn_smtp("render", "dev", option, "--root", root)
        assert answer.code == 7
        assert "interrupted" in answer.err
        assert "sn-smtp render dev" in answer.err
        assert snapshot(root / "dev") == half
    assert sn_smtp("lint", "dev", "--root", root).code == 7
    answer = sn_smtp("render", "dev", "--root", root, epoch=EPOCH + 9 * DAY)
    assert answer.code == 0
    assert "finished a render that had been interrupted" in answer.err
    assert snapshot(root / "dev") == whole
    assert len(set_files(whole)) == 2


def test_an_interrupted_render_is_finished_before_new_inputs_are_rendered(
    tmp_path: Path, sn_smtp: Command
) -> None:
    root = tmp_path / "root"
    at_start(root, sn_smtp, first=False)
    _, steps = dying(root, 0, EPOCH + DAY)
    root = tmp_path / "other"
    at_start(root, sn_smtp, first=False)
    assert dying(root, steps * 2 // 3, EPOCH + DAY)[0] == -signal.SIGKILL
    newer = AFTER.replace("after", "newer still")
    for place in (tmp_path / "root", tmp_path / "other"):
        write_environment(place, "dev", newer)
        assert sn_smtp("render", "dev", "--root", place, epoch=EPOCH + 2 * DAY).code == 0
    assert snapshot(tmp_path / "root" / "dev") == snapshot(tmp_path / "other" / "dev")
