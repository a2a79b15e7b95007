"""After a run: was each step done exactly once? Asked of the tables, the ledger and Airflow."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import NoSuchNamespaceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from pyiceberg.table import Table

    from stationmaster.step.datasets import Store

__all__ = ["FIRST_DAY", "LAYERS", "WIDTH", "check_run", "published", "steps"]

LAYERS = ("a", "b", "c")
WIDTH = 10
FIRST_DAY = dt.date(2011, 1, 1)


def steps() -> list[str]:
    """Return the task ids of the pipeline."""
    return [f"{layer}{number:02d}" for layer in LAYERS for number in range(WIDTH)]


def check_run(
    store: Store,
    namespace: str,
    tasks: Sequence[Mapping[str, Any]],
    attempts: Sequence[Mapping[str, Any]],
) -> dict[str, list[str]]:
    """Return what is wrong, by kind: lost, doubled, falsely green, failed, unrecorded.

    Args:
        store: The door to the release's datasets.
        namespace: The Iceberg namespace of this run alone.
        tasks: Airflow's task instances of the run.
        attempts: The ledger's rows of the run.
    """
    states = {str(task["task_id"]): str(task["state"]) for task in tasks}
    rows, commits = published(store, namespace)
    succeeded = Counter(each["step"] for each in attempts if each["verdict"] == "succeeded")
    wrong: dict[str, list[str]] = {
        "failed": [f"{name} is {state}" for name, state in states.items() if state != "success"],
        "lost": [name for name in steps() if name not in rows],
        "doubled": [
            f"{name} was published {commits[name]} times" for name in steps() if commits[name] > 1
        ],
        "falsely green": [
            name for name in steps() if states.get(name) == "success" and name not in rows
        ],
        "unrecorded": [
            name for name in steps() if states.get(name) == "success" and not succeeded[name]
        ],
        "torn": [
            f"{name} was made from a row of {upstream} that is not there any more"
            for name, upstream in _pairs()
            if name in rows and upstream in rows and rows[name]["parent"] != rows[upstream]["nonce"]
        ],
    }
    return {kind: names for kind, names in wrong.items() if names}


def published(store: Store, namespace: str) -> tuple[dict[str, dict[str, Any]], Counter[str]]:
    """Return the row each step published, and how often each one did."""
    rows: dict[str, dict[str, Any]] = {}
    commits: Counter[str] = Counter()
    try:
        tables = store.catalog.list_tables(namespace)
    except NoSuchNamespaceError:
        return rows, commits
    for identifier in tables:
        table = store.catalog.load_table(identifier)
        commits.update(_commits(table))
        layer = str(identifier[-1]).removeprefix("drill_")
        for day in store.business_dates(str(identifier[-1])):
            frame: pl.DataFrame = store.read(str(identifier[-1]), day).frame.collect()
            number = (day - FIRST_DAY).days
            if frame.height != 1:
                commits[f"{layer}{number:02d}"] += frame.height
            rows[f"{layer}{number:02d}"] = frame.row(0, named=True)
    return rows, commits


def _commits(table: Table) -> Counter[str]:
    """Count, by step, how often a partition of it became what readers see."""
    seen: Counter[str] = Counter()
    for entry in table.metadata.snapshot_log:
        snapshot = table.metadata.snapshot_by_id(entry.snapshot_id)
        if snapshot is None or snapshot.summary is None:
            continue
        step = snapshot.summary.additional_properties.get("stationmaster.step")
        if step:
            seen[step] += 1
    return seen


def _pairs() -> list[tuple[str, str]]:
    return [
        (f"{layer}{number:02d}", f"{above}{number:02d}")
        for above, layer in itertools.pairwise(LAYERS)
        for number in range(WIDTH)
    ]
