"""The tables of docs/reliability.md: what was counted, as the page must show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fault_desk import LAYOUTS, Lasts, Where
from matrix import Again

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"

WHERE = {
    Where.BEFORE: "before it is sent",
    Where.AFTER: "after it was carried out, before the answer",
    Where.MIDDLE: "in the middle of the answer",
}
LASTS = {Lasts.ONCE: "that one", Lasts.DEAD: "that one and all after it"}

Part = tuple[str, Where, Lasts]

PARTS: tuple[Part, ...] = tuple(
    (layout, where, lasts) for layout in LAYOUTS for where in Where for lasts in Lasts
)


def row(part: Part, *, requests: int, mended: int) -> str:
    """One line of the matrix; `imports` counts both ways to take an import up."""
    layout, where, lasts = part
    return (
        f"| {layout} | {WHERE[where]} | {LASTS[lasts]} | {requests} | {mended} | "
        f"{requests - mended} | {requests * len(Again)} of {requests * len(Again)} |"
    )


def rows() -> Iterator[str]:
    """The lines of the page's matrix."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(tuple(f"| {layout} |" for layout in LAYOUTS)):
            yield line


def counted(name: str) -> int:
    """A number that the page says of something: `| name | number |`."""
    (found,) = re.findall(
        rf"^\| {re.escape(name)} \| ([\d,]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return int(str(found).replace(",", ""))
