"""The support API behaves as a third party's API does, at its best and at its worst."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from stationmaster.sources.days import generate_day, support_file
from stationmaster.sources.faults import inject
from stationmaster.sources.plan import Plan
from stationmaster.sources.support_api import running_api, serve, token
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.sources.world import World
    from stationmaster.step.settings import Settings

    Client = Callable[[str], httpx.Client]

DAY = dt.date(2011, 11, 21)
TICKETS = "/v1/tickets?created_from=2011-11-21T00:00:00Z&created_to=2011-11-22T00:00:00Z"


def test_pages_give_every_ticket_once_in_order(day: Settings, client: Client) -> None:
    """All pages together are the day's tickets, sorted by created_at and ticket_id."""
    with running_api(day) as url, client(url) as api:
        first = api.get(f"{TICKETS}&per_page=5").json()
        pages = [api.get(f"{TICKETS}&per_page=5&page={page + 1}") for page in range(first["pages"])]
    tickets = [ticket for page in pages for ticket in page.json()["tickets"]]
    keys = [(ticket["created_at"], ticket["ticket_id"]) for ticket in tickets]

    assert len(set(keys)) == len(keys) == first["total"] > 15
    assert keys == sorted(keys)


def test_bounds_are_from_included_to_excluded(day: Settings, client: Client) -> None:
    """Two halves of a day share no ticket and miss none; an offset other than Z is understood."""
    middle = "2011-11-21T13:06:00"
    with running_api(day) as url, client(url) as api:
        whole = api.get(TICKETS).json()["total"]
        halves = [
            api.get("/v1/tickets", params={"created_from": start, "created_to": end}).json()
            for start, end in (
                ("2011-11-21T00:00:00Z", f"{middle}Z"),
                ("2011-11-21T14:06:00+01:00", "2011-11-22T00:00:00Z"),
            )
        ]

    assert sum(half["total"] for half in halves) == whole
    assert halves[1]["tickets"][0]["created_at"] >= f"{middle}Z"


def test_without_the_token_nothing_is_shown(day: Settings) -> None:
    """A wrong token gets 401 and a sentence, on both paths."""
    with running_api(day) as url:
        for path in (TICKETS, "/v1/status"):
            answer = httpx.get(url + path, headers={"Authorization": "Bearer guessed"})

            assert answer.status_code == 401
            assert "Authorization: Bearer" in answer.json()["error"]["message"]


def test_the_token_is_a_private_file(settings: Settings) -> None:
    """The token is made once, and only its owner can read it."""
    made = token(settings)
    path = settings.secrets_folder / "support-api-token"

    assert token(settings) == made == path.read_text().strip()
    assert path.stat().st_mode & 0o077 == 0


def test_status_says_what_is_complete(day: Settings, client: Client) -> None:
    """A complete day is said to be; a late one is not, until it is there."""
    with running_api(day) as url, client(url) as api:
        assert api.get("/v1/status").json() == {"complete_through": "2011-11-21T23:59:59Z"}
        inject(day, "late", "support", DAY)
        assert api.get("/v1/status").json() == {"complete_through": "2011-11-20T23:59:59Z"}


def test_too_many_calls_are_told_to_wait(day: Settings, client: Client) -> None:
    """Above the rate limit the answer is 429 with Retry-After, and none is a proper answer."""
    with running_api(day, calls_a_second=1.0) as url, client(url) as api:
        answers = [api.get("/v1/status") for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]

    assert answers[0].status_code == 200
    assert len(refused) >= 4
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("500", 500)])
def test_a_refusal_ends_after_its_calls(
    day: Settings, client: Client, fault: str, status: int
) -> None:
    """A fault for two calls is over with the third."""
    plan = Plan.model_validate({"answer": fault, "calls": 2})
    with running_api(day, plan) as url, client(url) as api:
        answers = [api.get(TICKETS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert ("Retry-After" in answers[0].headers) is (fault == "429")


def test_a_hanging_answer_never_comes(day: Settings, client: Client) -> None:
    """A hanging call gives nothing; the status is still answered."""
    with running_api(day, Plan(answer="hang")) as url, client(url) as api:
        assert api.get("/v1/status").status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            api.get(TICKETS, timeout=0.3)


def test_malformed_json_ends_early(day: Settings, client: Client) -> None:
    """The answer says 200 and JSON, and is not."""
    inject(day, "malformed", "support", DAY)
    with running_api(day) as url, client(url) as api:
        answer = api.get(TICKETS)

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_renamed_and_a_retyped_field(day: Settings, client: Client) -> None:
    """Fields change in every ticket, with the same values where only the name changed."""
    with running_api(day) as url, client(url) as api:
        before = api.get(TICKETS).json()["tickets"]
        inject(day, "renamed", "support", DAY)
        inject(day, "retyped", "support", DAY)
        after = api.get(TICKETS).json()["tickets"]

    assert [ticket["createdAt"] for ticket in after] == [ticket["created_at"] for ticket in before]
    assert not any("created_at" in ticket for ticket in after)
    assert all(isinstance(ticket["ticket_id"], int) for ticket in after)


def test_doubled_tickets_are_counted_twice(day: Settings, client: Client) -> None:
    """A doubled ticket is on the pages twice, and the total says so."""
    with running_api(day) as url, client(url) as api:
        before = api.get(TICKETS).json()["total"]
        inject(day, "duplicated", "support", DAY)
        after = api.get(TICKETS).json()

    assert after["total"] == len(after["tickets"]) == before + -(-before // 10)


@pytest.mark.parametrize(("query", "problem"), [
    ("created_from=2011-11-21T00:00:00Z", "missing parameter created_to"),
    ("created_from=yesterday&created_to=2011-11-21T00:00:00Z", "yesterday"),
    ("created_from=2011-11-21T00:00:00&created_to=2011-11-21T00:00:00Z", "has no offset"),
    (TICKETS.partition("?")[2] + "&page=0", "page must be 1 or more"),
    (TICKETS.partition("?")[2] + "&per_page=501", "per_page 1 to 500"),
])  # fmt: skip
def test_a_bad_question_is_answered_with_what_is_wrong(
    day: Settings, client: Client, query: str, problem: str
) -> None:
    """A question the API cannot answer gets 400 and the reason."""
    with running_api(day) as url, client(url) as api:
        answer = api.get(f"/v1/tickets?{query}")

    assert answer.status_code == 400
    assert problem in answer.json()["error"]["message"]


def test_a_day_that_appears_is_answered(day: Settings, world: World, client: Client) -> None:
    """A running API answers from days that were generated after it started."""
    with running_api(day) as url, client(url) as api:
        generate_day(world, day, DAY + dt.timedelta(days=1), ("support",))
        status = api.get("/v1/status").json()

    assert support_file(day, DAY + dt.timedelta(days=1)).exists()
    assert status == {"complete_through": "2011-11-22T23:59:59Z"}


def test_a_taken_port_is_named_with_the_way_out(day: Settings) -> None:
    """Serving on a port that is taken ends at once, with what to do."""
    with running_api(day) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(MisconfiguredError) as caught:
            serve(day, port)

    assert f"port {port} of 127.0.0.1: expected a free port" in str(caught.value)
    assert "take another: --port" in str(caught.value)
