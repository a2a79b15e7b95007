"""Check payloads of one version of GitHub's API against the contract of the version before.

The npm package `@octokit/openapi` has 17 versions of the description. For each operation whose
answer changed between two neighbours: a contract is imported from the older description, payloads
are made of the newer one, and what the check finds is compared with what oasdiff says of the two.
How often optional fields are there is taken from payloads of the older one, as a source's contract
takes it from what came so far. Versions up to 17.0.0 were looked at while the rules were made; the
later ones were held out.

`python -m tests.bench.contract_histories [--show N] [--cache FOLDER]` prints one JSON line; it
needs npm and Go once. `--show` prints so many misses and false findings of each neighbour pair.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.payloads import Checker, Finding, Learner, PayloadContract, imported
from stationmaster.step.settings import Settings
from tests.bench.histories.excerpts import Pair, described, pairs
from tests.bench.histories.made import Maker
from tests.bench.histories.oracle import changelog
from tests.bench.histories.packages import VERSIONS, description, webhook_examples
from tests.bench.histories.scoring import Score, Told, places_found, seen_by_oracle

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["main"]

PAYLOADS: Final = 60
"""Of each version of each operation."""
LAST_TUNED: Final = "17.0.0"


@dataclass
class Sum:
    """Add up what some neighbours gave."""

    operations: int = 0
    payloads: int = 0
    right: int = 0
    missed: int = 0
    wrong: int = 0
    unchanged: int = 0
    unchanged_findings: int = 0
    kinds: dict[str, list[int]] = field(default_factory=dict)

    def add(self, score: Score, operations: int) -> None:
        """Count one pair of neighbours."""
        self.operations += operations
        self.payloads += operations * PAYLOADS
        self.right += score.right
        self.missed += len(score.missed)
        self.wrong += len(score.wrong)

    def told(self) -> dict[str, object]:
        """Return the figures."""
        return {
            "operations": self.operations,
            "payloads": self.payloads,
            "right": self.right,
            "missed": self.missed,
            "wrong": self.wrong,
            "precision": round(self.right / max(1, self.right + self.wrong), 4),
            "recall": round(self.right / max(1, self.right + self.missed), 4),
            "unchanged_operations": self.unchanged,
            "findings_on_unchanged": self.unchanged_findings,
        }


def findings_of(pair: Pair, seed: int) -> list[Finding]:
    """Return what a check of the newer version's payloads finds."""
    published = PayloadContract("github", pair.operation, imported(pair.old))
    before = Checker(published)
    for payload in Maker(pair.old, seed).payloads(pair.old, PAYLOADS):
        before.add(payload)
    checker = Checker(replace(published, root=before.refined()))
    for payload in Maker(pair.new, seed + 1).payloads(pair.new, PAYLOADS):
        checker.add(payload)
    return checker.findings()


def compared(cache: Path, changed: list[Pair]) -> Score:
    """Return how findings and oasdiff's changes agree."""
    old, new = (described(changed, which) for which in ("old", "new"))
    truth = seen_by_oracle(changelog(cache, old, new), changed) if changed else {}
    score = Score()
    for number, pair in enumerate(changed):
        found = places_found(findings_of(pair, number))
        score.add(pair.operation, found, truth.get(number, Told()))
    return score


def main() -> None:
    """Measure all neighbours and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Settings().data_folder / "bench/histories")
    parser.add_argument("--only", default="", help="only neighbours whose newer version this is")
    asked = parser.parse_args()
    cache = asked.cache.absolute()
    started, tuned, held, each = time.perf_counter(), Sum(), Sum(), {}
    is_tuned = True
    for old, new in pairwise(VERSIONS):
        if asked.only in {"", new}:
            total = tuned if is_tuned else held
            each[f"{old} → {new}"] = _neighbours(cache, (old, new), total, asked.show)
        is_tuned &= new != LAST_TUNED
    told: dict[str, object] = {"tuned": tuned.told(), "held_out": held.told(), "each": each}
    told["webhooks"] = webhooks(cache)
    told["seconds"] = round(time.perf_counter() - started)
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")


def _neighbours(cache: Path, versions: tuple[str, str], total: Sum, show: int) -> dict[str, object]:
    old, new = (
        json.loads(description(cache, version).read_text(encoding="utf-8")) for version in versions
    )
    both, _ = pairs(old, new)
    changed = [pair for pair in both if pair.is_changed]
    score = compared(cache, changed)
    total.add(score, len(changed))
    # Where nothing at all has changed, nothing may be found.
    for number, pair in enumerate([] if changed else both):
        total.unchanged += 1
        findings = findings_of(pair, number)
        total.unchanged_findings += len(findings)
        for finding in findings[:show]:
            sys.stderr.write(f"UNCHANGED {pair.operation} {finding.sentence}\n")
    for name, listed in (("missed", score.missed), ("wrong", score.wrong)):
        for operation, place in listed[:show]:
            sys.stderr.write(f"{versions[1]} {name} {operation} {place.path} {place.kind}\n")
    return {
        "operations": len(changed),
        "right": score.right,
        "missed": len(score.missed),
        "wrong": len(score.wrong),
    }


def webhooks(cache: Path) -> Mapping[str, object]:
    """Learn each webhook's contract of all its real examples, then check them one by one."""
    events = webhook_examples(cache)
    payloads = findings = 0
    for event in events:
        examples: list[Any] = event["examples"]
        learner = Learner()
        for example in examples:
            learner.add(example)
        checker = Checker(PayloadContract("github", event["name"], learner.field()))
        for example in examples:
            checker.add(example)
        payloads += len(examples)
        findings += len(checker.findings())
    return {"events": len(events), "payloads": payloads, "findings": findings}


if __name__ == "__main__":
    main()
