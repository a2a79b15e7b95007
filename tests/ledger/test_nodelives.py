"""The lives of nodes, on both databases, and from what Kubernetes says of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.nodelives import nodes_seen
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from tests.ledger.attempts import NOON

if TYPE_CHECKING:
    from stationmaster.ledger.store import Ledger

HOUR = dt.timedelta(hours=1)
BOOK = PriceBook.from_settings(CostSettings())


def node(name: str, **labels: str) -> dict[str, Any]:
    """Return a node as the API tells it."""
    told = {"node.kubernetes.io/instance-type": "m5.large", **labels}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": "2011-11-22T11:00:00Z",
            "labels": told,
        },
        "status": {
            "capacity": {"cpu": "2", "memory": "8Gi"},
            "allocatable": {"cpu": "1930m", "memory": "7Gi"},
        },
    }


def test_a_node_lives_from_its_creation_to_when_it_was_last_seen(ledger: Ledger) -> None:
    """One that is seen still has no end; one that is seen no more ended then."""
    ledger.see_nodes(nodes_seen([node("a"), node("b")], BOOK, NOON))
    ledger.see_nodes(nodes_seen([node("a")], BOOK, NOON + HOUR))

    lives = {each.name: each for each in ledger.lives_between(NOON - HOUR, NOON + HOUR)}

    assert (lives["a"].start, lives["a"].end) == (NOON - HOUR, None)
    assert (lives["b"].start, lives["b"].end) == (NOON - HOUR, NOON)
    assert (lives["a"].system_cpu_millicores, lives["a"].system_memory_bytes) == (70, 2**30)
    assert lives["a"].price_per_hour == 0.096


def test_an_old_look_does_not_shorten_a_life(ledger: Ledger) -> None:
    """Of two launchers that look, the later one stands, whichever writes last."""
    for when in (NOON + HOUR, NOON):
        ledger.see_nodes(nodes_seen([node("a"), node("b")], BOOK, when))
    ledger.see_nodes(nodes_seen([node("b")], BOOK, NOON + 2 * HOUR))

    lives = {each.name: each.end for each in ledger.lives_between(NOON, NOON + 3 * HOUR)}

    assert lives == {"a": NOON + HOUR, "b": None}


def test_a_launch_and_an_end_that_were_told_stand(ledger: Ledger) -> None:
    """A launch that is told later moves the begin back; an end that was seen is the end."""
    [seen] = nodes_seen([node("a")], BOOK, NOON)
    launched = NOON - HOUR - dt.timedelta(seconds=22)
    for each in (seen, replace(seen, created_at=launched, seen_at=NOON, gone_at=NOON)):
        ledger.see_nodes([each])

    [life] = ledger.lives_between(NOON - HOUR, NOON + HOUR)
    assert (life.start, life.end) == (launched, NOON)
    assert ledger.lives_between(NOON + HOUR, NOON + 2 * HOUR) == []


def test_a_node_without_a_price_is_kept_and_not_billed(ledger: Ledger) -> None:
    """An unknown type has no life in the bill; a node without a uid is left out."""
    odd = node("odd", **{"node.kubernetes.io/instance-type": "mainframe"})
    nameless = {"metadata": {"name": "x"}, "status": {}}

    seen = nodes_seen([odd, nameless], BOOK, NOON)
    ledger.see_nodes(seen)

    assert [each.name for each in seen] == ["odd"]
    assert "no row of mainframe" in seen[0].price_note
    assert ledger.lives_between(NOON - HOUR, NOON + HOUR) == []
    ledger.see_nodes([])
