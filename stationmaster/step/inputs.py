"""What a job reads: datasets, landing files, secrets, and the bounds of its day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from stationmaster.step.errors import MisconfiguredError, UpstreamUnavailableError
from stationmaster.step.landing import LandingFile, LandingZone, own_files
from stationmaster.step.protocol import InputRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from stationmaster.step.datasets import TableRead
    from stationmaster.step.protocol import Shard
    from stationmaster.step.session import Session
    from stationmaster.step.settings import Settings

__all__ = ["Inputs"]


class Inputs:
    """Read for one business date, and keep count of what was read."""

    def __init__(self, session: Session, business_date: dt.date) -> None:
        self._session = session
        self._business_date = business_date
        self._reads: dict[tuple[str, bool], TableRead] = {}

    @property
    def business_date(self) -> dt.date:
        """Return the day in the business's time zone that the step works on."""
        return self._business_date

    @property
    def zone(self) -> ZoneInfo:
        """Return the business's time zone."""
        return self._session.settings.zone

    @property
    def settings(self) -> Settings:
        """Return the settings of this run, where a job needs a place or an address itself."""
        return self._session.settings

    def table(
        self, dataset: str, *, through: bool = False, missing_ok: bool = False
    ) -> pl.LazyFrame:
        """Return a dataset's partition of the business date.

        The snapshot is pinned at the first read: the same read gives the same rows for as long
        as the step runs, and the result names the snapshot.

        Args:
            dataset: Name of the dataset.
            through: Return every partition up to the business date instead.
            missing_ok: Return no rows, with the dataset's columns, where nothing is published.

        Raises:
            UpstreamUnavailableError: The dataset or the partition has not been published.
        """
        known = self._reads.get((dataset, through))
        if known is None:
            try:
                known = self._session.store.read(dataset, self._business_date, through=through)
            except UpstreamUnavailableError:
                if not missing_ok:
                    raise
                return self._session.empty(dataset).lazy()
            self._reads[dataset, through] = known
            self._session.report.add_input(known.ref)
            self._session.meter.count_read(rows=known.ref.rows, size_bytes=known.ref.bytes)
        return known.frame

    @property
    def snapshots(self) -> dict[str, int]:
        """Return the snapshot of each dataset that was read, by name."""
        refs = [read.ref for read in self._reads.values()]
        return {ref.dataset: ref.snapshot_id or 0 for ref in refs}

    def business_dates(self, dataset: str) -> list[dt.date]:
        """Return the days a dataset is published for, in order; none for an unknown dataset."""
        return self._session.store.business_dates(dataset)

    def quarantined(self, dataset: str) -> dict[str, int]:
        """Return how many rows of the business date's partition were kept aside, by rule.

        A partition that is not published has none, as has one without bad rows.
        """
        return self._session.store.quarantined(dataset, self._business_date)

    def landing(
        self, source: str, days: Sequence[dt.date], *, shard: Shard | None = None
    ) -> list[LandingFile]:
        """Return the files a source has delivered for its own calendar days.

        Args:
            source: Name of the source.
            days: Its own calendar days.
            shard: Who reads only its own of the files; the others do not count as read.

        Raises:
            UpstreamUnavailableError: A day is not complete; the message tells since when.
        """
        zone = LandingZone(self._session.settings)
        files = [file for day in days for file in zone.files(source, day)]
        read = files if shard is None else own_files(files, shard)
        size = sum(file.size_bytes for file in read)
        self._session.report.add_input(InputRef(dataset=f"landing/{source}", bytes=size))
        self._session.meter.count_read(size_bytes=size)
        return files

    def count_read(self, *, rows: int = 0, bytes: int = 0) -> None:  # noqa: A002 (the result's own word)
        """Count what the job reads by itself, such as an API, and rows of landing files."""
        self._session.meter.count_read(rows=rows, size_bytes=bytes)

    def secret(self, name: str) -> str:
        """Return a secret: the text of the file of that name in the secrets folder.

        Raises:
            MisconfiguredError: There is no such file, or it is empty.
        """
        path = self._session.settings.secrets_folder / name
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            text, reason = "", f"{error.strerror or error}"
        else:
            reason = "an empty file"
        if text:
            return text
        raise MisconfiguredError(
            where=f"secret {name}",
            expected=f"a file {path} with its value",
            got=reason,
            hint=f"Put the value into {path}, and name the secret in the job's job.yaml.",
        )

    def utc_bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """Return the begin (in) and the end (out) of the business date in UTC.

        They are 23 or 25 hours apart on the days when the clock changes.
        """
        midnights = [
            dt.datetime.combine(day, dt.time(), tzinfo=self.zone)
            for day in (self._business_date, self._business_date + dt.timedelta(days=1))
        ]
        start, end = (midnight.astimezone(dt.UTC) for midnight in midnights)
        return start, end

    def upstream_days(self, zone: str | ZoneInfo) -> list[dt.date]:
        """Return the calendar days of another zone that the business date overlaps."""
        there = ZoneInfo(zone) if isinstance(zone, str) else zone
        start, end = self.utc_bounds()
        first = start.astimezone(there).date()
        last = (end - dt.timedelta(microseconds=1)).astimezone(there).date()
        return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
