"""The answers of the probes: collected from the tests' reports, printed, written as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from probes import PROBES

PROBE, ANSWER, RELEASE = "contract-probe", "contract-answer", "contract-release"
"""Names of a test's properties; they also travel between processes."""

NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One probe and what became of it."""

    key: str
    """`C1` to `C21` (`spec/instance-http.md`, part C)."""

    question: str
    """What is asked."""

    how: str
    """What the probe does."""

    lines: tuple[str, ...]
    """The answer, or why there is none."""

    release: str
    """`glide.war`."""


def collect(stats: Mapping[str, Sequence[object]]) -> list[Entry]:
    """The entries of a run, in the order of the spec.

    Args:
        stats: Outcome to the reports of a run, as pytest's terminal reporter keeps them.
    """
    lines: dict[str, tuple[str, ...]] = {}
    releases: dict[str, str] = {}
    for outcome, reports in stats.items():
        for report in reports:
            properties = dict(getattr(report, "user_properties", ()))
            key = properties.get(PROBE)
            if key is None:
                continue
            if ANSWER in properties:
                lines[key] = tuple(str(properties[ANSWER]).splitlines())
                releases[key] = str(properties.get(RELEASE, ""))
            elif outcome == "skipped":
                lines[key] = (f"{NOT_ASKED}: {_reason(report)}",)
            elif outcome in ("failed", "error"):
                lines.setdefault(key, (f"{NOT_ASKED}: the probe failed",))
    return [
        Entry(probe.key, probe.question, probe.how, lines[probe.key], releases.get(probe.key, ""))
        for probe in PROBES
        if probe.key in lines
    ]


def markdown(entries: Sequence[Entry], *, instance: str, now: datetime) -> str:
    """The report as a page.

    Args:
        entries: What to tell.
        instance: Its URL, or a word for the sandbox; of a URL only the host is kept.
        now: When it was asked.
    """
    release = next((entry.release for entry in entries if entry.release), "unknown")
    asked = urlsplit(instance).hostname or instance
    head = [
        "# What an instance answered",
        "",
        f"Asked: {asked}, release `{release}`, {now:%Y-%m-%d}.",
        "",
        "| # | question | probe | answer |",
        "|---|---|---|---|",
    ]
    rows = [
        f"| {entry.key} | {_cell(entry.question)} | {_cell(entry.how)} | "
        f"{'<br>'.join(_cell(line) for line in entry.lines)} |"
        for entry in entries
    ]
    return "\n".join([*head, *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _reason(report: object) -> str:
    found = getattr(report, "longrepr", None)
    said = str(found[2]) if isinstance(found, tuple) else "no reason"
    return said.removeprefix("Skipped: ")
