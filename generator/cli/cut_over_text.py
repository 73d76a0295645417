"""What a cut-over came to, as text for a reader; its last line is the one for the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.instance.cut_over_accounts import SmtpAccount
    from generator.instance.cut_over_result import CutOverResult
    from generator.instance.report import Report

_MOST_FAILED = 20


def cut_over_text(report: Report, result: CutOverResult) -> str:
    """What was active, what is now, what was proven, what failed; then the line to write."""
    where = f"{report.instance_name or 'unknown instance'} ({report.instance})"
    lines = [f"{report.environment}: {report.mode or report.command} on {where}"]
    lines += [f"  {step.name}: {step.detail}" for step in report.steps if step.name != "preflight"]
    if result.before is not None:
        lines.append(f"  active before: {_names(result.before)}")
    if result.active is not None:
        lines.append(f"  active now: {_names(result.active)}")
    lines += [f"  differs: {difference}" for difference in report.differences]
    lines += [f"  failed: sys_email {entry}" for entry in result.failed_mail[:_MOST_FAILED]]
    more = len(result.failed_mail) - _MOST_FAILED
    if more > 0:
        lines.append(f"  failed: {more} more (--json lists them)")
    lines += [f"  note: {note}" for note in report.notes]
    lines.append(f"  {report.requests} requests, {report.waited:.1f} s waited between polls")
    if result.line:
        lines += ["  the environment file must say:", result.line]
    return "\n".join(lines)


def _names(accounts: tuple[SmtpAccount, ...]) -> str:
    return " and ".join(str(entry) for entry in accounts) or "none"
