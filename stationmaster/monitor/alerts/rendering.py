"""Messages as mail, chat and text, by the templates of this package."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import jinja2

from stationmaster.monitor.alerts.view import storm_view, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.alerts.message import Message

__all__ = ["FORMATS", "Format", "Rendered", "rendered"]

Format = Literal["text", "markdown", "html"]

FORMATS: Final[dict[Format, str]] = {"text": "txt", "markdown": "md", "html": "html"}

SPECIAL: Final = re.compile(r"([\\`*_\[\]|~])")
"""What means something in Markdown, and would let an error's text write links or headings."""

ANGLES: Final = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    }
)

CALLING: Final = re.compile(r"@(?=everyone\b|here\b|channel\b|all\b)", re.IGNORECASE)
"""What would call a whole room, where a step's error says it."""


@dataclass(frozen=True)
class Rendered:
    """Hold a message as a channel takes it.

    Args:
        title: One line: subject of a mail, first line of a chat's message.
        body: The rest; a whole page as HTML.
        format: How the body is written.
    """

    title: str
    body: str
    format: Format


def rendered(messages: Sequence[Message], form: Format, zone: ZoneInfo) -> Rendered:
    """Return one message, or many as one.

    Args:
        messages: One or more.
        form: How it is written.
        zone: The clock of whoever reads it.
    """
    ending = FORMATS[form]
    if len(messages) == 1:
        alert = view_of(messages[0], zone)
        width = max(len(each) for each in (*_titles(alert), "")) + 1
        body = _template(f"alert.{ending}").render(alert=alert, title=alert.subject, width=width)
        title = _harmless(alert.subject) if form == "markdown" else alert.subject
        return Rendered(title=title, body=body.strip() + "\n", format=form)
    storm = storm_view(messages, zone)
    body = _template(f"storm.{ending}").render(storm=storm, title=storm.title)
    # A mail's subject stands alone in a list; in chats what is wrong follows at once.
    title = storm.subject if form == "html" else storm.title
    return Rendered(title=title, body=body.strip() + "\n", format=form)


def _titles(alert: object) -> list[str]:
    rows = [each.label for each in getattr(alert, "rows", ())]
    return rows + [each.title for each in getattr(alert, "buttons", ())]


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stationmaster.monitor.alerts", "templates"),
        autoescape=jinja2.select_autoescape(["html.jinja"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _plain_in_markdown
    environment.filters["md_url"] = _url_in_markdown
    environment.tests["web"] = _is_web
    return environment.get_template(f"{name}.jinja")


def _plain_in_markdown(text: str) -> str:
    return SPECIAL.sub(r"\\\1", _harmless(text))


def _harmless(text: str) -> str:
    """Return a text without what chats take for commands: <!channel>, <@user>, @here.

    Chats escape differently, so the signs are replaced by others that look like them.
    """
    flat = " ".join(text.split()).translate(ANGLES)
    return CALLING.sub("@\N{ZERO WIDTH SPACE}", flat)


def _url_in_markdown(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29").replace(" ", "%20")


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))
