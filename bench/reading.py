"""Reading and linting update set files, against a bare parse of the same file.

    python -m bench.reading PATH what      what: bare, read, lint

Prints one JSON object with the seconds of the work and the process's peak memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from generator.checks.lint import lint_file
from generator.update_set.model import Element, Update
from generator.update_set.reader import open_export
from generator.update_set.templates import Templates
from generator.update_set.writer import write_chunks

_CHUNK = 1 << 20


def enlarge(source: Path, target: Path, size: int) -> None:
    """Write a valid export of about `size` bytes by repeating the rows of one.

    Every copy of a row has an identity of its own, so that nothing about it is a duplicate.
    """
    with open_export(source) as export:
        rows = tuple(export.updates())
        sets, date = export.sets, export.unload_date
    copies = max(round(size / source.stat().st_size), 1)

    def repeated() -> Iterator[Update]:
        for copy in range(copies):
            for row in rows:
                yield _copy(row, copy) if copy else row

    with target.open("wb") as stream:
        for chunk in write_chunks(Templates(), date, sets, repeated()):
            stream.write(chunk)


def _copy(row: Update, number: int) -> Update:
    """The same row of another record: the record's sys_id and the row's own are replaced."""
    old = row.name[-32:]
    new = f"{int(old, 16) ^ number << 32:032x}" if _is_sys_id(old) else old
    children = []
    for name, text, display in row.elements:
        if name == "sys_id":
            text = f"{int(text, 16) ^ number << 32:032x}"
        elif name in ("name", "payload"):
            text = text.replace(old, new)
        children.append(Element(name, text, display))
    return Update(tuple(children))


def _is_sys_id(text: str) -> bool:
    return len(text) == 32 and not text.strip("0123456789abcdef")


def bare(path: Path) -> int:
    """Parse the file row by row, and each payload; keep nothing."""
    rows = 0
    for _, row in etree.iterparse(str(path), tag="sys_update_xml"):
        etree.fromstring((row.findtext("payload") or "").encode())
        rows += 1
        row.clear()
        parent = row.getparent()
        while parent is not None and row.getprevious() is not None:
            del parent[0]
    return rows


def read(path: Path) -> int:
    """Read it with our own reader; keep nothing."""
    with open_export(path) as export:
        return sum(1 for _ in export.updates())


def lint(path: Path) -> int:
    """Lint it, hashes included."""
    return lint_file(path, ours=False).updates


def main() -> None:
    """Do one of the three and print what it cost."""
    path, what = Path(sys.argv[1]), {"bare": bare, "read": read, "lint": lint}[sys.argv[2]]
    started = time.perf_counter()
    rows = what(path)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mib": peak}))


if __name__ == "__main__":
    main()
