"""A report written into a file: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from generator.errors import Fault, InternalError


def write_report(path: Path, text: str) -> None:
    """Write beside the target and rename, so that no half report is left behind.

    Args:
        path: The file as the user named it.
        text: The report; a line end is added.

    Raises:
        InternalError: The file system said no.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text + "\n")
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> InternalError:
    return InternalError(
        Fault(
            "cannot-write",
            f"The report cannot be written: {error.strerror}.",
            file=str(path),
            next="check the directory, its permissions and free space",
        )
    )
