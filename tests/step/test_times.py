"""Times of upstream systems become UTC, or null where they name no instant."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from stationmaster.step.extraction.times import UTC_TIME, from_epoch_ms, from_iso, from_local

LONDON = ZoneInfo("Europe/London")


def utc(*parts: int) -> dt.datetime:
    """Return a time in UTC."""
    year, month, day, hour, minute, second, micro = (*parts, 0, 0, 0, 0)[:7]
    return dt.datetime(year, month, day, hour, minute, second, micro, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2011-11-21T08:26:00Z", utc(2011, 11, 21, 8, 26)),
        ("2011-11-21T08:26:00.250Z", utc(2011, 11, 21, 8, 26, 0, 250_000)),
        ("2011-11-21T08:26:00", None),
        ("2011-11-31T08:26:00Z", None),
        ("", None),
    ],
)
def test_iso_texts(text: str, time: dt.datetime | None) -> None:
    """Seconds and fractions are read; what is no UTC time is null."""
    column = pl.DataFrame({"t": ["2011-11-21T00:00:00Z", text]}).select(from_iso("t")).to_series()

    assert column.dtype == UTC_TIME
    assert column[1] == time


@pytest.mark.parametrize(
    ("number", "time"),
    [(1_321_863_960_000, utc(2011, 11, 21, 8, 26)), (-1, utc(1969, 12, 31, 23, 59, 59, 999_000))],
)
def test_milliseconds(number: int, time: dt.datetime) -> None:
    """Milliseconds are counted from 1970, also backwards."""
    assert pl.DataFrame({"t": [number]}).select(from_epoch_ms("t")).item() == time


@pytest.mark.parametrize("number", [2**62, -(2**62), 10**15])
def test_milliseconds_beyond_any_calendar_are_no_time(number: int) -> None:
    """A number that would wrap around to another time is null."""
    assert pl.DataFrame({"t": [number]}).select(from_epoch_ms("t")).item() is None


@pytest.mark.parametrize(
    ("text", "offset", "time"),
    [
        ("21/11/2011 14:05", "+00:00", utc(2011, 11, 21, 14, 5)),
        ("21/07/2011 14:05", "+01:00", utc(2011, 7, 21, 13, 5)),
        ("21/07/2011 14:05", "", utc(2011, 7, 21, 13, 5)),
        ("21/07/2011 14:05", None, utc(2011, 7, 21, 13, 5)),
        ("30/10/2011 01:59", "+01:00", utc(2011, 10, 30, 0, 59)),
        ("30/10/2011 01:59", "+00:00", utc(2011, 10, 30, 1, 59)),
        ("30/10/2011 01:59", None, None),
        ("27/03/2011 01:00", "+00:00", None),
        ("27/03/2011 01:00", None, None),
        ("27/03/2011 02:00", "+01:00", utc(2011, 3, 27, 1)),
        ("21/07/2011 14:05", "+00:00", None),
        ("21/07/2011 14:05", "BST", None),
    ],
)
def test_local_times(text: str, offset: str | None, time: dt.datetime | None) -> None:
    """The offset decides, the zone stands in for it, and contradictions are null."""
    frame = pl.DataFrame({"t": [text], "o": [offset]}, schema={"t": pl.String, "o": pl.String})

    assert frame.select(from_local("t", "o", zone=LONDON)).item() == time
