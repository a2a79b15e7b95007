"""The job: one business day of customer support's tickets."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from extract_support.client import Patience, SupportClient
from extract_support.columns import ticket_columns
from extract_support.pages import HINT, check_complete, read_tickets
from extract_support.shapes import TICKET
from stationmaster.step import Inputs, Outputs, Params, job
from stationmaster.step.deliveries import Delivered
from stationmaster.step.extraction.days import Fault, Recipe, extract, stage
from stationmaster.step.extraction.jsonlines import read_json_lines

if TYPE_CHECKING:
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
        read=partial(read_json_lines, shape=TICKET, max_bad_share=max_bad_records, hint=HINT),
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
        tickets = read_tickets(client, inputs.utc_bounds(), per_page=params.per_page)
    inputs.count_read(bytes=client.bytes_read)
    lines = "\n".join(json.dumps(ticket) for ticket in tickets).encode()
    answer = Delivered("support API", inputs.business_date, "/v1/tickets", lines)
    tickets_of_day = recipe(params.max_bad_records, inputs.zone)
    stage(tickets_of_day, extract(tickets_of_day, [answer], inputs.utc_bounds()), inputs, outputs)
