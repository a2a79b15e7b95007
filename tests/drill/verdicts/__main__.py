"""Inject each cause a step's attempt can end by, and count how often it is named right.

`python -m tests.drill.verdicts --times 10` appends a JSON line an injection to
docs/proofs/verdicts.jsonl and ends with 1 when fewer than 99 % were named right.
`--only` takes causes by a part of their names; `--list` names them; `--tally` rewrites the table
of docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.cluster.life_place import LifePlace, life_place
from tests.cluster.place import ROOT, Place
from tests.cluster.testdags import put_config_map
from tests.drill.judging import revision
from tests.drill.verdicts import endings, evictions, lostnodes, registry, starts, stops
from tests.drill.verdicts.scene import Cause, Injection, inject
from tests.drill.verdicts.tally import RECORD, rewrite, share_right, table

if TYPE_CHECKING:
    from stationmaster.airflow.life.platform import Platform

__all__ = ["CAUSES", "main"]

CAUSES: Final = (
    *endings.CAUSES,
    *starts.CAUSES,
    *registry.CAUSES,
    *stops.CAUSES,
    *evictions.CAUSES,
    *lostnodes.CAUSES,
)
"""Every cause, in the order in which it is injected."""

STEP: Final = Path(__file__).parent / "step" / "verdict_step.py"
WRONG: Final = ROOT / "build" / "verdicts"
ENOUGH: Final = 0.99
LONGEST: Final = 300


class Drill:
    """Inject causes side by side, and write down what came of it.

    Args:
        home: A namespace of its own.
        times: Injections of each cause, all at once.
        beside: Causes at the same time.
        record: Where lines are appended.
    """

    def __init__(self, home: LifePlace, times: int, beside: int, record: Path) -> None:
        self._home = home
        self._times = times
        self._turns = asyncio.Semaphore(beside)
        self._record = record
        self._revision = revision()
        self.lines: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self.pods: Path | None = None
        """Where a pod of each cause is kept as it was judged, for tests/life/pods."""

    async def run(self, causes: list[Cause]) -> None:
        """Inject those that hit one step each side by side, then those that hit a node."""
        async with self._home.platform() as platform:
            await asyncio.gather(
                *(self._inject(cause, platform) for cause in causes if not cause.alone)
            )
            for cause in causes:
                if cause.alone:
                    await self._inject(cause, platform)

    async def _inject(self, cause: Cause, platform: Platform) -> None:
        async with self._turns:
            began = time.monotonic()
            try:
                found = await inject(cause, self._home, platform, self._times)
            except (Exception, ExceptionGroup) as error:  # noqa: BLE001 (the other causes go on)
                self.broken.append(cause.name)
                _say(f"{cause.name}: NOT INJECTED: {_words(error)}")
                return
        for each in found:
            self._write(cause, each)
        right = sum(each.verdict == cause.verdict for each in found)
        seconds = time.monotonic() - began
        _say(f"{cause.name}: {right} of {len(found)} {cause.verdict}, {seconds:.0f} s")

    def _write(self, cause: Cause, injection: Injection) -> None:
        line = {
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "revision": self._revision,
            "cause": cause.name,
            "expected": str(cause.verdict),
            "verdict": injection.verdict,
            "seconds": round(injection.seconds, 1),
            "sentence": injection.sentence[:LONGEST],
            **({"shared": cause.shared} if cause.shared else {}),
        }
        self.lines.append(line)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if injection.verdict != cause.verdict:
            evidence = {**line, "evidence": injection.evidence, "pod": injection.pod}
            _keep(WRONG, f"{cause.slug}-{injection.plan.context.try_id[:8]}", evidence)
        elif self.pods is not None and injection.pod is not None:
            injection.pod["metadata"].pop("managedFields", None)
            _keep(self.pods, cause.slug, injection.pod)


def main(arguments: list[str] | None = None) -> int:
    """Inject, print the tally, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill.verdicts", description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=[], help="parts of causes' names")
    parser.add_argument("--without", nargs="*", default=[], help="parts of causes' names")
    parser.add_argument("--nodes", choices=["all", "only", "none"], default="all")
    parser.add_argument("--beside", type=int, default=3, help="causes at the same time")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--pods", type=Path, help="keep a pod of each cause in this folder")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--tally", action="store_true")
    given = parser.parse_args(arguments)
    if given.tally:
        rewrite(given.record)
        return 0
    causes = _chosen(given)
    if given.list:
        _say("\n".join(f"{cause.verdict}: {cause.name}" for cause in causes))
        return 0
    with life_place(Place.find()) as home:
        put_config_map(home.place, home.namespace, endings.CONFIG_MAP, [STEP])
        drill = Drill(home, given.times, given.beside, given.record)
        drill.pods = given.pods
        asyncio.run(drill.run(causes))
    _say(table(drill.lines))
    return 1 if drill.broken or share_right(drill.lines) < ENOUGH else 0


def _chosen(given: argparse.Namespace) -> list[Cause]:
    return [
        cause
        for cause in CAUSES
        if (not given.only or any(part in cause.name for part in given.only))
        and not any(part in cause.name for part in given.without)
        and (given.nodes == "all" or cause.alone == (given.nodes == "only"))
    ]


def _keep(folder: Path, name: str, document: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _words(error: BaseException) -> str:
    inner = getattr(error, "exceptions", ())
    notes = " ".join(getattr(error, "__notes__", []))
    own = f"{type(error).__name__}: {error} {notes}".strip()
    return "; ".join([own, *map(_words, inner)])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
