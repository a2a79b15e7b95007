"""What extract-app promises on good days and on bad ones; the real runner, real tables."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from extract_app.job import run
from stationmaster.step.testing import JobRun, run_job

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2011-11-21"
ORDERS = f"app/{DAY}/orders-000.jsonl.gz"
SESSIONS = f"app/{DAY}/sessions-000.jsonl.gz"
MORNING = dt.datetime(2011, 11, 21, 8, 46, tzinfo=dt.UTC)


def epoch_ms(time: dt.datetime) -> int:
    """Return milliseconds since 1970, as the app writes times."""
    return int(time.timestamp()) * 1000


def order(number: int, **changes: object) -> dict[str, Any]:
    """Return an order as the app writes it."""
    buyer = {
        "fullName": "Jane O'Neill",
        "mail": None,
        "mobile": "07700900123",
        "street": "12 High Street",
        "zip": "LS1 4AB",
        "land": "United Kingdom",
    }
    return {
        "ref": str(number),
        "ts": epoch_ms(MORNING),
        "device": "d-9f",
        "login": "janeo",
        "buyer": buyer,
        "items": [{"id": "22728", "title": "ALARM CLOCK", "qty": 24, "pence": 375}],
        "total_pence": 9000,
        **changes,
    }


def session(number: int, **changes: object) -> dict[str, Any]:
    """Return a visit as the app writes it."""
    return {
        "sid": f"a-{number}",
        "ts": epoch_ms(MORNING),
        "device": "d-9f",
        "login": None,
        "screens": 4,
        "basket": True,
        "bought": False,
        "ref": None,
        **changes,
    }


def packed(*records: dict[str, Any]) -> bytes:
    """Return records as a gzipped file of JSON lines."""
    return gzip.compress("".join(f"{json.dumps(record)}\n" for record in records).encode())


def orders_only(*records: dict[str, Any]) -> JobRun:
    """Run the job on one file of orders and an empty one of sessions."""
    return run_job(run, DAY, landing={ORDERS: packed(*records), SESSIONS: packed()})


def message(done: JobRun) -> str:
    """Return what a failed step says."""
    assert done.result.error is not None
    return done.result.error.message


def test_an_order_gets_the_names_of_our_datasets() -> None:
    """The app's words become ours, milliseconds become UTC, pence become pounds."""
    row = orders_only(order(536370)).table("app_orders").row(0, named=True)

    assert row["order_id"] == "536370"
    assert row["ordered_at"] == MORNING
    assert (row["device_id"], row["login"], row["full_name"]) == ("d-9f", "janeo", "Jane O'Neill")
    assert (row["email"], row["phone"], row["postcode"]) == (None, "07700900123", "LS1 4AB")
    assert (row["lines"], row["items"], row["revenue"]) == (1, 24, Decimal("90.00"))


def test_a_visit_gets_the_names_of_our_datasets() -> None:
    """Screens, basket and order stand under the names the web shop's visits have."""
    bought = session(1, bought=True, ref="536370")

    done = run_job(run, DAY, landing={ORDERS: packed(order(1)), SESSIONS: packed(bought)})

    row = done.table("app_sessions").row(0, named=True)
    assert (row["session_id"], row["screens"], row["started_at"]) == ("a-1", 4, MORNING)
    assert (row["added_to_cart"], row["checked_out"], row["order_id"]) == (True, True, "536370")


def test_a_renamed_field_is_named_with_its_new_name() -> None:
    """The message tells file, old and new name, and how many of how many records."""
    renamed = [{**order(n), "device_id": "d-1"} for n in range(12)]
    for record in renamed:
        del record["device"]

    done = orders_only(*renamed)

    assert done.exit_code == 65
    assert message(done).startswith(
        "app orders-000.jsonl.gz of 2011-11-21 (source app, endpoint orders): expected `device` "
        "(string), got `device` is gone from 12 of 12 records, `device_id` is new and looks the "
        'same in 100% of them, such as "x-9", first seen 2011-11-21T08:46:00Z (line 1). '
        "Map the field in "
        "payloads/, shapes.py and columns.py of the job extract-app"
    )


def test_times_that_became_texts_are_named() -> None:
    """A changed type stops the step with the field, the promise and an example."""
    done = orders_only(*(order(n, ts="2011-11-21T08:46:00Z") for n in range(4)))

    assert done.exit_code == 65
    assert "expected `ts` (integer), got `ts` is text in 4 of 4 records" in message(done)
    assert 'such as "2011-11-21T08:46:00Z"' in message(done)


def test_times_in_seconds_instead_of_milliseconds_stop_the_step() -> None:
    """Times a thousand times smaller are a change of unit: nothing is published."""
    done = orders_only(*(order(n, ts=1_321_865_160) for n in range(20)))

    assert done.exit_code == 65
    assert "1,000 times smaller in 20 of 20 records" in message(done)


def test_a_truncated_upload_is_waited_for() -> None:
    """A file shorter than its writer says is an upload that goes on: retry later."""
    whole = packed(*(order(n) for n in range(50)))
    success = json.dumps({"files": {"orders-000.jsonl.gz": {"bytes": len(whole)}}}).encode()

    done = run_job(run, DAY, landing={ORDERS: whole[:99], f"app/{DAY}/_SUCCESS": success})

    assert done.exit_code == 69
    assert f"expected {len(whole):,} bytes, as _SUCCESS says, got 99 bytes" in message(done)


def test_a_missing_day_is_named() -> None:
    """Without the day's folder the step says which source, which day, and since when."""
    done = run_job(run, DAY, landing={"app/2011-11-19/orders-000.jsonl.gz": packed(order(1))})

    assert done.exit_code == 69
    assert "landing app 2011-11-21" in message(done)
    assert "missing since 2011-11-20" in message(done)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"total_pence": 1}, "bad_amount"), ({"ts": 2**61}, "bad_time"), ({"ref": ""}, "no_key")],
)
def test_an_order_that_cannot_be_counted_is_kept_aside(changes: dict[str, Any], rule: str) -> None:
    """Its rule says why; the other orders are published."""
    done = orders_only(*(order(n) for n in range(40)), order(41, **changes))

    assert done.exit_code == 0
    assert done.table("app_orders").height == 40
    assert done.quarantine("app_orders")["rule"].to_list() == [rule]


def test_repeated_lines_are_dropped_and_counted() -> None:
    """The same line again changes nothing but the note."""
    done = orders_only(*(order(n) for n in range(30)), order(3))

    assert done.table("app_orders").height == 30
    assert "1 repeats dropped, 0 kept aside" in done.result.notes[0]


def test_a_day_without_records_is_published_empty() -> None:
    """An empty day is news, no error: zero rows, and a note that says so."""
    done = orders_only()

    assert (done.exit_code, done.table("app_orders").height) == (0, 0)
    assert "app_orders: the source delivered 1 files without records" in done.result.notes


@pytest.mark.parametrize("change", ["2011-03-27", "2011-10-30"])
def test_no_visit_is_lost_or_doubled_around_a_clock_change(change: str, tmp_path: Path) -> None:
    """Extracted business day by business day, the visits of all days are there once."""
    middle = dt.datetime.fromisoformat(f"{change}T00:00:00Z")
    times = [middle + dt.timedelta(minutes=30 * n) for n in range(-4 * 48, 4 * 48)]
    landing: dict[str, list[dict[str, Any]]] = {}
    for n, time in enumerate(times):
        name = f"app/{time.date()}/sessions-000.jsonl.gz"
        landing.setdefault(name, []).append(session(n, ts=epoch_ms(time)))
    files = {name: packed(*records) for name, records in landing.items()}
    days = [middle.date() + dt.timedelta(days=n) for n in range(-3, 3)]

    extracted = []
    for day in days:
        done = run_job(run, day, landing=files, home=tmp_path)
        extracted += done.table("app_sessions")["started_at"].to_list()

    zone = done.settings.zone
    wanted = [time for time in times if days[0] <= time.astimezone(zone).date() <= days[-1]]
    assert sorted(extracted) == wanted
