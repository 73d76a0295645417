"""The connection cut at a request: afterwards an import ends as an undisturbed one does."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from cutting import Cut, CutAdapter, state
from importing import Place, place

from generator.config.environment import Environment, Layout
from generator.errors import ExitCode

Make = Callable[..., Environment]

EVERY = int(os.environ.get("SN_SMTP_CUT_EVERY", "7"))
"""1 tries every request; the default every seventh, so that a run of all tests stays short."""


def _place(environment: Make, layout: Layout) -> Place:
    where = place(environment(layout=layout))
    where.client_secret = "s" + "3cret-value"
    return where


@pytest.mark.slow
@pytest.mark.parametrize("dead", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("how", Cut, ids=lambda how: how.name.lower())
@pytest.mark.parametrize("layout", Layout, ids=lambda layout: layout.value)
@pytest.mark.parametrize("resume", [True, False], ids=["resumed", "without the journal"])
def test_an_import_that_was_cut_ends_as_any_other(
    environment: Make, layout: Layout, how: Cut, resume: bool, dead: bool
) -> None:
    whole = _place(environment, layout)
    counter = CutAdapter(whole.sandbox, at=10_000, how=how, dead=False)
    whole.adapter = counter
    assert whole.call().code is ExitCode.OK
    expected = state(whole.sandbox)
    wrong: list[str] = []
    offset = (list(Cut).index(how) * 2 + dead) % EVERY
    for at in range(offset, counter.count, EVERY):
        where = _place(environment, layout)
        cut = CutAdapter(where.sandbox, at=at, how=how, dead=dead)
        where.adapter = cut
        first = where.call()
        where.adapter = None
        if not resume:
            where.forget()
        second = where.call(resume=resume)
        found = state(where.sandbox)
        where_cut = f"at {at} ({cut.cut}), then {first.code.name} {first.codes}"
        if second.code is not ExitCode.OK:
            wrong.append(f"{where_cut}, then {second.code.name} {second.faults}")
        elif found != expected:
            parts = [name for name in expected if found[name] != expected[name]]
            wrong.append(f"{where_cut}, then OK with other {parts}")
        if dead and first.code is ExitCode.OK and cut.cut and "logout" not in cut.cut:
            wrong.append(f"{where_cut}: a false success")
    assert not wrong, "\n".join(wrong)
