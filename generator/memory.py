"""Memory, told that a short-lived process keeps most of what it makes and reuses the rest.

Neither call changes what is computed; `docs/performance.md` says what they save.
"""

from __future__ import annotations

import gc
import sys

_MIB = 1 << 20
# malloc.h: the parameters of mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def collect_rarely() -> None:
    """Search for cycles after 100,000 new objects instead of 700.

    By default modules, templates and cached records are searched over and over again.
    """
    gc.set_threshold(100_000, 20, 20)


def keep_freed_memory() -> None:
    """Let the C library keep up to 64 MiB that were freed, for what is allocated next.

    A package is built in buffers of some hundred kB; glibc would ask the kernel for each and give
    it back, and the kernel would clear every page anew. Without mallopt(3) nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    from ctypes import CDLL

    mallopt = getattr(CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_MMAP_THRESHOLD, 32 * _MIB)
    mallopt(_TRIM_THRESHOLD, 64 * _MIB)
    mallopt(_TOP_PAD, 4 * _MIB)
