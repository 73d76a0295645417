"""Puts a rendered script on disk: whole or not at all, and over nothing but another of its kind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from generator.azure.setup_render import is_ours
from generator.errors import Fault, InternalError, Refused

_OPENING = 4096


def refuse_foreign(path: Path, *, force: bool) -> None:
    """Look whether a script may be written there.

    Args:
        path: The file that the user named.
        force: Whether anything may be overwritten but a directory.

    Raises:
        Refused: Something else is there.
        InternalError: It cannot be looked at.
    """
    if not path.is_symlink() and not path.exists():
        return
    if path.is_dir():
        raise Refused(_in_the_way(path, "is a directory", "name a file in it"))
    if force:
        return
    if path.is_symlink() or not path.is_file():
        raise Refused(_in_the_way(path, "is no plain file", "name another file"))
    try:
        with path.open("rb") as stream:
            opening = stream.read(_OPENING)
    except OSError as error:
        raise _said_no(path, error) from None
    if not is_ours(opening):
        told = "is there already and was not made by sn-smtp azure script"
        raise Refused(_in_the_way(path, told, "name another file, or say --force to overwrite it"))


def write_script(path: Path, text: str, *, mode: int) -> None:
    """Write the script beside its place, then move it there.

    Args:
        path: The file.
        text: The script; line ends stay as they are.
        mode: Mode of the file.

    Raises:
        InternalError: The file system said no; what was there before still is.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _said_no(path, error) from None


def _in_the_way(path: Path, told: str, step: str) -> Fault:
    return Fault("exists", f"{told}; it is left as it is.", file=str(path), next=step)


def _said_no(path: Path, error: OSError) -> InternalError:
    return InternalError(
        Fault(
            "cannot-write",
            f"the script cannot be put there: {error.strerror or 'unknown reason'}.",
            file=str(path),
            next="name a file in a directory that exists and can be written",
        )
    )
