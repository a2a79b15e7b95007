"""What tells runs of one step apart in size: some of its parameters, and the bytes it will read."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step.jobfile import JobFile

__all__ = ["count_bytes", "input_of_a_shard", "parameter_class"]

LONGEST: Final = 63
"""Of a class's name; a longer one is cut, and ends in a hash of the whole."""

HASH_LETTERS: Final = 10


def parameter_class(job: JobFile, params: Mapping[str, Any]) -> str:
    """Return the name of the class of runs that these parameters are, "" where a job has but one.

    Made of the parameters that `sized_by` in its job.yaml names: `country=de,mode=full`. The same
    values give the same name, whatever their order and whether a number came as text.
    """
    told = [f"{name}={_text(params.get(name))}" for name in sorted(set(job.sized_by))]
    name = ",".join(told)
    if len(name) <= LONGEST:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:HASH_LETTERS]
    return f"{name[: LONGEST - HASH_LETTERS - 1]}~{mark}"


def count_bytes(value: object) -> int | None:
    """Return the bytes that a rendered `input_bytes` means, a list's together; None: not known.

    What is no number of bytes is not known: nothing here fails a step.
    """
    if isinstance(value, list | tuple):
        parts = [count_bytes(each) for each in value]
        known = [each for each in parts if each is not None]
        return sum(known) if known and len(known) == len(parts) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number >= 0 else None


def input_of_a_shard(whole: int | None, shards: int) -> int | None:
    """Return the share of one shard in the bytes that a step reads, rounded up."""
    return None if whole is None else -(-whole // shards)


def _text(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, sort_keys=True, default=str)
    return text[1:-1] if isinstance(value, str) else text
