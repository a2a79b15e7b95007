"""Series come from files that people and programs write; what is wrong in them is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.series.calendars import read_calendar
from stationmaster.monitor.series.points import DAILY, HOURLY
from stationmaster.monitor.series.reading import read_series
from stationmaster.step.errors import ContractBrokenError, MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path


def written(tmp_path: Path, text: str) -> Path:
    """Return a file with a text in it."""
    path = tmp_path / "series.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_days_and_hours_are_recognised(tmp_path: Path) -> None:
    """Dates make a daily series, also with days missing; moments an hour apart an hourly one."""
    days = "timestamp,value\n2011-11-21,1\n2011-11-22,2\n2011-11-24,3\n2011-11-25,4\n"
    hours = "timestamp,value\n2011-11-21T08:00:00Z,1\n2011-11-21 09:00,2\n2011-11-21T10:00,3\n"

    assert read_series(written(tmp_path, days)).series.rhythm is DAILY
    assert read_series(written(tmp_path, hours)).series.rhythm is HOURLY


def test_epochs_are_read_in_seconds_and_milliseconds(tmp_path: Path) -> None:
    """1321833600 and 1321833600000 are the same day."""
    text = "timestamp,value\n1321833600,1\n1321920000000,2\n1322006400,3\n"

    series = read_series(written(tmp_path, text)).series

    assert [series.rhythm.text_of(period) for period in series.by_period] == [
        "2011-11-21",
        "2011-11-22",
        "2011-11-23",
    ]


def test_what_cannot_be_read_is_set_aside_counted_and_named(tmp_path: Path) -> None:
    """Each reason has its rows and their lines; the rest of the file is used."""
    text = (
        "\ufefftimestamp, value\nyesterday,1\n2011-11-21,\n2011-11-22,many\n2011-11-23,inf\n"
        "2011-11-24,4\n2011-11-25,5\n2011-11-25,6\n"
    )

    found = read_series(written(tmp_path, text))

    assert {each.reason: each.lines for each in found.set_aside} == {
        "the timestamp is neither ISO 8601 nor an epoch": [2],
        "the value is empty": [3],
        "the value is no number": [4],
        "the value is not finite": [5],
        "a second value of the same day: the last stands": [8],
    }
    assert [point.value for point in found.series.by_period.values()] == [4.0, 6.0]


def test_a_day_that_arrived_before_it_was_over_is_not_complete(tmp_path: Path) -> None:
    """Late data is told by a column: that it is complete, or when it was counted."""
    text = (
        "timestamp,value,complete,arrived_at\n2011-11-21,1,true,2011-11-22T06:00\n"
        "2011-11-22,2,true,2011-11-22T18:00\n2011-11-23,3,false,\n"
    )

    points = read_series(written(tmp_path, text)).series.by_period.values()

    assert [point.complete for point in points] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "no timestamp, value (there are: none)"),
        ("date,count\n2011-11-21,1\n", "no timestamp, value (there are: date, count)"),
        ("timestamp,value\n2011-01-01,1\n2011-02-01,2\n", "values about 744 hours apart"),
        ("timestamp,value\n2011-01-01,1\n", "1 moment(s)"),
        ("timestamp,value\n2011-01-01,1\n2011-01-02,1\n9999-01-01,1\n", "2011-01-01 to 9999-01-01"),
    ],
)
def test_a_file_that_is_no_series_is_refused_with_what_it_is(
    tmp_path: Path, text: str, got: str
) -> None:
    """A wrong header, rhythm or year is a sentence, not a traceback."""
    with pytest.raises(MisconfiguredError) as refused:
        read_series(written(tmp_path, text))

    assert refused.value.got == got


def test_a_file_without_one_usable_row_is_refused(tmp_path: Path) -> None:
    """The refusal counts why each row was of no use."""
    with pytest.raises(ContractBrokenError) as refused:
        read_series(written(tmp_path, "timestamp,value\nx,1\ny,2\n"))

    assert refused.value.got.startswith("2 rows, none usable")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The refusal says which file."""
    with pytest.raises(MisconfiguredError, match="nowhere"):
        read_series(tmp_path / "nowhere.csv")


def test_a_calendar_names_kinds_of_days(tmp_path: Path) -> None:
    """A line with another kind is refused by its number."""
    path = written(tmp_path, "date,kind,note\n2011-12-25,no-data,Christmas\n2011-12-26,rest,\n")

    with pytest.raises(MisconfiguredError) as refused:
        read_calendar(path)

    assert refused.value.got == "line 3: kind 'rest'"
