"""`sn-smtp render`: environments in, packages out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from generator.cli.options import DEFAULT_ROOT, FileName, answers, root_option
from generator.cli.output import Outcome, Session
from generator.errors import ExitCode, Fault, GeneratorError, UsageError

if TYPE_CHECKING:
    from generator.config.environment import Environment
    from generator.packaging import Mode, Package
    from generator.progress import Progress
    from generator.rendering import PackageRenderer


@click.command(
    epilog="Exit codes: 0 done; 1 the disk said no; 2 usage or configuration; 5 --check: a file "
    "would change; 7 an environment was refused: nothing was changed in it."
)
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--all", "every", is_flag=True, help="Render every environment of the root.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit 5 if any file would change, or a stray update set lies there.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@click.option(
    "--again",
    multiple=True,
    is_flag=False,
    flag_value="*",
    metavar="[RECORD]",
    help="Move times and counts without a change of content, to import again after drift or a "
    "back-out: of one record (by logical name, may be repeated), or of all if none is named. "
    "Write it after the environments.",
)
@click.option(
    "--templates",
    type=FileName(path_type=Path, file_okay=False),
    envvar="SN_SMTP_TEMPLATES",
    show_envvar=True,
    help="Directory whose templates win over the built-in ones.",
)
@root_option
@answers
def render(
    session: Session,
    *,
    environments: tuple[str, ...],
    every: bool,
    check: bool,
    dry_run: bool,
    again: tuple[str, ...],
    templates: Path | None,
    root: Path,
) -> Outcome:
    """Render the package of each ENV from its environment file and Azure outputs.

    The package (update sets, records, summary, manifest) is put into the environment's own
    directory, whole or not at all. Nothing is touched where nothing changed.
    """
    from generator.cli.environments import load
    from generator.clock import read_clock
    from generator.memory import keep_freed_memory
    from generator.packaging import Mode
    from generator.rendering import PackageRenderer
    from generator.update_set.templates import Templates

    if check and dry_run:
        raise _usage("--check and --dry-run exclude each other.", "choose one of them")
    if again and check:
        raise _usage("--again changes times, --check changes nothing.", "leave one of them out")
    if again and not environments and not every:
        raise _usage(
            "No environment is named.",
            "write --again after the environments, or it takes the first one for a RECORD: "
            "sn-smtp render dev --again",
        )
    now = read_clock(os.environ)
    loaded = load(root, environments, every=every, now=now)
    _check_records(again)
    mode = Mode.CHECK if check else Mode.DRY_RUN if dry_run else Mode.WRITE
    keep_freed_memory()
    renderer = PackageRenderer(Templates(templates), now=now)
    packages, faults, code = _render_all(session, loaded, renderer, mode, again)
    stale = check and any(package.changed or package.strays for package in packages)
    if stale and code is ExitCode.OK:
        code = ExitCode.DIFFERS
    return Outcome(
        result={"mode": mode.value, "environments": [_json(package) for package in packages]},
        text="\n".join(_text(package, mode, verbose=session.verbose) for package in packages),
        exit_code=code,
        faults=faults if not stale else (*faults, *_stale(packages)),
    )


def _render_all(
    session: Session,
    environments: tuple[Environment, ...],
    renderer: PackageRenderer,
    mode: Mode,
    again: tuple[str, ...],
) -> tuple[list[Package], tuple[Fault, ...], ExitCode]:
    """Render each on its own: one that is refused does not stop the others."""
    from generator.cli.progress import bar
    from generator.cli.render_notices import say_notices
    from generator.packaging import render_package

    packages: list[Package] = []
    faults: list[Fault] = []
    code = ExitCode.OK
    progress = bar(session)
    with _running(progress, "rendering", len(environments)):
        for environment in environments:
            try:
                packages.append(render_package(environment, renderer, mode=mode, again=again))
            except GeneratorError as error:
                faults.extend(error.faults)
                code = _worse(code, error.exit_code)
            progress.step(environment.name)
    for package in packages:
        say_notices(session, package, mode)
    return packages, tuple(faults), code


_FROM_BAD_TO_WORSE = (ExitCode.OK, ExitCode.REFUSED, ExitCode.USAGE, ExitCode.FAILED)


def _worse(one: ExitCode, other: ExitCode) -> ExitCode:
    """The code for both: an answer never hides that there is none for another environment."""
    return max(one, other, key=_FROM_BAD_TO_WORSE.index)


@contextmanager
def _running(progress: Progress, what: str, total: int) -> Iterator[None]:
    progress.start(what, total=total)
    try:
        yield
    finally:
        progress.finish()


def _check_records(again: tuple[str, ...]) -> None:
    from generator.integration.integration import record_names

    names = record_names()
    unknown = [name for name in again if name != "*" and name not in names]
    if not unknown:
        return
    from difflib import get_close_matches

    close = get_close_matches(unknown[0], names, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    raise _usage(
        f"--again: no record is called {unknown[0]}.{meant}",
        "name a record by its logical name (oauth_entity, sys_app ...), and write --again after "
        "the environments",
    )


def _text(package: Package, mode: Mode, *, verbose: bool) -> str:
    from generator.cli.render_notices import files
    from generator.packaging import Mode
    from generator.update_set.history import timestamp

    environment = package.environment
    built = timestamp(package.build_time)
    finished = "finished an interrupted render" if package.finished else ""
    if not package.changed:
        return (
            f"{environment.name}: {finished or 'unchanged'} ({len(package.files)} files, "
            f"built {built} UTC)"
        )
    lines = [
        f"{environment.name}: {finished and f'{finished}, then '}{_done(package, mode)} "
        f"to {environment.directory} "
        f"({package.updates} updates in {len(package.sets)} sets, built {built} UTC)"
    ]
    everything = verbose or mode is Mode.CHECK
    shown = [name for name in package.changed if everything or "/" not in name]
    lines += [f"  {_mark(package, name)} {name}" for name in shown]
    hidden = Counter(_mark(package, name) for name in package.changed if name not in shown)
    lines += [f"  {mark} {files(count)} under records/" for mark, count in sorted(hidden.items())]
    if mode is Mode.WRITE:
        summary = environment.directory / "SUMMARY.md"
        lines.append(f"  next: read {summary}, then {_call('lint', environment)}")
    return "\n".join(lines)


def _done(package: Package, mode: Mode) -> str:
    """What was, or would be, done with how many files."""
    from generator.cli.render_notices import files
    from generator.packaging import Mode

    writes = mode is Mode.WRITE
    removed = len(package.removed)
    written = len(package.changed) - removed
    wrote, remove = ("wrote", "removed") if writes else ("would write", "remove")
    if not removed:
        return f"{wrote} {files(written)}"
    return f"{wrote} {written} and {remove} {files(removed)}"


def _call(command: str, environment: Environment) -> str:
    """The call to make next, with the root where it is not the default."""
    root = environment.directory.parent
    option = "" if root == DEFAULT_ROOT else f" --root {quote(str(root))}"
    return f"sn-smtp {command} {environment.name}{option}"


def _mark(package: Package, name: str) -> str:
    if name not in package.files:
        return "-"
    return "+" if name in package.added else "~"


def _stale(packages: list[Package]) -> tuple[Fault, ...]:
    from generator.cli.render_notices import files

    stale = tuple(
        Fault(
            "stale",
            f"{files(len(package.changed))} would change: {', '.join(package.changed[:8])}"
            + (" ..." if len(package.changed) > 8 else "."),
            file=str(package.environment.directory),
            next=f"run {_call('render', package.environment)} and commit the result",
        )
        for package in packages
        if package.changed
    )
    strays = tuple(
        Fault(
            "stray-set",
            f"{name} is not of this package; do not import it.",
            file=str(package.environment.directory / name),
            next="remove it",
        )
        for package in packages
        for name in package.strays
    )
    return stale + strays


def _json(package: Package) -> dict[str, object]:
    from generator.update_set.history import timestamp

    environment = package.environment
    return {
        "environment": environment.name,
        "directory": str(environment.directory),
        "changed": list(package.changed),
        "edited": list(package.edited),
        "strays": list(package.strays),
        "first": package.first,
        "finished_interrupted": package.finished,
        "live_withdrawn": package.live_withdrawn,
        "build_time": timestamp(package.build_time),
        "digest": package.digest,
        "updates": package.updates,
        "sets": [
            {
                "role": entry.role,
                "name": entry.name,
                "sys_id": entry.sys_id,
                "file": entry.file,
                "updates": entry.updates,
            }
            for entry in package.sets
        ],
        "retired": [
            {
                "name": entry.name,
                "label": entry.label,
                "deleted": environment.deletions and bool(entry.payload),
            }
            for entry in package.retired
        ],
        "notices": [
            {
                "code": notice.code,
                "severity": notice.severity.value,
                "message": notice.message,
                "file": notice.file,
                "path": notice.path,
                "next": notice.next,
            }
            for notice in environment.notices
        ],
    }


def _usage(message: str, next_step: str) -> UsageError:
    return UsageError(Fault("usage", message, next=next_step))
