"""Series come from files that people and programs write; what is wrong in them is told."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from stationmaster.monitor.series.anomalies import replay
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
        (
            "timestamp,value\n2011-01-01,1\n2011-01-02,1\n9999-01-01,1\n",
            "2011-01-02 and then 9999-01-01",
        ),
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


def test_epochs_in_milliseconds_are_no_dates_of_another_century(tmp_path: Path) -> None:
    """1770112800000 is in February 2026, though its first eight figures are a date of 1770."""
    text = "timestamp,value\n1770112800000,1\n1770199200000,2\n20260205,3\n2026/02/06,4\n"

    series = read_series(written(tmp_path, text)).series

    assert series.rhythm.text_of(series.first) == "2026-02-03"
    assert (len(series), series.last - series.first) == (4, 3)


def test_a_wrong_year_is_refused_with_its_line(tmp_path: Path) -> None:
    """A typing error in a year is named, and not judged as a thousand years of silence."""
    text = "timestamp,value\n2026-01-05,1\n2026-01-06,2\n1026-01-07,3\n"

    with pytest.raises(MisconfiguredError, match="lines 4 and 2") as told:
        read_series(written(tmp_path, text))

    assert "1026-01-07 and then 2026-01-05" in str(told.value)


def test_what_was_written_is_shown_where_nothing_can_be_read(tmp_path: Path) -> None:
    """Dates in a country's own order are refused with line and text: they mean two days."""
    with pytest.raises(ContractBrokenError, match=r"line 2: 05\.01\.2026,7"):
        read_series(written(tmp_path, "timestamp,value\n05.01.2026,7\n06.01.2026,8\n"))


def test_one_value_alone_is_a_series_without_history(tmp_path: Path) -> None:
    """The first day of a new series is no error."""
    assert read_series(written(tmp_path, "timestamp,value\n2026-01-05,7\n")).series.rhythm is DAILY


@pytest.mark.parametrize(("mark", "hint"), [(";", "by commas"), ("\t", "by commas")])
def test_other_separators_are_named(tmp_path: Path, mark: str, hint: str) -> None:
    """A file with semicolons says what to do."""
    with pytest.raises(MisconfiguredError, match=hint):
        read_series(written(tmp_path, f"timestamp{mark}value\n2026-01-05{mark}7\n"))


def test_the_hour_that_a_clock_skips_is_not_missing(tmp_path: Path) -> None:
    """On the last Sunday of March there is no 02:00 in Berlin: nothing is due then."""
    berlin, first = ZoneInfo("Europe/Berlin"), dt.datetime(2026, 2, 20, tzinfo=dt.UTC)
    moments = [(first + dt.timedelta(hours=n)).astimezone(berlin) for n in range(24 * 40)]
    rows = [f"{moment.isoformat()},{100 + moment.hour}" for moment in moments]

    series = read_series(written(tmp_path, "timestamp,value\n" + "\n".join(rows))).series

    assert [HOURLY.text_of(period) for period in series.skipped] == ["2026-03-29T02:00"]
    assert replay(series).flags == []


@pytest.mark.parametrize(
    ("text", "got"), [("", "there are: none"), ("day,kind\n", "there are: day, kind")]
)
def test_a_calendar_without_its_columns_is_refused(tmp_path: Path, text: str, got: str) -> None:
    """An empty file, or a wrong header, is no calendar without holidays."""
    with pytest.raises(MisconfiguredError, match=got):
        read_calendar(written(tmp_path, text))
