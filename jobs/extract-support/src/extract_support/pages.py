"""Read all tickets of a window page by page, and notice when the pages change meanwhile."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, cast

from extract_support.shapes import PAGE, STATUS
from stationmaster.step import ContractBrokenError, UpstreamUnavailableError
from stationmaster.step.extraction.shapes import Census, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extract_support.client import SupportClient
    from stationmaster.step.protocol import Shard

__all__ = ["HINT", "check_complete", "read_own_pages", "read_tickets", "what_changed"]

HINT: Final = (
    "Map the field in payloads/, shapes.py and columns.py of the job extract-support, or ask the "
    "support team to bring it back; then clear the step."
)
_ROUNDS: Final = 3
_TICKETS: Final = "/v1/tickets"
_STATUS: Final = "/v1/status"
_LAST_SECOND: Final = dt.timedelta(seconds=1)


def check_complete(client: SupportClient, end: dt.datetime) -> None:
    """Make sure that the API has every ticket created before `end`.

    Raises:
        UpstreamUnavailableError: It has not yet.
        ContractBrokenError: It does not say so in the promised words.
    """
    answer = client.get(_STATUS)
    _check_shape(answer, STATUS, _STATUS)
    told = answer["complete_through"]
    if told is None or _moment(str(told)) < end - _LAST_SECOND:
        raise UpstreamUnavailableError(
            where=f"support API {_STATUS}",
            expected=f"tickets complete through {_iso(end - _LAST_SECOND)}",
            got=f"complete through {told or 'no day at all'}",
            hint="The step tries again later; if it stays so, ask the support team.",
        )


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as problem:
        raise _not_a_time(text) from problem
    if moment.tzinfo is None:
        raise _not_a_time(text)
    return moment


def read_tickets(
    client: SupportClient, bounds: tuple[dt.datetime, dt.datetime], *, per_page: int
) -> list[Mapping[str, object]]:
    """Return every ticket created in [start, end).

    Raises:
        UpstreamUnavailableError: The pages changed each time they were read.
        ContractBrokenError: A page does not look as promised.
    """
    changed = ""
    before: list[Mapping[str, object]] | None = None
    for _ in range(_ROUNDS):
        tickets, changed = _one_round(client, bounds, per_page)
        # The same twice over is what the API holds: a ticket it holds twice, say.
        if not changed or (tickets and tickets == before):
            return tickets
        before = tickets
    raise UpstreamUnavailableError(
        where=f"support API {_TICKETS}",
        expected="pages that stay the same while they are read",
        got=f"changes in each of {_ROUNDS} rounds, the last time {changed}",
        hint="The step tries again later; if it stays so, ask the support team whether old "
        "tickets are being imported.",
    )


def read_own_pages(
    client: SupportClient,
    bounds: tuple[dt.datetime, dt.datetime],
    shard: Shard,
    *,
    per_page: int,
) -> tuple[dict[int, list[Mapping[str, object]]], int]:
    """Return the tickets of every so many-th page by page, and how many all pages hold.

    Whoever puts the parts together compares their number with that: pages that change while they
    are read show there.

    Raises:
        ContractBrokenError: A page does not look as promised.
    """
    window = _window(bounds, per_page)
    first = _page(client, window, 1)
    found: dict[int, list[Mapping[str, object]]] = {}
    for number in range(shard.index + 1, cast("int", first["pages"]) + 1, shard.count):
        page = first if number == 1 else _page(client, window, number)
        found[number] = list(cast("Sequence[Mapping[str, object]]", page["tickets"]))
    return found, cast("int", first["total"])


def _window(bounds: tuple[dt.datetime, dt.datetime], per_page: int) -> dict[str, str | int]:
    start, end = bounds
    return {"created_from": _iso(start), "created_to": _iso(end), "per_page": per_page}


def _page(
    client: SupportClient, window: Mapping[str, str | int], number: int
) -> Mapping[str, object]:
    page = client.get(_TICKETS, {**window, "page": number})
    _check_shape(page, PAGE, f"{_TICKETS} page {number}")
    return page


def _one_round(
    client: SupportClient, bounds: tuple[dt.datetime, dt.datetime], per_page: int
) -> tuple[list[Mapping[str, object]], str]:
    """Return the tickets, and in words what changed between the first page and the last."""
    window = _window(bounds, per_page)
    tickets: list[Mapping[str, object]] = []
    pages, number, total = 1, 0, None
    while number < pages:
        number += 1
        page = _page(client, window, number)
        now = cast("int", page["total"])
        if total is not None and total != now:
            return [], f"{total:,} tickets became {now:,} by page {number}"
        total, pages = now, cast("int", page["pages"])
        tickets += cast("Sequence[Mapping[str, object]]", page["tickets"])
    change = what_changed(tickets, total or 0)
    return ([] if len(tickets) != total else tickets), change


def what_changed(tickets: Sequence[Mapping[str, object]], total: int) -> str:
    """Say in words what shows that pages changed while they were read; nothing where none did."""
    if len(tickets) != total:
        return f"{total:,} tickets were announced and {len(tickets):,} came"
    numbers = [ticket.get("ticket_id") for ticket in tickets if ticket.get("ticket_id")]
    return "a ticket came twice" if len(set(map(str, numbers))) < len(numbers) else ""


def _check_shape(answer: Mapping[str, object], shape: Shape, where: str) -> None:
    census = Census(shape)
    census.add(answer)
    if census.problems:
        raise census.error(where=f"support API {where}", hint=HINT)


def _not_a_time(text: str) -> ContractBrokenError:
    return ContractBrokenError(
        where=f"support API {_STATUS}",
        expected="`complete_through` as a time like 2011-11-21T23:59:59Z",
        got=repr(text),
        hint=HINT,
    )


def _iso(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
