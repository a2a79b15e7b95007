"""What a check found: one thing that is wrong, or will be, in words that somebody can act on."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Finding", "FindingKey", "Layer", "Link", "Severity", "Subject", "SubjectKind"]


class Layer(StrEnum):
    """Tell what a check looks at."""

    INFRASTRUCTURE = "infrastructure"
    PIPELINE = "pipeline"
    BUSINESS = "business"


class Severity(StrEnum):
    """Tell when somebody must look."""

    INFO = "info"
    """Good to know: on the dashboard, sent to nobody."""
    WARNING = "warning"
    """Somebody should look, when people are at work."""
    CRITICAL = "critical"
    """Somebody must look now, also at night."""

    @property
    def rank(self) -> int:
        """Return a number that rises with it."""
        return list(Severity).index(self)


class SubjectKind(StrEnum):
    """Tell what a finding is about; lineage knows which comes of which."""

    SOURCE = "source"
    DATASET = "dataset"
    REPORT = "report"
    STEP = "step"
    """Named `pipeline/step`."""
    PIPELINE = "pipeline"
    POOL = "pool"
    FIGURE = "figure"
    """A number that people rely on, named `dataset/figure`."""
    NODE = "node"
    POD = "pod"
    VOLUME = "volume"
    DATABASE = "database"
    OBJECT_STORE = "object-store"
    NETWORK = "network"
    PART = "part"
    """A part of Airflow or of Stationmaster: scheduler, dag-processor, launcher, watcher."""


class Subject(NamedTuple):
    """Name what a finding is about."""

    kind: SubjectKind
    name: str

    def __str__(self) -> str:
        """Return `kind:name`."""
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Return the subject that `str` wrote.

        Raises:
            ValueError: It is none.
        """
        kind, _, name = text.partition(":")
        return cls(SubjectKind(kind), name)


class FindingKey(NamedTuple):
    """Tell one finding from another: the same key seen again is the same trouble going on."""

    check: str
    subject: Subject
    business_date: dt.date | None

    def __str__(self) -> str:
        """Return `check kind:name date`, the last where there is one."""
        day = "" if self.business_date is None else f" {self.business_date}"
        return f"{self.check} {self.subject}{day}"


class Link(NamedTuple):
    """Point to where one sees more: a log, a run, a page."""

    title: str
    url: str


class Finding(BaseModel):
    """Hold one thing that is wrong, or that will be.

    Everything that an alert says is here: what, where, since when, who is affected, what to do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str = Field(description="Name of the check.")
    layer: Layer
    severity: Severity
    subject: Subject = Field(description="Where: what is wrong is wrong with this.")
    owner: str = Field(description="The team that is told.")
    what: str = Field(min_length=1, description="What is wrong, in one sentence with its figures.")
    next_action: str = Field(min_length=1, description="What to do next, in one sentence.")
    since: AwareDatetime = Field(description="When the trouble began, as far as anybody knows.")
    business_date: dt.date | None = Field(default=None, description="The day whose data it is.")
    affected: tuple[str, ...] = Field(
        default=(), description="Who is affected, as readers call it; lineage adds what it knows."
    )
    pipeline: str = ""
    run_id: str = ""
    step: str = ""
    links: tuple[Link, ...] = ()
    expected: str = ""
    got: str = ""
    foretold: bool = Field(default=False, description="It has not happened yet.")
    caused_by: tuple[Subject, ...] = Field(
        default=(), description="What the check itself knows to be the cause."
    )
    evidence: dict[str, JsonValue] = Field(
        default_factory=dict, description="Figures behind the sentence, by name, units in the name."
    )

    @property
    def key(self) -> FindingKey:
        """Return what tells it from others."""
        return FindingKey(self.check, self.subject, self.business_date)

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON takes it; `Finding.model_validate` reads it back."""
        return self.model_dump(mode="json")
