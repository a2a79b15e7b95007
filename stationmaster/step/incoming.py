"""Read the step's context from the environment, and check it before any work."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from stationmaster.step.errors import (
    BusinessDateError,
    MisconfiguredError,
    ProtocolVersionError,
)
from stationmaster.step.protocol import CONTEXT_VARIABLE, PROTOCOL_VERSION, StepContext

if TYPE_CHECKING:
    from stationmaster.step.params import Params
    from stationmaster.step.settings import Settings

__all__ = ["check_business_date", "parse_business_date", "parse_context", "validate_params"]


def parse_context(text: str | None) -> StepContext:
    """Read the context document.

    Raises:
        MisconfiguredError: The variable is missing, is no JSON object, or lacks a field.
        ProtocolVersionError: The document is of another version.
        BusinessDateError: The business date is no date.
    """
    document = _document(text)
    version = document.get("protocol")
    if version != PROTOCOL_VERSION or isinstance(version, bool):
        raise ProtocolVersionError(
            where=f"protocol version in {CONTEXT_VARIABLE}",
            expected=f"{PROTOCOL_VERSION}",
            got="none" if version is None else json.dumps(version),
            hint="Run the job with a stationmaster release that speaks this version, "
            "or build the job's image anew.",
        )
    if "business_date" in document:
        document["business_date"] = parse_business_date(document["business_date"])
    try:
        return StepContext.model_validate(document)
    except ValidationError as error:
        field, problem, got = _first(error)
        raise MisconfiguredError(
            where=f"field `{field}` of {CONTEXT_VARIABLE}",
            expected=problem,
            got=got,
            hint="Compare the context with schemas/context.schema.json of stationmaster.step.",
        ) from error


def parse_business_date(value: object) -> dt.date:
    """Read a date such as 2011-11-21.

    Raises:
        BusinessDateError: It is none.
    """
    if isinstance(value, str) and len(value) == len("2011-11-21"):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise BusinessDateError(
        where="business date",
        expected="a day of the calendar written like 2011-11-21",
        got=json.dumps(value, default=str),
        hint="Give an existing date as YYYY-MM-DD.",
    )


def check_business_date(day: dt.date, settings: Settings) -> None:
    """Refuse a day that has not begun in the business's time zone.

    Raises:
        BusinessDateError: The day lies in the future.
    """
    today = dt.datetime.now(settings.zone).date()
    if day > today:
        raise BusinessDateError(
            where=f"business date {day}",
            expected=f"no later than today, {today} in {settings.business_timezone}",
            got=f"a date {(day - today).days} days ahead",
            hint="Give a day that has begun.",
        )


def validate_params(model: type[Params], given: dict[str, Any]) -> Params:
    """Read a job's parameters.

    Raises:
        MisconfiguredError: One is unknown, missing or of the wrong type.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        field, problem, got = _first(error)
        known = ", ".join(model.model_fields) or "none"
        raise MisconfiguredError(
            where=f"param `{field}` of {model.__name__}",
            expected=problem,
            got=got,
            hint=f"Correct it in job.yaml or where the step is called; known params: {known}.",
        ) from error


def _document(text: str | None) -> dict[str, Any]:
    hint = "Start the job by `stationmaster run-step <job> --date <day>`, or by its pipeline."
    if not text:
        raise MisconfiguredError(
            where=f"environment variable {CONTEXT_VARIABLE}",
            expected="the step's context as JSON",
            got="nothing" if text is None else "an empty text",
            hint=hint,
        )
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MisconfiguredError(
            where=f"environment variable {CONTEXT_VARIABLE}",
            expected="JSON",
            got=f"{text[:60]!r} ({error})",
            hint=hint,
        ) from error
    if not isinstance(document, dict):
        raise MisconfiguredError(
            where=f"environment variable {CONTEXT_VARIABLE}",
            expected="a JSON object",
            got=f"{text[:60]!r}",
            hint=hint,
        )
    return document


def _first(error: ValidationError) -> tuple[str, str, str]:
    """Return field, what was expected and what came, of the first problem."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"]) or "(all)"
    if problem["type"] == "missing":
        return field, "a value", "nothing"
    if problem["type"] == "extra_forbidden":
        return field, "only known names", f"{problem['input']!r}"[:200]
    return field, problem["msg"], f"{problem['input']!r}"[:200]
