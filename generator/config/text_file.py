"""From a path to text, with a message of its own for each way in which that fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from generator.characters import illegal_character
from generator.errors import Fault

LARGEST: Final = 1024 * 1024
"""Bytes that a configuration file may hold."""

_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that was read, or the one reason why it was not."""

    text: str | None
    faults: tuple[Fault, ...] = ()


def read_text(path: Path) -> TextFile:
    """Read a UTF-8 file of at most `LARGEST` bytes; a byte order mark is dropped.

    Args:
        path: The file; messages name it as it stands here.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        return _refused("unreadable-file", f"the file cannot be read: {reason}.", file)
    if len(raw) > LARGEST:
        return _refused(
            "file-too-large",
            f"the file is larger than {LARGEST:,} bytes; an environment file has a few thousand.",
            file,
        )
    if raw.startswith(_UTF16_MARKS) or b"\x00" in raw[:4]:
        return _refused(
            "not-utf-8",
            "the file is UTF-16 (or UTF-32) text; UTF-8 is accepted.",
            file,
            next="save it as UTF-8; in PowerShell: Set-Content -Encoding utf8",
        )
    return _decode(raw, file)


def _decode(raw: bytes, file: str) -> TextFile:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _refused(
            "not-utf-8", "a byte here is not UTF-8.", file, line=line, next="save it as UTF-8"
        )
    character = illegal_character(text, multiline=True)
    if character is not None:
        line = next(
            number
            for number, content in enumerate(text.split("\n"), start=1)
            if illegal_character(content, multiline=True)
        )
        return _refused(
            "illegal-character",
            f"the file holds {character.split()[0]}, a character that XML cannot carry.",
            file,
            line=line,
            next="remove it",
        )
    return TextFile(text)


def _refused(
    code: str,
    message: str,
    file: str,
    *,
    line: int | None = None,
    next: str | None = None,
) -> TextFile:
    return TextFile(None, (Fault(code, message, file=file, line=line, next=next),))
