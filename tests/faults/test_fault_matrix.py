"""An import that is cut at a request ends, when it is taken up, as one that nobody disturbed."""

from __future__ import annotations

from random import Random

import pytest
from fault_desk import LAYOUTS, Lasts, Where
from fault_packages import Rendered
from matrix import Again, try_points
from reliability import row, rows

WRITES, READS = 2, 1
"""Requests of each kind that each part of the matrix tries in `make test`; `make faults` tries
every request."""


@pytest.mark.slow
@pytest.mark.parametrize("again", Again)
@pytest.mark.parametrize("lasts", Lasts)
@pytest.mark.parametrize("where", Where)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cut_import_ends_as_an_undisturbed_one(
    rendered: Rendered,
    layout: str,
    where: Where,
    lasts: Lasts,
    again: Again,
    request: pytest.FixtureRequest,
) -> None:
    environment, package, wanted = rendered(layout)
    seed = f"{request.config.getoption('randomly_seed', 0)} {layout} {where} {lasts} {again}"
    chance = Random(seed)  # noqa: S311 - a sample, no secret
    every = range(1, len(wanted.requests) + 1)
    writes = sorted(wanted.writes)
    picked = chance.sample(writes, WRITES) + chance.sample(sorted({*every} - wanted.writes), READS)
    tally = try_points(
        environment,
        package,
        wanted=wanted,
        numbers=sorted(picked),
        where=where,
        lasts=lasts,
        again=again,
    )
    assert not tally.wrong, f"seed {seed}\n" + "\n".join(tally.wrong)


@pytest.mark.faults
@pytest.mark.parametrize("again", Again)
@pytest.mark.parametrize("lasts", Lasts)
@pytest.mark.parametrize("where", Where)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_point_of_the_matrix(
    rendered: Rendered, layout: str, where: Where, lasts: Lasts, again: Again
) -> None:
    environment, package, wanted = rendered(layout)
    tally = try_points(
        environment,
        package,
        wanted=wanted,
        numbers=range(1, len(wanted.requests) + 1),
        where=where,
        lasts=lasts,
        again=again,
    )
    print(f"{layout} {where} {lasts} {again}: {tally.points} {tally.mended} {dict(tally.codes)}")
    assert not tally.wrong, "\n".join(tally.wrong)
    part = (layout, where, lasts)
    assert row(part, requests=tally.points, mended=tally.mended) in rows()
