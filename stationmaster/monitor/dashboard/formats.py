"""Numbers, sizes, money and moments as people read them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup, escape

from stationmaster.ledger.quantities import size_text
from stationmaster.monitor.series.wording import number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

__all__ = ["UNKNOWN", "ago", "clock", "dollars", "filters", "length", "marked", "share", "weekday"]

UNKNOWN: Final = "\N{EN DASH}"
CODE: Final = re.compile(r"`([^`\n]+)`")
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
CENT: Final = 0.01
THOUSAND: Final = 1000


def clock(moment: dt.datetime | None, zone: ZoneInfo, now: dt.datetime) -> str:
    """Return a moment on the business clock: 06:12; with its day if that is not today."""
    if moment is None:
        return UNKNOWN
    here, today = moment.astimezone(zone), now.astimezone(zone).date()
    time = f"{here:%H:%M}"
    if here.date() == today:
        return time
    if here.date() == today - dt.timedelta(days=1):
        return f"yesterday {time}"
    year = "" if here.year == today.year else f" {here.year}"
    return f"{here.day} {here:%b}{year}, {time}"


def weekday(day: dt.date | None, today: dt.date | None = None) -> str:
    """Return a day as Monday 9 March; with its year if that is not this one."""
    if day is None:
        return UNKNOWN
    year = "" if today is None or day.year == today.year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"


def length(seconds: float | None) -> str:
    """Return a duration in at most two units: 3 min 20 s."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, round(seconds))
    if seconds < 10:  # noqa: PLR2004 (below ten seconds tenths are worth saying)
        return f"{max(0.0, seconds):.1f} s"
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", 1, "s")
    if whole < DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def ago(moment: dt.datetime | None, now: dt.datetime) -> str:
    """Return how long ago a moment was, in one unit."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= unit:
            number = int(seconds // unit)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "just now"


def dollars(amount: float | None) -> str:
    """Return an amount in US dollars, with cents where they matter."""
    if amount is None:
        return UNKNOWN
    if 0 < amount < CENT:
        return "under $0.01"
    return f"${amount:,.2f}" if amount < THOUSAND else f"${amount:,.0f}"


def marked(text: str) -> Markup:
    """Return a text with what stands between backticks as code; all else of it is only text."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped before)


def share(part: float | None) -> str:
    """Return a share from 0 to 1 in per cent."""
    if part is None:
        return UNKNOWN
    number = part * 100
    if 0 < number < 0.1:  # noqa: PLR2004 (a tenth of a per cent is the least that is told)
        return "under 0.1 %"
    return f"{number:.0f} %" if number >= 10 or number == 0 else f"{number:.1f} %"  # noqa: PLR2004 (two digits are enough)


def filters(zone: ZoneInfo, now: Callable[[], dt.datetime]) -> Mapping[str, Callable[..., Any]]:
    """Return the filters of templates.

    Args:
        zone: Of the business clock.
        now: The moment.
    """
    return {
        "ago": lambda moment: ago(moment, now()),
        "clock": lambda moment: clock(moment, zone, now()),
        "number": lambda number: UNKNOWN if number is None else number_text(float(number)),
        "dollars": dollars,
        "iso": lambda moment: "" if moment is None else moment.isoformat(timespec="seconds"),
        "took": length,
        "marked": marked,
        "memory": lambda size: UNKNOWN if not size else size_text(float(size)),
        "share": share,
        "since": lambda moment: length((now() - moment).total_seconds()),
        "day": lambda day: weekday(day, now().astimezone(zone).date()),
        "words": lambda text: str(text or "").replace("_", " ").replace("-", " "),
    }


def _two(whole: int, big: int, big_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(whole, big)
    second = rest // small
    return f"{first} {big_name} {second} {small_name}" if second else f"{first} {big_name}"
