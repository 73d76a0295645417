"""`sn-smtp azure`: what Azure handed over, as understood, and what sets it up."""

from __future__ import annotations

import os
from pathlib import Path

import click

from generator.cli.lazy import LazyGroup
from generator.cli.options import FileName, answers
from generator.cli.output import Outcome, Session
from generator.errors import ExitCode


@click.group(
    cls=LazyGroup,
    commands_at={
        "read": ("generator.cli.azure:read", "Print what Azure outputs say."),
        "script": ("generator.cli.azure_script:script", "Write what sets the Azure side up."),
    },
    epilog="Exit codes: those of the command.",
)
def azure() -> None:
    """Set the Azure side up, and understand what it handed over, whatever tool wrote it."""


@click.command(
    epilog="Exit codes: 0 understood, though a value may be told in a way that is not usable "
    "(`not usable`; `unusable` in --json names it); 2 not understood, the files disagree, or "
    "one object ID is given to two objects."
)
@click.argument("files", nargs=-1, required=True, type=FileName(path_type=Path))
@answers
def read(session: Session, *, files: tuple[Path, ...]) -> Outcome:
    """Print what FILE... say: tenant, client ID, object IDs, secret expiry, consent.

    Reads the output of az, Terraform, Pulumi, Bicep/ARM, Graph, the portal and PowerShell; the
    shape is recognised by its keys. A secret in a file is reported and never printed.
    """
    from generator.azure.describe import (
        contradictions,
        notice_line,
        outputs_json,
        outputs_table,
    )
    from generator.azure.model import Severity
    from generator.azure.read import read_azure_outputs
    from generator.cli.tables import table
    from generator.clock import read_clock

    outputs = read_azure_outputs(files, now=read_clock(os.environ))
    faults = contradictions(outputs)
    said = {fault.code for fault in faults}
    for notice in outputs.notices:
        if notice.code in said:
            continue
        style = None if notice.severity is Severity.NOTE else "yellow"
        session.message(notice_line(notice), style=style)
    return Outcome(
        result=outputs_json(outputs),
        text=""
        if session.as_json
        else table(("value", "understood", "from"), outputs_table(outputs)),
        exit_code=ExitCode.USAGE if faults else ExitCode.OK,
        faults=faults,
    )
