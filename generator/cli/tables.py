"""Tables on a terminal, through rich; plain text when piped."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Sequence

_ID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
"""A GUID or a sys_id."""

_NARROW = 10
_GAP = 3


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows under headings.

    Nothing is cut: where the terminal is too narrow, cells are folded; those of ids, which are
    there to be compared and copied, last.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    laid_out = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    # Piped, nothing is folded, whatever COLUMNS says: a line is a row.
    width = max(shutil.get_terminal_size().columns, 60) if sys.stdout.isatty() else 4096
    rows = [tuple(row) for row in rows]
    least = [
        max((len(row[index]) for row in rows if _ID.fullmatch(row[index])), default=_NARROW)
        for index in range(len(headings))
    ]
    fits = sum(least) + _GAP * len(least) <= width
    for heading, wide in zip(headings, least, strict=True):
        laid_out.add_column(heading, overflow="fold", min_width=wide if fits else None)
    for row in rows:
        laid_out.add_row(*(Text(cell) for cell in row))
    console = Console(width=width, color_system=None, force_terminal=False, markup=False)
    with console.capture() as capture:
        console.print(laid_out)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).rstrip()
