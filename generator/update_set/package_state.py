"""What state a package on disk is in: whole, edited, interrupted, or not there.

A package is its manifest and the files the manifest lists, byte for byte. New files wait in
`.render/` until they are all there and synced; a staged manifest beside renamed files is a
render that was interrupted, and the next render finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from generator.errors import Fault, Refused
from generator.update_set import manifest as manifests
from generator.update_set.manifest import Manifest
from generator.update_set.plain_files import differing_files, digest_of

STAGING = ".render"
_LOOSE = ("SUMMARY.md", "email_account.xml")


class Condition(Enum):
    """What state a directory is in."""

    EMPTY = "no package yet"
    WHOLE = "whole"
    EDITED = "files differ from the manifest"
    UNVERIFIED = "there is a manifest; its files were not looked at"
    INTERRUPTED = "a render was interrupted between its renames"


@dataclass(frozen=True, slots=True)
class PackageState:
    """What was found in an environment's directory."""

    directory: Path
    condition: Condition
    manifest: Manifest | None
    """The one in place."""

    staged: Manifest | None
    """The one in `.render/`, where a render was interrupted."""

    differing: tuple[str, ...]
    """Files that are missing or differ from the manifest in place."""


def examine(directory: Path, *, verify: bool = True) -> PackageState:
    """Find out what state a package is in; writes nothing.

    Args:
        directory: The environment's directory.
        verify: Whether every file is held against the manifest. Who compares the files with
            others anyway (render) can do without, unless an interrupted render left its staging.

    Raises:
        Refused: The manifest is conflicted, corrupt, newer, or missing beside package files.
    """
    manifest = _load(directory / manifests.NAME)
    staged = _load_staged(directory)
    verify = verify or staged is not None
    differing: tuple[str, ...] = ()
    if manifest is not None and verify:
        differing = differing_files(directory, manifest.files)
    if (
        staged is not None
        and (manifest is None or differing or _has_begun(directory, manifest, staged))
        and _can_finish(directory, staged)
    ):
        return PackageState(directory, Condition.INTERRUPTED, manifest, staged, differing)
    if manifest is None:
        loose = loose_files(directory)
        if loose:
            raise Refused(
                Fault(
                    "manifest-missing",
                    f"There are package files ({', '.join(loose[:3])}) but no manifest.json, "
                    "so their history is unknown.",
                    file=str(directory / manifests.NAME),
                    next="restore manifest.json from version control; or remove SUMMARY.md, "
                    "email_account.xml, records/ and sys_remote_update_set_*.xml to start anew",
                )
            )
        return PackageState(directory, Condition.EMPTY, None, None, ())
    condition = Condition.EDITED if differing else Condition.WHOLE
    if not verify:
        condition = Condition.UNVERIFIED
    return PackageState(directory, condition, manifest, None, differing)


def require_finished(state: PackageState) -> None:
    """Refuse a package whose render was interrupted.

    Raises:
        Refused: It was.
    """
    if state.condition is Condition.INTERRUPTED:
        raise Refused(
            Fault(
                "render-interrupted",
                "A render of this package was interrupted; its files are of two renders.",
                file=str(state.directory),
                next=f"run {_render(state.directory)}: it finishes what was begun",
            )
        )


def require_whole(directory: Path) -> Manifest:
    """Refuse anything but a whole package.

    Raises:
        Refused: There is none, it is interrupted, or its files differ from its manifest.
    """
    state = examine(directory)
    require_finished(state)
    if state.manifest is None:
        raise Refused(
            Fault(
                "no-package",
                "Nothing has been rendered here yet.",
                file=str(directory),
                next=f"run {_render(directory)}",
            )
        )
    if state.differing:
        shown = ", ".join(state.differing[:5]) + (" ..." if len(state.differing) > 5 else "")
        raise Refused(
            Fault(
                "package-edited",
                f"The package is not what was rendered: {shown} differ from the manifest.",
                file=str(directory),
                next=f"run {_render(directory)}, or restore the directory from version control",
            )
        )
    return state.manifest


def _render(directory: Path) -> str:
    """The call that renders this environment, wherever its root is."""
    return f"sn-smtp render {directory.name} --root {directory.parent}"


def staging_name(name: str) -> str:
    """The flat name under which a package file waits in `.render/`."""
    return name.replace("/", "+")


def loose_files(directory: Path) -> tuple[str, ...]:
    """Names of files that look like a package's."""
    found = [name for name in _LOOSE if (directory / name).exists()]
    found += sorted(path.name for path in directory.glob("sys_remote_update_set_*.xml"))
    if any((directory / "records").glob("*/*.xml")):
        found.append("records/")
    return tuple(found)


def stray_sets(directory: Path, files: Container[str]) -> tuple[str, ...]:
    """Names of the update set files in a directory that are not of its package, sorted.

    Somebody who imports every set of the directory would import them, too.

    Args:
        directory: The environment's directory.
        files: The names of the package's files.
    """
    return tuple(
        sorted(
            name
            for name in os.listdir(directory)  # noqa: PTH208 - names are all that is needed
            if name.startswith("sys_remote_update_set_")
            and name.endswith(".xml")
            and name not in files
        )
    )


def _load(path: Path) -> Manifest | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(
            Fault(
                "manifest-unreadable",
                f"The manifest cannot be read: {error.strerror}.",
                file=str(path),
                next="check its permissions",
            )
        ) from None
    return manifests.load(data, file=str(path))


def _load_staged(directory: Path) -> Manifest | None:
    staging = f"{directory}/{STAGING}"
    if not os.path.isdir(staging) or os.path.islink(staging):  # noqa: PTH112, PTH114 - cheaper
        return None
    try:
        return _load(Path(staging, manifests.NAME))
    except Refused:
        # It was being written when the render stopped: nothing had been renamed yet.
        return None


def _has_begun(directory: Path, manifest: Manifest, staged: Manifest) -> bool:
    """Whether a file that only the staged manifest has is in place; the old ones may be, too."""
    return any(
        name not in manifest.files and digest_of(directory, name) == digest
        for name, digest in staged.files.items()
    )


def _can_finish(directory: Path, staged: Manifest) -> bool:
    """Whether every file of the staged manifest is in place or waits, whole, in `.render/`."""
    for name, digest in staged.files.items():
        waiting = digest_of(directory / STAGING, staging_name(name))
        if waiting != digest and digest_of(directory, name) != digest:
            return False
    return True
