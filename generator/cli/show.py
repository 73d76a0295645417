"""`sn-smtp show`: what an update set file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.options import answers, root_option
from generator.cli.output import Outcome, Session

if TYPE_CHECKING:
    from generator.report.contents import Contents


@click.command(
    epilog="Exit codes: 0 done; 2 usage, or a file that is no update set export; 7 the package is "
    "missing or not whole."
)
@click.argument("targets", nargs=-1, required=True, metavar="ENV|FILE...")
@root_option
@answers
def show(session: Session, *, targets: tuple[str, ...], root: Path) -> Outcome:
    """Show the sets, updates and sizes of packages and update set files, whoever made them."""
    from generator.cli.progress import bar
    from generator.cli.targets import update_set_files
    from generator.report.contents import read_contents

    files = update_set_files(targets, root)
    progress = bar(session)
    progress.start("reading", total=len(files))
    contents = []
    try:
        for path in files:
            contents.append(read_contents(path))
            progress.step(path.name)
    finally:
        progress.finish()
    return Outcome(
        result={"files": [found.as_json() for found in contents]},
        text="\n\n".join(_text(found) for found in contents),
    )


def _text(contents: Contents) -> str:
    from generator.cli.tables import table
    from generator.report.contents import size

    updates = len(contents.updates)
    lines = [
        f"{contents.file}: {len(contents.sets)} set{'s'[: len(contents.sets) != 1]}, "
        f"{updates} update{'s'[: updates != 1]}, {size(contents.bytes)}, "
        f"exported {contents.unload_date} UTC"
    ]
    for found in contents.sets:
        version = f" {found.application_version}" if found.application_version else ""
        lines += [
            "",
            f"{found.name}",
            f"  {found.application_name}{version} ({found.application_scope}), {found.role}, "
            f"state {found.state}, sys_id {found.sys_id}",
            "",
        ]
        rows = [
            (update.type, update.target_name, update.action, update.name, size(update.size))
            for update in contents.updates
            if update.set_sys_id == found.sys_id
        ]
        headings = ("type", "target", "action", "update name", "size")
        lines.append(table(headings, rows) if rows else "  no updates")
    orphans = [update for update in contents.updates if not contents.holds(update.set_sys_id)]
    if orphans:
        lines += ["", f"{len(orphans)} updates belong to no set of the file; see sn-smtp lint"]
    return "\n".join(lines)
