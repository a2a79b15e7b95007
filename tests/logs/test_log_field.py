"""`log: pod` in a job's file: from there to the label that the follower goes by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.catalog import CatalogJob
from stationmaster.airflow.life.names import LOG_LABEL
from stationmaster.airflow.pods import build_pod
from stationmaster.airflow.sizes import Resources
from stationmaster.step.jobfile import JobFile, load_job

if TYPE_CHECKING:
    from stationmaster.step.protocol import StepContext

JOBS = Path(__file__).parents[1] / "step" / "fixtures" / "jobs"


def labels_of_pod(file: JobFile, context: StepContext) -> dict[str, str]:
    """Return the labels of a job's pod."""
    container = k8s.V1Container(name="base")
    wishes = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(labels={LOG_LABEL: "of the author"}),
        spec=k8s.V1PodSpec(containers=[container]),
    )
    resources = Resources(cpu="1", memory="1Gi")
    pod = build_pod(wishes, CatalogJob("image:1", file), resources, context)
    labels: dict[str, str] = pod.metadata.labels
    return labels


def test_a_job_whose_image_has_no_runner_is_followed(context: StepContext) -> None:
    """The step in plain sh says so in its job.yaml, and its pods wear the label."""
    job = load_job(JOBS, "count-lines")

    assert labels_of_pod(job, context)[LOG_LABEL] == "pod"


def test_a_job_with_our_runner_is_left_to_it(context: StepContext) -> None:
    """By default nobody follows the pod, unless its author asks for it."""
    job = load_job(JOBS, "count-lines").model_copy(
        update={"log": JobFile.model_fields["log"].default}
    )

    assert labels_of_pod(job, context)[LOG_LABEL] == "of the author"
