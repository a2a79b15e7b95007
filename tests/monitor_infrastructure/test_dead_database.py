"""The ledger's database is dead: infrastructure is looked at all the same, and in time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.checks.infrastructure.listed import INFRASTRUCTURE_CHECKS
from stationmaster.monitor.checks.looking import look_at
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.checks.looking import Look
    from tests.postgres_server import PostgresServer


def beside_the_disk(look: Look) -> list[Finding]:
    """Return what was found, but for the disk of the machine that tests run on."""
    return [finding for finding in look.findings if finding.check != "disk-filling"]


def test_the_dead_database_is_found_without_it(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    """One finding names it; what stands on it is unknown; nothing else is claimed."""
    uri = own_postgres.new_database()
    settings = Settings(home=tmp_path, ledger_uri=uri, catalog_uri=own_postgres.new_database())
    with Gathering(settings) as gathering:
        own_postgres.stop()
        try:
            look = look_at(gathering.facts(dt.datetime.now(dt.UTC)), INFRASTRUCTURE_CHECKS)
        finally:
            own_postgres.start()
        again = look_at(gathering.facts(dt.datetime.now(dt.UTC)), INFRASTRUCTURE_CHECKS)

    (finding,) = beside_the_disk(look)
    assert finding.check == "database-unreachable"
    assert "(catalog and ledger)" in finding.what
    outcomes = {each.check.name: each.outcome for each in look.checks}
    assert outcomes["watcher-silent"] == "unknown"
    assert outcomes["object-store-unreachable"] == "clear"
    assert beside_the_disk(again) == []


def test_a_frozen_database_holds_up_no_look(own_postgres: PostgresServer, tmp_path: Path) -> None:
    """It accepts connections and never answers: the look ends, and says so."""
    settings = Settings(home=tmp_path, ledger_uri=own_postgres.new_database())
    with Gathering(settings) as gathering, own_postgres.frozen():
        look = look_at(gathering.facts(dt.datetime.now(dt.UTC)), INFRASTRUCTURE_CHECKS)

    assert [finding.check for finding in beside_the_disk(look)] == ["database-unreachable"]


def test_a_laptop_without_anything_is_quiet(tmp_path: Path) -> None:
    """Before the first run nothing is there, nothing is missed, nothing is unknown."""
    with Gathering(Settings(home=tmp_path)) as gathering:
        look = look_at(gathering.facts(dt.datetime.now(dt.UTC)), INFRASTRUCTURE_CHECKS)

    assert beside_the_disk(look) == []
    assert {each.outcome for each in look.checks} <= {"clear", "not-here", "found"}
