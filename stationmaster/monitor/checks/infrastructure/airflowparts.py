"""Airflow's own parts: silent ones, and files and pipelines that they do not run."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import (
    Finding,
    Layer,
    Link,
    Severity,
    Subject,
    SubjectKind,
)
from stationmaster.monitor.checks.infrastructure.underneath import COMPONENT, causes_of_part
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago, if_known, logs_of, said
from stationmaster.monitor.checks.saying import sentence
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.facts.airflow import AirflowPart, AirflowRun
    from stationmaster.monitor.facts.facts import Facts

__all__ = [
    "api_server_unreachable",
    "dag_import_error",
    "dag_processor_dead",
    "pipeline_paused",
    "scheduler_dead",
    "triggerer_dead",
]

LATELY: Final = dt.timedelta(days=14)
STARTING: Final = dt.timedelta(minutes=10)
"""As long as Kubernetes itself gives a Deployment to make progress (progressDeadlineSeconds)."""


@check(
    "api-server-unreachable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=2),
)
def api_server_unreachable(facts: Facts) -> Iterator[Finding]:
    """Airflow's api-server does not answer: no page, and no step can say how it goes."""
    trouble = facts.airflow.trouble()
    if trouble is not None:
        yield api_server_unreachable.finding(
            Subject(SubjectKind.PART, "api-server"),
            what=f"Airflow's api-server has not answered {ago(trouble.since, facts.now)} "
            f"{said(trouble)}.",
            next_action="Look whether its pods run and are ready, and read their log: "
            f"{logs_of(facts, 'api-server')}.",
            since=trouble.since,
            caused_by=causes_of_part(facts, "api-server"),
            evidence={"kind": trouble.kind.value},
        )


@check(
    "scheduler-dead",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=1),
    clear_after=dt.timedelta(minutes=2),
)
def scheduler_dead(facts: Facts) -> Iterator[Finding]:
    """No scheduler has beaten for longer than Airflow allows: nothing new starts."""
    yield from _silent(facts, scheduler_dead, "scheduler", "nothing new starts")


@check(
    "dag-processor-dead",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=2),
)
def dag_processor_dead(facts: Facts) -> Iterator[Finding]:
    """No DAG processor has beaten for longer than Airflow allows: changed files are not seen."""
    yield from _silent(facts, dag_processor_dead, "dag-processor", "changed files are not seen")


@check(
    "triggerer-dead",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=2),
)
def triggerer_dead(facts: Facts) -> Iterator[Finding]:
    """No triggerer has beaten for longer than Airflow allows: what was deferred does not wake."""
    tasks = if_known(facts, lambda f: f.airflow.tasks()) or ()
    sleeping = sum(task.state == "deferred" for task in tasks)
    what = f"{sleeping} tasks that were deferred do not wake" if sleeping else "nobody needs it now"
    severity = Severity.CRITICAL if sleeping else Severity.WARNING
    yield from _silent(facts, triggerer_dead, "triggerer", what, severity)


@check(
    "dag-import-error",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner="data-engineering",
    hold=dt.timedelta(minutes=2),
)
def dag_import_error(facts: Facts) -> Iterator[Finding]:
    """A DAG file cannot be read: its pipelines go on as they were, or not at all."""
    of_file: dict[str, list[str]] = {}
    for pipeline in if_known(facts, lambda f: f.airflow.pipelines()) or ():
        of_file.setdefault(pipeline.file, []).append(pipeline.name)
    for problem in facts.airflow.import_problems():
        names = of_file.get(problem.file, [])
        yield dag_import_error.finding(
            Subject(SubjectKind.PIPELINE, names[0] if len(names) == 1 else problem.file),
            what=f"{problem.file} cannot be read: {sentence(problem.sentence)}",
            next_action=f"Mend {problem.file}; try it with `python {problem.file}`.",
            since=problem.since,
            affected=tuple(names),
            links=(Link("DAGs", f"{facts.airflow.url}/dags"),),
            got=problem.sentence,
        )


@check(
    "pipeline-paused",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=30),
)
def pipeline_paused(facts: Facts) -> Iterator[Finding]:
    """A pipeline whose day people wait for is paused in Airflow: none of it starts by itself."""
    expected = facts.monitoring.pipelines
    paused = [each for each in facts.airflow.pipelines() if each.paused]
    # One that nobody has ever started, as on a new cluster, is not missed by anybody.
    ran = {run.pipeline for run in facts.airflow.ended_runs(facts.now - LATELY) if _by_itself(run)}
    for pipeline in paused:
        mine = expected.get(pipeline.name)
        if mine is None or mine.due is None or pipeline.name not in ran:
            continue
        yield pipeline_paused.finding(
            Subject(SubjectKind.PIPELINE, pipeline.name),
            owner=mine.owner or OWNER,
            what=f"{pipeline.name} is paused, and its day is due at {mine.due:%H:%M}.",
            next_action=f"Start it again (`airflow dags unpause {pipeline.name}`), or take its due "
            "time out of monitoring.yaml if nobody waits for it.",
            since=facts.now,
            affected=mine.readers,
            pipeline=pipeline.name,
            links=(Link("pipeline", f"{facts.airflow.url}/dags/{pipeline.name}"),),
        )


def _by_itself(run: AirflowRun) -> bool:
    return run.kind == "scheduled"


def _silent(
    facts: Facts, own: Check, name: str, so_what: str, severity: Severity | None = None
) -> Iterator[Finding]:
    part = _part(facts, name)
    if part is None or part.healthy is not False:
        return
    if part.heartbeat is None and _starts(facts, name):
        return
    since = part.heartbeat or facts.now
    beat = (
        f"has not beaten {ago(since, facts.now)}"
        if part.heartbeat
        else "has never beaten: none runs"
    )
    yield own.finding(
        Subject(SubjectKind.PART, name),
        severity=severity or own.severity,
        what=f"Airflow's {name} {beat}; {so_what}.",
        next_action=f"Look whether its pods run, read their log ({logs_of(facts, name)}), and "
        "start it again.",
        since=since,
        caused_by=causes_of_part(facts, name),
    )


def _starts(facts: Facts, component: str) -> bool:
    """Tell whether a part that has never beaten is only being installed: its image is pulled."""
    pods = if_known(facts, lambda f: f.cluster.pods()) or ()
    mine = [pod.created_at for pod in pods if pod.labels.get(COMPONENT) == component]
    return bool(mine) and facts.now - min(mine) < STARTING


def _part(facts: Facts, name: str) -> AirflowPart | None:
    """Return a part; nothing is known of any while Airflow cannot ask its database."""
    parts = {part.name: part for part in facts.airflow.parts()}
    database = parts.get("metadatabase")
    if database is not None and database.healthy is False:
        message = f"Airflow cannot reach its database, so nothing is known of its {name}"
        raise FactsUnavailableError(message)
    if name not in parts:
        message = f"this Airflow says nothing of a {name}"
        raise FactsNotHereError(message)
    return parts[name]
