"""How much came: told by the writer's own count, before a step starts."""

from __future__ import annotations

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import boto3
import pytest

from stationmaster.airflow.volumes import (
    PartOfDay,
    Source,
    api_volume,
    landing_volume,
    speed_of,
)
from stationmaster.ledger.fanout import Volume
from stationmaster.ledger.store import Ledger
from stationmaster.step.settings import Settings
from tests.fanout.test_fanout_rule import attempt
from tests.s3_server import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = dt.date(2011, 11, 21)
SUMMER = dt.date(2011, 6, 21)
UTC = ZoneInfo("UTC")


def success(orders: int, sessions: int) -> str:
    """Return what a writer says of a day with so many records, the orders in two files."""
    counts = {"orders-000.jsonl.gz": orders, "orders-001.jsonl.gz": 7, "sessions-000": sessions}
    return json.dumps({"files": {name: {"records": count} for name, count in counts.items()}})


def deliver(home: Path, day: dt.date, text: str) -> None:
    """Put a day's `_SUCCESS` where the settings have the landing zone."""
    folder = home / "landing" / "web" / str(day)
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").write_text(text)


@pytest.fixture(name="home", autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a home of the test's own, which the settings name."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path))
    return tmp_path


def test_records_are_counted_by_what_files_are_called(home: Path) -> None:
    """Orders are the units, all records the rows."""
    deliver(home, DAY, success(12_000, 96_000))
    place = str(home / "landing")

    found = landing_volume(place, "web", [PartOfDay(DAY, 1.0)], unit="orders")

    assert found == Volume(12_007, 108_007)


def test_an_upstream_day_counts_by_its_hours(home: Path) -> None:
    """A summer day in London has one hour of the UTC day before and 23 of its own."""
    deliver(home, SUMMER - dt.timedelta(days=1), success(23_993, 0))
    deliver(home, SUMMER, success(11_993, 0))

    assert Source("web", UTC, "orders").volume(SUMMER) == Volume(12_500, 12_500)


def test_a_day_is_split_by_what_it_holds(home: Path) -> None:
    """The count and the sentence are the rule's; the ledger of a new home knows no speed."""
    deliver(home, DAY, success(34_993, 0))

    volume, found = Source("web", UTC, "orders").fanout(DAY, "p", "s", units_a_shard=10_000)

    assert volume == Volume(35_000, 35_000)
    assert (found.shards, found.why) == (4, "35,000 orders in 4 shards: one for each 10,000.")


@pytest.mark.parametrize("text", ["", "{}", '{"files": {"orders-000": {}}}', "[1]", "nonsense"])
def test_a_writer_that_counts_nothing_is_not_split(text: str, home: Path) -> None:
    """Some only touch the file: then the step runs in one piece, and the log says why."""
    deliver(home, DAY, text)

    volume, found = Source("web", UTC, "orders").fanout(DAY, "p", "s", units_a_shard=10_000)

    assert volume is None
    assert (found.shards, found.why) == (
        1,
        "Not split: web does not say how much it delivered.",
    )


def test_a_source_that_cannot_be_read_is_not_split(home: Path) -> None:
    """A folder that is gone by now fails nothing here: the step after it will say what lacks."""
    _, found = Source("web", UTC, "orders").fanout(DAY, "p", "s", units_a_shard=10_000)

    assert found.shards == 1
    assert found.why.startswith("Not split: web cannot be counted (")
    assert str(home) in found.why


def test_the_ledgers_speed_counts(home: Path) -> None:
    """With five attempts in the ledger the step gets a minute of work a shard."""
    deliver(home, DAY, success(499_993, 4_000_000))
    ledger = Ledger.open(Settings().ledger_location)
    ledger.record_all(attempt(number, 10_000, 1.0) for number in range(5))
    ledger.close()

    assert speed_of("morning_analytics", "extract_web") == 10_000
    source = Source("web", UTC, "orders")
    _, found = source.fanout(DAY, "morning_analytics", "extract_web", units_a_shard=10_000)
    assert found.shards == 8


def test_a_ledger_that_does_not_answer_changes_only_the_speed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its ledger the morning is split by the rule without history."""
    deliver(home, DAY, success(499_993, 0))
    monkeypatch.setenv("STATIONMASTER_LEDGER_URI", "postgresql://nobody:x@127.0.0.1:1/none")

    _, found = Source("web", UTC, "orders").fanout(DAY, "p", "s", units_a_shard=10_000)

    assert found.shards == 50


def test_a_bucket_is_counted_like_a_folder(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On S3 the same document tells the same volume."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="counted")
    client.put_object(Bucket="counted", Key=f"web/{DAY}/_SUCCESS", Body=success(13, 0).encode())

    days = [PartOfDay(DAY, 1.0)]
    found = landing_volume("s3://counted", "web", days, unit="orders", s3_endpoint=endpoint)
    assert found == Volume(20, 20)


class Tickets(BaseHTTPRequestHandler):
    """Answer as the support API does, with the total that the path's port was given."""

    def do_GET(self) -> None:
        """Tell a total for the window that is asked for, an error for any other."""
        wanted = "/v1/tickets?created_from=2011-11-21T00%3A00%3A00Z&created_to=2011-11-22T00"
        self.send_response(200 if self.path.startswith(wanted) else 500)
        self.end_headers()
        self.wfile.write(b'{"tickets": [], "page": 1, "pages": 30, "total": 2988}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(name="tickets")
def _tickets() -> Iterator[str]:
    """Run a real HTTP server on the loopback and return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Tickets) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_api_tells_its_own_total(tickets: str, tmp_path: Path) -> None:
    """One request for one ticket tells how many there are; an error tells nothing."""
    token = tmp_path / "token"
    token.write_text("t\n")
    days = [dt.datetime(2011, 11, 21 + number, tzinfo=dt.UTC) for number in range(3)]

    assert api_volume(tickets, str(token), (days[0], days[1])) == Volume(2988, 2988)
    assert api_volume(tickets, str(token), (days[1], days[2])) is None
