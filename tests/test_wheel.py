"""The wheel alone, in an empty virtual environment, from an empty directory, renders.

No development tool is in that environment, so a dependency that was forgotten shows here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from new_root import complete

from generator import __version__
from generator.cli.main import COMMANDS

pytestmark = pytest.mark.slow

NO_INDEX = re.compile(
    r"NewConnectionError|Temporary failure in name resolution|Network is unreachable|"
    r"Connection refused|ConnectTimeoutError|ProxyError|No matching distribution found"
)

HELPS = (*((name,) for name in COMMANDS), ("azure", "read"), ())


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Let the workers of one test run share what one of them made."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the wheel and its environment are kept during a test run, by all its workers."""
    base = tmp_path_factory.getbasetemp()
    directory = (base if worker_id == "master" else base.parent) / "wheel"
    directory.mkdir(exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def wheel(repository: Path, shelf: Path) -> Path:
    """The wheel, built from the checkout."""
    with _one_at_a_time(shelf):
        built = sorted((shelf / "dist").glob("*.whl"))
        if not built:
            _run(
                [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", shelf / "dist"],
                cwd=repository,
            )
            built = sorted((shelf / "dist").glob("*.whl"))
    (found,) = built
    return found


@pytest.fixture(scope="session")
def python(repository: Path, shelf: Path, wheel: Path) -> Path:
    """A virtual environment that holds the wheel and the locked core dependencies."""
    environment = shelf / "venv"
    found = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [found, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    with _one_at_a_time(shelf):
        if not (shelf / "installed").exists():
            _run([sys.executable, "-m", "venv", "--clear", environment], cwd=shelf)
            lock = repository / "requirements" / "core.lock"
            locked = _run([*pip, "--require-hashes", "-r", lock], cwd=shelf, check=False)
            if locked.returncode != 0 and NO_INDEX.search(locked.stderr):
                pytest.skip(f"pip reaches no package index: {locked.stderr.splitlines()[-1]}")
            assert locked.returncode == 0, locked.stderr
            _run([*pip, "--no-deps", wheel], cwd=shelf)
            (shelf / "installed").touch()
    return found


def _run(
    command: list[str | Path], *, cwd: Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command without anything of this test run's Python about it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV", "PYTHON", "SN_SMTP")) and name != "VIRTUAL_ENV"
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if check:
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_wheel_carries_what_a_render_needs(repository: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    templates = repository / "templates"
    for path in templates.rglob("*"):
        if path.is_file():
            assert f"generator/_templates/{path.relative_to(templates).as_posix()}" in names
    assert "generator/checks/table_columns.json" in names
    assert "generator/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "update_sets/"))]
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_environment_holds_nothing_for_development(python: Path, tmp_path: Path) -> None:
    listed = _run([python, "-m", "pip", "list", "--format", "json"], cwd=tmp_path).stdout

    names = {entry["name"].lower() for entry in json.loads(listed)}
    assert "sn-smtp-oauth" in names
    assert not names & {"pytest", "jsonschema", "hypothesis", "mypy", "ruff", "hatchling"}


def test_the_wheels_own_metadata_asks_for_what_was_installed(python: Path, tmp_path: Path) -> None:
    _run([python, "-m", "pip", "check"], cwd=tmp_path)


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_every_command_helps_without_development_extras(
    python: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = _run([python.with_name("sn-smtp"), *command, "--help"], cwd=tmp_path)

    assert said.stdout.startswith("Usage: sn-smtp")
    assert said.stderr == ""


def test_from_an_empty_directory_it_starts_a_root_and_renders_it(
    python: Path, tmp_path: Path
) -> None:
    sn_smtp = python.with_name("sn-smtp")
    version = _run([sn_smtp, "--version"], cwd=tmp_path)
    assert version.stdout == f"sn-smtp, version {__version__}\n"

    _run([sn_smtp, "init", "x"], cwd=tmp_path)
    complete(tmp_path / "x")
    read = _run([sn_smtp, "azure", "read", "x/dev/azure.json"], cwd=tmp_path)
    assert "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f" in read.stdout
    rendered = _run([sn_smtp, "render", "dev", "--root", "x", "--json"], cwd=tmp_path)

    envelope = json.loads(rendered.stdout)
    assert envelope["ok"] is True
    (package,) = envelope["result"]["environments"]
    for name in package["changed"]:
        assert (tmp_path / "x" / "dev" / name).is_file()
    linted = _run([sn_smtp, "lint", "dev", "--root", "x", "--fail-on", "warning"], cwd=tmp_path)
    assert "0 errors, 0 warnings" in linted.stdout
    _run([sn_smtp, "show", "dev", "--root", "x"], cwd=tmp_path)
    _run([sn_smtp, "render", "--all", "--check", "--root", "x"], cwd=tmp_path)
    schema = _run([sn_smtp, "schema"], cwd=tmp_path).stdout
    assert schema == (tmp_path / "x" / "environment.schema.json").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]


def test_the_checkout_and_the_wheel_render_the_same_bytes(
    python: Path, tmp_path: Path, repository: Path
) -> None:
    shutil.copytree(repository / "update_sets", tmp_path / "update_sets")
    checkout = [sys.executable, "-m", "generator", "render", "--all", "--root"]
    _run([*checkout, tmp_path / "update_sets"], cwd=repository)

    _run([python.with_name("sn-smtp"), "render", "--all", "--check"], cwd=tmp_path)
