"""What `sn-smtp render` tells on stderr: notes and warnings, none of which stops it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generator.cli.output import Session

if TYPE_CHECKING:
    from generator.packaging import Mode, Package
    from generator.update_set.history import Retired

_MOST_ALIKE = 3
"""From more retired records of one fate on, the first of them stand for all."""

_DELETED = ("is deleted by this package", "are deleted by this package")
_LEFT = (
    "stays on every instance that has it; deletions: true deletes it",
    "stay on every instance that has them; deletions: true deletes them",
)
_OUT_OF_REACH = (
    "stays on every instance that has it; no update set of this package can delete it",
    "stay on every instance that has them; no update set of this package can delete them. Next: "
    "undo what renamed or moved them if that was not meant, or delete them there by hand",
)


def say_notices(session: Session, package: Package, mode: Mode) -> None:
    """Tell everything that somebody should know of one environment's render.

    Args:
        session: Where to.
        package: What rendering came to.
        mode: What was done with it; `--check` names strays among its errors.
    """
    name = package.environment.name
    if package.finished:
        session.message(f"{name}: finished a render that had been interrupted", style="yellow")
    _inputs(session, package)
    for warning in _warnings(package, mode, verbose=session.verbose):
        session.message(f"warning: {name}: {warning}", style="yellow")


def files(count: int) -> str:
    """A number of files in words."""
    return f"{count} file{'s'[: count != 1]}"


def _inputs(session: Session, package: Package) -> None:
    from generator.azure.model import Severity

    environment = package.environment
    for notice in environment.notices:
        is_note = notice.severity is Severity.NOTE
        where = " ".join(part for part in (notice.file, notice.path) if part)
        line = f"{'note' if is_note else 'warning'}: {environment.name}: {notice.message}"
        line += f" ({where})" if where else ""
        line += f" Next: {notice.next}" if notice.next else ""
        session.message(line, style=None if is_note else "yellow")


def _warnings(package: Package, mode: Mode, *, verbose: bool) -> Iterator[str]:
    from generator.packaging import Mode

    if package.live_withdrawn:
        yield (
            "email_account.live went back to false: the package again holds the account row with "
            "Active off; importing it would switch the live account off"
        )
    if package.edited:
        did = "overwrote" if mode is Mode.WRITE else "would overwrite"
        if not set(package.edited).isdisjoint(package.removed):
            did += " or removed" if mode is Mode.WRITE else " or remove"
        yield (
            f"{did} {files(len(package.edited))} that had been changed by hand: "
            f"{', '.join(package.edited)}"
        )
    if mode is not Mode.CHECK:
        for name in package.strays:
            yield f"{name} is not of this package; do not import it; remove it"
    yield from _retired(package, verbose=verbose)


def _retired(package: Package, *, verbose: bool) -> Iterator[str]:
    from generator.retired import is_deleted

    fates: dict[tuple[str, str], list[Retired]] = {}
    for entry in package.retired:
        if is_deleted(package.environment, entry):
            fate = _DELETED
        else:
            fate = _LEFT if entry.payload else _OUT_OF_REACH
        fates.setdefault(fate, []).append(entry)
    for (one, many), entries in fates.items():
        named = [f"{entry.label or entry.name} ({entry.name})" for entry in entries]
        if verbose or len(named) <= _MOST_ALIKE:
            yield from (f"{record} is no longer rendered; it {one}" for record in named)
        else:
            yield (
                f"{len(named)} records are no longer rendered: {', '.join(named[:_MOST_ALIKE])} "
                f"... (-v names all); they {many}"
            )
