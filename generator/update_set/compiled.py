"""Keeps compiled templates between processes, as Python keeps compiled modules.

Compiling the templates is a third of what rendering one environment costs. Jinja's own cache
directory is used: it belongs to the user, others cannot write to it, and anything else is
refused. Where it cannot be had, templates are compiled each time; nothing else changes.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from hashlib import sha1
from pathlib import Path

from jinja2 import BytecodeCache, FileSystemBytecodeCache
from jinja2.bccache import Bucket


class _Quiet(FileSystemBytecodeCache):
    """A cache that a full disk or a wrong permission only makes useless."""

    def __init__(self, salt: bytes) -> None:
        super().__init__(pattern="__sn_smtp_%s.cache")
        self._salt = salt

    def get_source_checksum(self, source: str) -> str:
        """What a cached template must have been compiled from: its text and our way to compile."""
        return sha1(self._salt + source.encode(), usedforsecurity=False).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load what is there; anything that is no bytecode of this Python counts as nothing."""
        try:
            super().load_bytecode(bucket)
        except Exception:
            # A damaged pickle raises almost anything.
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it if possible."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_cache(*sources: Path) -> BytecodeCache | None:
    """A cache for templates compiled by the code in `sources`, or None if there can be none."""
    if sys.platform == "win32":
        # Jinja takes the temporary directory there as it is, and others may write to it.
        return None
    try:
        salt = b"".join(source.read_bytes() for source in sources)
        return _Quiet(sha1(salt, usedforsecurity=False).digest())
    except (OSError, RuntimeError):
        return None
