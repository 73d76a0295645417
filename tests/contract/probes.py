"""A probe for every open question of the spec (`spec/instance-http.md`, part C)."""

from __future__ import annotations

from probe import Probe
from probes_reading import READING
from probes_secrets import SECRET
from probes_sets import SENDING

PROBES: tuple[Probe, ...] = tuple(
    sorted((*READING, *SENDING, *SECRET), key=lambda probe: int(probe.key[1:]))
)
"""C1 to C21."""
