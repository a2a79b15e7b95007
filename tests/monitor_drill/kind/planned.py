"""Which faults there are on kind, in which order, and what each must be found as."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.judging import Expected
from tests.monitor_drill.kind.faults import (
    broken_file,
    claim_without_class,
    container_crashes,
    image_missing,
    launcher_stopped,
    node_lost,
    out_of_memory,
    paused,
    scaled_to_nothing,
    starving_step,
    volume_filling,
    watcher_killed,
    without_database,
)
from tests.monitor_drill.kind.site import PAUSED

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.monitor_drill.kind.faults import Course

__all__ = ["FAULTS", "Fault"]

STEPS: Final = "stationmaster-steps"
HERE: Final = "stationmaster"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Hold one fault.

    Args:
        name: For the record.
        group: Faults of a group go on at once; groups go one after the other.
        breaking: Breaks it; the end of the block mends it.
        expected: What it must be found as.
        lasts: The next group does not wait for its end.
        after_seconds: Begin so long after the group.
        closes_within: So soon after it was mended its incident must be over.
    """

    name: str
    group: int
    breaking: Callable[[Course], AbstractContextManager[None]]
    expected: Expected
    lasts: bool = False
    after_seconds: float = 0.0
    closes_within: float = 480.0


def _found(
    check: str, subject: str, seconds: float, *does: str, layer: str = "infrastructure"
) -> Expected:
    return Expected(
        check=tuple(check.split("|")),
        subject=subject,
        layer=layer,
        within=dt.timedelta(seconds=seconds),
        does=does,
    )


def _without(part: str, check: str, seconds: float, *does: str, group: int = 1) -> Fault:
    return Fault(
        name=f"{part} scaled to nothing",
        group=group,
        after_seconds=45,  # what else the group needs of Airflow is begun by then
        breaking=scaled_to_nothing("deployment", part),
        expected=_found(check, f"part:{part}", seconds, *does),
    )


FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        name="pipeline paused",
        group=1,
        breaking=paused,
        expected=_found("pipeline-paused", f"pipeline:{PAUSED}", 1980, "airflow dags unpause"),
        lasts=True,
    ),
    Fault(
        name="volume filling",
        group=1,
        breaking=volume_filling,
        expected=_found("volume-filling", f"volume:{HERE}/monitor-drill-volume", 540, "kubectl"),
        lasts=True,
        closes_within=1300,
    ),
    Fault(
        name="container crashes",
        group=1,
        breaking=container_crashes,
        expected=_found("pod-crash-looping", f"pod:{HERE}/monitor-drill-crash", 420, "logs"),
        lasts=True,
        closes_within=900,
    ),
    Fault(
        name="step that no node has room for",
        group=1,
        breaking=starving_step,
        expected=_found("pods-pending", f"pod:{STEPS}", 780, "job.yaml", "describe pod"),
    ),
    Fault(
        name="image missing",
        group=1,
        breaking=image_missing,
        expected=_found("image-unavailable", f"pod:{HERE}/monitor-drill-image", 210, "registry"),
    ),
    Fault(
        name="volume claim without a class",
        group=1,
        breaking=claim_without_class,
        expected=_found(
            "volume-pending",
            f"volume:{HERE}/monitor-drill-claim",
            420,
            "describe pvc",
            "no-such-class",
        ),
    ),
    Fault(
        name="object store stopped",
        group=1,
        breaking=scaled_to_nothing("statefulset", "seaweedfs"),
        expected=_found("object-store-unreachable", "object-store:*", 180, "Start the store"),
        after_seconds=15,
    ),
    _without("scheduler", "scheduler-dead|prometheus-alert", 210, "kubectl"),
    _without("dag-processor", "dag-processor-dead|prometheus-alert", 330, "kubectl"),
    Fault(
        name="watcher killed amid an incident",
        group=1,
        breaking=watcher_killed,
        expected=_found("triggerer-dead|prometheus-alert", "part:triggerer", 330, "kubectl"),
        after_seconds=260,  # for three minutes nobody looks: others are told by then
    ),
    _without("alertmanager", "prometheus-silent", 390, "STATIONMASTER_ALERTMANAGER_URL", group=2),
    Fault(
        name="step out of memory",
        group=2,
        breaking=out_of_memory,
        expected=_found(
            "step-failed", "step:monitor_drill_eats/step_eats", 180, "bigger size", layer="pipeline"
        ),
    ),
    Fault(
        name="DAG file broken",
        group=2,
        breaking=broken_file,
        expected=_found("dag-import-error", "pipeline:*monitor_drill_broken*", 420, "python"),
    ),
    Fault(
        name="database stopped on kind",
        group=3,
        breaking=without_database,
        expected=_found("database-unreachable", "database:*postgres*", 180, "Start it"),
        closes_within=900,
    ),
    Fault(
        name="node lost",
        group=4,
        breaking=node_lost,
        expected=_found("node-not-ready|prometheus-alert", "node:*", 270, "kubectl describe node"),
        closes_within=600,
    ),
    _without("api-server", "api-server-unreachable|prometheus-alert", 270, "kubectl", group=5),
    Fault(
        name="launcher stopped",
        group=6,
        breaking=launcher_stopped,
        expected=_found("launcher-dead", "part:launcher", 450, "restart the scheduler's pod"),
    ),
)
"""NetworkPolicies are not enforced on this cluster, so that no way is cut: a Service without pods
refuses, which is what these faults are."""
