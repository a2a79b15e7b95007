"""What it costs an extract to hold files against their source's contract, in CPU milliseconds.

The files of a day of 10,000 orders are read and typed with and without the contract in turns, seven
times; the least time of each counts. `python -m tests.bench.contract_cost` prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tests.bench.extract_ratio import DAY, SOURCES, generated

if TYPE_CHECKING:
    from stationmaster.step.extraction.days import Recipe

__all__ = ["main"]

TIMES: Final = 7
ORDERS: Final = 10_000


def milliseconds(recipe: Recipe, files: list[bytes], without: dict[str, None]) -> int:
    """Return the CPU time of reading all files once."""
    started = time.process_time()
    for data in files:
        recipe.read(data, recipe.columns, where="bench", **without)
    return round((time.process_time() - started) * 1000)


def main() -> None:
    """Measure every dataset of web shop and app, and print JSON."""
    told: dict[str, dict[str, int]] = {}
    for source in SOURCES:
        folder = generated(ORDERS) / "landing" / source / str(DAY)
        for recipe in import_module(f"extract_{source}.job").recipes(0.05):
            files = [path.read_bytes() for path in sorted(folder.glob(f"{recipe.prefix}*"))]
            pairs = [
                (milliseconds(recipe, files, {}), milliseconds(recipe, files, {"contract": None}))
                for _ in range(TIMES)
            ]
            told[recipe.dataset] = {
                "with": min(first for first, _ in pairs),
                "without": min(second for _, second in pairs),
            }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
