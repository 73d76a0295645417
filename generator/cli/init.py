"""`sn-smtp init`: a new root with one environment."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from generator.cli.options import FileName, answers
from generator.cli.output import Outcome, Session


@click.command(epilog="Exit codes: 0 done; 2 usage; 7 refused: something is there already.")
@click.argument("directory", metavar="DIR", type=FileName(path_type=Path, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@answers
def init(session: Session, *, directory: Path, dry_run: bool) -> Outcome:
    """Start a new root in DIR with one commented environment; overwrites nothing."""
    from generator.config.scaffold import planned_files, write_scaffold

    files = tuple(planned_files(directory)) if dry_run else write_scaffold(directory)
    names = tuple(path.relative_to(directory).as_posix() for path in files)
    lines = [f"{'would write' if dry_run else 'wrote'} {directory / name}" for name in names]
    if not dry_run:
        lines.append(
            f"next: fill in {directory / 'common.yaml'} and {directory / 'dev/environment.yaml'}, "
            "put Azure's outputs beside the latter as azure.json, then sn-smtp render dev --root "
            f"{quote(str(directory))}"
        )
    return Outcome(
        result={"directory": str(directory), "dry_run": dry_run, "files": list(names)},
        text="\n".join(lines),
    )
