"""Merge all sources into one customer, for one business date."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from merge_customers.changes import changes_between
from merge_customers.counts import counts_of
from merge_customers.records import Extracts, gather
from merge_customers.sharing import compared
from merge_customers.tables import unified_customers, unified_orders
from merge_customers.unify import customers_on, known_records, link, paired
from stationmaster.step import Inputs, Outputs, Params, job

if TYPE_CHECKING:
    import polars as pl

    from merge_customers.unify import Linked

__all__ = ["MergeCustomers", "merge", "run", "tables_of"]

DATASETS = tuple(Extracts.__dataclass_fields__)
TABLES = ("unified_customers", "unified_orders", "identity_changes", "customer_counts")


class MergeCustomers(Params):
    """Take no parameters: whatever could be set would make two merges differ."""


def merge(extracts: Extracts, day: dt.date) -> dict[str, pl.DataFrame]:
    """Give the tables of a day from all extracts up to it, and from nothing else."""
    return tables_of(link(gather(extracts)), day)


def tables_of(linked: Linked, day: dt.date) -> dict[str, pl.DataFrame]:
    """Give the tables of a day from all compared pairs of it."""
    after = customers_on(linked, day)
    before = customers_on(linked, day - dt.timedelta(days=1))
    records = known_records(linked, after)
    return {
        "unified_customers": unified_customers(records, day),
        "unified_orders": unified_orders(records, day),
        "identity_changes": changes_between(linked, before, after, day),
        "customer_counts": counts_of(records, day),
    }


@job(cumulative=True)
def run(params: MergeCustomers, inputs: Inputs, outputs: Outputs) -> None:  # noqa: ARG001 (a job's shape)
    """Merge all extracts up to the business date and write the four tables of it."""
    for dataset in DATASETS:
        if inputs.business_date not in inputs.business_dates(dataset):
            inputs.table(dataset)  # raises: a day that a source lacks is named, not skipped
    extracts = Extracts(**{name: inputs.table(name, through=True) for name in DATASETS})
    linked = compared(paired(gather(extracts)), inputs, outputs)
    if linked is None:
        outputs.leave(*TABLES)
        return
    for name, frame in tables_of(linked, inputs.business_date).items():
        outputs.write_whole(name, frame)
        if name == "unified_orders":
            outputs.figure(name, "revenue", float(frame["revenue"].sum() or 0))
