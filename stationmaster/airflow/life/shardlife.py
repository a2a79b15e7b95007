"""The attempts of one shard: one after the other, until one decides."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.enlarging import enlarged_bytes, gave_up, needed
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.following import Following
from stationmaster.airflow.life.names import (
    ATTEMPT_LABEL,
    SHARD_LABEL,
    SPENT_ANNOTATION,
    pod_name,
)
from stationmaster.airflow.life.plan import PodRef, context_of, pod_of
from stationmaster.airflow.life.podfacts import human_bytes, in_words, memory_limit
from stationmaster.airflow.life.podstore import trim
from stationmaster.airflow.life.recording import record_of
from stationmaster.airflow.life.releasing import let_go, ref_of
from stationmaster.airflow.life.starting import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from stationmaster.airflow.life.places import Places
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.platform import Platform
    from stationmaster.airflow.life.stopping import StopSignal

__all__ = ["ShardEnd", "ShardLife"]

RECORD_PAUSE: Final = 2.0
LONGEST_RECORD_PAUSE: Final = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShardEnd:
    """Say how a shard ended: by the finding of its last attempt."""

    finding: Finding
    attempt: int
    pods: tuple[PodRef, ...] = ()
    """Recorded, and still holding their evidence."""


@dataclass
class _Attempt:
    """Hold where a shard stands."""

    number: int = 1
    memory_bytes: int | None = None
    spent: dict[Verdict, int] = field(default_factory=dict)
    before: tuple[PodRef, ...] = ()
    """Pods of attempts that are recorded, let go once this one's pod is there."""
    queued_at: dt.datetime | None = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    """Unknown for a further attempt that an earlier life of ours decided on."""
    adopted: bool = False
    """Its pod is there already."""


class ShardLife:
    """Live one shard of a try.

    Args:
        plan: Of the try.
        shard: From 0.
        platform: Where it runs.
        stop: Asks to end it.
        places: Of the step's pods; a pod of an earlier life of ours keeps its own.
    """

    def __init__(
        self, plan: StepPlan, shard: int, platform: Platform, *, stop: StopSignal, places: Places
    ) -> None:
        self._plan = plan
        self._shard = shard
        self._platform = platform
        self._stop = stop
        self._places = places
        self._begun = self._where_it_stands()
        self._has_place = self._begun.adopted
        if self._has_place:
            places.keep()

    async def to_end(self) -> ShardEnd:
        """Return how the shard ended; further attempts are started within the budgets."""
        attempt = self._begun
        while True:
            async with self._place():
                finding, pod = await self._live(attempt)
            await self._record(attempt, pod, finding)
            following = self._next(attempt, finding, pod)
            if isinstance(following, Finding):
                held = (*attempt.before, ref_of(pod)) if pod else attempt.before
                return ShardEnd(following, attempt.number, held)
            pause = self._plan.budgets.pause_before(following.spent)
            self._tell_next(finding, pod, following, pause)
            if pause:
                await self._stop.wait(pause)
            attempt = following

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Hold one of the step's places, from before the pod until it ended."""
        if not self._has_place:
            self._has_place = self._places.take_free() or await self._waited()
        try:
            yield
        finally:
            if self._has_place:
                self._has_place = False
                self._places.give_back()

    async def _waited(self) -> bool:
        """Tell whether a place came; a step that is to stop starts no pod, and needs none."""
        taking = asyncio.ensure_future(self._places.take())
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if taking.done():
                self._places.give_back()
            raise
        finally:
            stopping.cancel()
            taking.cancel()  # does nothing to one that is done
        return taking.done() and not taking.cancelled()

    def _where_it_stands(self) -> _Attempt:
        """Find the shard's pods of an earlier life of ours, by their labels."""
        found = sorted(
            (
                pod
                for pod in self._platform.watch.of_try(self._plan.context.try_id)
                if pod["metadata"]["labels"].get(SHARD_LABEL) == str(self._shard)
            ),
            key=_attempt_of,
        )
        first = self._plan.queued_at or self._plan.started_at
        if not found:
            return _Attempt(queued_at=first)
        *older, last = found
        # What stands before the highest attempt was recorded before that one was created.
        return _Attempt(
            number=_attempt_of(last),
            memory_bytes=memory_limit(last),
            spent=_spent_of(last),
            before=tuple(ref_of(pod) for pod in older),
            queued_at=first if _attempt_of(last) == 1 else None,
            adopted=True,
        )

    async def _live(self, attempt: _Attempt) -> tuple[Finding, dict[str, Any] | None]:
        plan, platform = self._plan, self._platform
        name = pod_name(context_of(plan, self._shard, attempt.number))
        with platform.watch.follow(plan.namespace, name) as follower:
            known = None if follower.gone else follower.pod
            if known is None:
                made = await self._create(attempt)
                if isinstance(made, Finding):
                    return made, None
                known = made
            if attempt.before:
                await asyncio.gather(*(let_go(each, plan, platform) for each in attempt.before))
                attempt.before = ()
            following = Following(
                context_of(plan, self._shard, attempt.number),
                plan,
                platform,
                stop=self._stop,
                follower=follower,
                uid=known["metadata"]["uid"],
            )
            finding = await following.to_end()
            return finding, following.pod or known

    async def _create(self, attempt: _Attempt) -> dict[str, Any] | Finding:
        """Return the pod that was created, trimmed: it is held as long as the step runs."""
        plan, platform = self._plan, self._platform
        pod = pod_of(plan, self._shard, attempt.number, attempt.memory_bytes, attempt.spent)
        made = await start(pod, platform, plan.budgets, self._stop)
        if isinstance(made, Finding):
            return made
        platform.watch.learn(made)
        return trim(made)

    async def _record(
        self, attempt: _Attempt, pod: Mapping[str, Any] | None, finding: Finding
    ) -> None:
        """Store the attempt; a ledger that is away is waited for, however long."""
        context = context_of(self._plan, self._shard, attempt.number)
        record = record_of(context, pod, finding, queued_at=attempt.queued_at)
        pause = RECORD_PAUSE
        while True:
            try:
                await self._platform.record(record)
            except Exception as error:  # noqa: BLE001 (any ledger's own errors)
                log.warning("Attempt %s is not recorded yet: %s", record.key, error)
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RECORD_PAUSE)

    def _next(
        self, attempt: _Attempt, finding: Finding, pod: Mapping[str, Any] | None
    ) -> _Attempt | Finding:
        """Return the next attempt, or the finding that ends the shard."""
        verdict, budgets = finding.verdict, self._plan.budgets
        if verdict is Verdict.SUCCEEDED or self._stop.reason is not None or pod is None:
            return finding
        if finding.exit_code in self._plan.skip_exit_codes or verdict not in budgets.again:
            return finding
        memory: int | None = attempt.memory_bytes
        if verdict is Verdict.OUT_OF_MEMORY:
            memory = enlarged_bytes(finding, pod, budgets)
            if memory is None or not budgets.allows(verdict, attempt.spent):
                return gave_up(finding, pod, budgets, attempt.spent.get(verdict, 0))
        elif not budgets.allows(verdict, attempt.spent):
            return _over(finding, f"It was the last of {budgets.again[verdict] + 1} attempts.")
        return _Attempt(
            number=attempt.number + 1,
            memory_bytes=memory,
            spent={**attempt.spent, verdict: attempt.spent.get(verdict, 0) + 1},
            before=(*attempt.before, ref_of(pod)),
        )

    def _tell_next(
        self,
        finding: Finding,
        pod: Mapping[str, Any] | None,
        following: _Attempt,
        pause: float,
    ) -> None:
        if finding.verdict is Verdict.OUT_OF_MEMORY and pod is not None:
            size = human_bytes(following.memory_bytes)
            words = f"{needed(finding, pod)}, trying {size}: attempt {following.number} starts"
        else:
            words = f"{finding.sentence} Attempt {following.number} starts"
        if pause:
            words += f" in {in_words(pause)}"
        self._platform.say(f"{words}; no retry of Airflow's is used.")


def _attempt_of(pod: Mapping[str, Any]) -> int:
    text = pod["metadata"]["labels"].get(ATTEMPT_LABEL, "1")
    return int(text) if text.isdigit() else 1


def _spent_of(pod: Mapping[str, Any]) -> dict[Verdict, int]:
    text = (pod["metadata"].get("annotations") or {}).get(SPENT_ANNOTATION)
    try:
        return {Verdict(name): int(count) for name, count in json.loads(text or "{}").items()}
    except (ValueError, AttributeError):
        # Of a version of ours that knows other verdicts: at worst it is tried more often.
        return {}


def _over(finding: Finding, why: str) -> Finding:
    return finding.model_copy(update={"sentence": f"{finding.sentence} {why}"})
