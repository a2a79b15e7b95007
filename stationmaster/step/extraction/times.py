"""Times as upstream systems write them, made UTC; and which of them are of one business day.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["UTC_TIME", "day_in", "from_epoch_ms", "from_iso", "from_local", "is_within", "noon"]

UTC_TIME: Final = pl.Datetime("us", "UTC")
"""Type of every time in our datasets."""

_WITHOUT_FRACTIONS: Final = len("2011-11-21T08:26:00Z")
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999


def from_iso(column: str) -> pl.Expr:
    """Read `2011-11-21T08:26:00Z`, fractions allowed; null where the text is no such time."""
    # Reading fractions takes three times as long: only where a text is long enough to have one.
    text = pl.col(column)
    plain = text.str.len_bytes() == _WITHOUT_FRACTIONS
    times = [
        pl.when(these)
        .then(text)
        .str.to_datetime(
            f"%Y-%m-%dT%H:%M:{seconds}Z", time_unit="us", time_zone="UTC", strict=False
        )
        for these, seconds in ((plain, "%S"), (~plain, "%S%.f"))
    ]
    return pl.coalesce(times)


def from_epoch_ms(column: str) -> pl.Expr:
    """Read milliseconds since 1970-01-01 UTC; null for a number beyond the years 1 to 9999."""
    # Outside of them the cast to microseconds would wrap around to another time.
    sane = pl.when(pl.col(column).is_between(_FIRST_MS, _LAST_MS)).then(pl.col(column))
    return pl.from_epoch(sane, time_unit="ms").dt.replace_time_zone("UTC").cast(UTC_TIME)


def from_local(column: str, offset: str, *, zone: ZoneInfo) -> pl.Expr:
    """Read `21/11/2011 14:05` on the clocks of a zone, with the offset to UTC beside it.

    The offset tells the two hours apart that a clock shows twice when summer time ends. Where
    it is missing, the zone decides, and the hour shown twice is null. An hour that no clock of
    the zone showed (when summer time begins) is null, and so is an offset the zone did not have.

    Args:
        column: Column with the local time.
        offset: Column with the offset as `+01:00`.
        zone: The zone whose clocks these are.
    """
    local = pl.col(column).str.to_datetime("%d/%m/%Y %H:%M", time_unit="us", strict=False)
    parts = pl.col(offset).str.extract_groups(r"^([+-])(\d\d):(\d\d)$")
    sign = pl.when(parts.struct.field("1") == "-").then(-1).otherwise(1)
    minutes = parts.struct.field("2").cast(pl.Int64) * 60 + parts.struct.field("3").cast(pl.Int64)
    by_offset = (local - pl.duration(minutes=sign * minutes)).dt.replace_time_zone("UTC")
    fits = by_offset.dt.convert_time_zone(zone.key).dt.replace_time_zone(None) == local
    by_zone = local.dt.replace_time_zone(zone.key, ambiguous="null", non_existent="null")
    blank = pl.col(offset).is_null() | (pl.col(offset) == "")
    return (
        pl.when(blank)
        .then(by_zone.dt.convert_time_zone("UTC"))
        .otherwise(pl.when(fits).then(by_offset))
    )


def is_within(time: str, bounds: tuple[dt.datetime, dt.datetime]) -> pl.Expr:
    """Return whether a time lies in [start, end)."""
    start, end = (pl.lit(bound.astimezone(dt.UTC), dtype=UTC_TIME) for bound in bounds)
    return (pl.col(time) >= start) & (pl.col(time) < end)


def day_in(zone: ZoneInfo, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the begin (in) and the end (out) of a zone's calendar day."""
    midnights = (day, day + dt.timedelta(days=1))
    start, end = (dt.datetime.combine(date, dt.time(), tzinfo=zone) for date in midnights)
    return start, end


def noon(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the middle of a calendar day in a zone, which is in no other day of a near zone."""
    return dt.datetime.combine(day, dt.time(12), tzinfo=zone)
