"""Tables on a terminal, through rich; plain text when piped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out rows under headings.

    Nothing is cut: where the terminal is too narrow, cells are folded.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    laid_out = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        laid_out.add_column(heading, overflow="fold")
    for row in rows:
        laid_out.add_row(*(Text(cell) for cell in row))
    # Piped, nothing is folded, whatever COLUMNS says: a line is a row.
    width = max(shutil.get_terminal_size().columns, 60) if sys.stdout.isatty() else 4096
    console = Console(width=width, color_system=None, force_terminal=False, markup=False)
    with console.capture() as capture:
        console.print(laid_out)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).rstrip()
