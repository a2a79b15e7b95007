"""What is expected of pipelines, sources, datasets, figures and reports: one YAML file.

On a laptop `dags/monitoring.yaml`; elsewhere STATIONMASTER_MONITORING_FILE names it. Without a file
nothing is due, and checks that need no expectation still look.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from stationmaster.monitor.alerts.routing import Alerting
from stationmaster.monitor.checks.finding import Severity

__all__ = [
    "Agreement",
    "CalendarDay",
    "DatasetExpectation",
    "Due",
    "Monitoring",
    "PipelineExpectation",
    "ReportExpectation",
    "SourceExpectation",
    "Total",
]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_Name = Annotated[str, Field(min_length=1)]
_Figure = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        message = "not the name of a time zone, such as Europe/London"
        raise ValueError(message) from error
    return name


def _as_written(value: object) -> object:
    """Refuse 10:30 without quotes: YAML 1.1 reads it as the number 630."""
    if isinstance(value, int) and not isinstance(value, bool):
        message = f'a time in quotes: "{value // 60:02}:{value % 60:02}"'
        raise ValueError(message)  # noqa: TRY004 (pydantic turns only a ValueError into its own)
    return value


Clock = Annotated[dt.time, BeforeValidator(_as_written)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Due(_Part):
    """Say when the data of a business date should be there, on the business clock.

    A time that a clock change leaves out is the moment as far after it.
    """

    due: Clock | None = Field(default=None, description="On the business clock; null: never.")
    days_later: int = Field(default=1, ge=0, le=31, description="After the business date.")
    weekdays: tuple[Weekday, ...] = Field(
        default=WEEKDAYS, min_length=1, description="Business dates that are expected at all."
    )

    def due_at(self, business_date: dt.date, zone: ZoneInfo) -> dt.datetime | None:
        """Return when a day's data is due; None: no such day is expected."""
        if self.due is None or WEEKDAYS[business_date.weekday()] not in self.weekdays:
            return None
        day = business_date + dt.timedelta(days=self.days_later)
        return dt.datetime.combine(day, self.due.replace(tzinfo=None), zone).astimezone(dt.UTC)


class PipelineExpectation(Due):
    """Say when a pipeline's day should be done, and who waits for it."""

    starts: Clock | None = Field(default=None, description="When its run is made, same clock.")
    product: str = Field(default="", description="What it makes, as its readers call it.")
    readers: tuple[str, ...] = Field(default=(), description="Who waits for it.")
    owner: str = Field(default="", description="The team that is told.")
    urgent: bool = Field(default=False, description="Trouble with it may wake somebody.")
    done_when: tuple[str, ...] = Field(
        default=(),
        description="Datasets and reports whose publishing ends its day; by default all of its "
        "usual steps.",
    )
    budget_usd_a_day: float | None = Field(default=None, gt=0, description="More is a finding.")


class SourceExpectation(Due):
    """Say when an upstream system should have delivered a day of its own."""

    zone: Annotated[str, AfterValidator(_a_zone)] = Field(
        default="UTC", description="The zone whose calendar days it delivers."
    )
    kind: Literal["landing", "api"] = Field(
        default="landing", description="Files with a _SUCCESS, or an API that says its status."
    )
    url: str = Field(default="", description="Of an API; by default that of the settings.")
    owner: str = Field(default="", description="The team that is told.")
    contact: str = Field(default="", description="Who delivers it, as one asks for them.")


class DatasetExpectation(Due):
    """Say when a dataset's day should be published, and how many rows it has at least."""

    owner: str = ""
    least_rows: int = Field(default=0, ge=0)
    most_quarantined: float = Field(
        default=0.05, gt=0, le=1, description="Share of rows set aside that is too much."
    )


class ReportExpectation(Due):
    """Say when a report should be up, who reads it, and where they find it."""

    owner: str = ""
    title: str = Field(default="", description="As its readers call it.")
    readers: tuple[str, ...] = ()
    where: tuple[str, ...] = Field(
        default=(),
        description="Where readers open it: {date} is the business date, {reports} the folder of "
        "reports; a path, s3:// or https://.",
    )
    holds: str = Field(
        default="{date}",
        description="A text that is in the first of them on the right day; empty: any will do.",
    )


class Agreement(_Part):
    """Say which figures should agree, how far they may differ, and why they should."""

    name: _Name
    left: tuple[_Figure, ...] = Field(min_length=1, description="Figures that add up to one side.")
    right: tuple[_Figure, ...] = Field(min_length=1, description="And to the other.")
    relative: float = Field(default=0.0, ge=0, description="Of the larger side: 0.01 is 1 %.")
    absolute: float = Field(default=0.0, ge=0, description="In the figures' unit.")
    lag_days: int = Field(default=0, ge=0, le=31, description="The right side comes later by so.")
    why: _Name
    owner: str = ""
    severity: Severity = Severity.WARNING

    @field_validator("left", "right", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Total(_Part):
    """Name a figure that is held against its own history."""

    figure: _Figure
    owner: str = ""
    severity: Severity = Severity.WARNING
    least_change: float = Field(
        default=0.3, gt=0, le=0.99, description="A drop by less than so much is never told."
    )


class CalendarDay(_Part):
    """Name a day that is not like others."""

    date: dt.date
    kind: Literal["holiday", "no-data"] = "holiday"
    why: str = ""


class Monitoring(_Part):
    """Hold all that is expected.

    Args:
        zone: The business clock's; of the settings, not of the file.
        always_on: Something should run by itself all the time: a cluster, not a laptop.
        path: Where it was read; "" where there is no file.
    """

    zone: Annotated[str, AfterValidator(_a_zone)] = "Europe/London"
    always_on: bool = False
    path: str = ""
    owner: str = Field(default="platform", description="Who is told of what nobody owns.")
    pipelines: dict[str, PipelineExpectation] = Field(default_factory=dict)
    sources: dict[str, SourceExpectation] = Field(default_factory=dict)
    datasets: dict[str, DatasetExpectation] = Field(default_factory=dict)
    reports: dict[str, ReportExpectation] = Field(default_factory=dict)
    agreements: tuple[Agreement, ...] = ()
    totals: tuple[Total, ...] = ()
    calendar: tuple[CalendarDay, ...] = ()
    node_pools: dict[str, str] = Field(
        default_factory=dict, description="What memory each node pool may have: 64Gi."
    )
    alerts: Alerting = Field(
        default_factory=Alerting, description="Teams, channels, routes: docs/alerts.md."
    )

    @property
    def clock(self) -> ZoneInfo:
        """Return the business clock's zone."""
        return ZoneInfo(self.zone)

    @property
    def folder(self) -> Path:
        """Return where the file lies."""
        return Path(self.path).parent

    def kind_of_day(self, day: dt.date) -> str | None:
        """Return holiday or no-data, None for a day like others."""
        return next((each.kind for each in self.calendar if each.date == day), None)
