"""A multipart form read as a stream, with the order of its parts (`spec/instance-http.md` B3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wrappers import Request

CHUNK = 64 << 10
IN_MEMORY = 1 << 20
"""Bytes of a file that stay in memory; the rest goes to a temporary file."""

MAX_FIELD = 64 << 10
"""Most bytes of a plain field."""

MAX_PARTS = 100


@dataclass(slots=True)
class Form:
    """What a form held."""

    fields: dict[str, str] = field(default_factory=dict)
    """Plain fields; of several with one name the last."""

    file: BinaryIO | None = None
    """The last file, at its start."""

    file_name: str = ""
    file_type: str = ""
    """Its content type."""

    file_last: bool = False
    """Whether no plain field stood after the first file."""


def read_form(request: Request, *, file_field: str | None = None) -> Form | None:
    """Read the form of a request; None if it is none, or a broken one.

    Args:
        request: The request; its body is read to the end.
        file_field: Name of the part whose bytes are kept; None keeps any.
    """
    if request.mimetype != "multipart/form-data":
        return None
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary:
        return None
    reader = _Reader(request, boundary, file_field)
    try:
        return reader.read()
    except (ValueError, RequestEntityTooLarge):
        reader.close()
        return None
    except BaseException:
        # The connection ended in the middle of the form.
        reader.close()
        raise


class _Reader:
    def __init__(self, request: Request, boundary: str, file_field: str | None) -> None:
        self._stream = request.stream
        self._decoder = MultipartDecoder(boundary.encode("latin-1", "ignore"), max_parts=MAX_PARTS)
        self._file_field = file_field
        self._form = Form()
        self._name = ""
        self._text = bytearray()
        self._in_file = False

    def read(self) -> Form:
        while True:
            event = self._decoder.next_event()
            if isinstance(event, NeedData):
                self._decoder.receive_data(self._stream.read(CHUNK) or None)
            elif isinstance(event, File):
                self._begin_file(event)
            elif isinstance(event, Field):
                self._name, self._in_file = event.name, False
                self._text.clear()
                self._form.file_last = False
            elif isinstance(event, Data):
                self._take(event)
            elif isinstance(event, Epilogue):
                break
        if self._form.file is not None:
            self._form.file.seek(0)
        return self._form

    def close(self) -> None:
        """Let go of a file that nobody will get."""
        if self._form.file is not None:
            self._form.file.close()

    def _begin_file(self, event: File) -> None:
        self._name, self._in_file = event.name, True
        self._form.file_last = True
        if self._is_wanted():
            self._form.file_name = event.filename
            self._form.file_type = event.headers.get("Content-Type", "")
            self.close()
            # Lives as long as the form; nothing of it has a name on disk.
            self._form.file = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))

    def _is_wanted(self) -> bool:
        return self._file_field in (None, self._name)

    def _take(self, event: Data) -> None:
        if self._in_file:
            if self._is_wanted() and self._form.file is not None:
                self._form.file.write(event.data)
            return
        self._text += event.data
        if len(self._text) > MAX_FIELD:
            raise RequestEntityTooLarge
        if not event.more_data:
            self._form.fields[self._name] = self._text.decode("utf-8", "replace")
