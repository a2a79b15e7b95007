"""The command `stationmaster`: a table of commands; the work is in the packages."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from stationmaster.step.errors import StationmasterError, StepError
from stationmaster.step.stopping import sigterm_unwinds

__all__ = ["COMMANDS", "LazyCommands", "app", "main"]

COMMANDS: Final = {
    "run-step": "stationmaster.step.run_step:run_step_command",
    "demo": "stationmaster.demo.commands:demo",
    "maintain": "stationmaster.step.datasets.commands:maintain",
    "forget": "stationmaster.step.datasets.commands:forget",
    "checks": "stationmaster.monitor.checks.commands:app",
    "watch": "stationmaster.monitor.watching.commands:watch",
    "incidents": "stationmaster.monitor.incidents.commands:app",
    "alerts": "stationmaster.monitor.alerts.commands:app",
    "anomalies": "stationmaster.monitor.series.anomaly_commands:app",
    "forecast": "stationmaster.monitor.series.forecast_commands:app",
    "metrics": "stationmaster.monitor.metrics.commands:metrics",
    "dashboard": "stationmaster.monitor.dashboard.commands:app",
    "ledger": "stationmaster.ledger.commands:app",
    "sizes": "stationmaster.ledger.sizing.commands:app",
    "cost": "stationmaster.ledger.cost.commands:app",
    "pools": "stationmaster.airflow.poolcommands:app",
    "contracts": "stationmaster.step.payloads.commands:app",
    "sources": "stationmaster.sources.commands:app",
}
"""Where each command lives; only the one that is called is imported, for some take seconds."""


EXTRAS: Final = {
    "polars": "sizes",
    "pyarrow": "sizes",
    **dict.fromkeys(("apprise", "authlib", "fastapi", "jinja2", "prometheus_client"), "monitor"),
}
"""Which extra has what the platform's image leaves out."""


class LazyCommands(TyperGroup):
    """Import a command when it is called or described."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 (typer hands it in)
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 (typer's own click)
        """Return one command, None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(found)
        return get_command(alone)


app = typer.Typer(
    cls=LazyCommands,
    name="stationmaster",
    help="Run each step of an ETL pipeline as its own container, and know what became of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _stationmaster() -> None:
    """Run each step of an ETL pipeline as its own container, and know what became of it."""


def main() -> None:
    """Run the command line; an expected error ends as readable lines, not as a traceback."""
    try:
        with sigterm_unwinds():
            app()
    except StepError as error:
        sys.stderr.write(
            f"{type(error).__name__}: {error.where}\n"
            f"  expected: {error.expected}\n  got:      {error.got}\n  next:     {error.hint}\n"
        )
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(str(error.name))
        if extra is None:
            raise
        sys.stderr.write(
            f"This command needs {error.name}, which is not installed here.\n"
            f"  next:     pip install 'stationmaster[{extra}]' where the ledger can be reached\n"
        )
        sys.exit(1)
    except StationmasterError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(1)
