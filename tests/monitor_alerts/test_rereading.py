"""The file of expectations changes under a watcher and a dashboard that go on."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.monitor.alerts.channels import FileChannel
from stationmaster.monitor.alerts.checks import expectations_unusable
from stationmaster.monitor.checks.looking import Outcome, look_at
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.monitor.monitoringreading import KeptMonitoring
from stationmaster.monitor.watching.rereading import LiveAlerting
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings
from tests.monitor_alerts.watch_command import watch_command
from tests.monitor_incidents.situations import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.checks.looking import CheckLook

GOOD = 'pipelines:\n  morning: {due: "07:30"}\n'
NEWER = 'pipelines:\n  morning: {due: "08:15"}\n'
BROKEN = 'pipelines:\n  morning: {due: "07:30"}\n  evening: {doo: "19:00"}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of expectations that can be used."""
    path = tmp_path / "monitoring.yaml"
    path.write_text(GOOD, "utf-8")
    return path


@pytest.fixture
def settings(file: Path, tmp_path: Path) -> Settings:
    """Return settings that name it."""
    return Settings().model_copy(update={"monitoring_file": file, "home": tmp_path})


def due(kept: KeptMonitoring) -> dt.time | None:
    """Return when the morning is due, by the file as it is read now."""
    return kept.read().pipelines["morning"].due


def look(kept: KeptMonitoring, settings: Settings) -> CheckLook:
    """Let the check look at the file."""
    with Gathering(settings, expectations=kept) as gathering:
        return look_at(gathering.facts(NOW), [expectations_unusable]).checks[0]


def test_a_changed_file_counts_at_once(file: Path, settings: Settings) -> None:
    """Whoever asks next gets what it says now, and one object as long as it is the same."""
    kept = KeptMonitoring(settings)
    before = kept.read()
    assert kept.read() is before
    file.write_text(NEWER, "utf-8")

    assert due(kept) == dt.time(8, 15)


def test_a_file_that_is_swapped_as_kubernetes_does_is_seen(tmp_path: Path) -> None:
    """A mounted ConfigMap is a link that leads elsewhere, with whatever time."""
    for name, text in (("one", GOOD), ("two", NEWER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "monitoring.yaml").write_text(text, "utf-8")
        os.utime(tmp_path / name / "monitoring.yaml", (1_000_000_000, 1_000_000_000))
    link = tmp_path / "data"
    link.symlink_to("one")
    update = {"monitoring_file": link / "monitoring.yaml"}
    kept = KeptMonitoring(Settings().model_copy(update=update))
    first = due(kept)
    link.unlink()
    link.symlink_to("two")

    assert (first, due(kept)) == (dt.time(7, 30), dt.time(8, 15))


def test_a_touched_file_is_not_read_again(file: Path, settings: Settings) -> None:
    """Another time with the same content changes nothing."""
    kept = KeptMonitoring(settings)
    before = kept.read()
    os.utime(file, (1_000_000_000, 1_000_000_000))

    assert kept.read() is before


@pytest.mark.parametrize("broken", [BROKEN, "pipelines: [", None])
def test_a_broken_file_keeps_the_old_one_and_is_found(
    file: Path, settings: Settings, broken: str | None
) -> None:
    """What was due stays due; a finding says why, until the file is mended."""
    kept = KeptMonitoring(settings)
    kept.read()
    file.unlink() if broken is None else file.write_text(broken, "utf-8")
    still = due(kept)
    found = look(kept, settings)
    file.write_text(NEWER, "utf-8")

    assert still == dt.time(7, 30)
    assert found.outcome is Outcome.FOUND
    assert "What it said before counts meanwhile." in found.findings[0].what
    assert look(kept, settings).outcome is Outcome.CLEAR


def test_the_finding_names_line_and_field(file: Path, settings: Settings) -> None:
    """Whoever made the mistake sees where it is, and what could stand there."""
    kept = KeptMonitoring(settings)
    kept.read()
    file.write_text(BROKEN, "utf-8")
    (finding,) = look(kept, settings).findings

    assert "monitoring.yaml, line 3, pipelines.evening.doo" in finding.what
    assert "due" in finding.expected
    assert finding.got == "an unknown 'doo'"


def test_a_file_that_was_never_good_is_an_error_and_a_finding(
    file: Path, settings: Settings
) -> None:
    """A watcher that starts with it says so and ends; a single look finds it."""
    file.write_text(BROKEN, "utf-8")
    kept = KeptMonitoring(settings)

    with pytest.raises(MisconfiguredError, match="line 3"):
        kept.read()
    assert "Nothing is due" in look(kept, settings).findings[0].what


def test_routes_and_channels_follow_the_file(file: Path, settings: Settings) -> None:
    """Whoever holds plan and channels has the new ones, without being made anew."""
    kept = KeptMonitoring(settings)
    live = LiveAlerting(settings, kept, _no_engine)
    plan, channels = live.plan, live.channels
    routed = "alerts:\n  channels: {desk: {kind: file}}\n  otherwise: [desk]\n"
    file.write_text(GOOD + routed, "utf-8")
    live.refresh()

    assert plan.alerting.otherwise == ("desk",)
    assert isinstance(channels["desk"], FileChannel)
    file.write_text(GOOD, "utf-8")
    live.refresh()
    assert list(channels) == ["log"]


def test_the_command_goes_on_over_a_broken_file(file: Path, tmp_path: Path) -> None:
    """A running watcher says what is wrong with the new file, and looks by the old one."""
    environment = {
        "STATIONMASTER_MONITORING_FILE": str(file),
        "STATIONMASTER_LEDGER_URI": f"sqlite:///{tmp_path}/ledger.db",
    }
    with watch_command(tmp_path, environment) as running:
        assert running.stderr is not None
        said = ""
        for line in running.stderr:
            said += line
            if "Looked: " in line:
                file.write_text(BROKEN, "utf-8")
            if "Incident" in line and "opened" in line:
                break
        running.terminate()
        running.stderr.read()
    assert "The file of expectations cannot be used" in said
    assert running.returncode == 0


def _no_engine() -> Any:  # noqa: ANN401 (never asked)
    message = "no message is sent here"
    raise AssertionError(message)
