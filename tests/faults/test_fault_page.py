"""What docs/reliability.md counts is what the tests try."""

from __future__ import annotations

import re

import pytest
from fault_desk import LAYOUTS
from fault_packages import Rendered
from matrix import Again
from reliability import PARTS, counted, row, rows
from test_fault_canaries import COMMANDS, FAILURES
from test_fault_hostile import HOSTILE
from test_fault_kills import POINTS
from test_fault_switches import BITES

from generator.sandbox.behaviour import SWITCHES


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_matrix_has_every_request(rendered: Rendered, layout: str) -> None:
    _, _, wanted = rendered(layout)
    parts = [part for part in PARTS if part[0] == layout]
    lines = [line for line in rows() if line.startswith(f"| {layout} |")]
    assert len(lines) == len(parts)
    for part, line in zip(parts, lines, strict=True):
        mended = int(line.split("|")[5])
        assert line == row(part, requests=len(wanted.requests), mended=mended)


def test_the_other_counts(rendered: Rendered) -> None:
    points = sum(int(line.split("|")[4]) for line in rows())
    assert counted("cuts, imports taken up and compared") == points * len(Again)
    assert counted("kills (SIGKILL) of a real process") == POINTS * len(LAYOUTS) * len(Again)
    between = sum(len(rendered(layout)[2].requests) - 2 for layout in LAYOUTS)
    assert counted("whole imports of another machine's in between two requests") == between
    assert counted("switches, each by itself") == len(SWITCHES)
    assert counted("switches together, or on another way to sign in") == len(BITES)
    assert counted("hostile answers") == len(HOSTILE)
    assert counted("calls watched for secrets") == len(COMMANDS) * len(FAILURES)


def test_the_page_tells_one_thing_once() -> None:
    lines = [re.sub(r"\d+", "", line) for line in rows()]
    assert len(set(lines)) == len(lines) == len(PARTS)
