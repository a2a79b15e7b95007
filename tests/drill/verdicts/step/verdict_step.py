"""A job that ends the way it is told to, by the runner's own means."""

from __future__ import annotations

import time
from typing import Literal

from stationmaster.step import Params, job
from stationmaster.step.errors import (
    ContractBrokenError,
    MisconfiguredError,
    StepError,
    TemporaryError,
    UpstreamUnavailableError,
)

MEBIBYTE = 1024 * 1024

ERRORS: dict[str, type[StepError]] = {
    "contract": ContractBrokenError,
    "upstream": UpstreamUnavailableError,
    "temporary": TemporaryError,
    "config": MisconfiguredError,
}


class Ending(Params):
    """How to end."""

    end: Literal["done", "value", "contract", "upstream", "temporary", "config", "eat", "refused"]


@job
def run(params: Ending) -> None:
    """End as told."""
    error = ERRORS.get(params.end)
    if error is not None:
        where, got = "the drill", f"an order to end with {params.end}"
        raise error(where, expected="nothing", got=got, hint="None.")
    if params.end == "value":
        message = "the drill asked for it"
        raise ValueError(message)
    if params.end == "refused":
        bytearray(1 << 60)
    eaten = []
    while params.end == "eat":
        # Not in one breath: the runner measures its peak while it grows.
        eaten.append(b"x" * (8 * MEBIBYTE))
        time.sleep(0.05)


if __name__ == "__main__":
    run.main()
