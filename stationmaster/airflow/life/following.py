"""Follow one attempt's pod from its creation to a finding; stop it when asked to."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from stationmaster.airflow.life.apierrors import (
    ClusterError,
    ClusterUnreachableError,
    ConflictError,
)
from stationmaster.airflow.life.disruptions import lost_at
from stationmaster.airflow.life.evidence import evidence_of
from stationmaster.airflow.life.explaining import Explainer
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.growing import Growing
from stationmaster.airflow.life.names import ENDING_ANNOTATION
from stationmaster.airflow.life.podfacts import step_state, who
from stationmaster.airflow.life.verdicts import judge
from stationmaster.airflow.life.waiting import wait_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.platform import Platform
    from stationmaster.airflow.life.podstore import Follower
    from stationmaster.airflow.life.stopping import StopSignal
    from stationmaster.airflow.life.waiting import Wait
    from stationmaster.step.protocol import StepContext

__all__ = ["Following", "decided_of"]

AWAY_PAUSE: Final = 1.0
"""Between tries while the API server does not answer what a stop or a verdict needs."""

TIMED_OUT_SECONDS: Final = 4.0
"""From the end of its time until a step counts as ended, whatever its node says."""

STOP_SLACK_SECONDS: Final = 15.0
"""After the grace period of a stop: a busy kubelet needs a few seconds."""

STOP_WORDS: Final = {
    Verdict.KILLED_BY_USER: (
        "was stopped: its task was cleared, marked or deleted in Airflow",
        "Clear the task to run it again.",
    ),
    Verdict.TIMED_OUT: (
        "was stopped: its execution_timeout was over",
        (
            "Give it more time (execution_timeout=, timeout_minutes in job.yaml) or less to do; "
            "nothing was published."
        ),
    ),
    Verdict.STOPPED: (
        "was stopped, since another shard of the step failed",
        "Look at the shard that failed.",
    ),
}

log = logging.getLogger(__name__)


class Following:
    """See one attempt to its end.

    Args:
        context: What the attempt was told.
        plan: Of its try.
        platform: Where it runs.
        stop: Asks to end it.
        follower: Of its pod, entered before the pod was created.
        uid: Of its pod: a namesake is another pod.
    """

    def __init__(  # noqa: PLR0913 (an attempt's whole world)
        self,
        context: StepContext,
        plan: StepPlan,
        platform: Platform,
        *,
        stop: StopSignal,
        follower: Follower,
        uid: str,
    ) -> None:
        self._context = context
        self._plan = plan
        self._platform = platform
        self._stop = stop
        self._follower = follower
        self._uid = uid
        self._explainer = Explainer(context, platform, plan.budgets)
        self._growing = Growing(platform, plan.budgets) if plan.grows else None
        self._running_told = self._trouble_told = False
        self._stop_until: float | None = None
        self.pod: dict[str, Any] = {}
        """The last state seen of the attempt's own pod."""

    async def to_end(self) -> Finding:
        """Return why the attempt ended."""
        with self._stop.waking(self._follower.event):
            seconds: float | None
            while True:
                self._follower.looked()
                finding = self._finding()
                if finding is not None:
                    return finding
                if self._stop.reason is not None:
                    finding, seconds = await self._stopping(self._stop.reason)
                else:
                    finding, seconds = await self._waiting()
                if finding is not None:
                    return finding
                await self._follower.changed(seconds)

    def _finding(self) -> Finding | None:
        """Judge the latest state: ours, or that of a namesake that took our pod's place."""
        pod, gone = self._follower.pod, self._follower.gone
        if pod is None:
            return None
        if pod["metadata"]["uid"] != self._uid:
            pod, gone = self.pod, True
            if not pod:
                return None  # the store still has an older namesake
        self.pod = pod
        self._platform.seen(self._context, pod)
        self._tell_running(pod)
        found = judge(pod, gone=gone)
        if found is not None and found.verdict is Verdict.SUCCEEDED:
            return found
        if found is not None and self._stop_until is not None:
            return self._stopped(found)
        return decided_of(pod) or found

    def _tell_running(self, pod: Mapping[str, Any]) -> None:
        if not self._running_told and "running" in (step_state(pod).get("state") or {}):
            self._running_told = True
            self._explainer.runs(pod)

    async def _waiting(self) -> tuple[Finding | None, float | None]:
        wait = wait_of(self.pod, self._plan.budgets) if self.pod else None
        if wait is None:
            if self._growing is None or not self.pod:
                return None, None
            return None, await self._growing.look(self.pod)
        wait, seconds = await self._explainer.explain(self.pod, wait)
        left = (wait.until - dt.datetime.now(dt.UTC)).total_seconds()
        if left > 0:
            return None, min(left, seconds)
        return await self._conclude(wait)

    async def _conclude(self, wait: Wait) -> tuple[Finding | None, float]:
        """End a wait that took too long, unless the pod has moved on unseen."""
        metadata = self.pod["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        try:
            fresh = await self._platform.cluster.get_pod(namespace, name)
            if fresh is None or fresh["metadata"]["uid"] != self._uid:
                return None, AWAY_PAUSE  # the watch is about to tell
            if fresh["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
                self._platform.watch.learn(fresh)
                return None, 0.0
            if lost_at(fresh) is None:
                await self._decide(wait.finding, fresh)
        except ConflictError:
            return None, AWAY_PAUSE
        except ClusterUnreachableError:
            return None, AWAY_PAUSE
        return wait.finding, 0.0

    async def _decide(self, finding: Finding, pod: Mapping[str, Any]) -> None:
        """Write the finding onto the pod, then delete it: whoever comes next agrees.

        Raises:
            ConflictError: The pod has moved on.
        """
        metadata = pod["metadata"]
        cluster, place = self._platform.cluster, (metadata["namespace"], metadata["name"])
        must = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        note = {ENDING_ANNOTATION: finding.model_dump_json(exclude={"result"})}
        await cluster.patch_pod(*place, {"metadata": {**must, "annotations": note}})
        await cluster.delete_pod(*place, uid=metadata["uid"])

    async def _stopping(self, reason: Verdict) -> tuple[Finding | None, float]:
        """Delete the pod, once, and wait for its end for a bounded time."""
        loop = asyncio.get_running_loop()
        if self._stop_until is None:
            grace = self._grace(reason)
            try:
                await self._delete(grace)
            except ClusterError as error:
                log.warning("Pod %s cannot be deleted yet: %s", self._name(), error)
                if not self._trouble_told:
                    self._trouble_told = True
                    self._platform.say(f"{self._name()} cannot be stopped yet: {error}")
                return None, AWAY_PAUSE
            slack = STOP_SLACK_SECONDS + grace
            self._stop_until = loop.time() + (
                TIMED_OUT_SECONDS if reason is Verdict.TIMED_OUT else slack
            )
        left = self._stop_until - loop.time()
        return (None, left) if left > 0 else (self._stopped(None), 0.0)

    async def _delete(self, grace: int) -> None:
        name = self._name()
        try:
            await self._platform.cluster.delete_pod(
                self._plan.namespace, name, uid=self._uid, grace_seconds=grace
            )
        except ConflictError:
            return  # another pod has the name: ours is gone, the watch tells

    def _grace(self, reason: Verdict) -> int:
        own = int(self._plan.pod["spec"].get("terminationGracePeriodSeconds", 30))
        budgets = self._plan.budgets
        if reason is Verdict.TIMED_OUT:
            return min(own, budgets.timeout_grace_seconds)
        return min(own, budgets.kill_grace_seconds)

    def _name(self) -> str:
        return self._follower.name

    def _stopped(self, found: Finding | None) -> Finding:
        reason = self._stop.reason or Verdict.STOPPED
        words, hint = STOP_WORDS.get(reason, ("was stopped", "Clear the task to run it again."))
        if found is None:
            words += "; its node has not told yet that its container ended"
        return Finding(
            verdict=reason,
            exit_code=found.exit_code if found is not None else None,
            sentence=f"{who(self.pod) if self.pod else self._name()} {words}.",
            hint=hint,
            evidence=evidence_of(self.pod) if self.pod else {},
            result=found.result if found is not None else None,
        )


def decided_of(pod: Mapping[str, Any]) -> Finding | None:
    """Return the finding under which a launcher has deleted the pod, if one has."""
    text = (pod["metadata"].get("annotations") or {}).get(ENDING_ANNOTATION)
    if not text or not pod["metadata"].get("deletionTimestamp"):
        return None
    try:
        return Finding.model_validate_json(text)
    except ValidationError:
        return None
