"""`sn-smtp lint`: are packages and update set files sound?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import FileName, answers, root_option
from generator.cli.output import Outcome, Session
from generator.cli.report_file import write_report
from generator.errors import ExitCode, Fault, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.checks.interface import Severity
    from generator.checks.lint import LintReport


@click.command(
    epilog="Exit codes: 0 nothing at or above --fail-on; 2 usage, or a file that cannot be opened; "
    "3 findings at or above --fail-on (0 with --exit-zero); 7 the package is missing or not whole."
)
@click.argument("targets", nargs=-1, required=True, metavar="ENV|FILE...")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="Exit 3 from this severity on.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="What the report looks like; no format changes the exit code.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 instead of 3.")
@click.option(
    "-o",
    "--output",
    type=FileName(path_type=Path, dir_okay=False),
    help="Write the report into this file instead of on stdout.",
)
@root_option
@answers
def lint(
    session: Session,
    *,
    targets: tuple[str, ...],
    fail_on: str,
    format_name: str,
    exit_zero: bool,
    output: Path | None,
    root: Path,
) -> Outcome:
    """Check the packages of environments, and any other update set file.

    Each finding names its rule (docs/rules.md), its severity, where it is, what is wrong and how
    to fix it. In a file that no manifest beside it lists, what only this tool's own output
    promises is a warning at most.
    """
    from generator.checks.interface import Severity
    from generator.report.interface import Format, formatter
    from generator.report.json_findings import result

    if session.as_json and format_name != "text" and output is None:
        raise UsageError(
            Fault(
                "usage",
                f"--json and --format {format_name} both want stdout.",
                next="leave one of them out, or write the report into a file with --output",
            )
        )
    threshold = Severity(fail_on)
    reports = _lint_all(session, targets, root)
    text = formatter(Format(format_name))(reports, fail_on=threshold)
    if output is not None:
        write_report(output, text)
        text = ""
    fails = any(report.worst_reaches(threshold) for report in reports)
    return Outcome(
        result=result(reports, fail_on=threshold),
        text=text,
        exit_code=ExitCode.FINDINGS if fails and not exit_zero else ExitCode.OK,
        faults=_faults(reports, threshold) if fails and not exit_zero else (),
    )


def _lint_all(session: Session, targets: tuple[str, ...], root: Path) -> list[LintReport]:
    """Lint each file; one that cannot be opened is told after the others were tried."""
    from generator.checks.lint import is_ours, lint_file
    from generator.cli.progress import bar
    from generator.cli.targets import update_set_files

    reports: list[LintReport] = []
    faults: list[Fault] = []
    progress = bar(session)
    for path in update_set_files(targets, root, on_stray=partial(_warn_of_stray, session)):
        try:
            reports.append(lint_file(path, ours=is_ours(path), progress=progress))
        except UsageError as error:
            faults.extend(error.faults)
    if faults:
        raise UsageError(*faults)
    return reports


def _warn_of_stray(session: Session, path: Path) -> None:
    session.message(
        f"warning: {path} is not of this package and was not linted; do not import it; remove it",
        style="yellow",
    )


def _faults(reports: Sequence[LintReport], threshold: Severity) -> tuple[Fault, ...]:
    from generator.report.interface import counted

    return tuple(
        Fault(
            "lint-findings",
            f"Findings at or above {threshold}: {counted(report.counts)}.",
            file=report.file,
            next="mend what the report names, or render the package anew, then lint again",
        )
        for report in reports
        if report.worst_reaches(threshold)
    )
