"""Real mornings through Airflow: nothing is found; then one thing is broken for real, and it is."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.airflow.laptop import run_pipeline
from stationmaster.monitor.checks.every import BUSINESS, PIPELINE
from stationmaster.monitor.checks.looking import Look, Outcome, look_at
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.sources.days import generate_day
from stationmaster.sources.faults import inject
from stationmaster.sources.retail import fetch
from stationmaster.sources.support_api import running_api
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings

pytestmark = pytest.mark.timeout(900)  # forty seconds of work, on a machine that may be busy

ROOT = Path(__file__).parents[2]
LAST = dt.date(2011, 11, 23)
BROKEN = dt.date(2011, 11, 24)


@pytest.fixture(name="settings", scope="module")
def _settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a laptop on which two mornings have gone well."""
    home = tmp_path_factory.mktemp("mornings")
    places = {"STATIONMASTER_HOME": str(home), "STATIONMASTER_DATA": str(Settings().data_folder)}
    command = "from stationmaster.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "demo", "--days", "2"],
        cwd=ROOT,
        env=dict(os.environ) | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Settings(
        home=home,
        data=Settings().data_folder,
        jobs=ROOT / "jobs",
        monitoring_file=ROOT / "dags" / "monitoring.yaml",
    )


def look(settings: Settings) -> Look:
    """Let the checks of pipelines and data look at what is there now."""
    with Gathering(settings) as gathering:
        return look_at(gathering.facts(dt.datetime.now(dt.UTC)), (*PIPELINE, *BUSINESS))


def test_mornings_that_went_well_are_quiet(settings: Settings) -> None:
    """All checks look at real rows, tables' figures and files, and find nothing wrong."""
    found = look(settings)

    assert [each.what for each in found.findings] == []
    assert {each.outcome for each in found.checks} == {Outcome.CLEAR}


def test_the_figures_of_a_real_morning_are_in_the_ledger(settings: Settings) -> None:
    """What steps said is there by name, and the sides of each agreement are among it."""
    with Gathering(settings) as gathering:
        facts = gathering.facts(dt.datetime.now(dt.UTC))
        wanted = {
            name for each in facts.monitoring.agreements for name in (*each.left, *each.right)
        }
        assert wanted <= set(facts.figures.history)
        assert facts.figures.days("morning_report/revenue").keys() == {
            LAST - dt.timedelta(days=1),
            LAST,
        }


def test_lineage_of_a_real_morning_leads_from_a_source_to_its_readers(settings: Settings) -> None:
    """The graph is made of job.yaml files and of the steps that the ledger saw."""
    with Gathering(settings) as gathering:
        lineage = gathering.facts(dt.datetime.now(dt.UTC)).lineage
    web = next(each for each in lineage.causes if each.name == "web_orders")
    report = next(each for each in lineage.causes if each.name == "morning_report")

    assert lineage.comes_of(report, web)
    assert lineage.affected(web).readers == ("finance", "management", "marketing", "support")


def test_a_report_that_is_gone_is_found(settings: Settings) -> None:
    """Its publishing stands in the ledger; its readers would get nothing."""
    page = settings.home / "reports" / "morning_report" / str(LAST) / "report.json"
    text = page.read_text(encoding="utf-8")
    page.unlink()

    (found,) = look(settings).findings

    page.write_text(text, encoding="utf-8")
    assert (found.check, str(found.subject)) == ("report-unread", "report:morning_report")
    assert "no such file" in found.what
    assert look(settings).findings == ()


def test_a_renamed_field_is_found_as_the_sources(settings: Settings) -> None:
    """One finding: which source, which field, since when, who is affected, what to do."""
    generate_day(World(fetch(settings)), settings, BROKEN)
    inject(settings, "renamed", "web", BROKEN)
    with running_api(settings) as url:
        done = run_pipeline(
            "morning_analytics",
            [BROKEN],
            home=settings.home,
            dags_folder=ROOT / "dags",
            variables={
                "STATIONMASTER_SUPPORT_API_URL": url,
                "STATIONMASTER_DATA": str(settings.data_folder),
            },
            on_line=lambda _: None,
        )

    (found,) = look(settings).findings

    assert not done
    assert (found.check, str(found.subject)) == ("contract-broken", "source:web")
    assert found.business_date == BROKEN
    assert "`placed_at` is gone" in found.got
    assert found.affected == ("finance", "management", "marketing", "support")
    assert found.next_action.startswith("Map the field")
