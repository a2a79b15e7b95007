"""What extract-web promises on good days and on bad ones; the real runner, real tables."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from extract_web.job import run
from stationmaster.step.testing import JobRun, run_job

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2011-11-21"
ORDERS = f"web/{DAY}/orders-000.jsonl.gz"
SESSIONS = f"web/{DAY}/sessions-000.jsonl.gz"


def order(number: int, **changes: object) -> dict[str, Any]:
    """Return an order as the web shop writes it."""
    customer = {
        "id": f"W-{number}",
        "email": "jane@example.com",
        "name": "Jane O'Neill",
        "phone": "+44 7700 900123",
        "address": "12 High St, Leeds",
        "postcode": "LS1 4AB",
        "country": "United Kingdom",
    }
    line = {"sku": "85123A", "description": "HOLDER", "quantity": 6, "unit_price": "2.55"}
    return {
        "order_id": str(number),
        "placed_at": f"{DAY}T08:26:00Z",
        "session_id": f"s-{number}",
        "customer": customer,
        "lines": [line],
        "currency": "GBP",
        **changes,
    }


def session(number: int, **changes: object) -> dict[str, Any]:
    """Return a visit as the web shop writes it."""
    return {
        "session_id": f"s-{number}",
        "started_at": f"{DAY}T08:20:00Z",
        "visitor_id": "v-1",
        "customer_id": None,
        "pages": 3,
        "added_to_cart": True,
        "checked_out": False,
        "order_id": None,
        **changes,
    }


def packed(*records: dict[str, Any] | str) -> bytes:
    """Return records (or raw lines) as a gzipped file of JSON lines."""
    lines = [line if isinstance(line, str) else json.dumps(line) for line in records]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode())


def orders_only(*records: dict[str, Any] | str) -> JobRun:
    """Run the job on one file of orders and an empty one of sessions."""
    return run_job(run, DAY, landing={ORDERS: packed(*records), SESSIONS: packed()})


def message(done: JobRun) -> str:
    """Return what a failed step says."""
    assert done.result.error is not None
    return done.result.error.message


def test_an_order_becomes_a_row_with_exact_money() -> None:
    """Prices are added as decimals, times are UTC, what is blank is null."""
    dear = {"sku": "M", "description": "", "quantity": 3, "unit_price": "0.1"}
    blank = {**order(1)["customer"], "email": " ", "phone": "", "id": None}

    done = orders_only(order(1, customer=blank, lines=[*order(1)["lines"], dear]))

    row = done.table("web_orders").row(0, named=True)
    assert row["ordered_at"] == dt.datetime(2011, 11, 21, 8, 26, tzinfo=dt.UTC)
    assert (row["lines"], row["items"], row["revenue"]) == (2, 9, Decimal("15.60"))
    assert (row["email"], row["phone"], row["customer_id"]) == (None, None, None)
    assert row["full_name"] == "Jane O'Neill"


def test_a_visit_becomes_a_row() -> None:
    """Sessions keep their pages, flags and the order they led to."""
    bought = session(1, checked_out=True, order_id="536365", customer_id="W-1")

    done = run_job(run, DAY, landing={ORDERS: packed(order(1)), SESSIONS: packed(bought)})

    row = done.table("web_sessions").row(0, named=True)
    assert (row["pages"], row["checked_out"], row["order_id"]) == (3, True, "536365")
    assert done.result.measurements.rows_read == 2


def test_a_renamed_field_is_named_with_its_new_name() -> None:
    """The message tells file, old and new name, and how many of how many records."""
    renamed = [{**order(n), "sessionId": "s"} for n in range(300)]
    for record in renamed:
        del record["session_id"]

    done = orders_only(*renamed)

    assert done.exit_code == 65
    assert message(done).startswith(
        "web orders-000.jsonl.gz of 2011-11-21 (source web, endpoint orders): expected "
        "`session_id` (string), got `session_id` is gone from 300 of 300 records, `sessionId` is "
        'new and looks the same in 100% of them, such as "x", first seen 2011-11-21T08:26:00Z '
    )


def test_a_field_that_may_be_null_is_missed_when_it_is_renamed_later_in_the_file() -> None:
    """A rename within the day is found, also of a field that polars would take for null."""
    mail = {**order(1)["customer"], "mail": "jane@example.com"}
    del mail["email"]
    first = [order(n) for n in range(300)]

    done = orders_only(*first, *(order(n, customer=mail) for n in range(300, 600)))

    assert done.exit_code == 65
    assert (
        "gone from 300 of 600 records, `customer.mail` is new and looks the same in 100% of them, "
        'such as "xxxx@xxxxxxx.xxx", first seen 2011-11-21T08:26:00Z (line 301)'
    ) in message(done)


@pytest.mark.parametrize(
    ("changed", "came"),
    [
        ({"quantity": "6"}, "`lines[].quantity` is text in 3 of 3 records"),
        ({"unit_price": 2.55}, "`lines[].unit_price` is a number in 3 of 3 records"),
    ],
)
def test_a_changed_type_is_named(changed: dict[str, Any], came: str) -> None:
    """The message tells the field, what was promised and what came."""
    lines = [{**order(1)["lines"][0], **changed}]

    done = orders_only(*(order(n, lines=lines) for n in range(3)))

    assert done.exit_code == 65
    assert came in message(done)


def test_a_truncated_upload_is_waited_for() -> None:
    """A file shorter than its writer says is an upload that goes on: retry later."""
    whole = packed(*(order(n) for n in range(50)))
    success = json.dumps({"files": {"orders-000.jsonl.gz": {"records": 50, "bytes": len(whole)}}})
    landing = {ORDERS: whole[:200], f"web/{DAY}/_SUCCESS": success.encode()}

    done = run_job(run, DAY, landing=landing)

    assert done.exit_code == 69
    expected = f"expected {len(whole):,} bytes, as _SUCCESS says, got 200 bytes (cut off)"
    assert expected in message(done)
    assert message(done).startswith("web orders-000.jsonl.gz of 2011-11-21: ")


def test_bytes_damaged_on_their_way_are_waited_for() -> None:
    """A file of the right length with another sha256 is not read."""
    whole = packed(order(1))
    promise = {"bytes": len(whole), "sha256": hashlib.sha256(b"other").hexdigest()}
    success = json.dumps({"files": {"orders-000.jsonl.gz": promise}}).encode()

    done = run_job(run, DAY, landing={ORDERS: whole, f"web/{DAY}/_SUCCESS": success})

    assert done.exit_code == 69
    assert "damaged or replaced on its way" in message(done)


def test_a_gzip_file_that_its_writer_cut_off_is_refused() -> None:
    """When the bytes are the promised ones, waiting does not help."""
    cut = packed(*(order(n) for n in range(50)))[:200]

    done = run_job(run, DAY, landing={ORDERS: cut, SESSIONS: packed()})

    assert done.exit_code == 65
    assert "expected a whole gzip file, got one that ends early or is damaged" in message(done)


def test_few_malformed_lines_are_kept_aside() -> None:
    """Below the allowed share bad lines go to quarantine and the rest is published."""
    done = orders_only(*(order(n) for n in range(40)), '{"order_id": "41", "placed_')

    aside = done.quarantine("web_orders")
    assert done.exit_code == 0
    assert done.table("web_orders").height == 40
    assert aside["rule"].to_list() == ["not_json"]
    assert '{"order_id": "41", "placed_' in aside["record"][0]


def test_many_malformed_lines_stop_the_step() -> None:
    """Above the allowed share nothing is published, and the first bad line is shown."""
    done = orders_only(*(order(n) for n in range(8)), "<html>", "<body>")

    assert done.exit_code == 65
    expected = "expected at most 5.00% bad lines, got 2 of 10 (20.00%): 2 are no JSON"
    assert f"{expected}, the first is '<html>'" in message(done)


def test_repeated_lines_are_dropped_and_counted() -> None:
    """The same line again changes nothing but the note."""
    done = orders_only(*(order(n) for n in range(30)), order(3), order(3))

    assert done.table("web_orders").height == 30
    assert done.quarantine("web_orders").height == 0
    assert "32 records in 1 files: 30 rows, 0 of other days, 2 repeats" in done.result.notes[0]


def test_of_two_orders_with_one_number_the_later_stays() -> None:
    """The other one is kept aside under duplicate_key, whatever the order of the lines."""
    later = order(7, placed_at=f"{DAY}T09:00:00Z", session_id="s-later")
    others = [order(n) for n in range(40)]

    for records in ([later, *others], [*others, later]):
        done = orders_only(*records)

        kept = done.table("web_orders").sort("order_id")
        aside = done.quarantine("web_orders")
        assert kept.filter(order_id="7")["session_id"].to_list() == ["s-later"]
        assert aside.select("rule", "key").rows() == [("duplicate_key", "7")]


def test_a_day_without_records_is_published_empty() -> None:
    """An empty day is news, no error: zero rows, and a note that says so."""
    done = orders_only()

    assert done.exit_code == 0
    assert done.table("web_orders").height == 0
    assert "web_orders: the source delivered 1 files without records" in done.result.notes


def test_fewer_records_than_promised_stop_the_step() -> None:
    """The count of _SUCCESS is held against what was read."""
    data = packed(order(1))
    promise = {"records": 2, "bytes": len(data)}
    success = json.dumps({"files": {"orders-000.jsonl.gz": promise}}).encode()

    done = run_job(run, DAY, landing={ORDERS: data, f"web/{DAY}/_SUCCESS": success})

    assert done.exit_code == 65
    assert "expected 2 records, as _SUCCESS says, got 1 records" in message(done)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"currency": "EUR"}, "bad_amount"),
        ({"placed_at": "yesterday"}, "bad_time"),
        ({"order_id": " "}, "no_key"),
        ({"placed_at": "2011-11-20T23:59:59Z"}, "wrong_day"),
        ({"lines": []}, "lines_minimum"),
    ],
)
def test_an_order_that_cannot_be_counted_is_kept_aside(changes: dict[str, Any], rule: str) -> None:
    """Its rule says why; the other orders are published."""
    done = orders_only(*(order(n) for n in range(40)), order(41, **changes))

    assert done.exit_code == 0
    assert done.table("web_orders").height == 40
    assert done.quarantine("web_orders")["rule"].to_list() == [rule]


def test_a_new_field_is_noted() -> None:
    """A field nobody promised does no harm and is not overlooked."""
    done = orders_only(*(order(n, loyalty="gold") for n in range(3)))

    assert done.exit_code == 0
    note = "`loyalty` is new in 3 of 3 records: string"
    assert any(note in told and told.endswith("it is not read") for told in done.result.notes)


@pytest.mark.parametrize("change", ["2011-03-27", "2011-10-30"])
def test_no_order_is_lost_or_doubled_around_a_clock_change(change: str, tmp_path: Path) -> None:
    """Extracted business day by business day, a fortnight of orders is all orders once."""
    middle = dt.datetime.fromisoformat(f"{change}T00:00:00Z")
    times = [middle + dt.timedelta(minutes=30 * n) for n in range(-6 * 48, 6 * 48)]
    landing: dict[str, list[dict[str, Any]]] = {}
    for n, time in enumerate(times):
        name = f"web/{time.date()}/orders-000.jsonl.gz"
        landing.setdefault(name, []).append(order(n, placed_at=f"{time:%Y-%m-%dT%H:%M:%SZ}"))
    files = {name: packed(*records) for name, records in landing.items()}
    days = [middle.date() + dt.timedelta(days=n) for n in range(-5, 5)]

    extracted = []
    for day in days:
        done = run_job(run, day, landing=files, home=tmp_path)
        extracted += done.table("web_orders")["ordered_at"].to_list()

    zone = done.settings.zone
    wanted = [time for time in times if days[0] <= time.astimezone(zone).date() <= days[-1]]
    assert sorted(extracted) == wanted
