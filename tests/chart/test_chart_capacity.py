"""Where steps go on EKS: from values and NodePools to the pods of each kind of job."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.contexts import example_context
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.operator import StepOperator
from tests.chart.rendering import ROOT, of_kind, render

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.airflow.life.plan import StepPlan

CAPACITY = "karpenter.sh/capacity-type"
STEADY = "--set=jobs.extract-web.interruptible=false"


def node_pools() -> dict[str, dict[str, Any]]:
    """Return the specs of Karpenter's pools by name."""
    text = (ROOT / "k8s" / "eks" / "nodes.yaml").read_text(encoding="utf-8")
    documents = [each for each in yaml.safe_load_all(text) if each["kind"] == "NodePool"]
    return {each["metadata"]["name"]: each["spec"]["template"] for each in documents}


def paid_as(pod: dict[str, Any]) -> set[str]:
    """Return how nodes may be paid on which a pod can run: of what pools offer, what it takes."""
    ways: set[str] = set()
    for template in node_pools().values():
        offered = next(
            each["values"] for each in template["spec"]["requirements"] if each["key"] == CAPACITY
        )
        wanted = dict(pod["spec"].get("nodeSelector") or {})
        way = wanted.pop(CAPACITY, None)
        taints = {(each["key"], each["value"]) for each in template["spec"]["taints"]}
        tolerated = {(each["key"], each.get("value")) for each in pod["spec"]["tolerations"]}
        if wanted.items() <= template["metadata"]["labels"].items() and taints <= tolerated:
            ways |= {each for each in offered if way in {None, each}}
    return ways


@pytest.fixture
def _catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = of_kind(render("eks-cluster", STEADY), "ConfigMap")["stationmaster-catalog"]["data"]
    file = tmp_path / "catalog.yaml"
    file.write_text(text["catalog.yaml"], encoding="utf-8")
    monkeypatch.setenv("STATIONMASTER_CATALOG_FILE", str(file))
    monkeypatch.setenv("STATIONMASTER_RUNTIME", "kubernetes")


def pod_json(job: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 (of StepOperator)
    """Return the pod of a job's step as the API is sent it."""
    from stationmaster.airflow.podmodels import api_json  # noqa: PLC0415 (after Airflow's home)

    step = StepOperator(task_id="step", job=job, **arguments)
    (pod,) = step.build_pods()
    return dict(api_json(pod))


@pytest.mark.usefixtures("_catalog")
def test_what_may_be_interrupted_takes_spot_where_there_is_some() -> None:
    """An ordinary step leaves Karpenter the choice, which takes the cheaper: spot first."""
    pod = pod_json("extract-app")
    assert paid_as(pod) == {"spot", "on-demand"}
    assert "karpenter.sh/do-not-disrupt" not in pod["metadata"]["annotations"]
    assert pod["spec"]["priorityClassName"] == "stationmaster-step"


@pytest.mark.usefixtures("_catalog")
@pytest.mark.parametrize(
    "arguments", [{}, {"node_selector": {"stationmaster.io/node-size": "large"}}]
)
def test_what_must_not_be_moved_is_on_nodes_that_stay(arguments: dict[str, Any]) -> None:
    """On-demand only, also with a selector of its author's own; none empties its node."""
    pod = pod_json("extract-web", **arguments)
    assert paid_as(pod) == {"on-demand"}
    assert pod["spec"]["nodeSelector"].items() >= arguments.get("node_selector", {}).items()
    assert pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    assert pod["spec"]["priorityClassName"] == "stationmaster-uninterruptible"


@pytest.mark.usefixtures("_catalog")
def test_a_further_attempt_goes_where_the_first_went() -> None:
    """After an interruption, and enlarged, the pod has the same nodes and the same protection."""
    plan = a_plan("extract-web")
    again = pod_of(plan, 0, 2, memory_bytes=32 * 2**30)
    assert paid_as(again) == {"on-demand"}
    assert again["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"


def a_plan(job: str) -> StepPlan:
    """Return the plan of a job's step."""
    from stationmaster.airflow.launcher.plans import plan_step  # noqa: PLC0415 (after its home)

    step = StepOperator(task_id="step", job=job)
    found = find_job(job)
    return plan_step(
        [example_context("dag", "step", found)],
        job=found,
        wishes=step.wishes(),
        size="s",
        namespace="stationmaster-steps",
        started_at=dt.datetime.now(dt.UTC),
        timeout_seconds=None,
        skip_exit_codes=(),
    )
