"""The file of expectations: ours can be read, and a mistake in one is named by line and field."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.monitor.lineagemaking import jobs_of
from stationmaster.monitor.monitoring import Due, Monitoring
from stationmaster.monitor.monitoringfile import find_monitoring, read_monitoring
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = ROOT / "dags" / "monitoring.yaml"
LONDON = ZoneInfo("Europe/London")


def test_our_own_file_names_only_what_jobs_read_and_write() -> None:
    """A name that no job knows would never be found stale: a typing mistake hides for ever."""
    expected = read_monitoring(OURS)
    jobs = jobs_of(Settings(jobs=ROOT / "jobs"))
    written = {name for job in jobs for name in job.outputs}
    read = {name for job in jobs for name in job.inputs} - written

    figures = {each.figure for each in expected.totals}
    figures |= {name for each in expected.agreements for name in (*each.left, *each.right)}
    assert set(expected.sources) == read
    assert {*expected.datasets, *expected.reports} <= written
    assert {name.partition("/")[0] for name in figures} <= written


def test_a_product_is_due_no_later_than_its_pipeline() -> None:
    """What a pipeline makes is expected before the pipeline itself is late."""
    expected = read_monitoring(OURS)
    last = expected.pipelines["morning_analytics"].due
    assert last is not None

    for each in (*expected.sources.values(), *expected.datasets.values()):
        assert each.due is not None
        assert each.due <= last


@pytest.mark.parametrize(
    ("text", "where", "expected", "got"),
    [
        ("pipelines:\n  a:\n    due: 10:30\n", "line 3, pipelines.a.due", '"10:30"', "630"),
        ("pipelines:\n  a: {deu: '06:35'}\n", "line 2, pipelines.a.deu", "due", "unknown 'deu'"),
        ("reports:\n  r:\n    readers: me\n", "line 3, reports.r.readers", "tuple", "'me'"),
        ("sources:\n  s: {zone: Mars}\n", "line 2, sources.s.zone", "time zone", "'Mars'"),
        ("totals:\n- figure: revenue\n", "line 2, totals.0.figure", "pattern", "'revenue'"),
        ("node_pools: {a: 5GB}\n", "line 1, node_pools.a", "64Gi", "'5GB'"),
        ("zone: UTC\n", "line 1, zone", "a field of this file", "a setting's"),
        ("- a\n", "", "a mapping", "list"),
        ("a: [\n", "line", "YAML", ""),
    ],
)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, where: str, expected: str, got: str
) -> None:
    """Whoever wrote it reads the line, the field, what was expected and what came."""
    path = tmp_path / "monitoring.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(MisconfiguredError) as raised:
        read_monitoring(path)

    assert str(path) in raised.value.where
    assert where in raised.value.where
    assert expected in raised.value.expected
    assert got in raised.value.got
    assert raised.value.hint


def test_without_a_file_nothing_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without expectations is no mistake; a named file that is away is one."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(runtime="kubernetes", business_timezone="Europe/Berlin")

    assert find_monitoring(settings) == Monitoring(zone="Europe/Berlin", always_on=True)
    with pytest.raises(MisconfiguredError):
        find_monitoring(settings, tmp_path / "away.yaml")


@settings(deadline=None)
@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2040, 12, 31)),
    st.times(),
    st.integers(0, 5),
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]),
)
def test_what_is_due_is_due_on_the_business_clock(
    day: dt.date, clock: dt.time, later: int, zone: str
) -> None:
    """Through every clock change a day has one moment at which it is due, days in their order."""
    due = Due(due=clock.replace(tzinfo=None), days_later=later)
    first = due.due_at(day, ZoneInfo(zone))
    second = due.due_at(day + dt.timedelta(days=1), ZoneInfo(zone))

    assert first is not None
    assert second is not None
    assert first < second
    wall = first.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    meant = dt.datetime.combine(day + dt.timedelta(days=later), clock.replace(tzinfo=None))
    assert abs(wall - meant) <= dt.timedelta(days=1)


def test_a_clock_change_moves_no_due_time() -> None:
    """06:35 is 06:35 on the morning after the clocks changed, 5:35 or 6:35 in UTC."""
    due = Due(due=dt.time(6, 35))

    assert due.due_at(dt.date(2011, 10, 28), LONDON) == dt.datetime(
        2011, 10, 29, 5, 35, tzinfo=dt.UTC
    )
    assert due.due_at(dt.date(2011, 10, 29), LONDON) == dt.datetime(
        2011, 10, 30, 6, 35, tzinfo=dt.UTC
    )


def test_the_files_example_in_the_docs_can_be_read() -> None:
    """What docs/monitoring.md shows is a file that works."""
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    blocks = [each.partition("```")[0] for each in text.split("```yaml\n")[1:]]

    assert blocks
    for each in blocks:
        Monitoring.model_validate(yaml.safe_load(each))
