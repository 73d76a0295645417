"""`make bench`: every figure of docs/performance.md, in one run on one machine.

    python -m bench [start|peer|fleet|reading|import|verify]... [--runs N]

Prints a Markdown table; exits 1 if a limit is not met. `peer` needs Node 20 and installs
ServiceNow's SDK under `.cache/`; it is left out, and said so, where it cannot run.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.fleet import write_inputs
from bench.measure import Figure, Run, figure, medians, run

HERE = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("sn-smtp")
CORPUS = HERE.parent / "shared" / "corpus" / "update_sets"


def start(runs: int, scratch: Path) -> list[Figure]:
    """`sn-smtp --help` against importing click."""
    found = medians(
        {
            "help": lambda: run([str(COMMAND), "--help"]),
            "click": lambda: run([sys.executable, "-c", "import click"]),
        },
        runs=runs,
    )
    ours, floor = found["help"], found["click"]
    return [
        figure(
            "`sn-smtp --help` / `python -c 'import click'`, wall",
            ours.wall / floor.wall,
            2.5,
            unit="x",
            detail=f"{ours.wall * 1000:.0f} ms / {floor.wall * 1000:.0f} ms",
        )
    ]


def peer(runs: int, scratch: Path) -> list[Figure]:
    """One environment from a cold process against `now-sdk build` of the same records."""
    from bench.peer import build_command, prepare

    root, project = prepare(scratch)
    target = root / "one"

    def render() -> Run:
        for path in target.iterdir():
            if path.name not in ("environment.yaml", "azure.json"):
                subprocess.run(["rm", "-rf", str(path)], check=True)
        return run([str(COMMAND), "render", "one", "--root", str(root)])

    command, environment = build_command(project)
    found = medians(
        {"ours": render, "peer": lambda: run(command, cwd=project, environment=environment)},
        runs=runs,
    )
    ours, theirs = found["ours"], found["peer"]
    return [
        figure(
            "`now-sdk build` / cold `sn-smtp render` of one environment, wall",
            theirs.wall / ours.wall,
            12,
            unit="x",
            detail=f"{theirs.wall:.2f} s / {ours.wall:.2f} s",
            at_least=True,
        ),
        figure(
            "peak memory of that render",
            ours.peak,
            90,
            unit="MiB",
            detail=f"now-sdk build: {theirs.peak:.0f} MiB",
        ),
    ]


def fleet(runs: int, scratch: Path) -> list[Figure]:
    """A thousand environments in one process: the command itself, as its users call it."""
    turns = [_fleet_turn(scratch / f"turn{number}") for number in range(runs)]
    middle = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
    return [
        figure(
            "`render --all` of 1,000 environments / the bare loop that writes the same bytes",
            statistics.median(turn["1000"] / turn["bare"] for turn in turns),
            2,
            unit="x",
            detail=f"{middle['1000']:.1f} s / {middle['bare']:.1f} s",
        ),
        figure(
            "1,000 environments / 500 environments (2 is linear)",
            statistics.median(turn["1000"] / turn["500"] for turn in turns),
            2.2,
            unit="x",
            detail=f"{middle['1000']:.1f} s / {middle['500']:.1f} s",
        ),
        figure(
            "`render --all --dry-run`, each beyond the first 100, nothing rendered yet",
            middle["new"] * 1000,
            6,
            unit="ms",
            detail="1,000 environments less 100, whole processes",
        ),
        figure(
            "`render --all --dry-run`, each beyond the first 100, packages in place",
            middle["again"] * 1000,
            6,
            unit="ms",
            detail="likewise, and every file in place read and compared",
        ),
        figure("peak memory, 1,000 environments", middle["peak"], 150, unit="MiB", detail=""),
    ]


def _fleet_turn(scratch: Path) -> dict[str, float]:
    """Seconds of each call, and seconds for each environment beyond 100 of the dry runs.

    Every turn has directories of its own and nothing is removed before the end: on ext4 files
    made soon after many were removed cost several times as much (it avoids their inodes).
    """
    roots = {count: scratch / str(count) for count in (100, 500, 1000)}
    for count, root in roots.items():
        write_inputs(root, count)

    def render(count: int, *options: str) -> Run:
        return run([str(COMMAND), "render", "--all", "--root", str(roots[count]), *options])

    def beyond_100() -> float:
        return (render(1000, "--dry-run").wall - render(100, "--dry-run").wall) / 900

    new = beyond_100()
    written = {count: render(count) for count in roots}
    bare = _json("bench.fleet", str(scratch / "bare"), str(roots[1000]))
    return {
        "new": new,
        "500": written[500].wall,
        "1000": written[1000].wall,
        "bare": bare["seconds"],
        "again": beyond_100(),
        "peak": written[1000].peak,
    }


def reading(runs: int, scratch: Path) -> list[Figure]:
    """Reading and linting against a bare parse; memory from 4 MB to 400 MB."""
    from bench.reading import enlarge

    source = CORPUS / "2021-01-email-sms.xml"
    if not source.is_file():
        print("reading: left out, ../shared is not beside this checkout", file=sys.stderr)
        return []
    small, large = scratch / "4.xml", scratch / "400.xml"
    enlarge(source, small, 4 << 20)
    enlarge(source, large, 400 << 20)
    seconds: dict[str, list[float]] = {"bare": [], "read": [], "lint": []}
    small_peaks: dict[str, list[float]] = {"bare": [], "read": [], "lint": []}
    for _ in range(runs):
        for what in seconds:
            measured = _json("bench.reading", str(small), what)
            seconds[what].append(measured["seconds"])
            small_peaks[what].append(measured["peak_mib"])
    figures = []
    for what, limit in (("read", 0.4), ("lint", 0.12)):
        ratios = [bare / ours for bare, ours in zip(seconds["bare"], seconds[what], strict=True)]
        middle, floor = statistics.median(seconds[what]), statistics.median(seconds["bare"])
        figures.append(
            figure(
                f"{what}: speed of the bare parse with payloads, 4 MB",
                statistics.median(ratios),
                limit,
                unit="x",
                detail=f"{middle * 1000:.0f} ms; bare {floor * 1000:.0f} ms",
                at_least=True,
            )
        )
    for what in ("read", "lint"):
        peak = _json("bench.reading", str(large), what)["peak_mib"]
        before = statistics.median(small_peaks[what])
        figures.append(
            figure(
                f"{what}: peak memory at 400 MB / at 4 MB",
                peak / before,
                1.2 if what == "read" else 2,
                unit="x",
                detail=f"{peak:.0f} MiB / {before:.0f} MiB",
            )
        )
    return figures


def importing(runs: int, scratch: Path) -> list[Figure]:
    """Imports against a sandbox that answers 100 ms late, and the memory of a large upload."""
    from bench.importing import LARGE, example, imported, large_file, sandbox, upload_peak

    root = example(scratch / "import")
    firsts, seconds = [], []
    for _ in range(runs):
        with sandbox(root, "latency_ms=100") as variables:
            firsts.append(imported(root, variables))
            seconds.append(imported(root, variables))
        shutil.rmtree(root / "dev" / ".import")
    small, large = large_file(scratch / "1.xml", 1 << 20), large_file(scratch / "100.xml", LARGE)
    with sandbox(root) as variables:
        peaks = [upload_peak(path, variables) for path in (small, large)]
    figures = []
    for what, found, most in (("a first import", firsts, 30), ("a second import", seconds, 10)):
        middle = sorted(found, key=lambda one: one.seconds)[len(found) // 2]
        figures.append(
            figure(
                f"{what}: requests, one after the other",
                max(one.requests for one in found),
                most,
                unit="",
                detail=f"{middle.seconds:.2f} s, {middle.waited:.2f} s of it between polls",
            )
        )
        figures.append(
            figure(
                f"{what}: time without the waits / (requests x 100 ms)",
                statistics.median(one.ratio for one in found),
                1.25,
                unit="x",
                detail=f"the package's check included; whole process {middle.process:.2f} s",
            )
        )
    figures.append(
        figure(
            "upload of 100 MB: peak memory beyond that of 1 MB",
            peaks[1] - peaks[0],
            10,
            unit="MiB",
            detail=f"{peaks[1]:.0f} MiB / {peaks[0]:.0f} MiB",
        )
    )
    return figures


def verifying(runs: int, scratch: Path) -> list[Figure]:
    """The mail chain without a message, against stand-ins that answer 50 ms late."""
    from bench.verifying import walks

    found = walks(runs)
    middle = sorted(found, key=lambda one: one.seconds)[len(found) // 2]
    return [
        figure(
            "`verify`: time of the chain / (round trips x 50 ms)",
            statistics.median(one.ratio for one in found),
            1.3,
            unit="x",
            detail=f"{middle.seconds * 1000:.0f} ms, {middle.round_trips} round trips",
        )
    ]


PARTS: dict[str, Callable[[int, Path], list[Figure]]] = {
    "start": start,
    "peer": peer,
    "fleet": fleet,
    "reading": reading,
    "import": importing,
    "verify": verifying,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen parts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    # As pip leaves an installed wheel: with PYTHONDONTWRITEBYTECODE, or after an edit,
    # every cold process would compile our modules, and the compiler would be measured.
    if not compileall.compile_dir(HERE / "generator", quiet=1):
        parser.error("a module of generator/ does not compile")
    figures: list[Figure] = []
    # Beside the checkout, so that the figures are those of a real disk and not of a memory disk.
    scratch_root = HERE / "bench" / "out"
    scratch_root.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        for name in options.parts or PARTS:
            figures += PARTS[name](options.runs, Path(scratch))
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {options.runs} runs\n")
    print("| what | figure | limit | met | measured |\n|---|---|---|---|---|")
    for line in figures:
        met = "yes" if line.met else "**no**"
        print(f"| {line.what} | {line.value} | {line.limit} | {met} | {line.detail} |")
    return 0 if all(line.met for line in figures) else 1


def _json(module: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    sys.exit(main())
