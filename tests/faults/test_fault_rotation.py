"""`secret rotate` and `deliver` with each request to the instance cut, or the line dead after it.

Whatever breaks: the instance holds a secret that works, nobody's secret is removed, and the next
calls end as undisturbed ones do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_desk import Break, BreakingAdapter, Lasts, Where

from generator.config.environment import Environment
from generator.errors import ExitCode
from generator.instance.deliver_only import deliver_secret
from generator.instance.rotation_finish import finish_rotation
from generator.instance.rotation_journal import Mark

sys.path.append(str(Path(__file__).parent.parent / "instance"))

from rotating import Desk, desk  # the desk of another room

SAMPLE = (Where.AFTER, Lasts.ONCE)
"""What `make test` takes of the cuts of a rotation; `make faults` takes all."""


@pytest.fixture
def it(environment: Callable[..., Environment]) -> Iterator[Desk]:
    with desk(environment()) as made:
        yield made


def _call(it: Desk, plan: Break | None, work: Callable[..., None] | None = None) -> tuple[int, int]:
    """Exit code and number of requests of one call whose line breaks as planned."""
    adapter = BreakingAdapter(it.where.sandbox.adapter(), plan)
    it.where.adapter = adapter
    came = it.call() if work is None else it.call(work)
    return int(came.code), adapter.count


def _works(it: Desk) -> None:
    """The instance holds a secret of the application, and whoever asks the vault gets one."""
    assert it.on_instance() in it.values()
    assert it.vault.fetch().reveal() in it.values()


def _ends_well(it: Desk) -> None:
    """The next calls end it: one that failed is put back first, then one succeeds."""
    for _ in range(3):
        code, _ = _call(it, None)
        if code == ExitCode.OK:
            break
        assert code == ExitCode.VERIFICATION_FAILED
        assert it.rotation().mark is Mark.UNDONE
    assert it.rotation().mark is Mark.VERIFIED
    new = it.on_instance()
    assert it.vault.fetch().reveal() == new
    assert it.values() == [it.mail.client_secret, new]
    assert it.date() == it.rotation().fact("new_ends")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "lasts"),
    [
        pytest.param(where, lasts, marks=() if (where, lasts) == SAMPLE else pytest.mark.faults)
        for where in (Where.BEFORE, Where.AFTER)
        for lasts in Lasts
    ],
    ids=str,
)
def test_a_rotation_survives_every_cut(
    environment: Callable[..., Environment], where: Where, lasts: Lasts
) -> None:
    with desk(environment()) as undisturbed:
        code, requests = _call(undisturbed, None)
    assert code == ExitCode.OK
    assert requests > 8
    for number in range(1, requests + 1):
        with desk(environment()) as it:
            old = it.on_instance()
            code, _ = _call(it, Break(number, where, lasts))
            assert code in (ExitCode.OK, ExitCode.FAILED, ExitCode.VERIFICATION_FAILED), number
            _works(it)
            assert old in it.values()
            _ends_well(it)


@pytest.mark.slow
@pytest.mark.parametrize("where", [Where.BEFORE, Where.AFTER], ids=str)
def test_a_finish_survives_every_cut(it: Desk, where: Where) -> None:
    _call(it, None)
    it.pass_hours(25)
    it.dry_run = True
    _, requests = _call(it, None, finish_rotation)
    it.dry_run = False
    for number in range(1, requests + 3):
        _call(it, Break(number, where, Lasts.DEAD), finish_rotation)
        _works(it)
    assert _call(it, None, finish_rotation)[0] == ExitCode.OK
    assert it.values() == [it.on_instance()]
    assert it.rotation().mark is Mark.FINISHED


@pytest.mark.slow
@pytest.mark.parametrize("lasts", Lasts, ids=str)
@pytest.mark.parametrize("where", [Where.BEFORE, Where.AFTER], ids=str)
def test_a_delivery_survives_every_cut_and_is_proven_in_the_end(
    it: Desk, where: Where, lasts: Lasts
) -> None:
    place = it.where

    def deliver(plan: Break | None) -> tuple[int, str, int]:
        adapter = BreakingAdapter(place.sandbox.adapter(), plan)
        place.adapter, place.client_secret = adapter, it.mail.client_secret
        came = place.call(deliver_secret)
        return int(came.code), came.report.secret, adapter.count

    code, said, requests = deliver(None)
    assert (code, said) == (ExitCode.OK, "delivered and proven")
    (journal,) = (place.environment.directory / ".import").glob("*.jsonl")
    for number in range(1, requests + 1):
        size = journal.stat().st_size
        code, said, _ = deliver(Break(number, where, lasts))
        sent = journal.stat().st_size > size
        assert (code == ExitCode.OK) is (said == "delivered and proven"), number
        place.adapter = None
        # An import finds it committed, and proves what could not be proven.
        came = place.call()
        assert came.code is ExitCode.OK
        before = (code == ExitCode.OK) or not sent
        assert came.report.secret == (
            "delivered and proven by an earlier import" if before else "delivered and proven"
        ), number
        assert it.on_instance() == it.mail.client_secret
