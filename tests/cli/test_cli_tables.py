"""Tables: folded where the terminal is narrow, a row a line where it is none."""

from __future__ import annotations

import io
import os
import shutil
import sys

import pytest

from generator.cli.tables import table

GUID = "3a5f0c7e-91b2-4c8d-a6e4-7b8c9d0e1f20"
ROWS = [("Directory (tenant) ID of Azure", GUID, "Z" * 90), ("short", "word", "g")]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 61, 65, 70, 80, 120])
def test_nothing_is_cut(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(sys, "stdout", _Terminal())
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((width, 24)))
    text = table(("value", "understood", "from"), ROWS)
    assert text.count("Z") == 90
    assert max(map(len, text.splitlines())) <= width


def test_piped_a_line_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    lines = table(("value", "understood", "from"), ROWS).splitlines()
    assert [line for line in lines if GUID in line and "Z" * 90 in line]
    assert len(lines) == 4
