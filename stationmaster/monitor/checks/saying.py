"""What checks' sentences share: moments on the business clock, durations, owners, links."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from stationmaster.monitor.checks.finding import Link
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.monitor.facts.facts import Facts

__all__ = ["clock", "day_text", "duration", "listed", "owner_of", "run_links", "sentence"]

LONGEST: Final = 300


def clock(facts: Facts, moment: dt.datetime) -> str:
    """Return a moment on the business clock; with its day where that is not today."""
    zone = facts.monitoring.clock
    here, now = moment.astimezone(zone), facts.now.astimezone(zone)
    return f"{here:%H:%M}" if here.date() == now.date() else f"{here:%a %d %b %H:%M}"


def day_text(day: dt.date) -> str:
    """Return a business date as people say it: Mon 21 Nov."""
    return f"{day:%a} {day.day} {day:%b}"


def duration(span: dt.timedelta | float) -> str:
    """Return a span in its two largest units; a number is seconds."""
    seconds = round(span.total_seconds() if isinstance(span, dt.timedelta) else span)
    if seconds < 120:  # noqa: PLR2004 (two minutes)
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004 (two hours)
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:  # noqa: PLR2004 (two days)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} days"


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them: web, app and delivery."""
    found = list(names)
    if len(found) <= 1:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


def sentence(text: str) -> str:
    """Return a text as one sentence of bearable length."""
    plain = " ".join(text.split())
    if len(plain) > LONGEST:
        plain = f"{plain[: LONGEST - 1]}…"
    return plain if plain.endswith((".", "…", "!", "?")) else f"{plain}."


def owner_of(facts: Facts, *, pipeline: str = "", named: str = "") -> str:
    """Return who is told: the named one, else the pipeline's owner, else the default one."""
    expected = facts.monitoring.pipelines.get(pipeline)
    return named or (expected.owner if expected else "") or facts.monitoring.owner


def run_links(facts: Facts, pipeline: str, run_id: str, step: str = "") -> tuple[Link, ...]:
    """Return where one sees a run, and a step's log, in Airflow; nothing where there is none."""
    try:
        base = str(facts.part("airflow").url)
    except (FactsNotHereError, FactsUnavailableError):
        return ()
    if not base or not run_id:
        return ()
    run = f"{base}/dags/{quote(pipeline, safe='')}/runs/{quote(run_id, safe='')}"
    found = [Link("run", run)]
    if step:
        found.insert(0, Link("log", f"{run}/tasks/{quote(step, safe='')}"))
    return tuple(found)
