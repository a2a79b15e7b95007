"""Test a job in five lines: the real runner, real Iceberg tables, a folder of its own.

def test_orders_without_an_id_are_kept_aside() -> None:
done = run_job(run, "2011-11-21", landing={"web/2011-11-21/orders-000.jsonl.gz": broken})
assert done.exit_code == 0
assert done.table("web_orders").height == 1
assert done.quarantine("web_orders")["rule"].to_list() == ["order_id is required"]
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from stationmaster.step.contracts import Contract
from stationmaster.step.contracts.columns import BUSINESS_DATE, Column
from stationmaster.step.datasets import Store
from stationmaster.step.errors import ContractUnreadableError, UpstreamUnavailableError
from stationmaster.step.incoming import parse_business_date
from stationmaster.step.meter import Meter
from stationmaster.step.protocol import StepContext, StepResult
from stationmaster.step.report import StepReport
from stationmaster.step.run_step import new_try_id
from stationmaster.step.runner import StepRun
from stationmaster.step.session import Session
from stationmaster.step.settings import Settings
from stationmaster.step.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.step.job import Job

__all__ = ["JobRun", "run_job"]


@dataclass(frozen=True)
class JobRun:
    """Hold what a job did, and read what it left."""

    exit_code: int
    result: StepResult
    """The whole of it: not shortened to 4,096 bytes."""
    settings: Settings
    business_date: dt.date
    _scratch: tempfile.TemporaryDirectory[str] | None = field(repr=False, default=None)

    @cached_property
    def _store(self) -> Store:
        return Store.open(self.settings)

    def table(self, dataset: str, business_date: dt.date | None = None) -> pl.DataFrame:
        """Return a published partition, by default the one of the run.

        Raises:
            UpstreamUnavailableError: It was not published.
        """
        return self._store.read(dataset, business_date or self.business_date).frame.collect()

    def quarantine(self, dataset: str, business_date: dt.date | None = None) -> pl.DataFrame:
        """Return the rows that were kept aside: rule, record, key and detail."""
        day = business_date or self.business_date
        try:
            return self._store.read_quarantine(dataset, day).frame.collect()
        except UpstreamUnavailableError:
            return pl.DataFrame(
                schema=dict.fromkeys(("rule", "record", "key", "detail"), pl.String)
            )

    @property
    def files(self) -> dict[str, bytes]:
        """Return the published files of the business date, by `<dataset>/<name>`."""
        root = Path(self.settings.reports_location)
        found: dict[str, bytes] = {}
        for day in root.glob(f"*/{self.business_date}"):
            for path in sorted(day.rglob("*")):
                if path.is_file():
                    found[f"{day.parent.name}/{path.relative_to(day)}"] = path.read_bytes()
        return found

    @property
    def left(self) -> StepResult:
        """Return the result as it was written: what Airflow reads."""
        return StepResult.model_validate_json((self.home / "result.json").read_bytes())

    @property
    def home(self) -> Path:
        """Return the folder with everything; pass it to the next `run_job` to go on with it."""
        return self.settings.home


def run_job(  # noqa: PLR0913 (what a step can find, one keyword each)
    job: Job[...],
    business_date: dt.date | str,
    *,
    tables: Mapping[str, pl.DataFrame] | None = None,
    landing: Mapping[str, bytes] | None = None,
    secrets: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    contracts: Path | Sequence[Path] = (),
    home: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
) -> JobRun:
    """Run a job in this process by the real runner, in a folder of its own.

    Args:
        job: What `@job` made.
        business_date: A date, or text like 2011-11-21.
        tables: Input datasets: rows of the business date, or of several days where the frame has
            a column `business_date`. Their columns are their contract unless one is found.
        landing: Files by `<source>/<day>/<name>`; the day's `_SUCCESS` is added where missing.
        secrets: Values by name.
        params: Parameters of the job.
        contracts: Folders of contracts that lie outside of the job's package.
        home: Where everything lies; a temporary folder that ends with the JobRun by default.
        settings: Other settings, such as `support_api_url`.
        context: Other fields of the StepContext, such as `attempt` or `shard`.
    """
    scratch = None if home else tempfile.TemporaryDirectory(prefix="stationmaster-test-")
    place = Settings(**_places(home or Path(scratch.name if scratch else ""), settings or {}))
    day = (
        business_date if isinstance(business_date, dt.date) else parse_business_date(business_date)
    )
    folders = (contracts,) if isinstance(contracts, Path) else tuple(contracts)
    _put_secrets(place, secrets or {})
    _put_landing(place, landing or {})
    _put_tables(place, day, tables or {}, (*folders, *job.contracts))
    told = _context(job.function.__name__, day).model_copy(
        update={"params": dict(params or {}), **(context or {})}
    )
    run = StepRun(StepReport(place.home / "result.json"), StopSignal(), contracts=folders)
    code, result = run.run(lambda: job, lambda: told, lambda: place)
    return JobRun(code, result, place, day, scratch)


def _places(home: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Set every place, so that none comes from the environment of whoever runs the tests."""
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    names = ("catalog_uri", "warehouse", "landing", "reports", "s3_endpoint")
    return {**dict.fromkeys(names, ""), "home": home, "secrets": home / "secrets", **given}


def _context(job: str, day: dt.date) -> StepContext:
    return StepContext(
        pipeline="test",
        run_id="test",
        step=job,
        job=job,
        try_id=new_try_id(),
        business_date=day,
    )


def _put_secrets(settings: Settings, secrets: Mapping[str, str]) -> None:
    settings.secrets_folder.mkdir(parents=True, exist_ok=True)
    for name, value in secrets.items():
        (settings.secrets_folder / name).write_text(value, encoding="utf-8")


def _put_landing(settings: Settings, landing: Mapping[str, bytes]) -> None:
    promised: dict[Path, dict[str, dict[str, object]]] = {}
    for name, data in landing.items():
        path = Path(settings.landing_location) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        promise = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        promised.setdefault(path.parent, {})[path.name] = promise
    for folder, files in promised.items():
        if "_SUCCESS" not in files:
            (folder / "_SUCCESS").write_text(json.dumps({"files": files}), encoding="utf-8")


def _put_tables(
    settings: Settings, day: dt.date, tables: Mapping[str, pl.DataFrame], folders: Sequence[Path]
) -> None:
    if not tables:
        return
    store = Store.open(settings)
    session = Session(
        context=_context("test-input", day),
        settings=settings,
        meter=Meter(),
        report=StepReport(None),
        contracts=tuple(folders),
    )
    for dataset, frame in tables.items():
        contract = _contract_of(session, dataset, frame)
        for of_day, rows in _by_day(frame, day):
            context = _context("test-input", of_day)
            store.publish(store.stage(context, contract, rows))


def _contract_of(session: Session, dataset: str, frame: pl.DataFrame) -> Contract:
    """Return the dataset's contract, or one that promises just the frame's columns."""
    try:
        return session.contract(dataset)
    except ContractUnreadableError as error:
        if error.got != "no such file":
            raise
    types = {BUSINESS_DATE: pl.Date(), **frame.schema}
    return Contract(
        dataset=dataset,
        version="0.0.0",
        columns=tuple(
            Column(name, dtype, required=False, personal=False, identifies=name)
            for name, dtype in types.items()
        ),
        key=(),
        unique=(),
        row_rules=(),
        table_rules=(),
        max_bad_share=0.0,
    )


def _by_day(frame: pl.DataFrame, day: dt.date) -> list[tuple[dt.date, pl.DataFrame]]:
    if BUSINESS_DATE not in frame.columns:
        return [(day, frame)]
    parts = frame.partition_by(BUSINESS_DATE, as_dict=True, maintain_order=True)
    return sorted(((key[0], rows) for key, rows in parts.items()), key=lambda part: part[0])


def _day(given: dt.date | str) -> dt.date:
    return given if isinstance(given, dt.date) else parse_business_date(given)
