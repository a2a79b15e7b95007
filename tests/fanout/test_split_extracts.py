"""An extract in any number of shards gives the tables, and the quarantine, of one in one piece."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from extract_app.job import run as extract_app
from extract_delivery.job import run as extract_delivery
from extract_support.job import run as extract_support
from extract_web.job import run as extract_web
from stationmaster.sources.faults import inject
from tests.fanout.splitting import DAYS, OUTPUTS, add_file, delivered_to, in_shards, refused
from tests.pipeline.mornings import Mornings, differences

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step import Job
    from stationmaster.step.testing import JobRun

JOBS: dict[str, Job[...]] = {
    "web": extract_web,
    "app": extract_app,
    "delivery": extract_delivery,
    "support": extract_support,
}
DAY = DAYS[0]


def shuffled(count: int) -> list[int]:
    """Return the indexes of shards in an order in which they might end."""
    return random.Random(count).sample(range(count), count)  # noqa: S311 (a test's order)


def web_orders(mornings: Mornings, number: int) -> list[dict[str, Any]]:
    """Return the records of one of the day's files of web orders."""
    file = mornings.settings.home / f"landing/web/{DAY}/orders-{number:03d}.jsonl.gz"
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def deliver_more(mornings: Mornings, *records: dict[str, Any]) -> None:
    """Let the web shop deliver some orders in a last file of their own."""
    folder = mornings.settings.home / f"landing/web/{DAY}"
    add_file(folder, "orders-900.jsonl.gz", [json.dumps(record) for record in records])


def both_ways(home: Path, sources: Path, *more: dict[str, Any]) -> tuple[Mornings, list[JobRun]]:
    """Extract web in 3 shards with more orders, check it against one piece; return the shards."""
    mornings = {way: delivered_to(home / way, sources) for way in ("whole", "split")}
    for each in mornings.values():
        deliver_more(each, *more)
    mornings["whole"].extract([DAY], [extract_web])
    split = mornings["split"]
    runs = in_shards(split, extract_web, DAY, (2, 0, 1), outputs=OUTPUTS["web"])
    tables = [each.tables(OUTPUTS["web"], [DAY]) for each in mornings.values()]
    assert differences(*tables) == []
    assert refused(split, DAY) == refused(mornings["whole"], DAY)
    return split, runs


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("source", sorted(JOBS))
def test_shards_give_the_table_of_one_piece(
    source: str, count: int, sources: Path, whole: Mornings, tmp_path: Path
) -> None:
    """Whatever the number of shards and the order of their ends: value by value the same."""
    split = delivered_to(tmp_path / "split", sources)
    runs = in_shards(split, JOBS[source], DAY, shuffled(count), outputs=OUTPUTS[source])

    assert [run.exit_code for run in runs] == [0] * count, runs
    tables = (each.tables(OUTPUTS[source], [DAY]) for each in (split, whole))
    assert differences(*tables) == []
    assert not list((tmp_path / "split/warehouse/_shares").rglob("*.parquet"))


@pytest.mark.parametrize("source", ["web", "app", "delivery"])
def test_each_shard_reads_its_own_files_only(source: str, sources: Path, tmp_path: Path) -> None:
    """The files are dealt out: together the shards read what one piece reads, once."""
    one, three = (delivered_to(tmp_path / str(count), sources) for count in (1, 3))
    (alone,) = in_shards(one, JOBS[source], DAY, [0], outputs=OUTPUTS[source])
    runs = in_shards(three, JOBS[source], DAY, range(3), outputs=OUTPUTS[source])

    used = [run.result.measurements for run in runs]
    assert sum(each.rows_read for each in used) == alone.result.measurements.rows_read
    assert sum(each.bytes_read for each in used) == alone.result.measurements.bytes_read
    assert max(each.bytes_read for each in used) < 0.7 * alone.result.measurements.bytes_read


@pytest.mark.parametrize("fault", ["web:malformed", "web:duplicated", "delivery:malformed"])
def test_what_is_kept_aside_is_the_same(fault: str, sources: Path, tmp_path: Path) -> None:
    """Bad records, repeats and their counts do not depend on the number of shards."""
    source, _, name = fault.partition(":")
    found = []
    for count in (1, 3):
        mornings = delivered_to(tmp_path / str(count), sources)
        inject(mornings.settings, name, source, DAY)
        in_shards(mornings, JOBS[source], DAY, shuffled(count), outputs=OUTPUTS[source])
        found.append((mornings.tables(OUTPUTS[source], [DAY]), refused(mornings, DAY)))

    assert differences(found[0][0], found[1][0]) == []
    assert found[0][1] == found[1][1]


def test_a_repeat_in_another_shards_file_is_dropped(sources: Path, tmp_path: Path) -> None:
    """The same order in files of two shards is one row; the last shard says what it did."""
    plain = delivered_to(tmp_path / "plain", sources)
    first = web_orders(plain, 0)[0]
    split, runs = both_ways(tmp_path, sources, first)

    notes = [note for run in runs for note in run.result.notes]
    assert (
        "web_orders: two shards had the same key, so the last shard made the day in one piece"
        in (notes)
    )
    assert split.table("web_orders", DAY)["order_id"].is_unique().all()


def test_a_conflict_with_another_shards_file_is_settled(sources: Path, tmp_path: Path) -> None:
    """Of two orders with one number in files of two shards the later stays, as in one piece."""
    plain = delivered_to(tmp_path / "plain", sources)
    changed = {**web_orders(plain, 0)[0], "session_id": "another", "placed_at": f"{DAY}T23:00:00Z"}
    split, _ = both_ways(tmp_path, sources, changed)

    assert [row[1] for row in refused(split, DAY)["web_orders"]] == ["duplicate_key"]
    assert "another" in split.table("web_orders", DAY)["session_id"].to_list()


def test_a_later_order_that_breaks_the_contract_counts_too(sources: Path, tmp_path: Path) -> None:
    """Where the later of two goes to quarantine itself, both ways keep neither of them as a row."""
    plain = delivered_to(tmp_path / "plain", sources)
    first = web_orders(plain, 0)[0]
    split, _ = both_ways(tmp_path, sources, {**first, "lines": [], "placed_at": f"{DAY}T23:00:00Z"})

    assert first["order_id"] not in split.table("web_orders", DAY)["order_id"].to_list()


def test_the_share_of_bad_rows_is_that_of_the_day(sources: Path, tmp_path: Path) -> None:
    """A file of little but strays breaks no contract as long as the day as a whole keeps it."""
    plain = delivered_to(tmp_path / "plain", sources)
    strays = [{**web_orders(plain, 1)[n], "order_id": f"9{n}", "currency": "EUR"} for n in range(2)]
    split, runs = both_ways(tmp_path, sources, *strays)

    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert [row[1] for row in refused(split, DAY)["web_orders"]] == ["bad_amount"] * 2


def test_a_day_that_is_too_bad_is_refused_by_the_last_shard(sources: Path, tmp_path: Path) -> None:
    """More bad rows than the contract allows: the step ends with 65, and nothing is published."""
    split = delivered_to(tmp_path / "split", sources)
    strays = [
        {**order, "order_id": f"9{n}", "currency": "EUR"}
        for n, order in enumerate(web_orders(split, 0)[:9])
    ]
    deliver_more(split, *strays)

    runs = in_shards(split, extract_web, DAY, range(3), outputs=OUTPUTS["web"])

    assert sorted(run.exit_code for run in runs) == [0, 0, 65]
    assert "bad_amount: 9" in str(max(runs, key=lambda run: run.exit_code).result.error)
    with pytest.raises(Exception, match="none at all"):
        split.table("web_orders", DAY)
