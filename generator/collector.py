"""The cyclic garbage collector, told that a short-lived process keeps most of what it makes.

By default every 700 new objects are searched for cycles: modules, templates and cached records
over and over again. Searching rarely saves a tenth of a render and costs a few MiB
(`docs/performance.md`).
"""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """Search for cycles after 100,000 new objects instead of 700."""
    gc.set_threshold(100_000, 20, 20)
