"""The commands `stationmaster sizes`: show, replay, traces."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.ledger.opening import opened_engine
from stationmaster.ledger.sizing.advising import DEFAULT_PRICE_PER_GIB_HOUR, advise
from stationmaster.ledger.sizing.comparing import POLICIES, compare
from stationmaster.ledger.sizing.generating import RHYTHMS, Recipe, generate
from stationmaster.ledger.sizing.reading import (
    MOST_RUNS,
    histories_of,
    read_attempts,
    read_sizes_in_force,
)
from stationmaster.ledger.sizing.recommending import Limits
from stationmaster.ledger.sizing.shapes import SHAPES
from stationmaster.ledger.sizing.showing import advice_document, advice_lines, replay_document
from stationmaster.ledger.sizing.traces import read_trace
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["app", "generate_trace", "replay", "show", "traces"]

app = typer.Typer(help="What size each step needs, why, and what that would save.")
traces = typer.Typer(help="Histories to replay.", no_args_is_help=True)
app.add_typer(traces, name="traces")

GIB = 2**30


@app.callback(invoke_without_command=True)
def _sizes(context: typer.Context) -> None:
    """Say what size each step needs, why, and what that would save."""
    if context.invoked_subcommand is None:
        show()


@app.command()
def show(  # noqa: PLR0913 (the options of a command)
    *,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline (DAG).")] = None,
    step: Annotated[str | None, typer.Option(help="Only this step (task).")] = None,
    days: Annotated[int, typer.Option(min=1, help="How far back.")] = 90,
    price_per_gib_hour: Annotated[
        float, typer.Option(min=0, help="Dollars; OpenCost's default for memory.")
    ] = DEFAULT_PRICE_PER_GIB_HOUR,
    largest_node_gib: Annotated[
        float | None, typer.Option(min=0, help="What the largest node has for one pod.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show declared and recommended sizes, why, what they save, and how a replay fared."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    limits = Limits() if largest_node_gib is None else Limits(node_bytes=largest_node_gib * GIB)
    with opened_engine() as engine:
        rows = (
            []
            if engine is None
            else read_attempts(engine, since=since, pipeline=pipeline, step=step, most=MOST_RUNS)
        )
        in_force = {} if engine is None else read_sizes_in_force(engine)
    advice = advise(
        histories_of(rows),
        in_force={key: size for key, (size, _) in in_force.items()},
        price=price_per_gib_hour,
        limits=limits,
    )
    if as_json:
        typer.echo(json.dumps(advice_document(advice, price=price_per_gib_hour), indent=2))
        return
    for line in advice_lines(advice, price=price_per_gib_hour):
        typer.echo(line)


@app.command()
def replay(
    trace: Annotated[Path, typer.Argument(help="CSV with a header: see docs/sizing.md.")],
    *,
    policy: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(POLICIES)}; all by default.")
    ] = None,
) -> None:
    """Replay a history under each policy and print what each reserved and wasted, as JSON."""
    chosen = _chosen("--policy", policy, tuple(POLICIES))
    found = read_trace(trace)
    for each in found.set_aside:
        lines = ", ".join(map(str, each.lines))
        sys.stderr.write(f"{trace}: rows kept aside: {each.rows}, {each.reason} (line {lines})\n")
    document = replay_document(
        compare(found.frame, chosen),
        tasks=found.frame["task"].n_unique(),
        runs=found.frame.height,
        set_aside=found.set_aside,
    )
    typer.echo(json.dumps(document, indent=2))


@traces.command("generate")
def generate_trace(  # noqa: PLR0913 (the options of a command)
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    *,
    steps: Annotated[int, typer.Option(min=1, help="How many steps.")] = 150,
    shape: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(SHAPES)}; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same file.")] = 1,
    rhythm: Annotated[str, typer.Option(help=f"One of {', '.join(RHYTHMS)}.")] = RHYTHMS[0],
    least_runs: Annotated[int, typer.Option(min=1, help="Fewest runs of a step.")] = 5,
    most_runs: Annotated[int, typer.Option(min=1, help="Most runs of a step.")] = 400,
) -> None:
    """Write a history of made-up steps that behave like real ones."""
    shapes = _chosen("--shape", shape, tuple(SHAPES))
    _chosen("--rhythm", [rhythm], RHYTHMS)
    if most_runs < least_runs:
        raise MisconfiguredError(
            where="--most-runs",
            expected=f"at least --least-runs, {least_runs}",
            got=str(most_runs),
            hint="Raise the one or lower the other.",
        )
    frame = generate(
        Recipe(
            steps=steps,
            shapes=shapes,
            seed=seed,
            rhythm=rhythm,
            least_runs=least_runs,
            most_runs=most_runs,
        )
    )
    frame.write_csv(out)
    typer.echo(f"{out}: {frame.height:,} runs of {steps:,} steps.")


def _chosen(option: str, given: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in given or () if name not in known]
    if unknown:
        raise MisconfiguredError(
            where=option,
            expected=f"one of {', '.join(known)}",
            got=", ".join(unknown),
            hint="Take one of these; leave the option out for all.",
        )
    return tuple(given or known)
