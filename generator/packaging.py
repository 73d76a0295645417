"""Renders an environment's package and puts it in place, or says what that would change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from hashlib import sha256
from pathlib import Path

from generator.config.environment import Environment
from generator.errors import Fault, Refused
from generator.rendering import PackageRenderer, Rendering
from generator.update_set.manifest import Manifest
from generator.update_set.model import Update
from generator.update_set.package_state import (
    examine,
    read_plain,
    require_finished,
)
from generator.update_set.reader import read_unload
from generator.update_set.store import changes, locked, recover, store


class Mode(StrEnum):
    """What is done with what was rendered."""

    WRITE = "write"
    DRY_RUN = "dry-run"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Package:
    """What rendering one environment came to."""

    rendering: Rendering
    changed: tuple[str, ...]
    """Files that were (or, without writing, would be) written or removed."""

    first: bool
    """Whether there was no package before."""

    finished: bool
    """Whether an interrupted render was finished first."""


def render_package(
    environment: Environment,
    renderer: PackageRenderer,
    *,
    mode: Mode,
    again: Collection[str] = (),
) -> Package:
    """Render one environment and, in `Mode.WRITE`, put the package in place.

    Raises:
        Refused: The package's history cannot be trusted, or a link stands in the way.
        ConfigError: A template of the user's is faulty.
        InternalError: The file system said no.
    """
    directory = environment.directory
    writes = mode is Mode.WRITE
    with locked(directory) if writes else nullcontext():
        # What is in place is compared with what is rendered, so it need not be verified first.
        state = examine(directory, verify=False)
        finished = False
        if writes:
            finished = recover(state)
            state = examine(directory, verify=False) if finished else state
        else:
            require_finished(state)
        rendering = renderer.render(
            environment,
            previous=state.manifest,
            last_rows=partial(_last_rows, directory),
            again=again,
        )
        if writes:
            changed = store(directory, rendering.files, new=rendering.manifest, old=state.manifest)
        else:
            changed = changes(directory, rendering.files, state.manifest)
    return Package(rendering, changed, first=state.manifest is None, finished=finished)


def _last_rows(directory: Path, manifest: Manifest) -> Mapping[str, Update]:
    """The rows of the package in place, whose files must be the rendered ones."""
    rows: dict[str, Update] = {}
    for name in _set_files(manifest):
        data = read_plain(directory, name)
        if data is None or sha256(data).hexdigest() != manifest.files.get(name):
            raise _unknown_history(directory / name)
        rows |= {update.name: update for update in read_unload(directory / name).updates}
    return rows


def _set_files(manifest: Manifest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.file for entry in manifest.sets))


def _unknown_history(path: Path) -> Refused:
    return Refused(
        Fault(
            "last-package-edited",
            "A record is no longer rendered, and the package that still had it is not what was "
            "rendered; its last state is needed to name or delete it.",
            file=str(path),
            next="restore the file from version control, then render again",
        )
    )
