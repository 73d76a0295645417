"""Imports of the example against a sandbox that answers 100 ms late: requests, time, memory.

The sandbox runs in a process of its own, so that its memory is not counted as the client's.
`python -m bench.importing import ROOT URL` and `... upload FILE URL` print what one of them cost.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.cli.instance_call import Call, opened
from generator.cli.output import Session
from generator.clock import SystemClock
from generator.config.instance_settings import AuthMethod, AuthSettings, InstanceSettings
from generator.errors import ExitCode
from generator.instance.http_instance import open_instance
from generator.instance.importer import import_package
from generator.instance.run import Options
from generator.secrets.interface import Secret

EXAMPLES = Path(__file__).resolve().parent.parent / "update_sets"
COMMAND = Path(sys.executable).with_name("sn-smtp")
LATENCY = 0.1
"""Seconds that every answer is late."""

LARGE = 100 << 20
"""Bytes of the large file."""

_ID = "0123456789abcdef" * 2
_PASSWORD = "SN_SMTP_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Import:
    """One import."""

    requests: int
    seconds: float
    """From the first step of the import to the last, the check of the package included."""

    waited: float
    """Seconds of it between polls."""

    process: float
    """Seconds of the whole process."""

    @property
    def ratio(self) -> float:
        """Time without the waits, against that many answers one after the other."""
        return (self.seconds - self.waited) / (self.requests * LATENCY)


def example(target: Path) -> Path:
    """A root with the example `dev`, rendered."""
    target.mkdir()
    shutil.copyfile(EXAMPLES / "common.yaml", target / "common.yaml")
    (target / "dev").mkdir()
    for name in ("environment.yaml", "azure.json"):
        shutil.copyfile(EXAMPLES / "dev" / name, target / "dev" / name)
    subprocess.run(
        [str(COMMAND), "render", "dev", "--root", str(target), "--quiet"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return target


@contextmanager
def sandbox(root: Path, *switches: str) -> Iterator[dict[str, str]]:
    """A sandbox for the example; the variables that a client of it needs."""
    command = [str(COMMAND), "sandbox", "--for", "dev", "--root", str(root), "--json"]
    variables = root / "sandbox.env"
    command += ["--write-env", str(variables)]
    for switch in switches:
        command += ["--switch", switch]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        # Printed once it serves; before the file was written nothing is.
        process.stdout.readline()
        lines = variables.read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines)
        yield {name: value.strip("'") for name, _, value in pairs}
    finally:
        process.terminate()
        process.wait(30)
        variables.unlink(missing_ok=True)


def imported(root: Path, variables: dict[str, str]) -> Import:
    """Import once, in a process of its own."""
    started = time.perf_counter()
    said = _child("import", str(root), variables["SN_SMTP_INSTANCE"], variables=variables)
    process = time.perf_counter() - started
    return Import(int(said["requests"]), said["seconds"], said["waited"], process)


def large_file(path: Path, size: int) -> Path:
    """A file of that many bytes that looks like an update set from outside."""
    head, tail = b"<?xml version='1.0' encoding='UTF-8'?><unload><!--", b"--></unload>"
    piece = b"x" * (1 << 20)
    with path.open("wb") as stream:
        stream.write(head)
        left = size - len(head) - len(tail)
        while left > 0:
            left -= stream.write(piece[:left])
        stream.write(tail)
    return path


def upload_peak(path: Path, variables: dict[str, str]) -> float:
    """Largest resident set, MiB, of a process that uploads a file."""
    said = _child("upload", str(path), variables["SN_SMTP_INSTANCE"], variables=variables)
    return said["peak_mib"]


def _child(what: str, path: str, url: str, *, variables: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.importing", what, path, url],
        env={**os.environ, **variables},
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{what} ended with {done.returncode}: {done.stderr}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _import(root: Path, url: str) -> dict[str, float]:
    """Import as the command does, and time it from its first step on."""
    call = Call(
        environment="dev",
        root=root,
        instance_url=url,
        budget=0.0,
        templates=None,
        options=Options(),
        asks=False,
    )
    with opened(Session(command="import", quiet=True), call) as run:
        started = time.perf_counter()
        import_package(run)
        seconds = time.perf_counter() - started
        assert run.report.exit_code is ExitCode.OK, run.report.faults
        return {
            "requests": run.instance.requests,
            "seconds": seconds,
            "waited": run.report.waited,
        }


def _upload(path: Path, url: str) -> dict[str, float]:
    """Upload a file; what it cost in memory."""
    settings = InstanceSettings(
        auth=AuthSettings(AuthMethod.BASIC, user="admin", password_from=f"env:{_PASSWORD}")
    )
    with open_instance(
        settings,
        url=url,
        clock=SystemClock(),
        secrets=lambda source: Secret(os.environ[source.removeprefix("env:")]),
    ) as instance:
        instance.upload(path, set_sys_id=_ID)
    return {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Do one of the two and print what it cost."""
    what, path, url = sys.argv[1:4]
    work = {"import": _import, "upload": _upload}[what]
    print(json.dumps(work(Path(path), url)))


if __name__ == "__main__":
    main()
