"""What checks of the infrastructure share: sizes in words, and what to do about each trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.saying import duration
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.trouble import Trouble

    Answer = TypeVar("Answer")

__all__ = ["OWNER", "SHOWN", "ago", "and_more", "if_known", "logs_of", "said"]

OWNER: Final = "platform"
SHOWN: Final = 5
"""How many names a sentence holds."""


def and_more(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    found = list(names)
    rest = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how long something has lasted: for 14 min."""
    return f"for {duration(max(now - moment, now - now))}"


def said(trouble: Trouble) -> str:
    """Return what the other said, as the end of a sentence."""
    return f"({trouble.during}: {trouble.sentence.rstrip('. ')})"


def logs_of(facts: Facts, component: str) -> str:
    """Return the command that shows the log of a part's pods, where they are known to be.

    Args:
        facts: Of the look.
        component: As the chart labels the part's pods.
    """
    label = "app.kubernetes.io/component"
    pods = if_known(facts, lambda f: f.cluster.pods()) or ()
    parts = [pod for pod in pods if label in pod.labels and not pod.is_step]
    # One that has no pod left is where the others are.
    mine = [pod for pod in parts if pod.labels[label] == component] or parts
    where = {pod.namespace for pod in mine}
    namespace = f"-n {min(where)} " if where else ""
    return f"`kubectl {namespace}logs -l {label}={component} --tail=100`"


def if_known(facts: Facts, ask: Callable[[Facts], Answer]) -> Answer | None:
    """Return an answer that only adds to a finding; None where nobody knows it."""
    try:
        return ask(facts)
    except (FactsNotHereError, FactsUnavailableError):
        return None
