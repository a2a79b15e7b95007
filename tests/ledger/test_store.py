"""Recording and reading back, on sqlite and on Postgres."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.ledger.models import attempt
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger, disputed
from stationmaster.step.errors import MisconfiguredError
from tests.ledger.attempts import DAY, NOON, context, record, result

TEXTS = (
    *("trace_id", "team", "image_digest", "size_class", "size_why", "parameter_class"),
    *("node_pool", "instance_type", "capacity_type", "region", "zone", "price_currency"),
    *("price_note", "measured_by"),
)
NUMBERS = (
    *("declared_cpu_millicores", "declared_memory_bytes", "enlarged_from_bytes", "input_bytes"),
    *("node_cpu_millicores", "node_memory_bytes", "proved_too_small_bytes"),
    *("peak_working_set_bytes", "node_price_per_hour", "throttled_seconds"),
    *("rows_read", "bytes_read", "bytes_written"),
)


def full_record() -> AttemptRecord:
    """Return a record in which every field is known."""
    times = ("queued_at", "created_at", "scheduled_at", "pulled_at", "started_at", "finished_at")
    return record(
        **{name: NOON + dt.timedelta(seconds=n + 0.25) for n, name in enumerate(times)},
        **{name: name for name in TEXTS},
        **{name: 7 + n for n, name in enumerate(NUMBERS)},
        doubted={"rows_read": {"told": -1, "why": "is negative"}},
        traceparent="00-a-b-01",
        image="stationmaster/extract-web:1",
        namespace="stationmaster-steps",
        pod_name="extract-web-1",
        pod_uid="4c5",
        node="node-a",
        asked_cpu_millicores=250,
        asked_memory_bytes=2**30,
        verdict="out_of_memory",
        exit_code=137,
        sentence="Used 1.0 of 1.0 GiB — geprüft.",
        hint="Give it size m.",
        evidence={"reason": "OOMKilled", "n": [1, 2.5, None, True]},
        result=result(),
    )


def test_a_record_comes_back_as_it_was(ledger: Ledger) -> None:
    """Every field survives the database, with its type and its zone."""
    ledger.record(full_record())

    assert ledger.attempts_of_try(full_record().try_id) == [full_record()]
    assert set(full_record().model_dump()) - full_record().model_fields_set == {
        *("version", "kind")
    }


def test_columns_are_the_records_fields() -> None:
    """The table and the record have the same names, in the same order."""
    assert list(attempt.columns.keys()) == list(AttemptRecord.model_fields)


def test_recording_again_leaves_one_row(ledger: Ledger) -> None:
    """Two recorders of the same attempt leave what one would have left."""
    for _ in range(2):
        assert ledger.record(full_record()) == "out_of_memory"

    assert ledger.last(10) == [full_record()]


def test_a_batch_may_name_an_attempt_twice(ledger: Ledger) -> None:
    """Start and end of an attempt in one batch are one row with both."""
    started, ended = record(started_at=NOON), record(verdict="succeeded", exit_code=0)

    ledger.record_all([started, ended, record(attempt=2)])

    first, second = ledger.attempts_of_try(started.try_id)
    assert (first.started_at, first.verdict, second.attempt) == (NOON, "succeeded", 2)


def test_attempts_of_a_step_by_date(ledger: Ledger) -> None:
    """A step's attempts come by business date, both ends included, others left out."""
    days = [DAY + dt.timedelta(days=n) for n in range(4)]
    for day in reversed(days):
        ledger.record(AttemptRecord.of(context(try_id=f"t{day}", business_date=day)))
    ledger.record(AttemptRecord.of(context(try_id="other", step="merge")))

    found = ledger.attempts_of_step(
        "morning_analytics", "extract_web", since=days[1], until=days[2]
    )

    assert [each.business_date for each in found] == days[1:3]


def test_the_last_attempts_come_newest_first(ledger: Ledger) -> None:
    """`last` counts by when an attempt was recorded, and can be narrowed."""
    for n in range(5):
        pipeline = "even" if n % 2 == 0 else "odd"
        at = NOON + dt.timedelta(minutes=n)
        told = context(try_id=f"t{n}", pipeline=pipeline)
        ledger.record(AttemptRecord.of(told, recorded_at=at))

    assert [each.try_id for each in ledger.last(2)] == ["t4", "t3"]
    assert [each.try_id for each in ledger.last(9, pipeline="odd")] == ["t3", "t1"]
    assert ledger.last(9, business_date=DAY + dt.timedelta(days=1)) == []


def test_a_contradicted_record_is_told_the_verdict_that_stands(ledger: Ledger) -> None:
    """The second of two different verdicts changes nothing and is reported."""
    ledger.record(record(verdict="succeeded"))
    late = record(verdict="pod_deleted", sentence="Gone.")

    standing = ledger.record_all([late])

    assert disputed([late], standing) == [(late, "succeeded")]
    assert ledger.last(1)[0].sentence == ""


@pytest.mark.parametrize("uri", ["", "sqlite://", "mysql://root:secret@host/db", "no uri: secret"])
def test_another_database_is_refused_without_its_password(uri: str) -> None:
    """A URI that cannot work is refused in words, and a password is not repeated."""
    with pytest.raises(MisconfiguredError, match="STATIONMASTER_LEDGER_URI") as caught:
        Ledger.open(uri)

    assert "secret" not in str(caught.value)


def test_a_password_among_the_parameters_is_not_told_either() -> None:
    """The Postgres library takes it there too."""
    ledger = Ledger.open("postgresql:///db?host=h&user=u&password=geheim&sslpassword=leise")

    assert ledger.name == "postgresql+psycopg2:///db?host=h&user=u"


def test_a_ledger_names_itself_without_its_password() -> None:
    """What messages show of a ledger holds no secret."""
    assert "secret" not in Ledger.open("postgres://me:secret@host/db").name
