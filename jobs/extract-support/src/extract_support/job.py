"""The job: one business day of customer support's tickets."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from extract_support.client import Patience, SupportClient
from extract_support.columns import ticket_columns
from extract_support.pages import (
    HINT,
    check_complete,
    read_own_pages,
    read_tickets,
    what_changed,
)
from extract_support.shapes import TICKET
from stationmaster.step import Inputs, Outputs, Params, job
from stationmaster.step.deliveries import Delivered
from stationmaster.step.extraction.days import Fault, Recipe, extract, stage
from stationmaster.step.extraction.jsonlines import read_json_lines
from stationmaster.step.extraction.promises import promise

if TYPE_CHECKING:
    import datetime as dt
    from zoneinfo import ZoneInfo

__all__ = ["ExtractSupport", "recipe", "run"]

_TOKEN: Final = "support-api-token"  # noqa: S105 (the name of a secret's file, no secret)
_NO_TIME: Final = "the time is not written like 2011-11-21T08:26:00Z"


class ExtractSupport(Params):
    """What can be set for a run."""

    api_url: str = ""
    """Where the API is; empty: the setting STATIONMASTER_SUPPORT_API_URL."""
    per_page: int = 100
    answer_seconds: float = 30.0
    """How long to wait for one answer."""
    patience_seconds: float = 300.0
    """How long to go on asking for one page."""
    max_bad_records: float = 0.05
    """Share of the tickets that may be bad before the step stops."""


def recipe(max_bad_records: float, zone: ZoneInfo) -> Recipe:
    """Return how tickets are read."""
    return Recipe(
        dataset="support_tickets",
        prefix="",
        read=partial(
            read_json_lines,
            shape=TICKET,
            contract=promise(__file__, "tickets"),
            max_bad_share=max_bad_records,
            hint=HINT,
        ),
        columns=ticket_columns(),
        key=["ticket_id"],
        time="created_at",
        latest_by="updated_at",
        zone=zone,
        faults=[
            Fault("ticket_id", "no_key", "the ticket has no number"),
            Fault("created_at", "bad_time", _NO_TIME),
            Fault("updated_at", "bad_time", _NO_TIME),
            Fault("cancelled_amount", "bad_amount", "the amount is no number", "cancelled_amount"),
        ],
        figures={"cancelled_amount": pl.col("cancelled_amount").sum()},
    )


@job
def run(params: ExtractSupport, inputs: Inputs, outputs: Outputs) -> None:
    """Ask the support API for the day's tickets and write `support_tickets`."""
    settings = inputs.settings
    client = SupportClient(
        params.api_url or settings.support_api_url,
        inputs.secret(_TOKEN),
        token_file=settings.secrets_folder / _TOKEN,
        patience=Patience(params.answer_seconds, params.patience_seconds),
    )
    with closing(client):
        check_complete(client, inputs.utc_bounds()[1])
        tickets = _tickets(client, inputs.utc_bounds(), outputs, per_page=params.per_page)
    inputs.count_read(bytes=client.bytes_read)
    if tickets is None:
        outputs.leave("support_tickets")
        return
    lines = "\n".join(tickets).encode()
    answer = Delivered("support API", inputs.business_date, "/v1/tickets", lines)
    tickets_of_day = recipe(params.max_bad_records, inputs.zone)
    stage(tickets_of_day, extract(tickets_of_day, [answer], inputs.utc_bounds()), inputs, outputs)


def _tickets(
    client: SupportClient,
    bounds: tuple[dt.datetime, dt.datetime],
    outputs: Outputs,
    *,
    per_page: int,
) -> list[str] | None:
    """Return all tickets as JSON; of a split step only to the shard that comes last.

    To read page by page is what takes time, so that is what is split; what is wrong with the
    answer shows in all of it.
    """
    if outputs.shard.count > 1:
        pages, total = read_own_pages(client, bounds, outputs.shard, per_page=per_page)
        rows = [(page, json.dumps(ticket)) for page in pages for ticket in pages[page]]
        part = pl.DataFrame(rows, schema={"page": pl.Int64, "ticket": pl.String}, orient="row")
        shares = outputs.hand_in("support_tickets", part, {"total": str(total)})
        if shares is None:
            return None
        together = pl.concat(share.frame for share in shares)
        tickets: list[str] = together.sort("page", maintain_order=True)["ticket"].to_list()
        same = all(share.told["total"] == str(total) for share in shares)
        if same and not what_changed([json.loads(ticket) for ticket in tickets], total):
            return tickets
    return [json.dumps(ticket) for ticket in read_tickets(client, bounds, per_page=per_page)]
