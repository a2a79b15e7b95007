"""`stationmaster pools`: make Airflow's pools of a deployment's file, and show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from stationmaster.airflow.pools import read_pools
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from stationmaster.airflow.pools import PoolRule

__all__ = ["app", "apply", "apply_pools", "show"]

MARK: Final = "(by stationmaster pools)"
"""Ends the description of pools that this command made."""

app = typer.Typer(
    name="pools",
    help="Pools of Airflow that are measured in cores or in money.",
    no_args_is_help=True,
    add_completion=False,
)

_File = Annotated[
    Path | None,
    typer.Argument(help="YAML file of pools; STATIONMASTER_POOLS_FILE by default.", metavar="FILE"),
]


@app.command()
def apply(file: _File = None) -> None:
    """Make or change the pools that the file names; no other pool is touched."""
    from airflow.utils.session import create_session  # noqa: PLC0415 (Airflow: seconds)

    rules = read_pools(_path(file))
    with create_session() as session:
        for line in apply_pools(rules, session):
            typer.echo(line)


@app.command()
def show(file: _File = None) -> None:
    """Show the file's pools: their slots, and what one is."""
    for name, rule in sorted(read_pools(_path(file)).items()):
        typer.echo(_sentence(name, rule))


def apply_pools(rules: Mapping[str, PoolRule], session: Session) -> list[str]:
    """Make Airflow's pools be what the rules say; return what was done, in sentences.

    A pool that is not named is left as it is, also one that an earlier file named: tasks may
    still be told to use it.
    """
    from airflow.models.pool import Pool  # noqa: PLC0415 (Airflow: seconds)
    from sqlalchemy import select  # noqa: PLC0415 (as above)

    said = []
    for name, rule in sorted(rules.items()):
        wanted = (rule.pool_slots, f"{rule.limit}, {rule.slot} {MARK}")
        pool = session.scalar(select(Pool).where(Pool.pool == name))
        if pool is None:
            pool = Pool(pool=name, slots=0, description="", include_deferred=False)
            session.add(pool)
            said.append(f"Made {_sentence(name, rule)}")
        elif (pool.slots, pool.description) != wanted:
            said.append(f"Changed {_sentence(name, rule)} It had {pool.slots} slots.")
        pool.slots, pool.description = wanted
    session.flush()
    return said or ["All pools are as the file says."]


def _sentence(name: str, rule: PoolRule) -> str:
    return f"{name}: {rule.limit} in {rule.pool_slots} slots; {rule.slot}."


def _path(file: Path | None) -> Path:
    path = file or Settings().pools_file
    if path == Path():
        raise MisconfiguredError(
            where="stationmaster pools",
            expected="a file of pools",
            got="no argument, and no STATIONMASTER_POOLS_FILE",
            hint="Name the file, or set airflow.pools in the chart's values.",
        )
    return path
