"""A crash at any point leaves a whole package, or one that is refused and then finished."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from update_set_makers import package_files

from generator.errors import Refused
from generator.update_set import store as module
from generator.update_set.manifest import Manifest
from generator.update_set.package_state import STAGING, examine, require_whole
from generator.update_set.store import recover, store

ONE, FIRST = package_files(1)
TWO, SECOND = package_files(2)
OWN = {"environment.yaml": b"release: xanadu\n", "notes/mine.txt": b"kept"}


class Killed(BaseException):
    """What nothing in the tool catches, as nothing catches SIGKILL."""


@contextmanager
def killed_at(step: int, *, after: bool, patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Stop before or after the call number `step` that changes the disk (-1: never).

    A file that is being written is left half-written. Hands out the calls that were made.
    """
    made: list[str] = []

    def watched(
        name: str, act: Callable[..., object], half: Callable[..., object] | None = None
    ) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if len(made) > step >= 0:
                # Already dead: whatever runs now would not have.
                raise Killed
            made.append(f"{name} {args[0]}")
            dies = len(made) - 1 == step
            if dies and not after:
                if half is not None:
                    half(*args, **kwargs)
                raise Killed
            result = act(*args, **kwargs)
            if dies:
                raise Killed
            return result

        return call

    write_bytes = Path.write_bytes

    def half_of(path: Path, data: bytes) -> None:
        write_bytes(path, data[: len(data) // 2])

    with patch.context() as patched:
        for name in ("replace", "unlink", "mkdir", "rmdir"):
            patched.setattr(os, name, watched(name, getattr(os, name)))
        patched.setattr(Path, "write_bytes", watched("write", write_bytes, half_of))
        patched.setattr(os, "fsync", watched("fsync", lambda handle: None))
        patched.setattr(module, "synced", watched("sync", lambda directory: None))
        yield made


def tree(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def package(directory: Path) -> dict[str, bytes]:
    """What somebody sees who lists the directory."""
    return {name: data for name, data in tree(directory).items() if not name.startswith(STAGING)}


def put(directory: Path, old: dict[str, bytes]) -> None:
    for name, data in (old | OWN).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def render(directory: Path) -> None:
    """What a render does with the disk."""
    state = examine(directory, verify=False)
    if recover(state):
        state = examine(directory, verify=False)
    store(directory, TWO, new=SECOND, old=state.manifest)


def seen(directory: Path, old: dict[str, bytes]) -> str:
    """What state the package is in for lint and import; fails if that is a mixture."""
    try:
        manifest = require_whole(directory)
    except Refused as error:
        return error.faults[0].code
    assert manifest in (FIRST, SECOND)
    wanted = old if manifest == FIRST else TWO
    assert package(directory) == wanted | OWN
    return "old" if manifest == FIRST else "new"


BEFORE = {
    "nothing": {},
    "the last package": ONE,
    "a package that was edited": ONE | {"SUMMARY.md": b"edited"},
    "this package": TWO,
}


def steps_of(directory: Path, patch: pytest.MonkeyPatch) -> list[str]:
    with killed_at(-1, after=False, patch=patch) as made:
        render(directory)
    return made


@pytest.mark.parametrize("before", BEFORE)
def test_a_crash_at_every_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    old = BEFORE[before]
    put(tmp_path / "count", old)
    steps = steps_of(tmp_path / "count", monkeypatch)
    assert package(tmp_path / "count") == TWO | OWN
    assert before == "this package" or len(steps) > 15
    states = []
    for number, step in enumerate(steps):
        for after in (False, True):
            directory = tmp_path / f"{number}-{after}"
            put(directory, old)
            with killed_at(number, after=after, patch=monkeypatch), pytest.raises(Killed):
                render(directory)
            states.append(seen(directory, old))
            render(directory)
            assert tree(directory) == TWO | OWN, step
            assert require_whole(directory) == SECOND
    if before == "the last package":
        # The old one, then neither, then the new one; never back.
        assert list(dict.fromkeys(states)) == ["old", "render-interrupted", "new"]
        assert states == sorted(states, key=["old", "render-interrupted", "new"].index)
    elif before == "nothing":
        assert list(dict.fromkeys(states)) == ["no-package", "render-interrupted", "new"]


def test_a_second_crash_while_the_first_is_being_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "count", ONE)
    steps = steps_of(tmp_path / "count", monkeypatch)
    renames = [number for number, step in enumerate(steps) if step.startswith("replace")]
    for first in (renames[0], renames[len(renames) // 2], renames[-1] - 1):
        base = tmp_path / f"base-{first}"
        put(base, ONE)
        with killed_at(first, after=True, patch=monkeypatch), pytest.raises(Killed):
            render(base)
        shutil.copytree(base, tmp_path / f"count-{first}")
        for second in range(len(steps_of(tmp_path / f"count-{first}", monkeypatch))):
            directory = tmp_path / f"{first}-{second}"
            shutil.copytree(base, directory)
            with killed_at(second, after=True, patch=monkeypatch), pytest.raises(Killed):
                render(directory)
            seen(directory, ONE)
            render(directory)
            assert tree(directory) == TWO | OWN


def test_another_render_after_a_crash_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs changed once more before somebody rendered again."""
    three, third = package_files(3)
    put(tmp_path / "count", ONE)
    for number in range(len(steps_of(tmp_path / "count", monkeypatch))):
        directory = tmp_path / str(number)
        put(directory, ONE)
        with killed_at(number, after=True, patch=monkeypatch), pytest.raises(Killed):
            render(directory)
        recover(examine(directory))
        store(directory, three, new=third, old=examine(directory).manifest)
        assert tree(directory) == three | OWN


WRITER = """
import itertools, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from update_set_makers import package_files
from generator.update_set.package_state import examine
from generator.update_set.store import locked, recover, store
directory = Path(sys.argv[1])
print("ready", flush=True)
for generation in itertools.count(1):
    files, manifest = package_files(generation)
    with locked(directory):
        recover(examine(directory))
        store(directory, files, new=manifest, old=examine(directory).manifest, sync=lambda _: None)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the platform has no SIGKILL")
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """For real: again and again in the same directory, at a moment that nobody chose."""
    directory = tmp_path / "dev"
    put(directory, {})
    chance = random.Random(7)  # noqa: S311 - only when to kill
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.01, 0.06))
            child.kill()
        state = examine(directory)
        try:
            listed: Manifest | None = require_whole(directory)
        except Refused:
            listed = None
        if listed is not None:
            assert set(package(directory)) == {*listed.files, "manifest.json", *OWN}
        recover(state)
        if (directory / "manifest.json").exists():
            manifest = require_whole(directory)
            assert set(tree(directory)) == {*manifest.files, "manifest.json", *OWN}
    store(directory, TWO, new=SECOND, old=examine(directory).manifest)
    assert tree(directory) == TWO | OWN
