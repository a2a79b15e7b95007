"""Volumes and disks: without a volume, nearly full, or full soon."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.ledger.quantities import size_text
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago, if_known
from stationmaster.monitor.checks.saying import duration, sentence
from stationmaster.monitor.facts.missing import FactsNotHereError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.facts.cluster import ClusterClaim, ClusterPod
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.fillings import Filling

__all__ = ["disk_filling", "volume_filling", "volume_pending"]

PROVISIONING: Final = dt.timedelta(minutes=5)


class _Limits(NamedTuple):
    """Say when something is too full.

    Args:
        low: Share free below which it is told.
        dire: Share free below which it is critical.
        floor: Nothing is foretold while more is free: what has room for long needs nobody.
        ahead: How far ahead is told.
    """

    low: float
    dire: float
    floor: float
    ahead: dt.timedelta


VOLUME: Final = _Limits(low=0.10, dire=0.03, floor=0.35, ahead=dt.timedelta(days=3))
DISK: Final = _Limits(low=0.10, dire=0.05, floor=0.25, ahead=dt.timedelta(days=1))
"""A kubelet evicts pods when less than 10 % of its disk is left, and clears images from 85 % on
(https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/)."""

PLENTY_BYTES: Final = 20 * 2**30
DIRE_BYTES: Final = 2 * 2**30
LONG_ENOUGH_TO_SAY: Final = dt.timedelta(minutes=2)
SOON: Final = dt.timedelta(hours=12)


@check(
    "volume-pending",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=1),
    clear_after=dt.timedelta(minutes=2),
)
def volume_pending(facts: Facts) -> Iterator[Finding]:
    """A volume claim gets no volume, or has lost it."""
    pods = [pod for pod in facts.cluster.pods() if _needs_volumes(pod)]
    wanted = {(pod.namespace, claim) for pod in pods for claim in pod.claims}
    for claim in facts.cluster.claims():
        lost = claim.phase == "Lost"
        if lost or _waits(claim, (claim.namespace, claim.name) in wanted, facts.now):
            name = f"{claim.namespace}/{claim.name}"
            why = (
                f"its volume {claim.volume} is gone" if lost else claim.problem or "no reason told"
            )
            yield volume_pending.finding(
                Subject(SubjectKind.VOLUME, name),
                what=f"Claim {name} has no volume: {sentence(why or 'nobody says why')}",
                next_action=(
                    "Restore it from a backup: a claim whose volume is gone does not heal."
                    if lost
                    else f"Look at its events (`kubectl -n {claim.namespace} describe pvc "
                    f"{claim.name}`) and at storage class {claim.storage_class or 'default'}."
                ),
                since=claim.created_at if not lost else facts.now,
                got=claim.phase,
            )


@check(
    "volume-filling",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=15),
)
def volume_filling(facts: Facts) -> Iterator[Finding]:
    """A volume is nearly full, or will be within three days."""
    volumes = [each for each in _fillings(facts) if not each.is_disk]
    yield from _too_full(facts, volume_filling, volumes, VOLUME)


@check(
    "disk-filling",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=15),
)
def disk_filling(facts: Facts) -> Iterator[Finding]:
    """A disk is nearly full, or will be within a day: a node's, or the laptop's."""
    local = if_known(facts, lambda f: f.stores.disks())
    try:
        others = [each for each in _fillings(facts) if each.is_disk]
    except FactsNotHereError:
        if local is None:
            raise
        others = []
    yield from _too_full(facts, disk_filling, [*(local or ()), *others], DISK)


def _fillings(facts: Facts) -> tuple[Filling, ...]:
    """Return what Prometheus knows, which has a past; else what the kubelets say now."""
    try:
        return facts.prometheus.fillings()
    except FactsNotHereError:
        return facts.cluster.fillings()


def _too_full(
    facts: Facts, own: Check, fillings: Iterable[Filling], limits: _Limits
) -> Iterator[Finding]:
    for each in fillings:
        finding = _full(facts, own, each, limits) or _foretold(facts, own, each, limits)
        if finding is not None:
            yield finding


def _full(facts: Facts, own: Check, filling: Filling, limits: _Limits) -> Finding | None:
    """Find that little is left. A large disk may have plenty at the same share."""
    share, by_files = filling.free_share, filling.free_share * filling.capacity_bytes
    plenty = filling.free_bytes >= PLENTY_BYTES and by_files >= PLENTY_BYTES
    if share >= limits.low or plenty:
        return None
    dire = share < limits.dire and filling.free_bytes < DIRE_BYTES * 5
    since = filling.below_since(limits.low, facts.now)
    lately = facts.now - since < LONG_ENOUGH_TO_SAY
    below = "less" if lately else f"{ago(since, facts.now)} less"
    return own.finding(
        Subject(SubjectKind.VOLUME, filling.name),
        severity=Severity.CRITICAL if dire else Severity.WARNING,
        what=f"{_capital(filling.where)} has {share:.0%} left ({size_text(filling.free_bytes)} "
        f"of {size_text(filling.capacity_bytes)}), {below} than "
        f"{limits.low:.0%}.",
        next_action=_remedy(filling),
        since=since,
        evidence=_evidence(filling),
    )


def _foretold(facts: Facts, own: Check, filling: Filling, limits: _Limits) -> Finding | None:
    left = filling.full_in()
    if left is None or left > limits.ahead or filling.free_share > limits.floor:
        return None
    soon = left < SOON
    trend = filling.trend()
    a_day = 0.0 if trend is None else -trend.bytes_per_day
    return own.finding(
        Subject(SubjectKind.VOLUME, filling.name),
        severity=Severity.CRITICAL if soon else Severity.WARNING,
        what=f"{_capital(filling.where)} will be full in about {_in(left)}: "
        f"{size_text(filling.free_bytes)} left, {size_text(a_day)} more are used each day.",
        next_action=_remedy(filling),
        since=facts.now,
        foretold=True,
        evidence=_evidence(filling) | {"full_in_hours": left.total_seconds() / 3600},
    )


def _in(left: dt.timedelta) -> str:
    """Return a span in hours, or in days with their tenths: two and a half are not two."""
    days = left / dt.timedelta(days=1)
    return f"{days:.1f} days" if days >= 2 else duration(left)  # noqa: PLR2004 (two days)


def _remedy(filling: Filling) -> str:
    if not filling.is_disk:
        return (
            f"Make room in it or enlarge the claim: `kubectl -n {filling.name.split('/')[0]} edit "
            f"pvc {filling.name.split('/')[-1]}` (spec.resources.requests.storage)."
        )
    path = filling.name.rpartition(":")[2] or "/"
    return (
        f"See what fills {path} (`du -xh --max-depth=2 | sort -h`) "
        "and make room: old images, logs, finished runs."
    )


def _evidence(filling: Filling) -> dict[str, float]:
    return {
        "capacity_bytes": filling.capacity_bytes,
        "free_bytes": filling.free_bytes,
        "free_share": round(filling.free_share, 4),
    }


def _waits(claim: ClusterClaim, wanted: bool, now: dt.datetime) -> bool:  # noqa: FBT001 (a fact)
    """Tell whether a claim waits in vain: one that no pod wants may wait for its first."""
    if claim.phase != "Pending" or now - claim.created_at < PROVISIONING:
        return False
    return wanted or bool(claim.problem)


def _needs_volumes(pod: ClusterPod) -> bool:
    """Tell whether a pod waits for its volumes, not they for it."""
    scheduled = pod.condition("PodScheduled")
    message = "" if scheduled is None else scheduled.message.lower()
    return bool(pod.node) or "volume" in message or "persistentvolumeclaim" in message


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
