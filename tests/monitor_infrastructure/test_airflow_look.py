"""What a look at Airflow asks for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.facts.airflowapi import AirflowApi
from stationmaster.monitor.facts.airflowlook import RUNS, AirflowLook
from tests.monitor_infrastructure.answering import answering

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor_infrastructure.answering import Asked

NOW = dt.datetime(2011, 11, 22, 12, tzinfo=dt.UTC)


def nothing_ended(asked: Asked) -> tuple[int, Any]:
    """Answer as an Airflow in which no run has ended."""
    return (200, {"dag_runs": [], "total_entries": 0}) if asked.path == RUNS else (404, {})


def test_runs_that_ended_since_a_moment_are_asked_for_once_a_look(tmp_path: Path) -> None:
    """Every deadline asks for them, and Airflow's api-server is there for people."""
    (tmp_path / "airflow-token").write_text("a-token")
    with answering(nothing_ended) as (url, asked):
        api = AirflowApi(url, tmp_path)
        look = AirflowLook(api, NOW)
        for since in (NOW, NOW - dt.timedelta(days=1), NOW):
            assert look.ended_runs(since) == ()
        api.close()

    assert len([each for each in asked if each.path == RUNS]) == 2
