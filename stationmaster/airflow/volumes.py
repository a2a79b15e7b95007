"""How much a source has delivered, and in how many shards the steps after it split that.

The volume is known before a step starts: from what the writer says of its files in `_SUCCESS`, or
from the API's own total. Whatever cannot be counted is not split: one shard is always right, only
slower, so nothing here fails a task.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow.sdk import BaseOperator

from stationmaster.airflow.dates import day_bounds, upstream_days
from stationmaster.ledger.fanout import (
    LEAST_SHARDS,
    MOST_SHARDS,
    Fanout,
    Volume,
    rows_per_second,
    shards_for,
)
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from airflow.sdk import Context

__all__ = [
    "CountShards",
    "PartOfDay",
    "Source",
    "api_volume",
    "landing_volume",
    "speed_of",
    "tell",
    "written_bytes",
]

_log = logging.getLogger(__name__)

MARKER: Final = "_SUCCESS"
API_TIMEOUT_SECONDS: Final = 10.0
_ATTEMPTS: Final = 100
"""Of the step's newest attempts, from which the speed is taken: two days of 50 shards."""


@dataclass(frozen=True)
class PartOfDay:
    """Name an upstream's calendar day and the share of it that is of the business date."""

    day: dt.date
    share: float


def landing_volume(
    place: str, source: str, days: Sequence[PartOfDay], *, unit: str, s3_endpoint: str = ""
) -> Volume | None:
    """Return what a source says it has delivered for a business date; None where it does not say.

    A day that is of the business date only in part counts in part.

    Args:
        place: Landing folder or `s3://bucket/prefix`.
        source: Name of the source: its folder.
        days: Upstream days that overlap the business date.
        unit: What the names of the files begin with that are counted: `orders`, say.
        s3_endpoint: Where S3 is, if it is not AWS's own.

    Raises:
        OSError: The folder cannot be read.
    """
    units = rows = told = 0.0
    is_told = True
    for each in days:
        path = f"{place.rstrip('/')}/{source}/{each.day.isoformat()}/{MARKER}"
        text = _from_bucket(path, s3_endpoint) if place.startswith("s3://") else _text(path)
        records, sizes = _counted(text, "records"), _counted(text, "bytes")
        if records is None:
            return None
        is_told = is_told and sizes is not None
        told += each.share * sum((sizes or {}).values())
        rows += each.share * sum(records.values())
        units += each.share * sum(
            count for name, count in records.items() if name.startswith(f"{unit}-")
        )
    return Volume(round(units), round(rows), round(told) if is_told else None)


def api_volume(url: str, token_file: str, bounds: tuple[dt.datetime, dt.datetime]) -> Volume | None:
    """Return how many tickets an API holds of a business day; None where it does not say.

    Args:
        url: Address of the API.
        token_file: File with the bearer token.
        bounds: The day in UTC, [start, end).

    Raises:
        OSError: The token cannot be read.
    """
    import httpx  # noqa: PLC0415 (only where a source is an API)

    window = {"created_from": _iso(bounds[0]), "created_to": _iso(bounds[1]), "per_page": "1"}
    answer = httpx.get(
        f"{url.rstrip('/')}/v1/tickets",
        params=window,
        headers={"Authorization": f"Bearer {Path(token_file).read_text().strip()}"},
        timeout=API_TIMEOUT_SECONDS,
    )
    total = answer.json().get("total") if answer.is_success else None
    return Volume(total, total) if isinstance(total, int) and total >= 0 else None


def speed_of(pipeline: str, step: str) -> float | None:
    """Return how many rows a second one shard of a step reads, as the ledger has it."""
    from stationmaster.ledger.store import Ledger  # noqa: PLC0415 (heavy, and only where one splits)

    ledger = Ledger.open(Settings().ledger_location)
    try:
        if ledger.is_missing:
            return None
        return rows_per_second(ledger.last(_ATTEMPTS, pipeline=pipeline, step=step))
    finally:
        ledger.close()


def written_bytes(*steps: str) -> list[str]:
    """Return the templates for `input_bytes=` of a step that reads what these steps wrote."""
    told = "{{{{ (ti.xcom_pull('{}') or {{}}).get('measurements', {{}}).get('bytes_written') }}}}"
    return [told.format(step) for step in steps]


@dataclass(frozen=True)
class Source:
    """Hold where a source's volume is told.

    Args:
        name: Its landing folder, and the begin of its token's file.
        zone: Whose calendar days it delivers.
        unit: What is counted of it.
        api: It is asked by its API, at the setting STATIONMASTER_SUPPORT_API_URL.
    """

    name: str
    zone: ZoneInfo
    unit: str
    api: bool = False

    def volume(self, day: dt.date) -> Volume | None:
        """Return what it has delivered for a business date; None where it does not say."""
        settings = Settings()
        start, end = day_bounds(day, settings.zone)
        if self.api:
            token = str(settings.secrets_folder / f"{self.name}-api-token")
            return api_volume(settings.support_api_url, token, (start, end))
        parts = []
        for each in upstream_days(day, settings.zone, self.zone):
            begin, over = day_bounds(each, self.zone)
            parts.append(PartOfDay(each, (min(over, end) - max(begin, start)) / (over - begin)))
        return landing_volume(
            settings.landing_location,
            self.name,
            parts,
            unit=self.unit,
            s3_endpoint=settings.s3_endpoint,
        )

    def fanout(
        self, day: dt.date, pipeline: str, step: str, *, units_a_shard: int
    ) -> tuple[Volume | None, Fanout]:
        """Return what came, and in how many shards a step splits it; never fails.

        Args:
            day: Business date.
            pipeline: Of the step.
            step: Whose speed the ledger is asked for.
            units_a_shard: As long as the ledger does not know.
        """
        try:
            volume = self.volume(day)
        except Exception as error:  # noqa: BLE001 (whatever it is, the morning goes on unsplit)
            return None, Fanout(1, f"Not split: {self.name} cannot be counted ({error}).")
        if volume is None:
            return None, Fanout(1, f"Not split: {self.name} does not say how much it delivered.")
        speed = None
        try:
            speed = speed_of(pipeline, step)
        except Exception as error:  # noqa: BLE001 (as above, by the rule without history)
            _log.warning("The ledger does not tell how fast %s is: %s", step, error)
        return volume, shards_for(volume, speed, unit=self.unit, units_a_shard=units_a_shard)


def tell(context: Context, volume: Volume | None, found: Fanout) -> None:
    """Push what a wait has counted: shards, and units and bytes where they are known."""
    told = {"shards": found.shards}
    if volume is not None:
        told["units"] = volume.units
        if volume.size_bytes is not None:
            told["bytes"] = volume.size_bytes
    for key, value in told.items():
        context["ti"].xcom_push(key=key, value=value)


class CountShards(BaseOperator):
    """Count in how many shards a step after several sources splits their volume together.

    Args:
        waits: Tasks (WaitForSource with `splits=`) that have counted the sources.
        unit: What they have counted.
        units_a_shard: Of which a shard gets so many.
        most: Shards at most.
    """

    ui_color = "#f6f1e4"

    def __init__(
        self,
        *,
        waits: Sequence[str],
        unit: str = "orders",
        units_a_shard: int = 10_000,
        most: int = MOST_SHARDS,
        **kwargs: Any,  # noqa: ANN401 (Airflow's own arguments, of many types)
    ) -> None:
        told = f"Counts in how many shards the {unit} of all sources together are split."
        super().__init__(**{"doc_md": told, **kwargs})
        self.waits = tuple(waits)
        self.unit = unit
        self.units_a_shard = units_a_shard
        self.most = most

    @property
    def shards(self) -> str:
        """Return the template for `shards=` of the step that is split."""
        return f"{{{{ ti.xcom_pull('{self.task_id}') or 1 }}}}"

    def execute(self, context: Context) -> int:
        """Return the number of shards."""
        told = [context["ti"].xcom_pull(task_ids=wait, key="units") for wait in self.waits]
        counted = [int(each) for each in told if each is not None]
        found = Fanout(1, f"Not split: {self.unit} of some source were not counted.")
        if len(counted) == len(self.waits):
            volume = Volume(sum(counted), 0)
            found = shards_for(
                volume,
                unit=self.unit,
                units_a_shard=self.units_a_shard,
                least=min(LEAST_SHARDS, self.most),
                most=self.most,
            )
        self.log.info("%s", found.why)
        return found.shards


def _counted(text: str, what: str) -> dict[str, int] | None:
    """Return how many records or bytes each file has, as its writer says; None: it does not."""
    try:
        files = json.loads(text)["files"]
        return {name: int(entry[what]) for name, entry in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _from_bucket(path: str, endpoint: str) -> str:
    import boto3  # noqa: PLC0415 (slow to import, and only needed where landing is S3)

    address = urlsplit(path)
    client = boto3.client("s3", endpoint_url=endpoint or None)
    found = client.get_object(Bucket=address.netloc, Key=address.path.lstrip("/"))
    return str(found["Body"].read().decode())


def _iso(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
