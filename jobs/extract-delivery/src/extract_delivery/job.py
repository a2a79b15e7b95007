"""The job: one business day of the carriers' delivery events."""

from __future__ import annotations

from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from extract_delivery.columns import UPSTREAM_ZONE, event_columns
from extract_delivery.csvlines import read_events
from stationmaster.step import Inputs, Outputs, Params, job
from stationmaster.step.extraction.days import Fault, Recipe
from stationmaster.step.extraction.promises import promise
from stationmaster.step.extraction.shards import write_day

__all__ = ["ExtractDelivery", "recipe", "run"]

_ZONE: Final = ZoneInfo(UPSTREAM_ZONE)
_NO_TIME: Final = (
    "the local time is not written like 21/11/2011 14:05, or no clock in "
    f"{UPSTREAM_ZONE} showed it with this offset, or it was shown twice and has no offset"
)


class ExtractDelivery(Params):
    """What can be set for a run."""

    max_bad_lines: float = 0.05
    """Share of a file's lines that may be bad before the step stops."""


def recipe(max_bad_lines: float) -> Recipe:
    """Return how the event files are read."""
    return Recipe(
        dataset="delivery_events",
        prefix="events-",
        read=partial(
            read_events, contract=promise(__file__, "events"), max_bad_share=max_bad_lines
        ),
        columns=event_columns(),
        key=["shipment_id", "event", "event_at"],
        time="event_at",
        zone=_ZONE,
        faults=[
            Fault("shipment_id", "no_key", "the event names no shipment"),
            Fault("event", "no_key", "the event says not what happened"),
            Fault("event_at", "bad_time", _NO_TIME),
        ],
        figures={
            "picked_up": (pl.col("event") == "picked_up").sum(),
            "delivered": (pl.col("event") == "delivered").sum(),
        },
    )


@job
def run(params: ExtractDelivery, inputs: Inputs, outputs: Outputs) -> None:
    """Read delivery tracking's files and write `delivery_events`."""
    files = inputs.landing("delivery", days=inputs.upstream_days(_ZONE), shard=outputs.shard)
    write_day(recipe(params.max_bad_lines), files, inputs, outputs)
