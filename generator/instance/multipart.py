"""A multipart form whose last part is a file, read in pieces: a large set costs no memory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import BinaryIO


class MultipartForm:
    """A body of fields and one file, with a known length; `requests` reads and sends it in pieces.

    The file is the last part: an instance reads the token before it, or imports nothing
    (`spec/instance-http.md` A6).
    """

    def __init__(
        self,
        fields: Sequence[tuple[str, str]],
        *,
        file_field: str,
        file_name: str,
        file: BinaryIO,
        media_type: str,
    ) -> None:
        """Args: fields: Names and values, in this order. file: Open, read from its start."""
        # Random, so that no file can be made to hold it.
        boundary = f"sn-smtp-{secrets.token_hex(16)}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{file_field}"; '
            f'filename="{file_name}"\r\nContent-Type: {media_type}\r\n\r\n'
        )
        self._before = "".join(parts).encode()
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._sent = 0

    def __len__(self) -> int:
        """Bytes altogether."""
        return len(self._before) + self._size + len(self._after)

    def read(self, size: int = -1, /) -> bytes:
        """The next piece, at most `size` bytes, of one part; b"" at the end.

        Raises:
            OSError: The file became shorter while it was read.
        """
        if size is None or size < 0:
            size = 64 * 1024
        place = self._sent
        file_end = len(self._before) + self._size
        if place < len(self._before):
            piece = self._before[place : place + size]
        elif place < file_end:
            piece = self._file.read(min(size, file_end - place))
            if not piece:
                raise OSError("the file became shorter while it was sent")
        else:
            start = place - file_end
            piece = self._after[start : start + size]
        self._sent += len(piece)
        return piece
