"""Every metric that we tell Prometheus, by name; `docs/monitoring.md` has the same table.

Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for counters, and a
moment as `_timestamp_seconds`, so that its age is a question and not a metric.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FAMILIES", "Family", "Kind", "Sample", "by_name"]

STEP: Final = ("pipeline", "step")


class Kind(StrEnum):
    """Tell what a metric's number is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Family(NamedTuple):
    """Hold one metric: what it is called, what its number means, and by what it is told apart."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """Hold one number of a metric; of a histogram, what fell below `le` or the sum of all."""

    family: str
    labels: tuple[str, ...]
    value: float
    part: str = ""
    """Of a histogram: a bucket's upper bound, or `sum`."""


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(f"stationmaster_{name}", Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Family:
    return Family(f"stationmaster_{name}", Kind.GAUGE, text, labels)


ATTEMPTS: Final = (
    _counter("attempts_total", "Attempts that ended, by how they ended.", *STEP, "verdict"),
    _counter("attempt_run_seconds_total", "Seconds that attempts ran.", *STEP),
    _counter("attempt_wait_seconds_total", "Seconds from queued to started.", *STEP),
    _counter("attempt_cpu_seconds_total", "CPU seconds that attempts used.", *STEP),
    _counter("attempt_rows_read_total", "Rows that attempts read.", *STEP),
    _counter("attempt_rows_written_total", "Rows that attempts wrote.", *STEP),
    _counter(
        "attempt_asked_memory_byte_seconds_total", "Memory asked for, times its seconds.", *STEP
    ),
    _counter(
        "attempt_peak_memory_byte_seconds_total", "Peak of memory, times the seconds run.", *STEP
    ),
    _counter("attempt_cost_usd_total", "What attempts cost, in US dollars.", *STEP),
    _gauge("step_asked_memory_bytes", "Most that an attempt of 24 h asked for.", *STEP),
    _gauge("step_peak_memory_bytes", "Highest peak of the attempts of 24 h.", *STEP),
    _gauge("step_longest_run_seconds", "Longest run of the attempts of 24 h.", *STEP),
    _gauge("step_ended_timestamp_seconds", "When an attempt of 24 h ended last.", *STEP),
    _gauge(
        "open_attempts",
        "Attempts that go on, by what they wait for (pod, node, start) or run.",
        "pipeline",
        "state",
    ),
    _gauge(
        "open_attempt_oldest_timestamp_seconds", "Since when the oldest of them is so.", "state"
    ),
    _gauge("unseen_ends", "Attempts of 7 days whose end nobody saw: in no counter."),
)

DATA: Final = (
    _gauge("dataset_published_timestamp_seconds", "When a dataset was published last.", "dataset"),
    _gauge(
        "dataset_business_date_timestamp_seconds",
        "Start (UTC) of the newest business date that a dataset has.",
        "dataset",
    ),
    _gauge("dataset_rows", "Rows of the partition that was published last.", "dataset"),
    _gauge("dataset_quarantined_rows", "Rows that were set aside with it.", "dataset"),
    _gauge(
        "figure", "Newest value of a number that people rely on, where that is wanted.", "figure"
    ),
)

MONITORING: Final = (
    _gauge("open_incidents", "Incidents that are open.", "severity", "layer", "owner", "state"),
    _counter("incidents_total", "Incidents that were opened.", "severity"),
    _counter("incidents_judged_total", "What people said of incidents.", "judged"),
    Family(
        "stationmaster_incident_notice_seconds",
        Kind.HISTOGRAM,
        "Seconds from when trouble began to when its incident was opened.",
    ),
    _gauge("findings", "What checks find now.", "check", "layer", "severity"),
    _gauge("check_outcome", "1 for what came of a check's last look.", "check", "outcome"),
    _gauge("check_looked_timestamp_seconds", "When a check looked last.", "check"),
    _gauge("check_answered_timestamp_seconds", "When a check could look last.", "check"),
    _gauge("check_look_seconds", "How long its last look took.", "check"),
    _gauge("watcher_looked_timestamp_seconds", "When the watcher looked last."),
    _gauge("notifications_waiting", "Notifications that wait to be sent.", "channel"),
    _gauge(
        "notification_oldest_due_timestamp_seconds",
        "When the oldest of them should have gone.",
        "channel",
    ),
    _counter("notifications_total", "Notifications that left, or were given up.", "channel", "end"),
    _gauge("silences", "Silences that hold."),
)

OURSELVES: Final = (
    _gauge("ledger_up", "1 while the ledger answers; with 0 nothing else is told.", "database"),
    _gauge("metrics_read_seconds", "How long the ledger took to answer."),
    _gauge("metrics_left_out", "Series that were not told: there were too many.", "family"),
    _gauge("build_info", "1, with the version and the schema that it fits.", "version", "schema"),
)

FAMILIES: Final[tuple[Family, ...]] = (*ATTEMPTS, *DATA, *MONITORING, *OURSELVES)


def by_name(families: Iterable[Family] = FAMILIES) -> dict[str, Family]:
    """Return metrics by their names."""
    return {family.name: family for family in families}
