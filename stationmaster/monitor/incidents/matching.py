"""What a silence is about: fields of findings, and what they must be."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stationmaster.monitor.checks.finding import Layer, Severity
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from stationmaster.monitor.incidents.standing import StandingIncident

__all__ = ["Matcher"]


class Matcher(BaseModel):
    """Say which incidents somebody does not want to be told of; all fields must fit.

    An incident is judged by its cause: a silence about a late source is also one about the nine
    tables that are late because of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident: int | None = Field(default=None, description="Number of one incident.")
    check: str | None = Field(default=None, description="Name of the check; * and ? as in files.")
    subject: str | None = Field(
        default=None, description="What is wrong, `kind:name`, for example `dataset:orders_*`."
    )
    pipeline: str | None = Field(default=None, description="Name of the pipeline; * and ?.")
    owner: str | None = Field(default=None, description="The team.")
    layer: Layer | None = None
    severity: Severity | None = Field(
        default=None, description="Up to this: a silence of warnings lets what is critical pass."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            message = "a silence about everything would hide everything"
            raise ValueError(message)
        return self

    @classmethod
    def of(cls, **fields: Any) -> Self:  # noqa: ANN401 (its own fields, as people write them)
        """Return a matcher of what somebody typed.

        Raises:
            MisconfiguredError: It says nothing, or something that no finding has.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            raise _unusable(error) from error

    def matches(self, incident: StandingIncident) -> bool:
        """Tell whether a silence of this matcher is about an incident."""
        finding = incident.finding
        return (
            self.incident in {None, incident.id}
            and _fits(self.check, finding.check)
            and _fits(self.subject, str(finding.subject))
            and _fits(self.pipeline, finding.pipeline)
            and _fits(self.owner, finding.owner)
            and self.layer in {None, finding.layer}
            and (self.severity is None or incident.severity.rank <= self.severity.rank)
        )

    def in_words(self) -> str:
        """Return what it is about, for people."""
        if self.incident is not None:
            return f"incident {self.incident}"
        said = self.model_dump(exclude_none=True, mode="json")
        return ", ".join(f"{name} {value}" for name, value in said.items())


def _unusable(error: ValidationError) -> MisconfiguredError:
    problem = error.errors(include_url=False)[0]
    if problem["loc"]:
        return MisconfiguredError(
            where=f"silence, {problem['loc'][0]}",
            expected=problem["msg"].removeprefix("Input should be "),
            got=repr(problem["input"]),
            hint="Correct it; `stationmaster incidents silence --help` names what there is.",
        )
    return MisconfiguredError(
        where="silence",
        expected="what it is about: an incident, check, subject, pipeline, owner, layer or "
        "severity",
        got="nothing: a silence about everything would hide everything",
        hint="Say at least one of them, for example --check volume-off.",
    )


def _fits(wanted: str | None, value: str) -> bool:
    # [ is a letter here: names of subjects hold brackets more often than people write classes.
    return wanted is None or fnmatchcase(value, re.sub(r"\[", "[[]", wanted))
