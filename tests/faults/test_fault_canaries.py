"""Secrets composed at run time leave no trace, whatever goes wrong, however much is said."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from fault_desk import START, render_example
from requests.adapters import BaseAdapter

from generator.cli import instance_call
from generator.cli.main import run
from generator.clock import SteppedClock, SystemClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.sandbox.sessions import TOKEN_DIGITS, UiSession

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = "from generator.cli import main\nmain()\n"


def _canary(name: str) -> str:
    """A secret that no text holds by chance, with what encodings change."""
    return f"{name}+/%é&='\"{secrets.token_hex(8)}"


@dataclass(slots=True)
class Place:
    """The example, a sandbox, and what must not be seen."""

    root: Path
    sandbox: Sandbox
    canaries: dict[str, str]

    def traces(self, text: str) -> list[str]:
        """Names of the canaries that a text holds, in whatever form."""
        held = [
            name
            for name, value in self.canaries.items()
            if any(form in text for form in _forms(value))
        ]
        pair = f"{self.sandbox.admin_user}:{self.canaries['password']}".encode()
        if base64.b64encode(pair).decode().rstrip("=") in text:
            held.append("Basic")
        held += [f"token of {s.kind}" for s in self._sessions() if s.token in text or s.id in text]
        return held

    def _sessions(self) -> list[UiSession]:
        return list(self.sandbox.sessions._open.values())

    def left(self) -> str:
        """Everything that lies about: files of the environment, and the sandbox's log."""
        files = [
            path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        ]
        seen = [repr(entry) for entry in self.sandbox.wire.seen]
        return "\n".join([*files, *self.sandbox.log, *seen, *self.sandbox.unsupported])


def _forms(value: str) -> set[str]:
    raw = value.encode()
    return {
        *(value, quote(value), quote_plus(value), quote(value, safe="")),
        *(json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]),
        base64.b64encode(raw).decode(),
        raw.hex(),
        # The part that no encoding changes.
        value[-16:],
    }


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The example `dev`, called through the command line in this process."""
    canaries = {"password": _canary("pw"), "client secret": _canary("cs")}
    clock = SteppedClock(START)
    environment = render_example(tmp_path / "root", "batch")
    sandbox = Sandbox(name="acme-dev", clock=clock, admin_password=canaries["password"])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(START.timestamp())))
    monkeypatch.setenv("SN_SMTP_PASSWORD", canaries["password"])
    monkeypatch.setenv("SN_SMTP_DEV_CLIENT_SECRET", canaries["client secret"])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def adapter() -> BaseAdapter:
        return sandbox.adapter()

    monkeypatch.setattr(instance_call, "make_adapter", adapter)
    monkeypatch.setattr(instance_call, "make_clock", lambda: clock)
    # The real Entra is none of this test's business.
    monkeypatch.setattr(instance_call, "make_prover", lambda call, environment: None)
    yield Place(environment.directory.parent, sandbox, canaries)
    sandbox.close()


COMMANDS = {
    "import": ("import", "dev", "--yes"),
    "resume": ("import", "dev", "--yes", "--resume"),
    "preview": ("import", "dev", "--preview-only"),
    "dry run": ("import", "dev", "--dry-run"),
    "status": ("instance", "status", "dev"),
    "secret": ("secret", "deliver", "dev"),
    "activate": ("activate", "dev", "--yes"),
    "deactivate": ("deactivate", "dev", "--yes", "--no-mail"),
    "back out": ("back-out", "dev", "--yes"),
}

FAILURES: tuple[dict[str, object], ...] = (
    {},
    {"basic": "restricted"},
    {"mfa": "ui"},
    {"sso_only": "on"},
    {"hibernating": "on"},
    {"cut": "after"},
    {"cut": "after:8"},
    {"cut": "middle:24"},
    {"cut_json": "on"},
    {"cut_json": "3"},
    {"result_and_error": "on"},
    {"max_execution_time": "on"},
    {"max_execution_time": "7"},
    {"token_stale_after": 1, "cicd": "inactive"},
    {"fail_records": "*"},
    {"closed_tables": "oauth_entity"},
    {"upload_reply": "302", "cicd": "no_role"},
)

SAMPLE = frozenset({0, 3, 7, 9, 13})
"""Which of them `make test` takes; `make faults` takes all."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(failure, marks=() if number in SAMPLE else pytest.mark.faults)
        for number, failure in enumerate(FAILURES)
    ],
    ids=lambda failure: " ".join(failure) or "none",
)
def test_no_secret_leaves_a_trace(
    place: Place, failure: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    for name, command in COMMANDS.items():
        place.sandbox.behaviour.set(failure)
        options = ("--json",) if name in ("resume", "status") else ("-v",)
        code = run([*command, "--root", str(place.root), *options])
        said = capfd.readouterr()
        assert place.traces(said.out + said.err) == [], f"{name} ({int(code)})"
        place.sandbox.behaviour.set(Behaviour().to_json())
        # A run in peace, so that the later commands find something.
        if name == "preview":
            assert run([*COMMANDS["import"], "--root", str(place.root), "-q"]) in (0, 5, 6)
            capfd.readouterr()
    assert place.traces(place.left()) == []


def test_the_canaries_would_be_seen(place: Place) -> None:
    value = place.canaries["password"]
    pair = base64.b64encode(f"admin:{value}".encode()).decode()
    for text in (value, quote(value), json.dumps({"a": value}), repr(value), value.encode().hex()):
        assert place.traces(f"before {text} after")
    assert "Basic" in place.traces(f"Authorization: Basic {pair}")
    assert place.traces("nothing of it") == []
    assert TOKEN_DIGITS == 72


def test_no_secret_is_an_argument_or_a_trace_of_a_process(tmp_path: Path) -> None:
    canaries = {"password": _canary("pw"), "client secret": _canary("cs")}
    environment = render_example(tmp_path / "root", "batch")
    root = environment.directory.parent
    listed: list[bytes] = []
    with Sandbox(
        name="acme-dev", clock=SystemClock(), admin_password=canaries["password"]
    ) as sandbox:
        where = Place(root, sandbox, canaries)
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, "import", "dev", "--yes", "-v"),
                *("--root", str(root), "--instance", sandbox.url),
            ],
            env={
                **os.environ,
                "SOURCE_DATE_EPOCH": str(int(START.timestamp())),
                "SN_SMTP_PASSWORD": canaries["password"],
                "SN_SMTP_DEV_CLIENT_SECRET": canaries["client secret"],
            },
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(0.02):
                try:
                    listed.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
                except OSError:
                    return

        watcher = threading.Thread(target=look)
        watcher.start()
        out, err = process.communicate(timeout=120)
        ended.set()
        watcher.join()
        assert process.returncode == 0, err.decode()
        assert where.traces((out + err).decode()) == []
        assert listed or not Path("/proc").is_dir()
        assert where.traces("\n".join(line.decode(errors="replace") for line in listed)) == []
        assert where.traces(where.left()) == []
