"""Cut a message to what a service takes: at a sentence, with the way to the rest of it.

A service refuses what is too long, and an alert that is refused tells nobody anything. The limits
are those of the services' own pages, in characters:

- PagerDuty Events API v2: `payload.summary` 1,024
- Slack: 3,000 the text of a block, 40,000 the text of a message
- Microsoft Teams: 28 KB a message from a workflow; other letters than ASCII take up to 4 bytes
- Opsgenie Alert API: `message` 130, `description` 15,000
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.alerts.rendering import rendered
from stationmaster.monitor.alerts.view import view_of
from stationmaster.monitor.alerts.wording import in_short

if TYPE_CHECKING:
    from stationmaster.monitor.alerts.channels import Batch
    from stationmaster.monitor.alerts.rendering import Format, Rendered

__all__ = ["cut", "details_of", "fitting", "longest_body"]

LIMITS: Final = {
    "NotifyPagerDuty": 1024,
    "NotifySlack": 35_000,
    "NotifyWorkflows": 6_000,
    "NotifyOpsgenie": 15_000,
}
"""By apprise's class: Slack's with room for what apprise adds; Teams' in letters of 4 bytes."""

TITLES: Final = {"NotifyOpsgenie": 130, "NotifySlack": 140}
"""Opsgenie's `message`; the header of a Slack message is 150 at most, escaped."""

SLACK_BLOCK: Final = 2700
"""3,000, with room for what apprise escapes."""
LONGEST_DETAIL: Final = 1000
END_OF_SENTENCE: Final = re.compile(r"(?<=[.!?])\s|\n")


def longest_body(service: Any) -> int:  # noqa: ANN401 (apprise's plugins have a hundred types)
    """Return how many characters a service takes as the body of one message."""
    if getattr(service, "use_blocks", False):
        return SLACK_BLOCK
    own = int(getattr(service, "body_maxlen", 0) or 0)
    return LIMITS.get(type(service).__name__, own) or 32_000


def fitting(batch: Batch, form: Format, service: Any) -> Rendered:  # noqa: ANN401 (as above)
    """Return a batch as text that a service takes.

    Args:
        batch: What is told.
        form: How it is written; a page of HTML that is too long becomes text.
        service: Of apprise.
    """
    most = longest_body(service)
    if type(service).__name__ == "NotifyPagerDuty":
        text = rendered(batch.messages, "text", batch.zone)
        return replace(text, title="", body=cut(text.title, most, _rest(batch)))
    text = rendered(batch.messages, form, batch.zone)
    longest_title = TITLES.get(type(service).__name__)
    if longest_title is not None:
        text = replace(text, title=in_short(text.title, longest_title))
    # Where a service knows no titles, apprise puts the title before the body.
    room = most - (len(text.title) + 4 if not getattr(service, "title_maxlen", 1) else 0)
    if len(text.body) <= room:
        return text
    if form == "html":
        text = rendered(batch.messages, "text", batch.zone)
    return replace(text, body=cut(text.body, room, _rest(batch)))


def details_of(batch: Batch) -> dict[str, str]:
    """Return what is known of an incident by label, for services that show such a table."""
    rows = view_of(batch.messages[0], batch.zone).rows
    return {row.label: cut(row.text, LONGEST_DETAIL, "") for row in rows}


def cut(text: str, most: int, rest: str) -> str:
    """Return a text of at most so many characters, cut after a sentence or a line.

    Args:
        text: The whole.
        most: Characters.
        rest: Where the rest is; it is told where something is left out.
    """
    if len(text) <= most:
        return text
    told = f"\n… {rest}" if rest else " …"
    room = most - len(told)
    if room < 1:
        return text[: most - 1] + "…"
    ends = [found.start() for found in END_OF_SENTENCE.finditer(text[: room + 1])]
    words = text[: room + 1].rfind(" ")
    # A first sentence that is too long by itself is cut at a word.
    end = next((each for each in reversed(ends) if each > room // 2), 0)
    return text[: end or (words if words > room // 2 else room)].rstrip() + told


def _rest(batch: Batch) -> str:
    first = batch.messages[0]
    if first.url:
        where = first.url if len(batch.messages) == 1 else first.url.rsplit("/", 1)[0]
        return f"The rest: {where}"
    number = f"show {first.incident_id}" if len(batch.messages) == 1 else "list"
    return f"The rest: stationmaster incidents {number}"
