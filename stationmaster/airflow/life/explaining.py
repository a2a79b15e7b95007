"""Tell in the task's log and in its row what an attempt waits for: again when it changes."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import ClusterError
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.pending import explain_pending, mount_trouble
from stationmaster.airflow.life.podfacts import who
from stationmaster.airflow.life.startfaults import of_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.budgets import Budgets
    from stationmaster.airflow.life.platform import Platform
    from stationmaster.airflow.life.waiting import Wait
    from stationmaster.step.protocol import StepContext

__all__ = ["Explainer"]

FIRST_LOOK: Final = 4.0
"""Seconds of waiting until events are read: a healthy start is over by then."""

LONGEST_LOOK: Final = 240.0
"""Looks at events double their distance up to this: thousands may wait at once."""


class Explainer:
    """Follow one attempt's waits.

    Args:
        context: What the attempt was told.
        platform: Where events are read, and where sentences go.
        budgets: How long a missing Secret is waited for.
    """

    def __init__(self, context: StepContext, platform: Platform, budgets: Budgets) -> None:
        self._context = context
        self._platform = platform
        self._budgets = budgets
        self._told = self._noted = self._trouble = ""
        self._look_at: float | None = None
        self._distance = FIRST_LOOK
        self._events: list[dict[str, Any]] = []

    def runs(self, pod: Mapping[str, Any]) -> None:
        """Say that it runs; whoever read that it waits, reads that."""
        sentence = f"{who(pod)} runs on {pod['spec'].get('nodeName')}."
        self._platform.say(sentence)
        if self._noted:
            self._note(pod, sentence)

    async def explain(self, pod: Mapping[str, Any], wait: Wait) -> tuple[Wait, float]:
        """Return the wait as events show it, and in how many seconds to ask again."""
        now = asyncio.get_running_loop().time()
        if self._look_at is None:
            self._look_at = now + FIRST_LOOK
        elif now >= self._look_at:
            await self._read_events(pod)
            self._distance = min(self._distance * 2, LONGEST_LOOK)
            self._look_at = now + self._distance
        if wait.for_node and not wait.silent:
            self._tell(pod, f"{who(pod)} {explain_pending(pod, self._events)}.")
        elif trouble := mount_trouble(self._events):
            wait = self._with_trouble(pod, wait, trouble)
        elif not wait.silent:
            self._tell(pod, f"{who(pod)} waits for {wait.words}.")
        elif self._noted and not wait.for_node:
            self._note(pod, f"{who(pod)} has a node now and waits for {wait.words}.")
        return wait, max(self._look_at - now, 0.1)

    def _with_trouble(self, pod: Mapping[str, Any], wait: Wait, trouble: str) -> Wait:
        """Name the volume or network that keeps a pod from starting; judge by it in the end."""
        if not wait.silent or wait.finding.verdict is not Verdict.START_FAILED:
            return wait
        self._tell(pod, f"{who(pod)} waits for its volumes or network: {trouble[:400]}")
        verdict, hint = of_message(trouble)
        finding = wait.finding.model_copy(
            update={
                "verdict": verdict,
                "sentence": f"{who(pod)} did not start: {trouble.rstrip('.')[:400]}.",
                "hint": hint,
                "evidence": {**wait.finding.evidence, "event": trouble[:500]},
            }
        )
        if verdict is not Verdict.CONFIG_ERROR:
            return replace(wait, finding=finding)
        # Measured against the start's own limit, which counts from the same moment.
        less = self._budgets.start_seconds - self._budgets.config_seconds
        return replace(wait, finding=finding, until=wait.until - dt.timedelta(seconds=less))

    async def _read_events(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        try:
            self._events = await self._platform.cluster.events_of(
                metadata["namespace"], metadata["uid"]
            )
        except ClusterError as error:
            # Without events a wait is explained by the pod's own condition alone.
            sentence = f"The events of {metadata['name']} cannot be read: {error}"
            if sentence != self._trouble:
                self._trouble = sentence
                self._platform.say(sentence)

    def _tell(self, pod: Mapping[str, Any], sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            self._platform.say(sentence)
        self._note(pod, sentence)

    def _note(self, pod: Mapping[str, Any], sentence: str) -> None:
        if sentence != self._noted:
            self._noted = sentence
            self._platform.waits(self._context, pod, sentence)
