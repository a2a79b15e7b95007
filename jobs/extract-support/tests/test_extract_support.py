"""What extract-support promises, against the played support API and its faults."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from extract_support.job import run
from stationmaster.sources.days import support_folder
from stationmaster.sources.plan import Plan
from stationmaster.sources.support_api import running_api
from stationmaster.step import Settings
from stationmaster.step.testing import JobRun, run_job

if TYPE_CHECKING:
    from pathlib import Path

DAY = dt.date(2011, 11, 21)


def ticket(number: int, **changes: object) -> dict[str, Any]:
    """Return a ticket as the API gives it."""
    return {
        "ticket_id": f"T-{number}",
        "created_at": f"{DAY}T10:00:00Z",
        "updated_at": f"{DAY}T12:30:00Z",
        "order_ref": "536365",
        "customer": {"email": "jane@example.com", "name": "Jane O'Neill", "phone": None},
        "kind": "question",
        "subject": "Where is my parcel?",
        "status": "open",
        "cancelled_amount": None,
        **changes,
    }


def hold(home: Path, *tickets: dict[str, Any]) -> Settings:
    """Put tickets where the API answers from, by the UTC day they were created on."""
    place = Settings(home=home)
    folder = support_folder(place)
    folder.mkdir(parents=True, exist_ok=True)
    days: dict[str, list[dict[str, Any]]] = {f"{DAY}": [], f"{DAY + dt.timedelta(days=1)}": []}
    for one in tickets:
        days.setdefault(one["created_at"][:10], []).append(one)
    for day, some in days.items():
        text = "".join(f"{json.dumps(one)}\n" for one in some)
        (folder / f"{day}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return place


def asked(
    home: Path, *tickets: dict[str, Any], plan: Plan | None = None, **params: object
) -> JobRun:
    """Run the job against the API that holds these tickets and plays these faults."""
    with running_api(hold(home, *tickets), plan or Plan()) as url:
        patience = {"answer_seconds": 0.5, "patience_seconds": 1.0}
        return run_job(run, DAY, home=home, params={"api_url": url, **patience, **params})


def message(done: JobRun) -> str:
    """Return what a failed step says."""
    assert done.result.error is not None
    return done.result.error.message


def test_a_ticket_becomes_a_row(tmp_path: Path) -> None:
    """Fields get our names, times are UTC, amounts are exact."""
    done = asked(tmp_path, ticket(1, kind="cancellation", cancelled_amount="12.50"))

    row = done.table("support_tickets").row(0, named=True)
    assert (row["ticket_id"], row["order_id"], row["kind"]) == ("T-1", "536365", "cancellation")
    assert row["created_at"] == dt.datetime(2011, 11, 21, 10, tzinfo=dt.UTC)
    assert row["cancelled_amount"] == Decimal("12.50")
    assert (row["full_name"], row["phone"]) == ("Jane O'Neill", None)
    assert done.result.measurements.bytes_read > 0


def test_every_page_is_read(tmp_path: Path) -> None:
    """Tickets on the last page count as much as those on the first."""
    done = asked(tmp_path, *(ticket(n) for n in range(23)), per_page=5)

    assert done.table("support_tickets").height == 23


def test_only_the_business_day_is_asked_for(tmp_path: Path) -> None:
    """A ticket a second before midnight belongs to the day before, at midnight to the day."""
    times = ["2011-11-20T23:59:59Z", f"{DAY}T00:00:00Z", f"{DAY}T23:59:59Z", "2011-11-22T00:00:00Z"]
    tickets = [ticket(n, created_at=time, updated_at=time) for n, time in enumerate(times)]

    done = asked(tmp_path, *tickets)

    assert sorted(done.table("support_tickets")["ticket_id"]) == ["T-1", "T-2"]


@pytest.mark.parametrize("fault", ["500", "429", "malformed"])
def test_passing_trouble_is_got_over(fault: Any, tmp_path: Path) -> None:  # noqa: ANN401 (one of the fault names)
    """The first call goes wrong, the next ones do not: nobody notices."""
    done = asked(tmp_path, ticket(1), plan=Plan(answer=fault, calls=1), patience_seconds=20)

    assert done.exit_code == 0
    assert done.table("support_tickets").height == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "got status 500 Internal Server Error, asked"),
        ("429", "got status 429 Too Many Requests, which asks to wait 1 s, asked"),
        ("hang", "got no whole answer in time (ReadTimeout), asked"),
    ],
)
def test_lasting_trouble_is_told_and_tried_again_later(
    fault: Any,  # noqa: ANN401 (one of the fault names)
    words: str,
    tmp_path: Path,
) -> None:
    """After its patience the step names address, status, and how long it has asked."""
    done = asked(tmp_path, ticket(1), plan=Plan(answer=fault))

    assert done.exit_code == 69
    assert message(done).startswith("support API http://127.0.0.1:")
    assert "/v1/tickets?created_from=2011-11-21T00%3A00%3A00Z" in message(done)
    assert words in message(done)
    assert " s. The step tries again later" in message(done)


def test_malformed_json_is_shown(tmp_path: Path) -> None:
    """The message tells the page and the first bytes of what came."""
    done = asked(tmp_path, ticket(1), plan=Plan(answer="malformed"))

    assert done.exit_code == 65
    assert "page=1: expected a JSON object, got " in message(done)
    assert """they begin with '{"tickets": [{"ticket_id": "T-0'""" in message(done)


def test_a_renamed_field_is_named_with_its_new_name(tmp_path: Path) -> None:
    """The message tells endpoint, old and new name, and how many of how many tickets."""
    plan = Plan(renamed={"order_ref": "orderRef"})

    done = asked(tmp_path, *(ticket(n) for n in range(12)), plan=plan, per_page=5)

    assert done.exit_code == 65
    assert message(done).startswith(
        "support API /v1/tickets of 2011-11-21 (source support, endpoint GET /v1/tickets): "
        "expected `order_ref` (string or null), got `order_ref` is gone from 12 of 12 records, "
        "`orderRef` is new and looks the same in 100% of them"
    )
    assert "columns.py of the job extract-support" in message(done)


def test_a_changed_type_is_named(tmp_path: Path) -> None:
    """The message tells the field, what was promised and what came."""
    done = asked(tmp_path, ticket(1), ticket(2), plan=Plan(retyped=("ticket_id",)))

    assert done.exit_code == 65
    assert "`ticket_id` is a whole number in 2 of 2 records, expected string" in message(done)


def test_a_day_that_is_not_complete_is_waited_for(tmp_path: Path) -> None:
    """The API says through when it is complete; before the day's end the step comes later."""
    done = asked(tmp_path, ticket(1), plan=Plan(late_from=DAY + dt.timedelta(days=1)))
    early = asked(tmp_path / "early", ticket(1), plan=Plan(late_from=DAY))

    assert done.exit_code == 0
    assert early.exit_code == 69
    assert "expected tickets complete through 2011-11-21T23:59:59Z, got" in message(early)


def test_a_refused_token_names_its_file(tmp_path: Path) -> None:
    """Whoever reads it knows which file to put a valid token into."""
    with running_api(hold(tmp_path, ticket(1)), Plan()) as url:
        secrets = {"support-api-token": "wrong"}
        (tmp_path / "secrets" / "support-api-token").unlink()
        done = run_job(run, DAY, home=tmp_path, secrets=secrets, params={"api_url": url})

    assert done.exit_code == 78
    assert f"the token in {tmp_path}/secrets/support-api-token to be accepted" in message(done)
    assert "got status 401 Unauthorized" in message(done)


def test_a_missing_token_names_its_file(tmp_path: Path) -> None:
    """Without the secret the step says which file it looked for."""
    done = run_job(run, DAY, home=tmp_path)

    assert done.exit_code == 78
    assert f"{tmp_path}/secrets/support-api-token" in message(done)


def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """A refused connection is told with the address that was asked."""
    with running_api(hold(tmp_path), Plan()) as url:
        pass

    done = run_job(run, DAY, home=tmp_path, params={"api_url": url, "patience_seconds": 0.5})

    assert done.exit_code == 69
    assert f"support API {url}/v1/status" in message(done)
    assert "no connection or a broken one" in message(done)


def test_a_day_without_tickets_is_published_empty(tmp_path: Path) -> None:
    """An empty day is news, no error: zero rows, and a note that says so."""
    done = asked(tmp_path)

    assert (done.exit_code, done.table("support_tickets").height) == (0, 0)
    assert "support_tickets: the source delivered 1 files without records" in done.result.notes


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"cancelled_amount": "ten"}, "bad_amount"),
        ({"updated_at": "soon"}, "bad_time"),
        ({"kind": "praise"}, "kind_known"),
        ({"customer": {"email": 7, "name": "Jane", "phone": None}}, "wrong_type"),
    ],
)
def test_a_ticket_that_breaks_a_rule_is_kept_aside(
    changes: dict[str, Any], rule: str, tmp_path: Path
) -> None:
    """Its rule says why; the other tickets are published."""
    done = asked(tmp_path, *(ticket(n) for n in range(40)), ticket(41, **changes))

    assert done.table("support_tickets").height == 40
    assert done.quarantine("support_tickets")["rule"].to_list() == [rule]
