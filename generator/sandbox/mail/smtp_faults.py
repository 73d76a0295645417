"""What a hostile SMTP server sends instead of a greeting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

MOST_SECONDS = 60
"""A flood ends with its connection, and after this at the latest."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Bytes that are sent again and again."""

    chunk: bytes
    times: int = 0
    """How many times; 0: without end."""


HOSTILE_REPLIES = {
    "smtp_endless": Flood(b"220-more to come\r\n" * 64),
    # One line of 80 MiB.
    "smtp_garbage": Flood(b"\x00\xff\x16\x03\x01" * 200, 50),
    "smtp_long_line": Flood(b"2" * 65_536, 1280),
}
"""By the name of the switch `hostile`."""


async def flood(writer: asyncio.StreamWriter, what: Flood) -> None:
    """Send it until it is done or the client has gone."""
    loop = asyncio.get_running_loop()
    end = loop.time() + MOST_SECONDS
    sent = 0
    while loop.time() < end and (not what.times or sent < what.times):
        writer.write(what.chunk)
        await writer.drain()
        sent += 1
        await asyncio.sleep(0)
    writer.write(b"\r\n")
    writer.close()
