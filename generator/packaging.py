"""Renders an environment's package and puts it in place, or says what that would change."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from hashlib import sha256
from pathlib import Path

from generator.config.environment import Environment
from generator.errors import Fault, Refused
from generator.rendering import PackageRenderer
from generator.update_set import manifest as manifests
from generator.update_set.history import Retired
from generator.update_set.manifest import Manifest, ManifestSet
from generator.update_set.model import Update
from generator.update_set.package_state import examine, require_finished, stray_sets
from generator.update_set.plain_files import digest_of, read_plain
from generator.update_set.reader import read_unload
from generator.update_set.store import changes, locked, recover, store


class Mode(StrEnum):
    """What is done with what was rendered."""

    WRITE = "write"
    DRY_RUN = "dry-run"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Package:
    """What rendering one environment came to; the bytes are on disk, or were only compared."""

    environment: Environment
    files: tuple[str, ...]
    """Names of all its files, `manifest.json` among them."""

    sets: tuple[ManifestSet, ...]
    """Its update sets in the order of import."""

    digest: str
    """What the sets' sys_ids follow."""

    build_time: datetime
    """UTC."""

    updates: int
    """Number of rows in all its sets."""

    retired: tuple[Retired, ...]
    """Records that a former render had and this one lacks."""

    moved: bool
    """Whether content changed since the last render, or times were moved on request."""

    changed: tuple[str, ...]
    """Files that were (or, without writing, would be) written or removed."""

    added: tuple[str, ...]
    """Those of `changed` that were not in place before."""

    edited: tuple[str, ...]
    """Those of `changed` whose bytes in place were not what the last render wrote there."""

    strays: tuple[str, ...]
    """Update set files in the directory that are not of this package; they are left alone."""

    first: bool
    """Whether there was no package before."""

    finished: bool
    """Whether an interrupted render was finished first."""

    live_withdrawn: bool
    """Whether `email_account.live` was true at the last render and no longer is."""

    @property
    def removed(self) -> tuple[str, ...]:
        """Those of `changed` that are no longer produced."""
        return tuple(name for name in self.changed if name not in self.files)


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
        was_live = state.manifest is not None and state.manifest.live
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
        files, old = rendering.files, state.manifest
        changed = changes(directory, files, old)
        there = [name for name in changed if os.path.lexists(directory / name)]
        edited = () if old is None else _edited(directory, there, old)
        if writes:
            store(directory, files, new=rendering.manifest, old=old, changed=changed)
        return Package(
            environment=environment,
            files=tuple(files),
            sets=rendering.manifest.sets,
            digest=rendering.manifest.digest,
            build_time=rendering.manifest.history.build_time,
            updates=rendering.updates,
            retired=rendering.retired,
            moved=rendering.changed,
            changed=changed,
            added=tuple(name for name in changed if name not in there),
            edited=edited,
            strays=stray_sets(directory, {*files, *changed}),
            first=old is None,
            finished=finished,
            live_withdrawn=was_live and not rendering.manifest.live,
        )


def _edited(directory: Path, names: Iterable[str], old: Manifest) -> tuple[str, ...]:
    """Those of the files in place that are not what the last render wrote.

    The manifest itself cannot tell: no digest of it is kept.
    """
    return tuple(
        name
        for name in names
        if name != manifests.NAME and digest_of(directory, name) != old.files.get(name)
    )


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
