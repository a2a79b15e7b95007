"""Start an attempt: create its pod, or adopt the one that is there already."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import (
    ClusterError,
    ClusterUnreachableError,
    ConflictError,
)
from stationmaster.airflow.life.belonging import claim
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.names import ATTEMPT_LABEL, SHARD_LABEL, TRY_ID_LABEL
from stationmaster.airflow.life.podfacts import in_words, who

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.budgets import Budgets
    from stationmaster.airflow.life.platform import Platform
    from stationmaster.airflow.life.stopping import StopSignal

__all__ = ["start"]

IDENTITY: Final = (TRY_ID_LABEL, SHARD_LABEL, ATTEMPT_LABEL)

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404

WARM_UP_SECONDS: Final = 60.0
"""How long a missing right, namespace or service account may be on its way."""

WARM_UP_PAUSE: Final = 2.0

REFUSED_PAUSE: Final = 10.0
"""Between tries where a quota or a login is in the way: both pass without us."""

TAKEN_PAUSE: Final = 0.5
AWAY_PAUSE: Final = 1.0


async def start(
    pod: Mapping[str, Any], platform: Platform, budgets: Budgets, stop: StopSignal
) -> dict[str, Any] | Finding:
    """Return the attempt's pod as the API has it, or why there is none.

    A name that is taken by the very same attempt means that somebody has created it: a former
    life of ours, another launcher, or our own request whose answer got lost.
    """
    began, told, sent = dt.datetime.now(dt.UTC), "", False
    while True:
        waited = (dt.datetime.now(dt.UTC) - began).total_seconds()
        if stop.reason is not None:
            # A create whose answer got lost may have left a pod that must be stopped as well.
            left = await _left_behind(pod, platform) if sent else None
            return left or _not_started(pod, stop.reason)
        if not await platform.still_ours():
            return _not_started(pod, Verdict.KILLED_BY_USER)
        made = await _create(pod, platform, waited)
        if not isinstance(made, _Trouble):
            return made
        sent = sent or made.sent
        if waited > budgets.schedule_seconds:
            left = await _left_behind(pod, platform) if sent else None
            return left or _never_admitted(pod, made.refusal, waited)
        if not isinstance(made.refusal, ConflictError) and made.refusal.message != told:
            told = made.refusal.message
            platform.say(f"{who(pod)} waits to be admitted: {told}")
        await stop.wait(made.pause)


@dataclass(frozen=True)
class _Trouble:
    """Hold why a pod was not created just now, and when to try again."""

    refusal: ClusterError
    pause: float
    sent: bool = False
    """The pod may be there all the same."""


async def _create(
    pod: Mapping[str, Any], platform: Platform, waited: float
) -> dict[str, Any] | Finding | _Trouble:
    try:
        return await platform.cluster.create_pod(pod)
    except ConflictError as taken:
        # None: deleted meanwhile, or a conflict within a quota's own bookkeeping.
        try:
            adopted = await _adopt(pod, platform)
        except ClusterUnreachableError as away:
            return _Trouble(away, TAKEN_PAUSE, sent=True)
        return adopted or _Trouble(taken, TAKEN_PAUSE, sent=True)
    except ClusterUnreachableError as away:
        return _Trouble(away, TAKEN_PAUSE, sent=True)
    except ClusterError as refused:
        if not _may_pass(refused, waited):
            return _refused(pod, refused)
        return _Trouble(refused, REFUSED_PAUSE if _is_quota(refused) else WARM_UP_PAUSE)


async def _left_behind(
    pod: Mapping[str, Any], platform: Platform
) -> dict[str, Any] | Finding | None:
    """Return the pod that a create may have left; asks until the API server answers."""
    while True:
        try:
            return await _adopt(pod, platform)
        except ClusterUnreachableError:
            await asyncio.sleep(AWAY_PAUSE)


async def _adopt(pod: Mapping[str, Any], platform: Platform) -> dict[str, Any] | Finding | None:
    metadata = pod["metadata"]
    found = await platform.cluster.get_pod(metadata["namespace"], metadata["name"])
    if found is None:
        return None
    labels = found["metadata"].get("labels") or {}
    if any(labels.get(name) != metadata["labels"].get(name) for name in IDENTITY):
        return Finding(
            verdict=Verdict.CONFIG_ERROR,
            sentence=f"{who(pod)} cannot start: pod {metadata['name']} is there already, and is "
            "not this attempt's by its labels.",
            hint=f"Find out who made it, delete it (kubectl delete pod {metadata['name']}), and "
            "clear the task.",
            evidence={"labels": {name: labels.get(name) for name in IDENTITY}},
        )
    return await claim(found, platform.cluster)


def _may_pass(refused: ClusterError, waited: float) -> bool:
    """Tell whether a refusal may pass by itself.

    A full quota does. An API server that has just started refuses what it allows a moment later
    (403, until it has read the roles), and so it does while an upgrade replaces a role.
    """
    if refused.code == UNAUTHORIZED or _is_quota(refused):
        return True
    may_be_cold = refused.code in {FORBIDDEN, NOT_FOUND} and "PodSecurity" not in refused.message
    return may_be_cold and waited < WARM_UP_SECONDS


def _is_quota(refused: ClusterError) -> bool:
    return refused.code == FORBIDDEN and "exceeded quota" in refused.message


def _refused(pod: Mapping[str, Any], refused: ClusterError) -> Finding:
    namespace = pod["metadata"]["namespace"]
    if "violates PodSecurity" in refused.message:
        hint = "Strike what the restricted Pod Security Standard forbids from the step's arguments."
    elif refused.code == FORBIDDEN and "cannot create resource" in refused.message:
        hint = f"Let Airflow's service account create pods in {namespace} (the chart's Role)."
    elif "serviceaccount" in refused.message:
        hint = f"Create that service account in {namespace}, or correct service_account_name=."
    else:
        hint = "Correct what the API server names, then clear the task."
    return Finding(
        verdict=Verdict.CONFIG_ERROR,
        sentence=f"{who(pod)} was refused by the API server ({refused.code} {refused.reason}): "
        f"{refused.message.rstrip('.')[:600]}.",
        hint=hint,
        evidence={"code": refused.code, "reason": refused.reason, "message": refused.message[:500]},
    )


def _never_admitted(pod: Mapping[str, Any], refusal: ClusterError, waited: float) -> Finding:
    return Finding(
        verdict=Verdict.UNSCHEDULABLE,
        sentence=f"{who(pod)} was not admitted within {in_words(waited)}: "
        f"{refusal.message.rstrip('.')[:600]}.",
        hint="Raise the namespace's quota, or run fewer steps at once (a pool).",
        evidence={"code": refusal.code, "reason": refusal.reason, "message": refusal.message[:500]},
    )


def _not_started(pod: Mapping[str, Any], reason: Verdict) -> Finding:
    return Finding(
        verdict=reason,
        sentence=f"{who(pod)} was stopped before its pod was created.",
        hint="Nothing was written; clear the task to run it.",
    )
