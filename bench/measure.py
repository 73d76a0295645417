"""Measures whole processes: wall time, processor time and peak memory, medians of several runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process."""

    wall: float
    """Seconds."""

    cpu: float
    """Seconds, user and system."""

    peak: float
    """Largest resident set, MiB."""


def run(
    command: Sequence[str], *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Run:
    """Run a command to its end, its output thrown away.

    Raises:
        RuntimeError: It ended with anything but 0.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(commands: Mapping[str, Callable[[], Run]], *, runs: int) -> dict[str, Run]:
    """Run each in turn, A B A B ..., once uncounted, and give the medians of each."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, call in commands.items():
            measured = call()
            if turn:
                found[name].append(measured)
    return {
        name: Run(
            wall=statistics.median(run_.wall for run_ in measured),
            cpu=statistics.median(run_.cpu for run_ in measured),
            peak=statistics.median(run_.peak for run_ in measured),
        )
        for name, measured in found.items()
    }


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report."""

    what: str
    value: str
    limit: str
    met: bool
    detail: str


def figure(
    what: str, value: float, limit: float, *, unit: str, detail: str, at_least: bool = False
) -> Figure:
    """A figure held against its limit."""
    met = value >= limit if at_least else value <= limit
    sign = "at least" if at_least else "at most"
    return Figure(what, f"{value:.3g} {unit}", f"{sign} {limit:g} {unit}", met, detail)
