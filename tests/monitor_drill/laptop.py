"""Faults of pipelines and data: what is broken, and what must be found."""

from __future__ import annotations

import datetime as dt
from typing import Final

from stationmaster.airflow.life.verdicts import MORE_MEMORY
from tests.monitor_drill import breaking, misreporting
from tests.monitor_drill.plans import Trip
from tests.monitor_drill.writing import fault

__all__ = ["FAULTS"]

MORNING: Final = "morning_analytics"
WEB: Final = f"step:{MORNING}/extract_web"
LEDGER: Final = "stationmaster ledger show"
HOUR: Final = 60.0
DAY: Final = 24 * HOUR
OOM: Final = Trip(
    verdict="out_of_memory",
    exit_code=137,
    seconds=40,
    sentence="ran out of memory: its limit is 1.0 GiB, and the kernel killed a process of it",
    hint=MORE_MEMORY,
)
BUG: Final = Trip(
    verdict="step_failed",
    seconds=50,
    sentence="merge-customers: ZeroDivisionError: division by zero.",
    hint="Read the end of its log.",
)

SOURCES: Final = (
    fault(
        "late file",
        breaking.late_file,
        "source-late",
        "source:web",
        layer="business",
        does=("Ask the web shop team", "goes on by itself"),
    ),
    fault(
        "missing file",
        breaking.missing_file,
        "source-late",
        "source:app",
        layer="business",
        does=("Ask the app team",),
    ),
    fault(
        "late API",
        breaking.support_late,
        "source-late",
        "source:support",
        layer="business",
        does=("Ask the customer support team",),
    ),
    fault(
        "renamed field",
        breaking.broken("web", "renamed"),
        "contract-broken",
        "*web*",
        says=("placed_at",),
        does=("extract-web", "web shop team", "clear"),
    ),
    fault(
        "type change",
        breaking.broken("support", "retyped"),
        "contract-broken",
        "*support*",
        says=("ticket_id",),
        does=("extract-support", "support team", "clear"),
    ),
    fault(
        "file cut",
        breaking.broken("app", "cut-at-source"),
        "contract-broken",
        "*app*",
        says=("expected",),
        does=("app team", "clear"),
    ),
    fault(
        "API refusing",
        breaking.broken("support", "500", 4),
        "step-failed",
        "*support*",
        does=("support team", "clear extract_support"),
    ),
)

VOLUMES: Final = (
    fault(
        "halved volume",
        breaking.volume("delivery", 0.5),
        "volume-off",
        "dataset:delivery_events",
        does=("Ask the delivery company", "clear extract_delivery"),
    ),
    fault(
        "doubled volume",
        breaking.volume("delivery", 2.0),
        "volume-off",
        "dataset:delivery_events",
        does=("came twice", "ask the delivery company"),
    ),
    fault(
        "no rows",
        breaking.no_rows,
        "volume-off",
        "dataset:delivery_events",
        does=("Ask the delivery company",),
    ),
    fault(
        "web orders halved",
        breaking.volume("web", 0.5),
        "sources-disagree or volume-off",
        "*",
        layer="*",
        minutes=10,
        does=("clear",),
    ),
    fault(
        "all of a day 2.4 times",
        breaking.busy_day,
        "volume-off",
        f"pipeline:{MORNING}",
        does=("Ask who knows the business of that day",),
        beside=("dataset:payments",),  # the night's pipeline has its own word of that day
        day=dt.date(2011, 11, 7),
    ),
    fault(
        "quarantine creeping",
        breaking.quarantine_creeps,
        "quarantine-creeping or quarantine-growing",
        "*web*",
        minutes=7 * DAY,
        does=(LEDGER,),
    ),
)

STEPS: Final = (
    fault(
        "API 3x slower",
        breaking.slower(f"{MORNING}/extract_support", 3.0),
        "step-slower",
        f"step:{MORNING}/extract_support",
        does=(f"{LEDGER} --pipeline {MORNING} --step extract_support",),
    ),
    fault(
        "slower than usual",
        breaking.slower(f"{MORNING}/merge_customers", 3.0),
        "step-slower",
        f"step:{MORNING}/merge_customers",
        does=(f"{LEDGER} --pipeline {MORNING} --step merge_customers",),
    ),
    fault(
        "memory growing 10 % a day",
        breaking.memory_grows,
        "memory-outgrown",
        f"step:{MORNING}/merge_customers",
        minutes=6 * DAY,  # the run of that day is the first that does not fit
        does=("Recommended", "job.yaml"),
    ),
    fault(
        "out of memory",
        breaking.fails(f"{MORNING}/extract_web", OOM),
        "step-failed",
        WEB,
        says=("ran out of memory",),
        does=("bigger size in its job.yaml", "clear extract_web"),
    ),
    fault(
        "step failing",
        breaking.fails(f"{MORNING}/merge_customers", BUG),
        "step-failed",
        f"step:{MORNING}/merge_customers",
        says=("ZeroDivisionError",),
        does=("log", "clear merge_customers"),
    ),
    fault(
        "retrying too often",
        breaking.retries,
        "step-retrying",
        "step:nightly_finance/load_payments",
        minutes=2 * HOUR,
        does=(LEDGER,),
    ),
    fault(
        "stuck",
        breaking.stuck,
        "run-stuck",
        "step:nightly_finance/load_payments",
        minutes=35,
        does=("clear the task",),
    ),
    fault(
        "skipped",
        breaking.skipped,
        "step-skipped",
        f"step:{MORNING}/report_morning",
        says=("was skipped",),
        does=("Clear report_morning",),
    ),
    fault(
        "deadline at risk",
        breaking.at_risk,
        "deadline-at-risk",
        f"pipeline:{MORNING}",
        does=("merge_customers",),
    ),
    fault(
        "cost doubled",
        misreporting.dearer,
        "cost-off",
        "pipeline:nightly_finance",
        minutes=HOUR,
        does=("stationmaster cost show",),
    ),
)

REPORTS: Final = (
    fault(
        "report not written",
        misreporting.report(forgets_report=True),
        "report-stale",
        "report:morning_report",
        layer="business",
        says=("was not written",),
        does=("Clear report_morning",),
    ),
    fault(
        "report of the wrong day",
        misreporting.report(stale_report=True),
        "report-unread",
        "report:morning_report",
        layer="business",
        does=("clear report_morning",),
    ),
    fault(
        "unit change (pence for pounds)",
        misreporting.money(100),
        "total-off",
        "figure:morning_report/revenue",
        layer="business",
        does=("not to use it", "unit"),
    ),
    fault(
        "wrong totals",
        misreporting.figure(f"{MORNING}/report_morning", "morning_report/revenue", 0.7),
        "sources-disagree",
        "figure:morning_report/revenue",
        layer="business",
        says=("web_orders/revenue",),
        does=("clear report_morning",),
    ),
    fault(
        "web and delivery disagree",
        misreporting.figure(
            f"{MORNING}/report_morning", "morning_report/web_picked_up_day_before", 0.6
        ),
        "sources-disagree",
        "figure:morning_report/web_picked_up_day_before",
        layer="business",
        does=(LEDGER, "clear"),
    ),
)

FAULTS: Final = (*SOURCES, *VOLUMES, *STEPS, *REPORTS)
