"""Each fault does to one source's day what its name says, and a new generation repairs it."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.sources.days import generate_day, support_file
from stationmaster.sources.faults import FAULTS, FILE_FAULTS, clear, inject, parse
from stationmaster.sources.landing import day_folder
from stationmaster.sources.plan import Plan, load_plan
from stationmaster.step.errors import MisconfiguredError, UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.sources.world import World
    from stationmaster.step.settings import Settings

    Records = Callable[[Path, str], list[dict[str, Any]]]

DAY = dt.date(2011, 11, 21)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("source", ["web", "app", "delivery"])
@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_new_generation_repairs_a_fault(
    world: World, day: Settings, source: str, fault: str
) -> None:
    """Every fault of files changes the day's folder, and generating the day puts it right."""
    folder = day_folder(day, source, DAY)
    before = contents(folder)

    inject(day, fault, source, DAY)

    assert contents(folder) != before
    generate_day(world, day, DAY, (source,))
    assert contents(folder) == before


def test_a_late_day_has_no_success(day: Settings) -> None:
    """A late file is a folder without `_SUCCESS`."""
    inject(day, "late", "web", DAY)

    assert not (day_folder(day, "web", DAY) / "_SUCCESS").exists()


@pytest.mark.parametrize(("fault", "agrees"), [("truncated", False), ("cut-at-source", True)])
def test_a_cut_file_cannot_be_read_to_its_end(day: Settings, fault: str, *, agrees: bool) -> None:
    """A truncated gzip breaks off; `_SUCCESS` knows only when the source itself cut it."""
    inject(day, fault, "web", DAY)
    folder = day_folder(day, "web", DAY)
    data = (folder / "orders-000.jsonl.gz").read_bytes()
    promise = json.loads((folder / "_SUCCESS").read_text())["files"]["orders-000.jsonl.gz"]

    assert (promise["bytes"] == len(data)) is agrees
    with pytest.raises(EOFError):
        gzip.decompress(data)


@pytest.mark.parametrize(("source", "old", "new"), [
    ("web", "placed_at", "placedAt"), ("app", "ts", "timestamp"),
])  # fmt: skip
def test_a_renamed_field_is_gone(
    day: Settings, records: Records, source: str, old: str, new: str
) -> None:
    """All orders of the day have the new name and none the old one."""
    inject(day, "renamed", source, DAY)

    orders = records(day_folder(day, source, DAY), "orders")
    assert all(new in order and old not in order for order in orders)


def test_a_changed_type_keeps_the_name(day: Settings, records: Records) -> None:
    """The app's epoch milliseconds come as text."""
    inject(day, "retyped", "app", DAY)

    orders = records(day_folder(day, "app", DAY), "orders")
    assert all(isinstance(order["ts"], str) and order["ts"].isdigit() for order in orders)


@pytest.mark.parametrize(("fault", "column", "start"), [
    ("renamed", "event_timestamp", "21/11/2011"), ("retyped", "event_time", "2011-11-21T"),
])  # fmt: skip
def test_delivery_changes_its_columns(day: Settings, fault: str, column: str, start: str) -> None:
    """The CSV's time column has another name, or its times another format."""
    inject(day, fault, "delivery", DAY)

    with (day_folder(day, "delivery", DAY) / "events-000.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 100
    assert all(row[column].startswith(start) for row in rows)


def test_duplicated_lines_are_whole_records(day: Settings, records: Records) -> None:
    """One order in ten comes twice, byte for byte, and `_SUCCESS` counts both."""
    folder = day_folder(day, "web", DAY)
    before = len(records(folder, "orders"))

    inject(day, "duplicated", "web", DAY)

    orders = records(folder, "orders")
    promise = json.loads((folder / "_SUCCESS").read_text())["files"]["orders-000.jsonl.gz"]
    assert promise["records"] == len(orders) == before + -(-before // 10)
    assert len({order["order_id"] for order in orders}) == before


@pytest.mark.parametrize("source", ["web", "app", "delivery", "support"])
def test_an_empty_day_is_still_delivered(day: Settings, source: str) -> None:
    """An empty day has its files and a `_SUCCESS` that promises no records."""
    inject(day, "empty", source, DAY)

    if source == "support":
        assert gzip.decompress(support_file(day, DAY).read_bytes()) == b""
    else:
        success = json.loads((day_folder(day, source, DAY) / "_SUCCESS").read_text())
        assert {entry["records"] for entry in success["files"].values()} == {0}


def test_malformed_lines_stand_between_good_ones(day: Settings) -> None:
    """Some lines are no JSON; the others are as before."""
    path = day_folder(day, "web", DAY) / "orders-000.jsonl.gz"
    before = gzip.decompress(path.read_bytes()).splitlines()

    inject(day, "malformed", "web", DAY)

    after = gzip.decompress(path.read_bytes()).splitlines()
    changed = [place for place, line in enumerate(after) if line != before[place]]
    assert changed == list(range(0, len(before), 50))
    with pytest.raises(json.JSONDecodeError):
        json.loads(after[0])


def test_faults_of_the_api_add_up_until_cleared(day: Settings) -> None:
    """Two faults of the API are in one plan; clearing it leaves none."""
    inject(day, "500", "support", DAY, calls=2)
    inject(day, "renamed", "support", DAY)
    plan = load_plan(day.home / "support")

    assert plan == Plan(answer="500", calls=2, renamed={"created_at": "createdAt"})
    clear(day)
    assert load_plan(day.home / "support") == Plan()


@pytest.mark.parametrize("text", ["web:lost", "shop:late", "support:500:two", "web"])
def test_an_unknown_fault_names_the_known_ones(text: str) -> None:
    """A mistyped fault is answered with what could have been meant."""
    with pytest.raises(MisconfiguredError) as caught:
        parse(text)

    assert f"got '{text}'" in str(caught.value)
    assert all(
        f"{source}:{fault}" in str(caught.value) for source in FAULTS for fault in FAULTS[source]
    )


def test_a_fault_needs_a_generated_day(settings: Settings) -> None:
    """A fault on a day that is not there says how to make it."""
    with pytest.raises(UpstreamUnavailableError, match="sources generate --from 2011-11-21"):
        inject(settings, "late", "app", DAY)
