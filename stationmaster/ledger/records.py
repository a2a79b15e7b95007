"""What is known of one attempt, version 1; light, since whoever watches pods imports it."""

from __future__ import annotations

import datetime as dt
import math
import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
)

from stationmaster.ledger.doubts import Told, believed, clock_doubts
from stationmaster.step.protocol import StepContext, StepResult

__all__ = [
    "LARGEST",
    "LONGEST_TEXT",
    "RECORD_VERSION",
    "AttemptKey",
    "AttemptKind",
    "AttemptRecord",
]

RECORD_VERSION: Final = 1
"""Version of AttemptRecord; a field that older programs must know of makes a new one."""

LONGEST_TEXT: Final = 4096
"""Characters kept of a sentence, a hint or a name: a row stays small whatever a step says."""

LARGEST: Final = 2**63 - 1
"""The largest whole number that a database column holds."""

TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header-field-values"""

AttemptKey = tuple[str, int, int]
"""(try_id, shard, attempt): unique in the ledger."""


def _plain(value: object) -> object:
    """Return a StrEnum's value as a plain str; anything else as it is."""
    return str.__str__(value) if isinstance(value, str) else value


def _storable(text: str) -> str:
    """Return a text that every database stores: Postgres has no NUL, a step may write one."""
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _storable_json(value: JsonValue) -> JsonValue:
    """Return a document that every database stores: no NUL, no NaN, no infinity."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, list):
        return [_storable_json(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable_json(each) for name, each in value.items()}
    return value


def _storable_result(result: StepResult) -> StepResult:
    document = result.model_dump(mode="json")
    storable = _storable_json(document)
    return result if storable == document else StepResult.model_validate(storable)


def _in_utc(moment: dt.datetime) -> dt.datetime:
    return dt.datetime.fromtimestamp(moment.timestamp(), dt.UTC)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


Text = Annotated[str, BeforeValidator(_plain), AfterValidator(_storable)]
Name = Annotated[Text, Field(min_length=1)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Document = Annotated[dict[str, JsonValue], AfterValidator(_storable_json)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]


class AttemptKind(StrEnum):
    """Tell what an attempt was: a pod, or a local process (laptop)."""

    POD = "pod"
    PROCESS = "process"


class AttemptRecord(BaseModel):
    """Hold what is known of one attempt; None and "" mean: not known (yet).

    One without a verdict goes on. The same attempt may be recorded many times and by several
    recorders: `stationmaster.ledger.merging` says what stands.

    The verdict is the text of the closed list in `stationmaster.airflow.life.findings`; its shape
    is checked here, its membership is not: while an upgrade rolls, an older program writes and
    reads next to a newer one, and a ledger that refuses a new verdict would lose the attempt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = RECORD_VERSION
    kind: AttemptKind = AttemptKind.POD

    # Who: the first three are the key.
    try_id: Name = Field(description="Airflow's ti.id: unique per try, never used again.")
    shard: int = Field(default=0, ge=0, lt=2**31)
    attempt: int = Field(default=1, ge=1, lt=2**31)
    pipeline: Name
    run_id: Name
    step: Name
    map_index: int = Field(default=-1, ge=-1, lt=2**31)
    try_number: int = Field(default=1, ge=1, lt=2**31)
    shards: int = Field(default=1, ge=1, lt=2**31, description="How many shards the step has.")
    job: Name
    business_date: dt.date
    traceparent: Text | None = Field(default=None, description="W3C trace context.")
    trace_id: Text = Field(default="", description="Its trace's id, 32 hexadecimal digits.")
    team: Text = Field(default="", description="Who pays: the pod's label stationmaster.io/team.")

    # Where.
    image: Text = Field(default="", description="As run: with its digest where it is known.")
    image_digest: Text = Field(default="", description="sha256:…, what ran, whatever its tag.")
    namespace: Text = ""
    pod_name: Text = ""
    pod_uid: Text = ""
    node: Text = Field(default="", description="Node of the pod; host of the process.")

    # Times, UTC.
    queued_at: Moment | None = Field(
        default=None,
        description="Airflow queued the try; for a later attempt: it was decided to start it.",
    )
    created_at: Moment | None = Field(default=None, description="The pod was created.")
    scheduled_at: Moment | None = Field(default=None, description="The pod got its node.")
    pulled_at: Moment | None = Field(default=None, description="The image was on the node.")
    started_at: Moment | None = Field(default=None, description="The step's process started.")
    finished_at: Moment | None = Field(default=None, description="The step's process ended.")
    recorded_at: Moment = Field(default_factory=_now, description="This was written down.")

    # Asked.
    asked_cpu_millicores: Count | None = Field(default=None, description="The CPU request.")
    asked_memory_bytes: Count | None = Field(default=None, description="Memory limit = request.")
    size_class: Text = Field(default="", description="xs … xl: the size that the step declares.")
    size_why: Text = Field(default="", description="Why it asked for something else than that.")
    parameter_class: Text = Field(default="", description="Which of its kinds of run this is.")
    declared_cpu_millicores: Count | None = Field(default=None, description="Of the size class.")
    declared_memory_bytes: Count | None = Field(default=None, description="Of the size class.")
    enlarged_from_bytes: Count | None = Field(
        default=None, description="The attempt before ran out of this; NULL: not enlarged."
    )
    input_bytes: Count | None = Field(
        default=None, description="Size of the inputs, known before the start."
    )

    # On which node.
    node_pool: Text = ""
    instance_type: Text = ""
    capacity_type: Text = Field(default="", description="spot, on-demand or reserved.")
    region: Text = ""
    zone: Text = ""
    node_cpu_millicores: Count | None = Field(default=None, description="The node's capacity.")
    node_memory_bytes: Count | None = Field(default=None, description="The node's capacity.")
    node_price_per_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    price_currency: Text = Field(default="", description="ISO 4217; empty without a price.")
    price_note: Text = Field(default="", description="Where it is from, or why there is none.")

    # Why it ended.
    verdict: Annotated[Name, Field(max_length=64)] | None = None
    exit_code: int | None = Field(default=None, ge=-(2**31), lt=2**31)
    sentence: Text = Field(default="", description="What happened, for people.")
    hint: Text = Field(default="", description="What to do next.")
    evidence: Document | None = Field(default=None, description="What the verdict came from.")
    proved_too_small_bytes: Count | None = Field(
        default=None, description="The limit that it ran out of; never sized as small again."
    )

    # Used and produced.
    wall_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    cpu_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    throttled_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    peak_memory_bytes: Count | None = Field(default=None, description="Resident; no page cache.")
    peak_working_set_bytes: Count | None = Field(
        default=None, description="With the page cache that the kernel counts as in use."
    )
    rows_read: Count | None = None
    rows_written: Count | None = None
    bytes_read: Count | None = None
    bytes_written: Count | None = None
    result: Annotated[StepResult, AfterValidator(_storable_result)] | None = Field(
        default=None, description="The step's own last word."
    )
    measured_by: Text = Field(default="", description="step, or metrics.k8s.io (foreign images).")
    doubted: Document | None = Field(
        default=None, description="What cannot be true, by field: what was told, and why not."
    )

    @property
    def key(self) -> AttemptKey:
        """Return what is unique to the attempt."""
        return (self.try_id, self.shard, self.attempt)

    @classmethod
    def of(
        cls,
        context: StepContext,
        *,
        result: StepResult | None = None,
        **known: Any,  # noqa: ANN401 (any field of this class; pydantic refuses the rest)
    ) -> Self:
        """Return the record of the attempt that was told `context`.

        Args:
            context: Who it is.
            result: The step's last word; measurements are taken from it where they can be true.
                The others are NULL, and kept in `doubted`, since a step may write any number.
            known: Any other field.

        Raises:
            pydantic.ValidationError: An unknown field, or a value of the wrong type.
        """
        told = Told(
            started_at=known.get("started_at"),
            finished_at=known.get("finished_at"),
            asked_memory_bytes=known.get("asked_memory_bytes"),
        )
        used = believed(result, told)
        if doubted := {**used.get("doubted", {}), **clock_doubts(known)}:
            used["doubted"] = doubted
        return cls.model_validate({**_who(context), **used, "result": result, **known})


def _who(context: StepContext) -> dict[str, Any]:
    own = {"pipeline", "run_id", "step", "job", "map_index", "try_id", "try_number", "attempt"}
    trace = TRACEPARENT.fullmatch(context.traceparent or "")
    return {
        **context.model_dump(include=own | {"business_date", "traceparent"}),
        "shard": context.shard.index,
        "shards": context.shard.count,
        "trace_id": trace[1] if trace else "",
    }
