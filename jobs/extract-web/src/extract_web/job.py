"""The job: one business day of the web shop's orders and sessions."""

from __future__ import annotations

from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from extract_web.columns import order_columns, session_columns
from extract_web.shapes import ORDERS, SESSIONS
from stationmaster.step import Inputs, Outputs, Params, job
from stationmaster.step.extraction.days import Fault, Recipe
from stationmaster.step.extraction.jsonlines import read_json_lines
from stationmaster.step.extraction.promises import promise
from stationmaster.step.extraction.shards import write_day

__all__ = ["ExtractWeb", "recipes", "run"]

_ZONE: Final = ZoneInfo("UTC")
"""The upstream's day folders follow this zone."""
_HINT: Final = (
    "Map the field in payloads/, shapes.py and columns.py of the job extract-web, or ask the web "
    "shop team to bring it back; then clear the step."
)
_NO_TIME: Final = "the time is not written like 2011-11-21T08:26:00Z"


class ExtractWeb(Params):
    """What can be set for a run."""

    max_bad_lines: float = 0.05
    """Share of a file's lines that may be bad before the step stops."""


def recipes(max_bad_lines: float) -> list[Recipe]:
    """Return how each kind of file is read."""
    read = partial(read_json_lines, max_bad_share=max_bad_lines, hint=_HINT)
    orders = Recipe(
        dataset="web_orders",
        prefix="orders-",
        read=partial(read, shape=ORDERS, contract=promise(__file__, "orders")),
        columns=order_columns(),
        key=["order_id"],
        time="ordered_at",
        zone=_ZONE,
        faults=[
            Fault("order_id", "no_key", "the order has no number"),
            Fault("ordered_at", "bad_time", _NO_TIME),
            Fault("revenue", "bad_amount", "a price is no number, or the currency is not GBP"),
        ],
        figures={"revenue": pl.col("revenue").sum()},
    )
    sessions = Recipe(
        dataset="web_sessions",
        prefix="sessions-",
        read=partial(read, shape=SESSIONS, contract=promise(__file__, "sessions")),
        columns=session_columns(),
        key=["session_id"],
        time="started_at",
        zone=_ZONE,
        faults=[
            Fault("session_id", "no_key", "the session has no number"),
            Fault("started_at", "bad_time", _NO_TIME),
        ],
        figures={"orders": pl.col("order_id").count()},
    )
    return [orders, sessions]


@job
def run(params: ExtractWeb, inputs: Inputs, outputs: Outputs) -> None:
    """Read the web shop's files and write `web_orders` and `web_sessions`."""
    files = inputs.landing("web", days=inputs.upstream_days(_ZONE), shard=outputs.shard)
    for recipe in recipes(params.max_bad_lines):
        write_day(recipe, files, inputs, outputs)
