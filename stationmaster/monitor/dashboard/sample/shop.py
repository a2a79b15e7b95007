"""A made-up shop's pipelines: what runs when, how long, with what."""

from __future__ import annotations

import datetime as dt
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from stationmaster.monitor.monitoring import Monitoring

__all__ = ["DAYS", "MIB", "MONITORING", "NOW", "PIPELINES", "ZONE", "PipelinePlan", "StepPlan"]

ZONE: Final = ZoneInfo("Europe/London")
NOW: Final = dt.datetime(2026, 3, 10, 7, 5, tzinfo=dt.UTC)
"""A Tuesday morning at 07:05, in London as in UTC."""

DAYS: Final = 34
MIB: Final = 2**20
GIB: Final = 2**30


class StepPlan(NamedTuple):
    """Say how a step usually goes; times in seconds, sizes in MiB.

    Args:
        name: Of the task.
        job: What it runs.
        after: When it begins, after the run's beginning.
        seconds: How long it takes.
        peak: What memory it uses at most.
        asked: What it asks for.
        rows: What it writes.
        dataset: Where to.
        growth: By how much its memory grows a day: 0.01 is one in a hundred.
    """

    name: str
    job: str
    after: int
    seconds: int
    peak: int
    asked: int
    rows: int
    dataset: str
    growth: float = 0.0


class PipelinePlan(NamedTuple):
    """Say when a pipeline runs.

    Args:
        name: Of the DAG.
        hours: When, each day.
        minute: Of the hour.
        team: Who pays.
        steps: In order of their beginning.
    """

    name: str
    hours: tuple[int, ...]
    minute: int
    team: str
    steps: tuple[StepPlan, ...]


PIPELINES: Final = (
    PipelinePlan(
        "morning_analytics",
        (6,),
        0,
        "analytics",
        (
            StepPlan("extract_web", "extract-web", 8, 95, 410, 768, 1067, "web_orders"),
            StepPlan("extract_app", "extract-app", 8, 120, 620, 1024, 421, "app_orders"),
            StepPlan("extract_delivery", "extract-delivery", 8, 160, 700, 1024, 4466, "deliveries"),
            StepPlan("extract_support", "extract-support", 9, 210, 300, 512, 96, "tickets"),
            StepPlan("merge_customers", "merge-customers", 235, 540, 2900, 4096, 1323, "customers"),
            StepPlan("report_morning", "report-morning", 790, 130, 380, 768, 1, "morning_report"),
        ),
    ),
    PipelinePlan(
        "finance_close",
        (6,),
        15,
        "finance",
        (
            StepPlan("extract_payments", "extract-payments", 6, 240, 900, 2048, 1490, "payments"),
            StepPlan("extract_refunds", "extract-refunds", 6, 110, 300, 512, 38, "refunds"),
            StepPlan("match_payments", "match-payments", 260, 620, 3300, 6144, 1488, "matched"),
            StepPlan("write_ledger", "write-ledger", 900, 150, 500, 1024, 2976, "ledger_lines"),
        ),
    ),
    PipelinePlan(
        "marketing_audiences",
        (6,),
        40,
        "marketing",
        (
            StepPlan("collect_events", "collect-events", 7, 420, 1900, 3072, 88120, "events"),
            StepPlan(
                "score_customers", "score-customers", 440, 1260, 2350, 6144, 1323, "scores", 0.028
            ),
            StepPlan("write_audiences", "write-audiences", 1720, 200, 450, 1024, 14, "audiences"),
        ),
    ),
    PipelinePlan(
        "stock_levels",
        tuple(range(24)),
        10,
        "logistics",
        (
            StepPlan("extract_stock", "extract-stock", 5, 70, 220, 512, 9120, "stock"),
            StepPlan("publish_stock", "publish-stock", 82, 45, 180, 512, 9120, "stock_levels"),
        ),
    ),
)

MONITORING: Final = Monitoring.model_validate(
    {
        "pipelines": {
            "morning_analytics": {
                "due": "06:35",
                "product": "morning report",
                "readers": ["management", "marketing", "finance", "support"],
                "owner": "analytics",
                "urgent": True,
            },
            "finance_close": {
                "due": "07:00",
                "product": "finance figures",
                "readers": ["finance", "management"],
                "owner": "finance-data",
            },
            "marketing_audiences": {
                "due": "08:00",
                "product": "marketing audiences",
                "readers": ["marketing"],
                "owner": "marketing-data",
            },
        },
        "agreements": [
            {
                "name": "Orders of the web shop and their deliveries",
                "left": "web_shop/orders",
                "right": "delivery/web_orders",
                "relative": 0.005,
                "why": "Each order of the web shop becomes one delivery.",
            },
            {
                "name": "Orders of the app and their deliveries",
                "left": "app/orders",
                "right": "delivery/app_orders",
                "relative": 0.005,
                "why": "Each order of the app becomes one delivery.",
            },
        ],
        "totals": [
            {"figure": "sales/orders"},
            {"figure": "sales/revenue"},
            {"figure": "customers/unified"},
            {"figure": "support/tickets"},
        ],
    }
)
