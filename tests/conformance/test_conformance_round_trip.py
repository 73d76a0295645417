"""Reading and writing back a native export reproduces its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.update_set.reader import read_unload
from generator.update_set.templates import Templates
from generator.update_set.writer import write_chunks

pytestmark = pytest.mark.conformance

ROOT = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
NATIVE = sorted([*ROOT.glob("update_sets/*.xml"), *ROOT.glob("oauth/update_sets/*.xml")])
BREAK = b'<?xml version="1.0" encoding="UTF-8"?>\n'
"""How exports until early 2019 begin."""

OLD = ROOT / "update_sets/negative/old-format-2016.xml"
"""Genuine, with fewer elements: what was read is kept, so that it is written back as well."""


def test_the_corpus_is_there(shared: Path) -> None:
    """Parameters are collected before anything can be skipped."""
    assert (shared / "corpus") == ROOT
    assert len(NATIVE) >= 25


@pytest.mark.parametrize("path", [*NATIVE, OLD], ids=lambda path: path.stem)
def test_bytes_come_back(path: Path, shared: Path) -> None:
    theirs = path.read_bytes()
    unload = read_unload(path)
    ours = b"".join(
        write_chunks(
            Templates(),
            unload.unload_date,
            unload.sets,
            unload.updates,
            break_after_declaration=theirs.startswith(BREAK),
        )
    )
    assert ours.endswith(b"</unload>\n")
    if not theirs.endswith(b"\n"):
        theirs += b"\n"
    assert ours == theirs
