"""Yesterday's business, by 06:35.

At 06:00 (business clock) on the data of **yesterday**: wait until web, app, delivery and support
have delivered, extract the four side by side, merge them into one customer count, publish the
morning report. Due at **06:35**; when it is late, an alert says so.

**Re-running is safe**: each step overwrites one day of its datasets, all or nothing. Clear the
first red task, with everything downstream.

**A late source**: `wait_for_…` names it, the day, and since when; it holds no worker while it
waits. Other days do not wait for it: runs do not depend on the past and up to 16 may be open,
so today's report is on time even while a day of last week is still missing. When that day
arrives, its run goes on, and `merge_customers` and `report_morning` bring the days after it up to
date by themselves. Each of the two runs one at a time, so that no two write the same day.
**A big day** is split: waits count what came, 10,000 orders are 2 shards, 500,000 are 50.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG

from stationmaster.airflow.alerts import due_after
from stationmaster.airflow.arrivals import WaitForSource
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.schedules import first_run, on_business_clock
from stationmaster.airflow.volumes import CountShards, written_bytes

SOURCES = {  # the zone of its days, what is counted of it, and how much of that a shard gets
    **dict.fromkeys(("web", "app"), ("UTC", "orders", 10_000)),
    "delivery": ("Europe/London", "events", 40_000),
    "support": ("UTC", "tickets", 10_000),
}

with DAG(
    "morning_analytics",
    description="Yesterday's customers, orders and deliveries, reported at 06:35.",
    schedule=on_business_clock("0 6 * * *"),
    start_date=first_run(),
    catchup=True,
    max_active_runs=16,
    tags=["analytics", "customers"],
    doc_md=__doc__,
    deadline=due_after(
        dt.timedelta(minutes=35),
        product="morning report",
        readers="management, marketing, finance and support",
    ),
    default_args={
        "owner": "analytics",
        "retries": 3,
        "retry_delay": dt.timedelta(minutes=2),
        "retry_exponential_backoff": 2,
        "max_retry_delay": dt.timedelta(minutes=20),
    },
):
    count = CountShards(task_id="count_shards", waits=["wait_for_web", "wait_for_app"])
    merge = StepOperator(
        task_id="merge_customers",
        job="merge-customers",
        shards=count.shards,
        input_bytes=written_bytes(*(f"extract_{source}" for source in SOURCES)),
        max_active_tis_per_dag=1,
    )
    report = StepOperator(task_id="report_morning", job="report-morning", max_active_tis_per_dag=1)
    for source, (zone, unit, a_shard) in SOURCES.items():
        wait = WaitForSource(
            task_id=f"wait_for_{source}",
            source=source,
            zone=zone,
            api=source == "support",
            affects=["unified customers", "morning report"],
            splits=(f"extract_{source}", unit, a_shard),
            doc_md=f"Waits until {source} has delivered the day; names what is missing.",
        )
        extract = StepOperator(task_id=f"extract_{source}", job=f"extract-{source}", **wait.split)
        wait >> [extract, count] >> merge
    merge >> report
