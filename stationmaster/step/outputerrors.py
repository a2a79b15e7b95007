"""What a job may not do with its outputs, as errors that say what to do instead."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import JobFunctionError, MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_figure", "split_files", "undeclared", "written_twice"]

_FIGURE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def written_twice(dataset: str) -> JobFunctionError:
    """Return the error of a second write of one business date."""
    return JobFunctionError(
        where=f"output {dataset}",
        expected="one write a business date",
        got="a second one",
        hint="Concatenate the frames and write them at once: a write is the whole partition.",
    )


def undeclared(dataset: str, declared: Iterable[str]) -> MisconfiguredError:
    """Return the error of an output that job.yaml does not name."""
    return MisconfiguredError(
        where=f"output {dataset}",
        expected=f"one of the step's declared outputs: {', '.join(declared)}",
        got="a dataset that nobody was told of",
        hint="Add it to `outputs` in the job's job.yaml.",
    )


def split_files(dataset: str, shards: int) -> MisconfiguredError:
    """Return the error of files that are written by a split step."""
    return MisconfiguredError(
        where=f"file output {dataset}",
        expected="a step that is not split",
        got=f"{shards} shards, each with a file set of its own",
        hint="Write tables in the shards, and the files in a step after them.",
    )


def check_figure(dataset: str, name: str, value: float) -> None:
    """Refuse a figure that cannot be one.

    Raises:
        JobFunctionError: The name cannot be one, or the value is not finite.
    """
    if not _FIGURE.fullmatch(name) or not math.isfinite(value):
        raise JobFunctionError(
            where=f"figure {name!r} of {dataset}",
            expected="a name such as revenue_web, and a finite number",
            got=f"{name!r}: {value}",
            hint="Correct the name; say no figure where there is no number.",
        )
