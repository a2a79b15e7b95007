"""The command `stationmaster`: one line of help each, the work in the packages."""

from __future__ import annotations

import sys

import typer

from stationmaster.demo.commands import demo
from stationmaster.step.datasets.commands import forget, maintain
from stationmaster.step.errors import StationmasterError, StepError
from stationmaster.step.run_step import run_step_command

__all__ = ["app", "main"]

app = typer.Typer(
    name="stationmaster",
    help="Run each step of an ETL pipeline as its own container, and know what became of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run-step")(run_step_command)
app.command("demo")(demo)
app.command("maintain")(maintain)
app.command("forget")(forget)


@app.command(
    "sources",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    add_help_option=False,
)
def _sources(context: typer.Context) -> None:
    """Play the four upstream systems (development only)."""
    # Imported here: images have no `sources` extra, and the other commands must work there.
    from stationmaster.sources.commands import app as sources_app  # noqa: PLC0415 (see above)

    sources_app(context.args, prog_name="stationmaster sources")


def main() -> None:
    """Run the command line; an expected error ends as three readable lines, not a traceback."""
    try:
        app()
    except StepError as error:
        sys.stderr.write(
            f"{type(error).__name__}: {error.where}\n"
            f"  expected: {error.expected}\n  got:      {error.got}\n  next:     {error.hint}\n"
        )
        sys.exit(error.exit_code)
    except StationmasterError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
