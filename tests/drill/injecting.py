"""Inject planned faults at their moments, side by side, and say what became of each."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.drill.faults import FAULTS, NothingToHitError

if TYPE_CHECKING:
    from tests.cluster.place import Place

__all__ = ["Injection", "inject_all"]

LOOK_AGAIN_SECONDS = 3.0
GIVE_UP_SECONDS = 40.0
JOIN_SECONDS = 300.0


@dataclass
class Injection:
    """Plan one fault; afterwards hold what it did."""

    kind: str
    after_seconds: float
    seed: int
    hit: bool = False
    what: str = ""
    took_seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """Return it as a JSON document."""
        return {
            "kind": self.kind,
            "after_s": round(self.after_seconds, 1),
            "seed": self.seed,
            "hit": self.hit,
            "what": self.what,
            "took_s": round(self.took_seconds, 1),
        }

    def inject(self, place: Place) -> None:
        """Wait for its moment, then hit; look again for a while where nothing is to be hit."""
        time.sleep(self.after_seconds)
        rng = random.Random(self.seed)  # noqa: S311 (repeatable, not secret)
        started = time.monotonic()
        while True:
            try:
                self.what = FAULTS[self.kind](place, rng)
            except NothingToHitError as nothing:
                self.what = str(nothing)
                if time.monotonic() - started > GIVE_UP_SECONDS:
                    break
                time.sleep(LOOK_AGAIN_SECONDS)
            except Exception as error:  # noqa: BLE001 (told in the record; other faults go on)
                self.what = f"{type(error).__name__}: {error} {getattr(error, '__notes__', '')}"
                if time.monotonic() - started > GIVE_UP_SECONDS:
                    break
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                self.hit = True
                break
        self.took_seconds = time.monotonic() - started


def inject_all(place: Place, planned: list[Injection]) -> list[Injection]:
    """Inject faults side by side and wait until all have healed."""
    threads = [threading.Thread(target=each.inject, args=(place,)) for each in planned]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    return sorted(planned, key=lambda each: each.after_seconds)
