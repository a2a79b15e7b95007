"""What a day's samples and its ledger say: scaling, waiting, money."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.cost.asking import Window, lives_in, uses_in
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.ledger.cost.whatif import all_at, fixed_fleet, peak_of
from stationmaster.ledger.models import attempt
from stationmaster.ledger.store import Ledger
from tests.bench.cluster.day_bill import (
    bill_of,
    empty_node_minutes,
    percentile,
    read_prices,
    seconds_until,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from tests.bench.cluster.day_samples import Claims, Sample
    from tests.bench.cluster.day_stand import DayStand

__all__ = ["burst_figures", "day_figures", "scaling", "waits_of"]

FLEETS: Final = ("m5.xlarge", "m6a.xlarge")
MOST: Final = 50


@dataclass(frozen=True)
class _Span(Window):
    """Ask about a part of a day."""

    start: dt.datetime
    end: dt.datetime

    @property
    def since(self) -> dt.datetime:
        return self.start

    @property
    def until(self) -> dt.datetime:
        return self.end


def day_figures(
    stand: DayStand,
    samples: Sequence[Sample],
    claims: Claims,
    span: tuple[dt.datetime, dt.datetime],
    full: dt.datetime,
) -> dict[str, Any]:
    """Return the figures of a day that is over.

    Args:
        stand: Whose ledger is asked.
        samples: Of the day.
        claims: The machines that were bought.
        span: From when to when the day was, the last nodes' end included.
        full: When its 24 hours were over: a fixed fleet is paid up to then.
    """
    own = bill_of(claims.known.values(), read_prices(), span[1])
    cost = stand.command("cost", "show", "--json")
    parts = {name: round(cost[name], 4) for name in ("bill", "idle", "system")}
    tasks = cost["total"]["total"]
    whole = tasks + cost["idle"] + cost["system"]
    return {
        "what": "day",
        **scaling(samples),
        "nodes_bought": len(claims.known),
        "pending_to_running_s": _waits(stand.ledger_uri, span),
        "money_usd": {
            "nodeclaims_bill": round(own, 4),
            "tasks": round(tasks, 4),
            **parts,
            "ledger_misses_by": round((whole - own) / own, 5),
            **_otherwise(stand.ledger_uri, span, full),
        },
        "attempts": cost["total"]["attempts"],
        "unpriced": cost["unpriced"],
        "nodes_kept": cost["nodes_kept"],
    }


def scaling(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return how containers and nodes went up and down again."""
    first, last = samples[0], samples[-1]
    most = max(samples, key=lambda each: each.running)
    noon = min(samples, key=lambda each: abs(each.hour - 12))
    return {
        "seconds": round(last.second - first.second),
        "samples": len(samples),
        "containers": {"most": most.running, "most_at_hour": round(most.hour, 1)},
        "nodes": {"most": max(each.nodes for each in samples), "end": last.nodes},
        "usd_per_hour_most": max(each.usd_per_hour for each in samples),
        "noon_until_50_run_s": seconds_until(samples, noon.second, MOST),
        "empty_node_minutes": round(empty_node_minutes(samples), 1),
        "node_minutes": round(_node_minutes(samples), 1),
    }


def burst_figures(samples: Sequence[Sample], start: float) -> dict[str, Any]:
    """Return how fast an empty cluster had 50 containers running, and was empty again."""
    busy = [each.second for each in samples if each.containers]
    gone = [each.second for each in samples if each.usd_per_hour]
    dearest = max(samples, key=lambda each: each.usd_per_hour)
    paid = sum(
        one.usd_per_hour * (two.second - one.second) for one, two in itertools.pairwise(samples)
    )
    return {
        "until_50_run_s": seconds_until(samples, start, MOST),
        "nodes_most": max(each.nodes for each in samples),
        "machines_most": dearest.types,
        "usd_per_hour_most": dearest.usd_per_hour,
        "usd": round(paid / 3600, 4),
        "work_s": round(busy[-1] - start, 1),
        "last_container_to_no_node_s": round(gone[-1] - busy[-1], 1),
    }


def waits_of(waits: Sequence[float], boot_seconds: float = 20.0) -> dict[str, Any]:
    """Return percentiles of what pods waited: all, where there was room, and for a new node."""
    kinds = {
        "all": list(waits),
        "with_room": [each for each in waits if each < boot_seconds],
        "for_a_node": [each for each in waits if each >= boot_seconds],
    }
    return {
        name: {
            "pods": len(values),
            "p50": round(percentile(values, 0.5), 1),
            "p95": round(percentile(values, 0.95), 1),
        }
        for name, values in kinds.items()
        if values
    }


def _waits(uri: str, span: tuple[dt.datetime, dt.datetime]) -> dict[str, Any]:
    columns = (attempt.c.created_at, attempt.c.started_at)
    query = sa.select(*columns).where(attempt.c.started_at.is_not(None))
    query = query.where(attempt.c.created_at.between(*span))
    rows = Ledger.open(uri).select(lambda _: query)
    return waits_of([(row["started_at"] - row["created_at"]).total_seconds() for row in rows])


def _otherwise(
    uri: str, span: tuple[dt.datetime, dt.datetime], full: dt.datetime
) -> dict[str, Any]:
    """Return what the same time had cost on a fixed fleet, all on-demand and all spot."""
    ledger, prices = Ledger.open(uri), PriceBook.from_settings(CostSettings())
    window = _Span(span[0].date(), span[1].date(), *span)
    uses = uses_in(ledger, window)
    lives = lives_in(ledger, window, uses)
    fixed = {}
    for name in FLEETS:
        instance = prices.instance(name)
        assert instance is not None
        outcome = fixed_fleet(uses, instance, span[0], full)
        hours = (full - span[0]).total_seconds() / 3600
        fixed[name] = {
            "bill": round(outcome.bill, 4),
            "usd_per_hour": round(outcome.bill / hours, 4),
            "sentence": outcome.sentence,
        }
    same = {name: all_at(lives, prices, name, *span) for name in ("on-demand", "spot")}
    cores, gib = peak_of(uses)
    return {
        "peak_asked": {"cores": round(cores, 1), "gib": round(gib, 1)},
        "fixed_fleet": fixed,
        **{f"all_{name}": round(each.bill, 4) for name, each in same.items()},
    }


def _node_minutes(samples: Sequence[Sample]) -> float:
    steps = itertools.pairwise(samples)
    return sum((one.nodes + one.booting) * (two.second - one.second) for one, two in steps) / 60
