"""The bytes of a file, walked once beside its parsed content, in flat memory."""

from __future__ import annotations

import re
from typing import BinaryIO

CHUNK = 1 << 18
LONGEST = 1 << 25
"""Longest element that is looked for when its bytes are not the expected ones: 32 MiB."""

_NEXT = re.compile(rb"\s*(?:<(?:sys_update_xml|sys_remote_update_set)[ >]|</unload>|\Z)")
_LOOK_AHEAD = 256


class RawFile:
    """A window over a stream that only moves forward."""

    def __init__(self, stream: BinaryIO) -> None:
        """Args: stream: Opened in binary mode, at its beginning."""
        self._stream = stream
        self._window = b""
        self._at = 0
        self._before = 0

    @property
    def position(self) -> int:
        """Bytes passed so far."""
        return self._before + self._at

    def peek(self, length: int) -> bytes:
        """The next bytes, fewer at the end of the file."""
        self._fill(length)
        return self._window[self._at : self._at + length]

    def skip(self, length: int) -> None:
        """Pass some bytes."""
        self._at += length

    def take(self, expected: bytes) -> bool:
        """Pass the next bytes if they are the expected ones."""
        self._fill(len(expected))
        if not self._window.startswith(expected, self._at):
            return False
        self._at += len(expected)
        return True

    def until(self, end_tag: bytes) -> bytes | None:
        """Pass everything through an end tag and the line feed after it.

        An end tag that is not followed by another element or the end stands in text.

        Returns:
            What was passed; None if no such end tag comes within `LONGEST` bytes.
        """
        offset = 0
        while True:
            found = self._window.find(end_tag, self._at + offset)
            if found < 0:
                ahead = len(self._window) - self._at
                if ahead > LONGEST or not self._fill(ahead + CHUNK):
                    return None
                offset = max(offset, ahead - len(end_tag))
                continue
            end = found + len(end_tag) - self._at
            self._fill(end + _LOOK_AHEAD)
            if _NEXT.match(self._window, self._at + end):
                end += self._window.startswith(b"\n", self._at + end)
                piece = self._window[self._at : self._at + end]
                self._at += end
                return piece
            offset = end

    def rest(self, most: int) -> bytes:
        """What is left of the file, up to `most` bytes."""
        return self.peek(most)

    def _fill(self, length: int) -> bool:
        """Have at least `length` bytes ahead, if the file has them; whether any were added."""
        missing = length - (len(self._window) - self._at)
        if missing <= 0:
            return False
        more = self._stream.read(max(missing, CHUNK))
        if not more:
            return False
        self._before += self._at
        self._window = self._window[self._at :] + more
        self._at = 0
        return True
