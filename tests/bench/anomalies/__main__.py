"""Measure anomalies and forecasts on real series with injected faults; print JSON lines.

`make bench-anomalies`, or `python -m tests.bench.anomalies [tuning] [held-out] [hourly] [leaks]`;
with names of series ("flights of EWR") only those; with `calendars` only those that have one, with
`ours` no rivals.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

from stationmaster.monitor.series.calendars import Calendar
from stationmaster.monitor.series.points import DAILY
from tests.bench.anomalies.data import HELD_OUT, TUNING, load
from tests.bench.anomalies.holidays import CALENDARS
from tests.bench.anomalies.measuring import (
    alarms,
    found_by_rivals,
    found_by_us,
    leaks,
    outages,
    ramps,
)
from tests.bench.anomalies.oracle import at_best

__all__ = ["main"]

PARTS: Final = ("tuning", "held-out", "hourly", "leaks")
OPTIONS: Final = ("calendars", "ours")
TRIALS: Final = {"daily": 150, "hourly": 60}
RIVALS_TRIALS: Final = 40
RAMPS: Final = 12
OUTAGES: Final = 20
LEAKS: Final = 25


def one(name: str, *, rivals: bool, calendar: Calendar | None = None) -> dict[str, Any]:
    """Return the figures of one series."""
    series = load(name)
    begun = time.process_time()
    found, flags, judged = found_by_us(series, TRIALS[series.rhythm.name], calendar)
    line: dict[str, Any] = {
        "series": name + (" (with its calendar)" if calendar else ""),
        "values": len(series),
        **found,
        **alarms(flags, judged, series),
    }
    if series.rhythm is DAILY:
        line["ramp"] = ramps(series, RAMPS)
        if calendar is None:
            line["drop 50 % at best"] = at_best(series)
    else:
        line["half for a day"] = outages(series, OUTAGES)
    line["cpu_s"] = time.process_time() - begun
    if rivals:
        line["rivals"] = found_by_rivals(series, RIVALS_TRIALS)
    return dict(_rounded(line))


def _rounded(value: Any) -> Any:  # noqa: ANN401 (any JSON)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def _print(part: str, line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"part": part, **line}) + "\n")
    sys.stdout.flush()


def main(words: list[str]) -> None:
    """Run the named parts, all by default, for the named series, all by default."""
    parts = [word for word in words if word in PARTS] or list(PARTS)
    wanted = [word for word in words if word not in (*PARTS, *OPTIONS)]
    for part, names in (("tuning", TUNING), ("held-out", HELD_OUT)):
        daily, hourly = (
            [name for name in names[rhythm] if not wanted or name in wanted]
            for rhythm in ("daily", "hourly")
        )
        for name in daily if part in parts else ():
            if "calendars" not in words:
                _print(part, one(name, rivals="ours" not in words))
            if name in CALENDARS:
                calendar = Calendar(CALENDARS[name]())
                _print(part, one(name, rivals=False, calendar=calendar))
        for name in hourly if "hourly" in parts else ():
            _print(f"{part}, hourly", one(name, rivals=False))
        for name in daily if "leaks" in parts else ():
            _print(f"{part}, leaks", {"series": name, **leaks(load(name), LEAKS)})


if __name__ == "__main__":
    main(sys.argv[1:])
