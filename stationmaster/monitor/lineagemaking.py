"""Make the graph: of what jobs say they read and write, and of what the ledger saw."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from stationmaster.monitor.checks.finding import Subject, SubjectKind
from stationmaster.monitor.lineage import Lineage, step_subject
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.jobfile import JobFile, find_jobs, jobs_folder

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from stationmaster.monitor.facts.attempts import Attempt
    from stationmaster.monitor.monitoring import Monitoring
    from stationmaster.step.settings import Settings

__all__ = ["jobs_of", "lineage_of"]

NODE_VERDICTS: Final = ("node_lost", "drained", "evicted", "preempted", "start_failed")
"""Ends for which the node may be why; what else ended on a node has nothing to do with it."""


def jobs_of(settings: Settings) -> list[JobFile]:
    """Return the jobs: of the catalog's file where there is one, else of the jobs folder.

    Raises:
        MisconfiguredError: A file of them cannot be used.
    """
    if settings.catalog_file == Path():
        return find_jobs(jobs_folder(settings))
    path = settings.catalog_file
    try:
        return list(_jobs_in(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise MisconfiguredError(
            where=f"catalog {path}",
            expected="`jobs:` with the fields of a job.yaml for each",
            got=" ".join(str(error).split())[:300],
            hint="Deploy again, which writes the catalog.",
        ) from error


@lru_cache(maxsize=4)
def _jobs_in(text: str) -> tuple[JobFile, ...]:
    """Return the jobs of a catalog; a watcher reads the same one each minute."""
    document: Any = yaml.safe_load(text)
    fields = set(JobFile.model_fields)
    return tuple(
        JobFile.model_validate({"name": name} | {k: v for k, v in job.items() if k in fields})
        for name, job in document["jobs"].items()
    )


def lineage_of(
    jobs: Sequence[JobFile],
    attempts: Iterable[Attempt],
    monitoring: Monitoring,
    *,
    since: dt.datetime,
) -> Lineage:
    """Return the graph.

    Args:
        jobs: What each reads and writes; an input that no job writes is a source.
        attempts: They tell which step runs which job.
        monitoring: Names reports, figures and readers.
        since: Where steps ran is asked of attempts that began after it, or go on.
    """
    causes: dict[Subject, set[Subject]] = defaultdict(set)
    written = {name for job in jobs for name in job.outputs}
    seen = _seen(attempts, since)
    reports = set(monitoring.reports) | seen.reports

    def thing(name: str) -> Subject:
        if name in reports:
            return Subject(SubjectKind.REPORT, name)
        kind = SubjectKind.DATASET if name in written else SubjectKind.SOURCE
        return Subject(kind, name)

    for job in jobs:
        inputs = {thing(name) for name in job.inputs}
        for name in job.outputs:
            causes[thing(name)] |= inputs
        for pipeline, step in seen.steps.get(job.name, ()):
            mine = step_subject(pipeline, step)
            causes[mine] |= inputs
            for name in job.outputs:
                causes[thing(name)].add(mine)
    for ran, stands_on in seen.where.items():
        causes[ran] |= stands_on
        whole = Subject(SubjectKind.PIPELINE, ran.name.partition("/")[0])
        causes[whole].add(ran)
    for pod, node in seen.pods:
        causes[pod].add(node)
    for figure in _figures(monitoring) | seen.figures:
        causes[Subject(SubjectKind.FIGURE, figure)].add(thing(figure.partition("/")[0]))
    return Lineage(
        causes={effect: frozenset(found) for effect, found in causes.items()},
        readers={name: report.readers for name, report in monitoring.reports.items()},
    )


class _Seen:
    """Hold what attempts show: which step runs which job, where it ran, what is a report."""

    def __init__(self) -> None:
        self.steps: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.where: dict[Subject, set[Subject]] = defaultdict(set)
        self.pods: set[tuple[Subject, Subject]] = set()
        self.reports: set[str] = set()
        self.figures: set[str] = set()


def _seen(attempts: Iterable[Attempt], since: dt.datetime) -> _Seen:
    seen = _Seen()
    for each in attempts:
        mine = step_subject(each.pipeline, each.step)
        seen.steps[each.job].add((each.pipeline, each.step))
        seen.where[mine] |= set()
        seen.figures |= {name.partition("@")[0] for name in (*each.figures, *each.part_figures)}
        seen.reports |= {output.dataset for output in each.outputs if output.uri}
        if each.verdict is None or each.begun_at >= since:
            seen.where[mine] |= _stands_on(each, seen.pods)
    return seen


def _stands_on(each: Attempt, pods: set[tuple[Subject, Subject]]) -> set[Subject]:
    """Return pool, pod and node of an attempt, as infrastructure's findings name them."""
    found = set()
    node = Subject(SubjectKind.NODE, each.node)
    hangs_on_node = bool(each.node) and (each.verdict is None or each.verdict in NODE_VERDICTS)
    if each.node_pool:
        found.add(Subject(SubjectKind.POOL, each.node_pool))
    if hangs_on_node:
        found.add(node)
    if each.pod_name:
        pod = Subject(SubjectKind.POD, f"{each.namespace}/{each.pod_name}")
        found |= {pod, Subject(SubjectKind.POD, each.namespace)}
        if hangs_on_node:
            pods.add((pod, node))
    return found


def _figures(monitoring: Monitoring) -> set[str]:
    agreed = {name for each in monitoring.agreements for name in (*each.left, *each.right)}
    return agreed | {each.figure for each in monitoring.totals}
