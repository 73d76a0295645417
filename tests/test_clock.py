"""The clock is read once, and SOURCE_DATE_EPOCH wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from generator.clock import EARLIEST, LATEST, read_clock
from generator.errors import ExitCode, UsageError


@pytest.mark.parametrize("variables", [{}, {"SOURCE_DATE_EPOCH": ""}])
def test_the_present_moment(variables: dict[str, str]) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    moment = read_clock(variables)
    assert before <= moment <= datetime.now(UTC)
    assert moment.tzinfo is UTC
    assert moment.microsecond == 0


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("1795435200", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
        ("01795435200", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)),
        (str(int(EARLIEST.timestamp())), EARLIEST),
        (str(int(LATEST.timestamp())), LATEST),
    ],
)
def test_source_date_epoch_wins(given: str, moment: datetime) -> None:
    assert read_clock({"SOURCE_DATE_EPOCH": given}) == moment


@pytest.mark.parametrize(
    "given",
    [
        "0",
        "-1",
        "+1795435200",
        "1795435200.5",
        "1_795_435_200",
        " 1795435200",
        "1795435200\n",
        "now",
        "2026-11-23",
        "0x10",
        "١٧٩٥٤٣٥٢٠٠",
        "²",
        str(int(EARLIEST.timestamp()) - 1),
        str(int(LATEST.timestamp()) + 1),
        "9" * 11,
        "9" * 5000,
    ],
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_clock({"SOURCE_DATE_EPOCH": given})
    assert caught.value.exit_code is ExitCode.USAGE
    (fault,) = caught.value.faults
    assert (fault.code, fault.path) == ("source-date-epoch", "SOURCE_DATE_EPOCH")
    assert "1971" in fault.message and "2500" in fault.message
    assert fault.next
