"""A pipeline like ours, as a story of many mornings, for tests of checks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from stationmaster.monitor.facts.attempts import Output
from stationmaster.monitor.monitoring import Monitoring
from stationmaster.monitor.testing import Story, made_job

__all__ = ["DAY", "LONDON", "PIPELINE", "MorningStory", "aside", "at"]

PIPELINE = "morning"
LONDON = ZoneInfo("Europe/London")
DAY = dt.date(2011, 11, 21)
SOURCES = ("web", "app")
SEASON = (100, 104, 98, 101, 97, 60, 55)
"""Orders a day from Monday on, in per cent."""


def at(day: dt.date, clock: str) -> dt.datetime:
    """Return a moment of the morning after a business date, on the business clock."""
    following = day + dt.timedelta(days=1)
    return dt.datetime.combine(following, dt.time.fromisoformat(clock), LONDON)


MONITORING = Monitoring.model_validate(
    {
        "pipelines": {
            PIPELINE: {
                "starts": "06:00",
                "due": "06:35",
                "product": "morning report",
                "readers": ["management"],
                "owner": "analytics",
                "urgent": True,
                "done_when": ["morning_report"],
            }
        },
        "sources": {"web": {"due": "05:30", "owner": "web shop", "contact": "the web shop's team"}},
        "datasets": {
            "web_orders": {"due": "06:15", "least_rows": 1, "owner": "data-engineering"},
            "app_orders": {"due": "06:15", "least_rows": 1, "owner": "data-engineering"},
        },
        "reports": {
            "morning_report": {
                "due": "06:35",
                "title": "morning report",
                "readers": ["management"],
                "where": ["{reports}/morning_report/{date}/report.json"],
                "owner": "analytics",
            }
        },
        "agreements": [
            {
                "name": "orders in web and in the report",
                "left": "web_orders/orders",
                "right": "morning_report/web_orders",
                "relative": 0.02,
                "why": "The report counts what the web shop sent.",
            }
        ],
        "totals": [{"figure": "morning_report/revenue", "owner": "analytics"}],
        "node_pools": {"steps": "16Gi"},
    }
)
JOBS = (
    *(made_job(f"extract-{name}", inputs=[name], outputs=[f"{name}_orders"]) for name in SOURCES),
    made_job("report", inputs=["web_orders", "app_orders"], outputs=["morning_report"]),
)


class MorningStory(Story):
    """Let mornings pass: two extracts side by side, then a report, each at its usual time."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        super().__init__(now or at(DAY, "07:00"), MONITORING, JOBS)

    def mornings(self, last: dt.date, count: int) -> None:
        """Let so many mornings have gone well, up to a business date."""
        for back in range(count - 1, -1, -1):
            self.morning(last - dt.timedelta(days=back))

    def orders(self, day: dt.date) -> int:
        """Return how many orders a day has: by its weekday, and a little noise that is the same."""
        return SEASON[day.weekday()] * 10 + (day.toordinal() * 7919) % 37

    def morning(self, day: dt.date, *, skip: tuple[str, ...] = (), factor: float = 1.0) -> None:
        """Let one morning go well, without some steps, with more or fewer orders."""
        rows = int(self.orders(day) * factor)
        for number, name in enumerate(SOURCES):
            if f"extract_{name}" not in skip:
                self.extract(name, day, rows=rows, minute=number)
        if "report" not in skip:
            self.report(day, rows=rows)

    def extract(self, name: str, day: dt.date, *, rows: int, minute: int = 0) -> None:
        """Let an extract have gone well."""
        noise = (day.toordinal() * 31 + minute * 7) % 11
        self.attempt(
            PIPELINE,
            f"extract_{name}",
            day,
            at(day, f"06:0{minute}"),
            seconds=240 + noise,
            outputs={f"{name}_orders": rows},
            figures={f"{name}_orders/orders": float(rows)},
            asked_memory_bytes=2**30,
            peak_memory_bytes=300 * 2**20 + noise * 2**20,
            rows_written=rows,
            node="node-a",
            node_pool="steps",
        )

    def report(self, day: dt.date, *, rows: int, clock: str = "06:10") -> None:
        """Let the report have been published, and its readers find it."""
        where = f"file:///reports/morning_report/{day}/"
        self.attempt(
            PIPELINE,
            "report",
            day,
            at(day, clock),
            seconds=120 + day.day % 7,
            outputs={"morning_report": Output("morning_report", day, 2, uri=where)},
            figures={
                "morning_report/revenue": rows * 20.5,
                "morning_report/web_orders": float(rows),
            },
            asked_memory_bytes=2**30,
            peak_memory_bytes=200 * 2**20,
            node_pool="steps",
        )
        self.shelf.put(f"{where}report.json", f'{{"business_date": "{day}"}}')


def aside(told: MorningStory, day: dt.date, rows: int) -> None:
    """Let web's extract have set so many rows aside."""
    output = Output("web_orders", day, 1000 - rows, quarantined_rows=rows)
    told.attempt(
        PIPELINE,
        "extract_web",
        day,
        at(day, "06:00"),
        outputs={"web_orders": output},
        rows_written=1000 - rows,
    )
