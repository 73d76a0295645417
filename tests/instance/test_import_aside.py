"""Work in a thread of its own: its result, or its error, comes where it is asked for."""

from __future__ import annotations

import threading

import pytest

from generator.aside import Aside
from generator.errors import Fault, Refused


def test_it_runs_beside_and_hands_over_its_result() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert go_on.wait(30)
        return 7

    aside = Aside(work)
    assert begun.wait(30)
    go_on.set()
    assert aside.result() == 7


def test_its_error_is_raised_where_the_result_is_asked_for() -> None:
    def work() -> None:
        raise Refused(Fault("stale", "old"))

    aside = Aside(work)
    with pytest.raises(Refused, match="old"):
        aside.result()
