"""The commands `stationmaster maintain` and `stationmaster forget`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

__all__ = ["forget", "maintain"]


def maintain(
    *,
    keep_days: Annotated[
        float, typer.Option(min=1, help="Keep snapshots readable this long.")
    ] = 7.0,
    branch_hours: Annotated[
        float, typer.Option(min=1, help="Drop audit branches of this age.")
    ] = 24.0,
    orphan_hours: Annotated[
        float, typer.Option(min=1, help="Remove files of this age that nothing refers to.")
    ] = 24.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a table.")] = False,
) -> None:
    """Expire snapshots, remove orphan files and compact small ones, in every dataset."""
    # Heavy, and the command line is also started for what needs none of it.
    from stationmaster.step.datasets.maintaining import MaintenancePolicy  # noqa: PLC0415 (above)
    from stationmaster.step.datasets.store import Store  # noqa: PLC0415 (as above)

    policy = MaintenancePolicy(
        keep_days=keep_days, branch_hours=branch_hours, orphan_hours=orphan_hours
    )
    for report in Store.open(Settings()).maintain(policy):
        typer.echo(report.model_dump_json() if as_json else report.sentence())


def forget(
    *,
    email: Annotated[str, typer.Option(help="A mail address of the person.")] = "",
    customer_id: Annotated[str, typer.Option(help="A customer id of the person.")] = "",
    where: Annotated[
        list[str] | None, typer.Option(help="column=value: any column, personal or not.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only count what would be erased.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a table.")] = False,
) -> None:
    """Erase one person from every dataset, its quarantine and its old snapshots.

    Landing files and published reports are not touched: erase the person there first, or the
    next run of an extract brings them back.
    """
    # Heavy, and the command line is also started for what needs none of it.
    from stationmaster.step.datasets.forgetting import Identifier  # noqa: PLC0415 (above)
    from stationmaster.step.datasets.store import Store  # noqa: PLC0415 (as above)

    known = {"email": email, "customer_id": customer_id}
    person = [Identifier(kind, value) for kind, value in known.items() if value.strip()]
    person += [Identifier(*_pair(text), any_column=True) for text in where or []]
    if not person:
        raise _nobody(got="no option")
    reports = Store.open(Settings()).forget(person, dry_run=dry_run)
    for report in reports:
        if as_json:
            typer.echo(json.dumps({**report.model_dump(), "dry_run": dry_run}))
        elif report.files:
            verb = "would erase" if dry_run else "erased"
            typer.echo(f"{report.table}: {verb} {report.rows} rows, {report.files} data files")
    if not as_json:
        found = sum(report.files > 0 for report in reports)
        typer.echo(f"{found} of {len(reports)} tables held the person.")


def _pair(text: str) -> tuple[str, str]:
    column, _, value = text.partition("=")
    if not column.strip() or not value.strip():
        raise _nobody(got=f"--where {text}")
    return column.strip(), value.strip()


def _nobody(*, got: str) -> MisconfiguredError:
    where = "stationmaster forget"
    return MisconfiguredError(
        where,
        expected="--email, --customer-id or --where column=value",
        got=got,
        hint="Say what the person is known by; several options together find more.",
    )
