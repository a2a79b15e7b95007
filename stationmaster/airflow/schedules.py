"""When pipelines run: on the business's clocks."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import CronTriggerTimetable

from stationmaster.airflow.current import current_settings

__all__ = ["first_run", "maintenance_schedule", "on_business_clock"]


def on_business_clock(cron: str) -> CronTriggerTimetable:
    """Return a schedule on the clocks of the business zone; a run is dated when it starts."""
    return CronTriggerTimetable(cron, timezone=current_settings().business_timezone)


def first_run() -> dt.datetime:
    """Return the moment from which catch-up makes runs (STATIONMASTER_FIRST_RUN).

    Airflow runs no task of an earlier run, not even in `airflow dags test`, and calls it a
    success; so the default is the first day of the data that the project comes with.
    """
    settings = current_settings()
    return dt.datetime.combine(settings.first_run, dt.time(), settings.zone).astimezone(dt.UTC)


def maintenance_schedule() -> CronTriggerTimetable | None:
    """Return when datasets are maintained; None where a CronJob of the chart does it."""
    cron = current_settings().maintenance_schedule
    return on_business_clock(cron) if cron else None
