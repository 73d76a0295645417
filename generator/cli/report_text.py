"""What a call on an instance came to, as text for a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.instance.report import ProblemFound, Report

_WAY = ("preflight", "clear", "upload", "preview", "commit", "account", "publish")


def report_text(report: Report) -> str:
    """What was proven, sets, differences and remarks; of a preview alone what it found.

    The way there is told while it happens, and the faults at the end, both on stderr.
    """
    where = f"{report.instance_name or 'unknown instance'} ({report.instance})"
    lines = [f"{report.environment}: {report.mode or report.command} on {where}"]
    for step in report.steps:
        if step.name in _WAY:
            continue
        sets = f" [{step.unit}]" if step.unit else ""
        lines.append(f"  {step.name}{sets}: {step.detail}")
    if report.mode == "preview-only":
        lines += [f"  change: {change}" for change in report.changes]
        lines += [f"  problem: {_problem(problem)}" for problem in report.problems]
    for entry in report.sets:
        state = entry.state or "not there"
        local = f", local update set {entry.local_set}" if entry.local_set else ""
        lines.append(f"  set {entry.role}: {entry.name} ({entry.sys_id}) {state}{local}")
    lines += [f"  differs: {difference}" for difference in report.differences]
    lines += [f"  note: {note}" for note in report.notes]
    lines.append(f"  {report.requests} requests, {report.waited:.1f} s waited between polls")
    return "\n".join(lines)


def _problem(problem: ProblemFound) -> str:
    return f"{problem} [{problem.reason}]" if problem.reason else str(problem)
