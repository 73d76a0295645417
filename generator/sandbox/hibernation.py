"""The pages that stand before an instance that is not awake (`spec/instance-http.md` A2)."""

from __future__ import annotations

from dataclasses import dataclass

HIBERNATION_BYTES = 5904
"""Length of the hibernation page [MEAS]."""

NO_NODE_BYTES = 153
"""Length of the page without an application node [MEAS]."""

_STYLE = "body{font-family:sans-serif;color:#293e40;background:#fff;margin:4em auto;width:40em}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page for every path."""

    status: str
    server: str
    body: bytes


def _padded(start: str, end: str, *, size: int) -> bytes:
    """A page of an exact length: a comment fills it up."""
    room = size - len(start) - len(end) - len("<!---->")
    return f"{start}<!--{' ' * room}-->{end}".encode("ascii")


HIBERNATING = Page(
    "200 OK",
    "snow_adc",
    _padded(
        "<!DOCTYPE html><html><head><title>Instance Hibernating page</title>"
        f"<style>{_STYLE}</style></head><body><h1>Your instance is hibernating</h1>"
        "<p>Sign in to the developer site to wake it.</p>",
        "</body></html>\n",
        size=HIBERNATION_BYTES,
    ),
)
"""Title, sentence, length and `Server` are [MEAS]; the rest of the page is filled up."""

NO_NODE = Page(
    "502 Bad Gateway",
    "snow_adc",
    _padded(
        "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1>",
        "</body></html>\n",
        size=NO_NODE_BYTES,
    ),
)
"""Status, length and `Server` are [MEAS]."""

PROXY = Page(
    "200 OK",
    "proxy",
    b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head>"
    b"<body><p>Accept the terms of use to go on.</p></body></html>\n",
)
"""What a proxy may put before an instance [TP]."""
