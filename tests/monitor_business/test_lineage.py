"""Lineage says what comes of what, and nothing comes of itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.monitor.checks.finding import Subject, SubjectKind
from stationmaster.monitor.lineage import Lineage, step_subject

WEB = Subject(SubjectKind.SOURCE, "web")
ORDERS = Subject(SubjectKind.DATASET, "web_orders")
CUSTOMERS = Subject(SubjectKind.DATASET, "unified_customers")
REPORT = Subject(SubjectKind.REPORT, "morning_report")
REVENUE = Subject(SubjectKind.FIGURE, "web_orders/revenue")
PIPELINE = Subject(SubjectKind.PIPELINE, "morning_analytics")
NODE = Subject(SubjectKind.NODE, "node-a")
EXTRACT = step_subject("morning_analytics", "extract_web")
MERGE = step_subject("morning_analytics", "merge_customers")
WRITE = step_subject("morning_analytics", "report_morning")
DATABASE = Subject(SubjectKind.DATABASE, "postgres:5432")
OTHER_DATABASE = Subject(SubjectKind.DATABASE, "elsewhere:5432")
PROMETHEUS = Subject(SubjectKind.PART, "prometheus")
STORE = Subject(SubjectKind.OBJECT_STORE, "warehouse")
NETWORK = Subject(SubjectKind.NETWORK, "postgres:5432")
SCHEDULER = Subject(SubjectKind.PART, "scheduler")
WATCHER = Subject(SubjectKind.PART, "watcher")

GRAPH = Lineage(
    causes={
        EXTRACT: frozenset({WEB, NODE}),
        ORDERS: frozenset({EXTRACT}),
        REVENUE: frozenset({ORDERS}),
        MERGE: frozenset({ORDERS}),
        CUSTOMERS: frozenset({MERGE}),
        WRITE: frozenset({CUSTOMERS, ORDERS}),
        REPORT: frozenset({WRITE}),
        PIPELINE: frozenset({EXTRACT, MERGE, WRITE}),
    },
    readers={"morning_report": ("management", "finance")},
)
PLATFORM = (DATABASE, OTHER_DATABASE, STORE, NETWORK, SCHEDULER, WATCHER, PROMETHEUS)
EVERY = (*GRAPH.causes, WEB, NODE, *PLATFORM)


@pytest.mark.parametrize(
    ("effect", "cause"),
    [
        (REPORT, WEB),
        (MERGE, EXTRACT),
        (REVENUE, NODE),
        (PIPELINE, WEB),
        (REPORT, PIPELINE),
        (CUSTOMERS, PIPELINE),
        (REPORT, DATABASE),
        (EXTRACT, SCHEDULER),
        (PIPELINE, NETWORK),
        (SCHEDULER, DATABASE),
        (DATABASE, NETWORK),
        (WEB, STORE),
    ],
)
def test_what_stands_downstream_comes_of_what_stands_upstream(
    effect: Subject, cause: Subject
) -> None:
    """One late source, one node or one database explains all that comes of it."""
    assert GRAPH.comes_of(effect, cause)


@pytest.mark.parametrize(
    ("effect", "cause"),
    [
        (WEB, REPORT),
        (EXTRACT, MERGE),
        (EXTRACT, PIPELINE),
        (MERGE, PIPELINE),
        (REPORT, WATCHER),
        (DATABASE, SCHEDULER),
        (DATABASE, STORE),
        (NODE, DATABASE),
        (WEB, DATABASE),
        (SCHEDULER, STORE),
        (PROMETHEUS, DATABASE),
        (OTHER_DATABASE, NETWORK),
    ],
)
def test_what_stands_upstream_does_not_come_of_what_stands_downstream(
    effect: Subject, cause: Subject
) -> None:
    """A cause is not explained by its effects, nor by what only looks."""
    assert not GRAPH.comes_of(effect, cause)


@settings(deadline=None)
@given(st.sampled_from(EVERY), st.sampled_from(EVERY))
def test_two_things_never_come_of_each_other(one: Subject, other: Subject) -> None:
    """An incident has one direction: of two findings at most one explains the other."""
    assert not (GRAPH.comes_of(one, other) and GRAPH.comes_of(other, one))


def test_downstream_is_what_comes_of_it() -> None:
    """Both directions of the graph agree, for every pair of things."""
    for cause in EVERY:
        found = {each for each in GRAPH.causes if GRAPH.comes_of(each, cause)}
        assert found == GRAPH.downstream(cause) & set(GRAPH.causes)


def test_who_is_affected_is_named_as_readers_call_themselves() -> None:
    """Trouble with a source names the datasets, the reports and their readers."""
    found = GRAPH.affected(WEB)

    assert found.datasets == ("unified_customers", "web_orders")
    assert found.reports == ("morning_report",)
    assert found.readers == ("finance", "management")
