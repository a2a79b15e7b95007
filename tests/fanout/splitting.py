"""Run the shards of a step one after the other, in any order, by the real runner."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl

from stationmaster.sources.support_api import running_api
from stationmaster.step.datasets import Store
from stationmaster.step.errors import UpstreamUnavailableError
from stationmaster.step.protocol import Shard
from stationmaster.step.run_step import new_try_id
from stationmaster.step.testing import JobRun, run_job
from tests.pipeline.mornings import EXTRACTED, Mornings, days_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from stationmaster.step import Job

__all__ = [
    "DAYS",
    "OUTPUTS",
    "add_file",
    "cut_up",
    "delivered_to",
    "in_shards",
    "one_shard",
    "refused",
    "settings_of",
]

DAYS = days_from(dt.date(2011, 11, 21), 2)
OUTPUTS = {
    "web": ("web_orders", "web_sessions"),
    "app": ("app_orders", "app_sessions"),
    "delivery": ("delivery_events",),
    "support": ("support_tickets",),
}


def delivered_to(home: Path, sources: Path) -> Mornings:
    """Return a home of its own to which the four systems have delivered."""
    for folder in ("landing", "support", "secrets"):
        shutil.copytree(sources / folder, home / folder)
    return Mornings(home)


def settings_of(mornings: Mornings) -> dict[str, Any]:
    """Return the settings that a job of the mornings runs by."""
    return {"data": mornings.settings.data}


def one_shard(  # noqa: PLR0913 (which step, which part of it, which attempt)
    mornings: Mornings,
    job: Job[...],
    day: dt.date,
    shard: Shard,
    *,
    try_id: str,
    outputs: Sequence[str],
    attempt: int = 1,
    **settings: object,
) -> JobRun:
    """Run one shard of a step to its end."""
    told = {"shard": shard, "try_id": try_id, "attempt": attempt, "outputs": tuple(outputs)}
    return run_job(
        job,
        day,
        home=mornings.settings.home,
        settings={**settings_of(mornings), **settings},
        context=told,
    )


def in_shards(
    mornings: Mornings,
    job: Job[...],
    day: dt.date,
    order: Iterable[int],
    *,
    outputs: Sequence[str],
) -> list[JobRun]:
    """Run all shards of a step, in an order of their indexes; support's API answers."""
    indexes, try_id = list(order), new_try_id()
    with running_api(mornings.settings) as url:
        return [
            one_shard(
                mornings,
                job,
                day,
                Shard(index=index, count=len(indexes)),
                try_id=try_id,
                outputs=outputs,
                support_api_url=url,
            )
            for index in indexes
        ]


def refused(mornings: Mornings, day: dt.date) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is in quarantine of a day, by dataset, in a fixed order."""
    store, found = Store.open(mornings.settings), {}
    for dataset in EXTRACTED:
        try:
            frame = store.read_quarantine(dataset, day).frame.collect()
        except UpstreamUnavailableError:
            frame = pl.DataFrame()
        found[dataset] = sorted(frame.rows(), key=str)
    return found


def cut_up(folder: Path, *, records: int) -> None:
    """Write a day's files anew, of so many records each, as a larger day has more files."""
    success = json.loads((folder / "_SUCCESS").read_text())
    names, success["files"] = sorted(success["files"]), {}
    for name in names:
        kind, ending = name.partition("-")[0], name.partition(".")[2]
        header, lines = _lines(folder / name)
        (folder / name).unlink()
        for place, start in enumerate(range(0, max(len(lines), 1), records)):
            part = lines[start : start + records]
            success["files"] |= _put(folder / f"{kind}-{place:03d}.{ending}", header, part)
    (folder / "_SUCCESS").write_text(json.dumps(success))


def add_file(folder: Path, name: str, lines: list[str]) -> None:
    """Deliver one file more."""
    success = json.loads((folder / "_SUCCESS").read_text())
    success["files"] |= _put(folder / name, [], lines)
    (folder / "_SUCCESS").write_text(json.dumps(success))


def _lines(file: Path) -> tuple[list[str], list[str]]:
    if file.suffix == ".gz":
        return [], gzip.decompress(file.read_bytes()).decode().splitlines()
    header, *lines = file.read_text().splitlines()
    assert next(csv.reader([header]))
    return [header], lines


def _put(file: Path, header: list[str], lines: list[str]) -> dict[str, dict[str, int | str]]:
    text = "".join(f"{line}\n" for line in [*header, *lines]).encode()
    data = gzip.compress(text) if file.suffix == ".gz" else text
    file.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {file.name: {"records": len(lines), "bytes": len(data), "sha256": digest}}
