"""A step says the numbers that people rely on, in its result."""

from __future__ import annotations

import polars as pl

from stationmaster.step import Inputs, Outputs, job
from stationmaster.step.protocol import MAX_RESULT_BYTES, OutputRef, ResultStatus, StepResult
from stationmaster.step.testing import run_job
from stationmaster.step.truncate import encode, fit


@job(cumulative=True)
def visits(inputs: Inputs, outputs: Outputs) -> None:
    """Say how many visits there were."""
    outputs.write_file("page", "index.html", b"<p>visits</p>")
    frame = inputs.table("visits")
    outputs.figure("page", "visits", frame.select(pl.col("count").sum()).collect().item())


@job
def nonsense(outputs: Outputs) -> None:
    """Say a figure that is none."""
    outputs.write_file("page", "index.html", b"")
    outputs.figure("page", "visits", float("nan"))


def test_a_figure_stands_in_the_result_by_dataset_and_name() -> None:
    """Whoever reads the ledger knows the number without opening a table."""
    frame = pl.DataFrame({"page": ["home", "cart"], "count": [3, 1]})

    done = run_job(visits, "2011-11-21", tables={"visits": frame}, context={"outputs": ["page"]})

    assert done.result.figures == {"page/visits": 4.0}


def test_a_figure_that_is_no_number_fails_the_step() -> None:
    """A sum of nothing usable is the author's mistake, and named as such."""
    done = run_job(nonsense, "2011-11-21")

    assert done.result.status is ResultStatus.FAILED
    assert done.result.error is not None
    assert done.result.error.where == "figure 'visits' of page"


def test_figures_are_shortened_last() -> None:
    """A result of too many outputs loses those before it loses a number."""
    many = tuple(
        OutputRef(dataset=f"dataset_{n}", business_date="2011-11-21", rows=n) for n in range(200)
    )

    short = fit(StepResult(status=ResultStatus.DONE, outputs=many, figures={"page/visits": 4.0}))

    assert len(encode(short)) <= MAX_RESULT_BYTES
    assert short.figures == {"page/visits": 4.0}
    assert short.truncated == ("outputs",)


def test_more_figures_than_fit_keep_the_first_ones() -> None:
    """What does not fit is left out from the end, and the result says so."""
    told = {f"dataset/figure_{n}": float(n) for n in range(1000)}

    short = fit(StepResult(status=ResultStatus.DONE, figures=told))

    assert "dataset/figure_0" in short.figures
    assert short.truncated == ("figures",)
