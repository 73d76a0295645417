"""`sn-smtp import`: a package into an instance, each step proven by a read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from generator.cli.call_options import CallOptions, guard_options, instance_command
from generator.cli.instance_call import PREVIEW_ONLY, outcome
from generator.cli.mail_options import entra_options
from generator.cli.output import Outcome, Session
from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.instance.report import Report


@click.command(
    "import",
    epilog="Exit codes: 0 committed and read back, or nothing to do; 1 the instance did not "
    "clearly answer; 2 usage or configuration; 4 preview problems that no rule decides; 5 "
    "committed before, and the instance says otherwise now; 6 something did not arrive, or the "
    "client secret could not be proven; 7 a guard said no.",
)
@click.option(
    "--preview-only",
    is_flag=True,
    help="Upload, preview and list, then remove the upload again.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="KIND:TABLE[:SYS_ID]",
    help="Accept preview problems of this kind; may be repeated.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="KIND:TABLE[:SYS_ID]",
    help="Leave updates out that have problems of this kind; may be repeated.",
)
@click.option(
    "--allow-delete",
    multiple=True,
    metavar="TABLE[:SYS_ID]",
    help="Allow the package to delete these records; may be repeated.",
)
@click.option(
    "--resume", is_flag=True, help="Go on where an import of this package was interrupted."
)
@guard_options
@entra_options
@instance_command
def import_(
    session: Session,
    given: CallOptions,
    *,
    preview_only: bool,
    accept: tuple[str, ...],
    skip: tuple[str, ...],
    allow_delete: tuple[str, ...],
    resume: bool,
) -> Outcome:
    """Import the package of ENV: upload, preview, resolve, commit, confirm, deliver the secret.

    What would change and every preview problem is listed before anything is committed. A package
    that is committed already is only read back, and completed where that is safe.
    """
    from generator.cli.import_options import deletions, problem_rules
    from generator.instance.importer import import_package

    if preview_only and given.dry_run:
        raise UsageError(
            Fault(
                "usage",
                "--preview-only uploads, --dry-run changes nothing.",
                next="choose one of them",
            )
        )
    call = given.call(mode=PREVIEW_ONLY if preview_only else "")
    call = replace(
        call,
        options=replace(
            call.options,
            preview_only=preview_only,
            resume=resume,
            accept=problem_rules("--accept", accept),
            skip=problem_rules("--skip", skip),
            allow_delete=deletions(allow_delete),
        ),
        asks=call.asks and not preview_only,
    )
    return outcome(session, call, import_package, text=_text)


def _text(report: Report) -> str:
    from generator.cli.report_text import report_text

    return report_text(report)
