"""Causes that lie with people and clocks: a kill, a deletion, the end of the time."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from tests.drill.verdicts.scene import Cause

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES", "TRAPPED"]

DEAF: Final = "trap '' TERM; while :; do sleep 1; done"
"""Ignores SIGTERM."""

NOWHERE: Final = {"nodeSelector": {"no": "where"}}
TRAPPED: Final = "trap 'exit 143' TERM; sleep 600 & wait"
"""Ends when it is asked to, as our runner does."""


def _plan(script: str, fields: dict[str, Any], scene: Scene) -> StepPlan:
    return scene.plan(script, **fields)


def _two_shards(scene: Scene) -> StepPlan:
    """Return a step whose second shard fails; the first one would run on."""
    script = (
        'case "$STATIONMASTER_CONTEXT" in *\'"shard":{"index":1\'*) sleep 2; exit 1;; esac; '
        "sleep 600"
    )
    return scene.plan(script, shards=2)


async def _delete(grace: int, scene: Scene) -> None:
    await scene.until_running()
    arguments = [f"--grace-period={grace}", *(() if grace else ("--force",))]
    namespace = ("-n", scene.home.namespace)
    await scene.kubectl(*namespace, "delete", "pod", "--wait=false", *arguments, *scene.names())


async def _delete_unplaced(scene: Scene) -> None:
    await scene.until_each(lambda pod: pod["status"].get("conditions"))
    namespace = ("-n", scene.home.namespace)
    await scene.kubectl(*namespace, "delete", "pod", "--wait=false", *scene.names())


async def _kill(scene: Scene) -> None:
    await scene.until_running()
    for each in scene.injections:
        each.stop.set(Verdict.KILLED_BY_USER)


async def _kill_unplaced(scene: Scene) -> None:
    await scene.until_each(lambda pod: pod["status"].get("conditions"))
    await asyncio.sleep(0.5)
    for each in scene.injections:
        each.stop.set(Verdict.KILLED_BY_USER)


async def _kill_at_once(scene: Scene) -> None:
    for each in scene.injections:
        each.stop.set(Verdict.KILLED_BY_USER)


CAUSES: Final = (
    Cause(
        "execution_timeout, step ends on SIGTERM",
        Verdict.TIMED_OUT,
        partial(_plan, TRAPPED, {"timeout_seconds": 10.0}),
    ),
    Cause(
        "execution_timeout, step ignores SIGTERM",
        Verdict.TIMED_OUT,
        partial(_plan, DEAF, {"timeout_seconds": 10.0}),
    ),
    Cause(
        "execution_timeout while it waits for a node",
        Verdict.TIMED_OUT,
        partial(_plan, "exit 0", {"timeout_seconds": 5.0, "spec": NOWHERE}),
    ),
    Cause(
        "activeDeadlineSeconds",
        Verdict.TIMED_OUT,
        partial(_plan, TRAPPED, {"spec": {"activeDeadlineSeconds": 8}}),
    ),
    Cause(
        "pod deleted while it runs",
        Verdict.POD_DELETED,
        partial(_plan, TRAPPED, {}),
        partial(_delete, 5),
    ),
    Cause(
        "pod deleted by force while it runs",
        Verdict.POD_DELETED,
        partial(_plan, TRAPPED, {}),
        partial(_delete, 0),
    ),
    Cause(
        "pod deleted while it waits for a node",
        Verdict.POD_DELETED,
        partial(_plan, "exit 0", {"spec": NOWHERE}),
        _delete_unplaced,
    ),
    Cause(
        "task cleared in Airflow while it runs",
        Verdict.KILLED_BY_USER,
        partial(_plan, TRAPPED, {}),
        _kill,
    ),
    Cause(
        "task cleared while its step ignores SIGTERM",
        Verdict.KILLED_BY_USER,
        partial(_plan, DEAF, {}),
        _kill,
    ),
    Cause(
        "task cleared while it waits for a node",
        Verdict.KILLED_BY_USER,
        partial(_plan, "exit 0", {"spec": NOWHERE}),
        _kill_unplaced,
    ),
    Cause(
        "task cleared while its pod is created",
        Verdict.KILLED_BY_USER,
        partial(_plan, TRAPPED, {}),
        _kill_at_once,
    ),
    Cause("another shard of the step failed", Verdict.STOPPED, _two_shards),
)
"""Each is ended by somebody, or by the clock."""
