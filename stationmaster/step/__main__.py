"""Run the one job of a package as a step: `python -m stationmaster.step extract_web`."""

from __future__ import annotations

import sys
from functools import partial

from stationmaster.step.errors import JobFunctionError
from stationmaster.step.job import Job, find_job
from stationmaster.step.runner import main

__all__: list[str] = []


def _no_package() -> Job[...]:
    raise JobFunctionError(
        where="python -m stationmaster.step",
        expected="the name of one job package",
        got=f"{sys.argv[1:]}",
        hint="Write `python -m stationmaster.step extract_web`.",
    )


if __name__ == "__main__":
    sys.exit(main(partial(find_job, sys.argv[1]) if len(sys.argv) == 2 else _no_package))  # noqa: PLR2004 (program and package)
