"""What `sn-smtp init DIR` writes: a root with one commented environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from generator.config.schema import schema_text
from generator.errors import Fault, InternalError, Refused, UsageError
from generator.update_set.templates import builtin_root

SCHEMA_FILE: Final = "environment.schema.json"

_SOURCES: Final = {
    ".gitattributes": "gitattributes",
    ".gitignore": "gitignore",
    "README.md": "README.md",
    "common.yaml": "common.yaml",
    "dev/environment.yaml": "environment.yaml",
}
"""Written path to the name under `templates/scaffold/` (dots left off: git would obey them)."""


def scaffold_files() -> Mapping[str, str]:
    """The files of a new root: path relative to it, with `/`, to text; sorted by path."""
    templates = builtin_root() / "scaffold"
    files = {
        path: (templates / source).read_text(encoding="utf-8") for path, source in _SOURCES.items()
    }
    files[SCHEMA_FILE] = schema_text()
    return MappingProxyType(dict(sorted(files.items())))


def planned_files(directory: Path) -> Mapping[Path, str]:
    """The files that a new root would write, with their text; writes none.

    Raises:
        Refused: One of them exists already.
        UsageError: No directory can have that name, or it cannot be looked into.
    """
    files = {directory / path: text for path, text in scaffold_files().items()}
    try:
        existing = [path for path in files if path.exists() or path.is_symlink()]
    except OSError as error:
        raise UsageError(
            Fault(
                "unusable-directory",
                f"the new root cannot be there: {error.strerror or 'unknown reason'}.",
                file=str(directory),
                next="name another directory",
            )
        ) from None
    if existing:
        raise Refused(*(_exists(path) for path in existing))
    return MappingProxyType(files)


def write_scaffold(directory: Path) -> tuple[Path, ...]:
    """Write a new root; directories are made as needed.

    Args:
        directory: The root; may exist and hold other files.

    Returns:
        The files written.

    Raises:
        Refused: One of the files exists already; nothing was written.
        UsageError: No directory can have that name, or it cannot be looked into.
        InternalError: The file system said no.
    """
    files = planned_files(directory)
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
    except OSError as error:
        raise InternalError(
            Fault(
                "cannot-write",
                f"the new root cannot be written: {error.strerror or 'unknown reason'}.",
                file=str(error.filename or directory),
                next="name a directory that can be written; files written so far may be removed",
            )
        ) from None
    return tuple(files)


def _exists(path: Path) -> Fault:
    return Fault(
        "exists",
        "exists already and is not overwritten.",
        file=str(path),
        next="name a new directory, or remove the file",
    )
