"""The rules that the chart gives Prometheus, by Prometheus' own tool: when each alert comes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.checks.finding import Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.metrics.families import FAMILIES, Kind
from stationmaster.monitor.metrics.serving import metrics_text
from tests.chart.promtool import promtool
from tests.chart.rendering import ROOT, of_kind, render

CASES = Path(__file__).parent / "rules"
OURS = re.compile(r"\bstationmaster_\w+")


def rules_text(*arguments: str) -> str:
    """Return the file that the chart's ConfigMap gives Prometheus."""
    maps = of_kind(render("kind", *arguments), "ConfigMap")
    return str(maps["stationmaster-rules"]["data"]["stationmaster.rules.yaml"])


def rules() -> list[dict[str, Any]]:
    """Return all rules."""
    return [rule for group in yaml.safe_load(rules_text())["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    """Syntax, durations and names are as Prometheus wants them."""
    (tmp_path / "rules.yaml").write_text(rules_text())

    done = promtool(tmp_path, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("*.yaml")))
def test_each_alert_comes_when_it_should_and_not_when_not(case: str, tmp_path: Path) -> None:
    """Series of hours and days are played, and what fires at which minute is compared."""
    (tmp_path / "rules.yaml").write_text(rules_text())
    shutil.copy(CASES / case, tmp_path / case)

    done = promtool(tmp_path, "test", "rules", case)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_is_without_a_case_that_plays_it() -> None:
    """A new rule needs one."""
    played = "".join(path.read_text() for path in CASES.glob("*.yaml"))
    by_pattern = {"StationmasterVolumeFull", "StationmasterVolumeFilling"}
    by_pattern |= {rule["alert"] for rule in ALERTS if rule["alert"].endswith(("Leave", "Look"))}
    by_pattern |= {"StationmasterMetricsLeftOut"}
    by_pattern |= {rule["alert"] for rule in ALERTS if "Node" in rule["alert"]}
    missing = {rule["alert"] for rule in ALERTS if rule["alert"] not in played}

    assert missing - by_pattern == set()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_where_and_what_to_do(rule: dict[str, Any]) -> None:
    """And has the labels by which the watcher makes it an incident of the right thing."""
    assert rule["annotations"].keys() == {"summary", "where", "next_action", "runbook_url"}
    if rule["alert"] == "StationmasterHeartbeat":
        assert rule["labels"]["severity"] == "none"
        return
    labels = rule["labels"]
    assert labels.keys() == {"severity", "layer", "owner", "check", "subject"}
    assert Severity(labels["severity"])
    assert Layer(labels["layer"])
    assert Subject.parse(labels["subject"]).kind in set(SubjectKind)
    assert rule["for"]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_the_page_that_an_alert_names_is_there(rule: dict[str, Any]) -> None:
    """Whoever is woken by it has something to read."""
    page = str(rule["annotations"]["runbook_url"]).rpartition("/")[2]
    checks = ("scheduler-dead", "dag-processor-dead", "triggerer-dead", "api-server-unreachable")
    pages = [page.replace("{{ $labels.check }}", check) for check in checks]

    assert [each for each in pages if not (ROOT / "docs" / "runbooks" / each).is_file()] == []


def test_rules_ask_for_metrics_that_there_are() -> None:
    """A metric that was renamed would leave its rule silent for ever."""
    suffixes = {Kind.HISTOGRAM: "_bucket"}
    known = {f"{family.name}{suffixes.get(family.kind, '')}" for family in FAMILIES}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    texts = [str(rule["expr"]) for rule in rules()]
    for name in recorded:
        texts = [text.replace(name, "") for text in texts]

    asked = {name for text in texts for name in OURS.findall(text)}

    assert asked - known == set()


def test_without_airflow_nobody_misses_its_parts() -> None:
    """Where another Airflow is used its parts are not in this namespace."""
    mine = rules_text()
    theirs = render("foreign-airflow", "--set", "monitor.enabled=true")
    text = of_kind(theirs, "ConfigMap")["stationmaster-rules"]["data"]["stationmaster.rules.yaml"]

    assert "StationmasterPartDown" in mine
    assert "StationmasterPartDown" not in text


def test_prometheus_takes_the_metrics(tmp_path: Path) -> None:
    """Names, units and help of what we tell are as its linter wants them."""
    uri = f"sqlite:///{tmp_path}/ledger.db"
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.migrate()
    text = metrics_text(engine)
    ledger.close()
    engine.dispose()

    done = promtool(tmp_path, "check", "metrics", text=text)

    assert done.returncode == 0, done.stdout + done.stderr
