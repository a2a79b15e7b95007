"""What comes of what: reports of datasets, datasets of steps, steps of sources, nodes and stores.

    report -> datasets -> step -> sources, datasets, its pool, its nodes -> stores, network, parts

The graph is made of what jobs say they read and write (`job.yaml`), and of what the ledger saw:
which step runs which job, where. Infrastructure is upstream of all that runs on it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.checks.finding import Subject, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Affected", "Lineage", "step_subject"]

PLATFORM: Final = frozenset(
    {SubjectKind.DATABASE, SubjectKind.OBJECT_STORE, SubjectKind.NETWORK, SubjectKind.PART}
)
"""What everything that runs stands on."""

WATCHERS: Final = frozenset({"watcher", "dashboard", "recorder", "prometheus", "alertmanager"})
"""Parts that only look, or write down: nothing comes of them."""

APART: Final = frozenset({"dashboard", "prometheus", "alertmanager"})
"""Parts that stand on nothing that we look at."""

RUNS: Final = frozenset(
    {
        SubjectKind.STEP,
        SubjectKind.PIPELINE,
        SubjectKind.DATASET,
        SubjectKind.REPORT,
        SubjectKind.FIGURE,
    }
)
STANDS_ON: Final = {
    SubjectKind.PART: RUNS | {SubjectKind.POOL},
    SubjectKind.DATABASE: RUNS | {SubjectKind.POOL, SubjectKind.POD, SubjectKind.PART},
    SubjectKind.OBJECT_STORE: RUNS | {SubjectKind.SOURCE},
    SubjectKind.NETWORK: RUNS | {SubjectKind.SOURCE, SubjectKind.POD, SubjectKind.PART},
}
"""What stands on each kind of the platform. Airflow's parts need the database and their way to it,
and no bucket; a source delivers into a bucket, whatever runs here."""

PRODUCTS: Final = frozenset({SubjectKind.DATASET, SubjectKind.REPORT, SubjectKind.FIGURE})


class Affected(NamedTuple):
    """Name what comes of something, each sorted by name."""

    datasets: tuple[str, ...]
    reports: tuple[str, ...]
    readers: tuple[str, ...]


def step_subject(pipeline: str, step: str) -> Subject:
    """Return a step as a subject."""
    return Subject(SubjectKind.STEP, f"{pipeline}/{step}")


@dataclass(frozen=True)
class Lineage:
    """Know what comes of what.

    Args:
        causes: What each subject directly comes of: sources, datasets, steps, pools, nodes.
        readers: Who reads each report, as they call themselves.
    """

    causes: Mapping[Subject, frozenset[Subject]]
    readers: Mapping[str, tuple[str, ...]]

    def upstream(self, subject: Subject) -> frozenset[Subject]:
        """Return everything that it comes of, near and far; the platform beneath is not named."""
        if subject not in self._upstreams:
            self._upstreams[subject] = _reached(subject, self.causes) - self._made_by(subject)
        return self._upstreams[subject]

    def downstream(self, subject: Subject) -> frozenset[Subject]:
        """Return everything that comes of it, near and far."""
        if _is_platform(subject):
            known = self._known
            return frozenset(each for each in known if self.comes_of(each, subject))
        found = _reached(subject, self._effects) | self._made_by(subject)
        return frozenset(each for each in found if subject not in self._made_by(each))

    def comes_of(self, effect: Subject, cause: Subject) -> bool:
        """Tell whether trouble with one thing can be because of trouble with the other.

        Args:
            effect: What is wrong.
            cause: What may be why.
        """
        if effect == cause:
            return False
        if _is_platform(cause):
            return _stands_on_platform(effect, cause)
        if cause in self.upstream(effect):
            return True
        return effect in self._made_by(cause)

    def affected(self, subject: Subject) -> Affected:
        """Return which datasets, reports and readers are affected by trouble with something."""
        found = self.downstream(subject) | {subject}
        reports = sorted(each.name for each in found if each.kind is SubjectKind.REPORT)
        datasets = sorted(each.name for each in found if each.kind is SubjectKind.DATASET)
        readers = {reader for report in reports for reader in self.readers.get(report, ())}
        return Affected(tuple(datasets), tuple(reports), tuple(sorted(readers)))

    @cached_property
    def _upstreams(self) -> dict[Subject, frozenset[Subject]]:
        """Remember what was asked: a storm of a thousand findings asks a million times."""
        return {}

    @cached_property
    def _effects(self) -> Mapping[Subject, frozenset[Subject]]:
        found: dict[Subject, set[Subject]] = {}
        for effect, causes in self.causes.items():
            for cause in causes:
                found.setdefault(cause, set()).add(effect)
        return {cause: frozenset(effects) for cause, effects in found.items()}

    @cached_property
    def _known(self) -> frozenset[Subject]:
        return frozenset(self.causes) | frozenset(self._effects)

    def _made_by(self, pipeline: Subject) -> frozenset[Subject]:
        """Return what comes of a pipeline's steps: it explains them, and not they the pipeline.

        Not an edge of the graph: a pipeline comes of its steps, so it would close a circle in
        which each step comes of each other.
        """
        if pipeline.kind is not SubjectKind.PIPELINE:
            return frozenset()
        steps = {
            each for each in self.causes.get(pipeline, frozenset()) if each.kind is SubjectKind.STEP
        }
        reached = frozenset[Subject]().union(*(_reached(step, self._effects) for step in steps))
        return frozenset(each for each in reached if each.kind in PRODUCTS)


def _is_platform(subject: Subject) -> bool:
    return subject.kind in PLATFORM


def _stands_on_platform(effect: Subject, cause: Subject) -> bool:
    """Tell whether something stands on a part of the platform."""
    if cause.kind is SubjectKind.PART and _part(cause) in WATCHERS:
        return False
    if effect.kind is SubjectKind.PART and _part(effect) in APART:
        return False
    stores = (SubjectKind.DATABASE, SubjectKind.OBJECT_STORE)
    if cause.kind is SubjectKind.NETWORK and effect.kind in stores:
        return effect.name == cause.name  # <host>:<port> of both
    return effect.kind in STANDS_ON[cause.kind]


def _part(subject: Subject) -> str:
    """Return a part's name; `watcher/channel mail` is the watcher."""
    return subject.name.partition("/")[0]


def _reached(start: Subject, edges: Mapping[Subject, frozenset[Subject]]) -> frozenset[Subject]:
    seen: set[Subject] = set()
    queue = deque(edges.get(start, ()))
    while queue:
        each = queue.popleft()
        if each not in seen:
            seen.add(each)
            queue.extend(edges.get(each, ()))
    return frozenset(seen - {start})
