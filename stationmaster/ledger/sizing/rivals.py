"""The policies that ours is measured against: the user's preset, max times 1.10, VPA's defaults."""

from __future__ import annotations

from math import ceil, exp2, floor, log
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.ledger.sizing.observations import DAY_SECONDS, MIB, PRESET_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DecayingHistogram", "bucket_of", "largest_so_far_sizes", "vpa_sizes"]

FIRST_BUCKET_BYTES: Final = 1e7
BUCKET_RATIO: Final = 1.05
LARGEST_BYTES: Final = 1e12
BUCKETS: Final = (
    ceil(log(LARGEST_BYTES * (BUCKET_RATIO - 1) / FIRST_BUCKET_BYTES + 1, BUCKET_RATIO)) + 1
)
HALF_LIFE_SECONDS: Final = DAY_SECONDS
PERCENTILE: Final = 0.9
SAFETY: Final = 1.15
LEAST_BYTES: Final = 250.0 * MIB
MOST_EXPONENT: Final = 100
BUMP_RATIO: Final = 1.2
BUMP_BYTES: Final = 100.0 * MIB
ENDS: Final = tuple(
    FIRST_BUCKET_BYTES * (BUCKET_RATIO ** (bucket + 1) - 1) / (BUCKET_RATIO - 1)
    for bucket in range(BUCKETS)
)


class DecayingHistogram:
    """Count samples in buckets that grow by 5 %; a sample's weight halves in 24 hours.

    Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender, util/histogram.go,
    util/decaying_histogram.go and model/aggregations_config.go: first bucket 10 MB, largest value
    1 TB, a percentile is the end of its bucket.
    """

    def __init__(self) -> None:
        self._weights: dict[int, float] = {}
        self._total = 0.0
        self._highest = 0
        self._since = 0.0

    def add(self, value: float, at: float) -> None:
        """Add a sample, bytes, at a time in seconds."""
        exponent = (at - self._since) / HALF_LIFE_SECONDS
        if not self._weights or exponent > MOST_EXPONENT:
            self._renew(at, exponent)
            exponent = 0.0
        weight = exp2(exponent)
        bucket = bucket_of(value)
        self._weights[bucket] = self._weights.get(bucket, 0.0) + weight
        self._total += weight
        self._highest = max(self._highest, bucket)

    def percentile(self, share: float) -> float:
        """Return the end of the first bucket below which lies at least that share, bytes."""
        above, enough = 0.0, self._total * share
        for bucket in range(self._highest, -1, -1):
            above += self._weights.get(bucket, 0.0)
            if self._total - above < enough:
                return ENDS[min(bucket, BUCKETS - 2)]
        return ENDS[0]

    def _renew(self, at: float, exponent: float) -> None:
        factor = exp2(-exponent) if self._weights else 0.0
        self._weights = {bucket: each * factor for bucket, each in self._weights.items()}
        self._total = sum(self._weights.values())
        self._since = at


def bucket_of(value: float) -> int:
    """Return the bucket of a value in bytes."""
    if value < FIRST_BUCKET_BYTES:
        return 0
    bucket = floor(log(value * (BUCKET_RATIO - 1) / FIRST_BUCKET_BYTES + 1, BUCKET_RATIO))
    return min(bucket, BUCKETS - 1)


def largest_so_far_sizes(frame: pl.DataFrame, margin: float) -> pl.Series:
    """Return margin times the largest peak before each run; declared for the first three."""
    before = pl.col("needed").cum_max().shift(1).over("code")
    first = pl.col("run") < PRESET_RUNS
    return frame.select(
        pl.when(first).then("declared").otherwise(before * margin).alias("size")
    ).to_series()


def vpa_sizes(frame: pl.DataFrame) -> pl.Series:
    """Return what the Vertical Pod Autoscaler's recommender would set with its defaults, bytes.

    Each attempt is a container of its own, whose peak is one sample; that of one out of memory is
    its size times 1.2 and at least 100 MiB more. Target: the 90th percentile times 1.15, at
    least 250 MiB.
    """
    sizes: list[float] = []
    columns = ("run", "needed", "declared", "submitted_at")
    for runs in frame.select("code", *columns).partition_by("code", maintain_order=True):
        sizes.extend(_vpa_step(runs.select(columns).iter_rows()))
    return pl.Series("size", sizes, dtype=pl.Float64)


def _vpa_step(runs: Iterable[tuple[int, float, float, float]]) -> Iterable[float]:
    histogram = DecayingHistogram()
    for run, needed, declared, at in runs:
        if run < PRESET_RUNS:
            size = declared
        else:
            size = max(histogram.percentile(PERCENTILE) * SAFETY, LEAST_BYTES)
        yield size
        attempt = size
        while attempt < needed:
            attempt = max(attempt * BUMP_RATIO, attempt + BUMP_BYTES)
            histogram.add(attempt, at)
        histogram.add(needed, at)
