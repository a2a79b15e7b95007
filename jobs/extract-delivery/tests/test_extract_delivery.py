"""What extract-delivery promises on good days and on bad ones; the real runner, real tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from extract_delivery.csvlines import COLUMNS
from extract_delivery.job import run
from stationmaster.step.testing import JobRun, run_job

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2011-11-21"
EVENTS = f"delivery/{DAY}/events-000.csv"
HEADER = ",".join(COLUMNS)
LONDON = ZoneInfo("Europe/London")


def event(number: int, time: str = "21/11/2011 14:05", offset: str = "+00:00") -> str:
    """Return an event as delivery tracking writes it."""
    who = f'S-{number},{number},delivered,{time},Parcel Force,"O\'Neill, Jane"'
    return f"{who},07700900123,12 High St,LS1 4AB,{offset}"


def table(*lines: str, header: str = HEADER) -> bytes:
    """Return a CSV file."""
    return "".join(f"{line}\n" for line in (header, *lines)).encode()


def events_of(*lines: str, header: str = HEADER, day: str = DAY) -> JobRun:
    """Run the job on one file of events."""
    file = {f"delivery/{day}/events-000.csv": table(*lines, header=header)}
    return run_job(run, day, landing=file)


def message(done: JobRun) -> str:
    """Return what a failed step says."""
    assert done.result.error is not None
    return done.result.error.message


def test_an_event_becomes_a_row() -> None:
    """Columns get our names and the local time becomes UTC."""
    row = events_of(event(536365)).table("delivery_events").row(0, named=True)

    assert (row["shipment_id"], row["order_id"], row["event"]) == (
        "S-536365",
        "536365",
        "delivered",
    )
    assert row["event_at"] == dt.datetime(2011, 11, 21, 14, 5, tzinfo=dt.UTC)
    assert (row["recipient"], row["postcode"]) == ("O'Neill, Jane", "LS1 4AB")


def test_the_hour_that_a_clock_shows_twice_is_two_hours() -> None:
    """When summer time ends, the offset tells the two apart."""
    first, second = (
        event(n, "30/10/2011 01:30", offset) for n, offset in ((1, "+01:00"), (2, "+00:00"))
    )

    rows = events_of(first, second, day="2011-10-30").table("delivery_events")

    assert rows.sort("shipment_id")["event_at"].to_list() == [
        dt.datetime(2011, 10, 30, 0, 30, tzinfo=dt.UTC),
        dt.datetime(2011, 10, 30, 1, 30, tzinfo=dt.UTC),
    ]


@pytest.mark.parametrize(
    ("day", "time", "offset"),
    [
        ("2011-03-27", "27/03/2011 01:30", "+00:00"),
        ("2011-03-27", "27/03/2011 01:30", "+01:00"),
        ("2011-03-27", "27/03/2011 01:30", ""),
        ("2011-10-30", "30/10/2011 01:30", ""),
        ("2011-11-21", "21/11/2011 14:05", "+01:00"),
        ("2011-11-21", "21/11/2011 25:05", "+00:00"),
        ("2011-11-21", "2011-11-21 14:05", "+00:00"),
    ],
)
def test_a_local_time_that_names_no_instant_is_kept_aside(day: str, time: str, offset: str) -> None:
    """Skipped hours, doubled hours without offset, and offsets the zone had not, are no times."""
    noon = dt.date.fromisoformat(day).strftime("%d/%m/%Y 12:00")
    sound = [event(n, noon, "") for n in range(40)]

    done = events_of(*sound, event(41, time, offset), day=day)

    aside = done.quarantine("delivery_events")
    assert done.exit_code == 0
    assert done.table("delivery_events").height == 40
    assert aside.select("rule").to_series().to_list() == ["bad_time"]
    assert time in aside["record"][0]


def test_a_renamed_column_is_named_with_its_new_name() -> None:
    """The message tells file, old and new name, and how many lines there are."""
    done = events_of(event(1), event(2), header=HEADER.replace("order_ref", "orderRef"))

    assert done.exit_code == 65
    assert message(done).startswith(
        "delivery events-000.csv of 2011-11-21 (source delivery, endpoint events): expected "
        "`order_ref` (string), got `order_ref` is gone from 2 of 2 records, `orderRef` is new and "
        'looks the same in 100% of them, such as "1", first seen line 2. Map the column'
    )


def test_columns_may_come_in_another_order() -> None:
    """Columns are found by name, and a new one is noted."""
    header = HEADER.replace("event,event_time", "event_time,event") + ",depot"
    line = event(1).replace("delivered,21/11/2011 14:05", "21/11/2011 14:05,delivered") + ",Leeds"

    done = events_of(line, header=header)

    assert done.table("delivery_events")["event"].to_list() == ["delivered"]
    assert any("new column `depot` is not read" in note for note in done.result.notes)


@pytest.mark.parametrize(
    "bad", ["S-1,1,deliv", event(1) + ",more", 'S-1,"1,delivered', "<html>", '"' + event(1)]
)
def test_few_malformed_lines_are_kept_aside(bad: str) -> None:
    """A bad line costs itself only, even where an open quote would swallow what follows."""
    done = events_of(*(event(n) for n in range(20)), bad, *(event(n) for n in range(20, 40)))

    assert done.exit_code == 0
    assert done.table("delivery_events").height == 40
    assert done.quarantine("delivery_events")["rule"].to_list() == ["not_csv"]


def test_many_malformed_lines_stop_the_step() -> None:
    """Above the allowed share nothing is published, and the first bad line is shown."""
    done = events_of(event(1), "<html>", "<body>")

    assert done.exit_code == 65
    assert "got 2 of 3 (66.67%): no CSV of 10 columns, the first is '<html>'" in message(done)


def test_a_truncated_upload_is_waited_for() -> None:
    """A file shorter than its writer says is an upload that goes on: retry later."""
    success = b'{"files": {"events-000.csv": {"records": 2, "bytes": 500}}}'
    landing = {EVENTS: table(event(1))[:150], f"delivery/{DAY}/_SUCCESS": success}

    done = run_job(run, DAY, landing=landing)

    assert done.exit_code == 69
    assert "expected 500 bytes, as _SUCCESS says, got 150 bytes (cut off)" in message(done)


def test_an_unknown_event_is_kept_aside() -> None:
    """A word the contract does not know goes to quarantine under its rule."""
    done = events_of(*(event(n) for n in range(40)), event(41).replace("delivered", "eaten"))

    assert done.table("delivery_events").height == 40
    assert done.quarantine("delivery_events")["rule"].to_list() == ["event_known"]


def test_repeated_lines_are_dropped_and_counted() -> None:
    """The same event again changes nothing but the note."""
    done = events_of(*(event(n) for n in range(30)), event(3))

    assert done.table("delivery_events").height == 30
    assert "1 repeats dropped, 0 kept aside" in done.result.notes[0]


def test_a_day_without_records_is_published_empty() -> None:
    """An empty day is news, no error: zero rows, and a note that says so."""
    done = events_of()

    assert (done.exit_code, done.table("delivery_events").height) == (0, 0)
    assert "delivery_events: the source delivered 1 files without records" in done.result.notes


@pytest.mark.parametrize("change", ["2011-03-27", "2011-10-30"])
@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Kolkata", "America/New_York"])
def test_no_event_is_lost_or_doubled_around_a_clock_change(
    change: str, zone: str, tmp_path: Path
) -> None:
    """Whatever the business zone, extracted day by day all events are there once."""
    middle = dt.datetime.fromisoformat(f"{change}T00:00:00Z")
    times = [middle + dt.timedelta(minutes=30 * n) for n in range(-4 * 48, 4 * 48)]
    lines: dict[str, list[str]] = {}
    for n, time in enumerate(times):
        local = time.astimezone(LONDON)
        offset = "+01:00" if local.utcoffset() else "+00:00"
        name = f"delivery/{local.date()}/events-000.csv"
        lines.setdefault(name, []).append(event(n, f"{local:%d/%m/%Y %H:%M}", offset))
    files = {name: table(*some) for name, some in lines.items()}
    days = [middle.date() + dt.timedelta(days=n) for n in range(-2, 3)]

    extracted = []
    for day in days:
        place = {"business_timezone": zone}
        done = run_job(run, day, landing=files, home=tmp_path, settings=place)
        extracted += done.table("delivery_events")["event_at"].to_list()

    there = [(time, time.astimezone(ZoneInfo(zone)).date()) for time in times]
    assert sorted(extracted) == [time for time, day in there if days[0] <= day <= days[-1]]
