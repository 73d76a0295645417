"""Time moves only when content does, and never back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.clock import EARLIEST, LATEST
from generator.update_set.history import (
    EVERYTHING,
    Draft,
    History,
    Moved,
    advance,
    recorded_at,
    timestamp,
)
from generator.update_set.records import Stamps

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(seconds=60)


def drafts(*digests: str) -> list[Draft]:
    return [
        Draft(f"table_{number}", f"logical_{number}", digest)
        for number, digest in enumerate(digests)
    ]


def history(moved: Moved, content: str) -> History:
    return History(moved.build_time, content, moved.records, {})


def first(*digests: str, now: datetime = NOW) -> History:
    return history(advance(None, drafts(*digests), content="c", now=now), "c")


def test_a_first_render() -> None:
    moved = advance(None, drafts("x", "y"), content="c", now=NOW)
    assert moved.changed
    assert moved.build_time == NOW
    assert {entry.stamps for entry in moved.records.values()} == {
        Stamps("2026-11-23 11:59:00", "2026-11-23 11:59:00", 0)
    }
    assert moved.records["table_1"].logical_name == "logical_1"
    assert moved.records["table_1"].digest == "y"


def test_nothing_moves_without_content() -> None:
    before = first("x", "y")
    moved = advance(before, drafts("x", "y"), content="c", now=NOW + timedelta(days=9))
    assert not moved.changed
    assert moved.build_time == NOW
    assert moved.records is before.records


def test_a_changed_record_moves_alone() -> None:
    before = first("x", "y")
    moved = advance(before, drafts("x", "z", "new"), content="d", now=NOW + timedelta(days=1))
    assert moved.changed
    assert moved.build_time == NOW + timedelta(days=1)
    assert moved.records["table_0"] == before.records["table_0"]
    assert moved.records["table_1"].stamps == Stamps(
        "2026-11-23 11:59:00", "2026-11-24 11:59:00", 1
    )
    assert moved.records["table_1"].digest == "z"
    assert moved.records["table_2"].stamps == Stamps(
        "2026-11-24 11:59:00", "2026-11-24 11:59:00", 0
    )


def test_content_may_change_without_a_record() -> None:
    """A set's description, or a record that is gone."""
    before = first("x", "y")
    moved = advance(before, drafts("x"), content="d", now=NOW + timedelta(days=1))
    assert moved.changed
    assert dict(moved.records) == {"table_0": before.records["table_0"]}


@pytest.mark.parametrize("skew", [timedelta(days=-400), timedelta(0), timedelta(seconds=60)])
def test_a_clock_that_went_back(skew: timedelta) -> None:
    before = first("x")
    moved = advance(before, drafts("y"), content="d", now=NOW + skew)
    assert moved.build_time == NOW + timedelta(seconds=61)
    stamp = moved.records["table_0"].stamps
    assert stamp == Stamps("2026-11-23 11:59:00", "2026-11-23 12:00:01", 1)


@pytest.mark.parametrize("name", ["logical_1", "table_1"])
def test_again_names_a_record(name: str) -> None:
    before = first("x", "y")
    now = NOW + timedelta(days=1)
    moved = advance(before, drafts("x", "y"), content="c", now=now, again=[name])
    assert moved.changed
    assert moved.build_time == now + MINUTE
    assert moved.records["table_0"] == before.records["table_0"]
    assert moved.records["table_1"].stamps == Stamps("2026-11-23 11:59:00", timestamp(now), 1)


def test_again_everything_though_the_clock_went_back() -> None:
    before = first("x", "y")
    moved = advance(before, drafts("x", "y"), content="c", now=NOW - MINUTE, again=[EVERYTHING])
    assert moved.build_time == NOW + timedelta(seconds=61)
    assert {entry.stamps.mod_count for entry in moved.records.values()} == {1}


def test_again_where_nothing_was_rendered_before() -> None:
    """B is the clock + 60 s, so that no stamp is older than the change it must replace."""
    moved = advance(None, drafts("x"), content="c", now=NOW, again=[EVERYTHING])
    assert moved.build_time == NOW + MINUTE
    assert moved.records["table_0"].stamps == Stamps(timestamp(NOW), timestamp(NOW), 0)


def test_any_zone_and_fractions_of_seconds() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=-9, minutes=-30))).replace(microsecond=7)
    assert advance(None, drafts("x"), content="c", now=local).build_time == NOW
    assert advance(None, drafts("x"), content="c", now=local).build_time.tzinfo is UTC
    assert timestamp(local) == "2026-11-23 12:00:00"


def test_a_year_has_four_digits_whatever_the_c_library() -> None:
    assert timestamp(datetime(999, 1, 2, 3, 4, 5, tzinfo=UTC)) == "0999-01-02 03:04:05"


RENDER = st.tuples(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.integers(-500, 500),
    st.sampled_from([(), ("logical_0",), ("table_1", "logical_2"), (EVERYTHING,)]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(RENDER, min_size=1, max_size=8))
def test_any_life_of_a_package(renders: list[tuple[list[str], int, tuple[str, ...]]]) -> None:
    before: History | None = None
    for digests, offset, again in renders:
        now = NOW + timedelta(seconds=offset)
        given_drafts, content = drafts(*digests), "".join(digests)
        moved = advance(before, given_drafts, content=content, now=now, again=again)
        assert set(moved.records) == {draft.name for draft in given_drafts}
        if before is None:
            assert moved.changed
        else:
            assert moved.changed == (content != before.content or bool(again))
            if not moved.changed:
                assert (moved.build_time, moved.records) == (before.build_time, before.records)
            else:
                wanted = now + (MINUTE if again else timedelta(0))
                assert moved.build_time == max(wanted, before.build_time + timedelta(seconds=61))
            for draft in given_drafts if moved.changed else ():
                stamps = moved.records[draft.name].stamps
                known = before.records.get(draft.name)
                named = {EVERYTHING, draft.name, draft.logical_name} & set(again)
                if known is None:
                    assert stamps.mod_count == 0
                    assert stamps.created_on == stamps.updated_on
                elif known.digest == draft.digest and not named:
                    assert stamps == known.stamps
                else:
                    assert stamps.created_on == known.stamps.created_on
                    assert stamps.mod_count == known.stamps.mod_count + 1
                    assert stamps.updated_on == timestamp(moved.build_time - MINUTE)
                    assert stamps.updated_on > known.stamps.updated_on
        for draft in given_drafts:
            assert moved.records[draft.name].digest == draft.digest
            assert moved.records[draft.name].stamps.updated_on <= timestamp(
                moved.build_time - MINUTE
            )
        before = history(moved, content)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
    st.integers(1, 500),
)
def test_recorded_at(build: datetime, count: int) -> None:
    all_of_them = [recorded_at(build, position=at, count=count) for at in range(1, count + 1)]
    assert all(re.fullmatch(r"[0-9a-f]{11}0000001", one) for one in all_of_them)
    assert all_of_them == sorted(set(all_of_them))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [
        epoch + timedelta(milliseconds=int(one[:11], 16))
        for one in (all_of_them[0], all_of_them[-1])
    ]
    assert moments[-1] == build
    assert build - moments[0] == timedelta(milliseconds=count - 1)
    assert moments[0] > build - MINUTE


def test_recorded_at_as_the_format_says() -> None:
    build = datetime(2026, 9, 16, 20, 43, 14, tzinfo=UTC)
    assert recorded_at(build, position=3, count=3) == "1a0abf596d0" + "0000001"
    assert recorded_at(build, position=1, count=3) == "1a0abf596ce" + "0000001"
