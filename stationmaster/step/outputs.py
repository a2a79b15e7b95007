"""What a job writes: staged first, published by the runner when the function has returned."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stationmaster.step.outputerrors import check_figure, split_files, undeclared, written_twice
from stationmaster.step.portion import Portion
from stationmaster.step.protocol import OutputRef
from stationmaster.step.reportfiles import FileSet

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import polars as pl

    from stationmaster.step.datasets import Staged
    from stationmaster.step.protocol import Shard, StepContext
    from stationmaster.step.session import Session
    from stationmaster.step.shares import Share, Shares

__all__ = ["Outputs"]

_log = logging.getLogger("stationmaster")


class Outputs:
    """Stage what a job writes for one business date; no reader sees it before `publish`."""

    def __init__(self, session: Session, business_date: dt.date) -> None:
        self._session = session
        self._context: StepContext = session.context.model_copy(
            update={"business_date": business_date}
        )
        self._staged: dict[str, Staged] = {}
        self._files: dict[str, FileSet] = {}
        self._left: list[str] = []
        self._taken: list[Shares] = []

    @property
    def datasets(self) -> list[str]:
        """Return the tables that are staged or left, in the order they were written."""
        return list(dict.fromkeys([*self._staged, *self._left]))

    @property
    def shard(self) -> Shard:
        """Return which part of the step's work this one is."""
        return self._context.shard

    def hand_in(
        self, topic: str, frame: pl.DataFrame, told: Mapping[str, str] | None = None
    ) -> list[Share] | None:
        """Hand in this shard's share; return those of all shards where it is the last one.

        To the others it returns None: what is to be made of all shares is left to a later one,
        which they say by `leave`. Two shards may both be the last; what they make must be the same.

        Args:
            topic: What the share is of; one a dataset, say.
            frame: The share.
            told: What to say of it.
        """
        # A job that is not split must not pay for it.
        from stationmaster.step.shares import Share, Shares  # noqa: PLC0415 (heavy: polars)

        if self.shard.count == 1:
            return [Share(frame, dict(told or {}))]
        shares = Shares(self._session.settings, self._context, topic)
        shares.hand_in(frame, told or {})
        found = shares.all()
        if found is not None:
            self._taken.append(shares)
        return found

    def leave(self, *datasets: str) -> None:
        """Leave datasets to the shard that comes last, also what this one has staged of them."""
        for dataset in datasets:
            self._expect(dataset)
            self._left.append(dataset)

    def write(
        self,
        dataset: str,
        frame: pl.DataFrame | pl.LazyFrame,
        rejected: pl.DataFrame | None = None,
    ) -> Staged:
        """Check a frame against the dataset's contract and stage it as the day's partition.

        Rows that break a row rule go to quarantine with the rule's name; they count.

        Args:
            dataset: Name of the dataset.
            frame: All rows of the business date.
            rejected: Rows the job could not parse: columns `rule`, `record` (JSON text),
                optionally `key` and `detail`. They go to quarantine and count as bad rows.

        Raises:
            ContractBrokenError: The schema is broken, or too many rows are bad.
            ContractUnreadableError: The job has no contract for the dataset.
        """
        if dataset in self._staged:
            raise written_twice(dataset)
        return self._write(dataset, frame, rejected, Portion.OWN)

    def write_part(
        self, dataset: str, frame: pl.DataFrame, rejected: pl.DataFrame | None = None
    ) -> Staged:
        """Stage this shard's rows of a partition; its parts are checked together to publish it.

        Args:
            dataset: Name of the dataset.
            frame: The shard's rows.
            rejected: Rows the job could not parse, as for `write`.

        Raises:
            ContractBrokenError: The schema is broken.
            ContractUnreadableError: The job has no contract for the dataset.
        """
        if dataset in self._staged:
            raise written_twice(dataset)
        return self._write(dataset, frame, rejected, Portion.UNCHECKED)

    def write_whole(
        self, dataset: str, frame: pl.DataFrame, rejected: pl.DataFrame | None = None
    ) -> Staged:
        """Stage the whole partition for all shards, in place of this shard's part of it.

        Args:
            dataset: Name of the dataset.
            frame: All rows of the business date.
            rejected: Rows the job could not parse, as for `write`.

        Raises:
            ContractBrokenError: The schema is broken, or too many rows are bad.
            ContractUnreadableError: The job has no contract for the dataset.
        """
        return self._write(dataset, frame, rejected, Portion.WHOLE)

    def _write(
        self,
        dataset: str,
        frame: pl.DataFrame | pl.LazyFrame,
        rejected: pl.DataFrame | None,
        portion: Portion,
    ) -> Staged:
        self._expect(dataset)
        contract = self._session.contract(dataset)
        store = self._session.store
        staged = store.stage(self._context, contract, frame, rejected, portion=portion)
        self._staged[dataset] = staged
        self._session.meter.count_written(rows=staged.rows, size_bytes=staged.bytes)
        _log.info(
            "Staged %s %s: %d rows, %d in quarantine",
            dataset,
            staged.business_date,
            staged.rows,
            staged.quarantined_rows,
        )
        return staged

    def write_file(self, dataset: str, name: str, data: bytes) -> None:
        """Stage a file of the day's file set `<reports>/<dataset>/<date>/`.

        Publishing replaces the whole set: a file that is not written again is gone.

        Raises:
            MisconfiguredError: The name leads out of the set, or the step is split into shards.
        """
        self._expect(dataset)
        if self._context.shard.count > 1:
            raise split_files(dataset, self._context.shard.count)
        if dataset not in self._files:
            self._files[dataset] = FileSet(self._session.settings, self._context, dataset)
        self._files[dataset].add(name, data)
        self._session.meter.count_written(size_bytes=len(data))

    def note(self, text: str) -> None:
        """Add a short sentence to the step's result and log, such as why a source has no rows."""
        self._session.report.note(text)

    def figure(self, dataset: str, name: str, value: float, *, part: bool = False) -> None:
        """Say a number of a dataset that people rely on, so that it can be held against others.

        It stands in the step's result as `dataset/name`; monitoring compares it with figures of
        other sources and of other days (docs/monitoring.md). Rows need no figure: they are known.

        Args:
            dataset: One of the step's outputs.
            name: Such as `revenue`.
            value: The number.
            part: Of this shard's part only: those of all shards add up.

        Raises:
            JobFunctionError: The name cannot be one, or the value is not finite.
            MisconfiguredError: The dataset is not one of the step's outputs.
        """
        self._expect(dataset)
        check_figure(dataset, name, value)
        own_day = self._session.context.business_date
        day = self._context.business_date
        key = f"{dataset}/{name}" if day == own_day else f"{dataset}/{name}@{day}"
        self._session.report.figure(key, float(value), part=part)

    def published_before(self) -> bool:
        """Tell whether an earlier attempt has published all of it; for the runner.

        Its acknowledgement got lost: the work is left out, and the result names what is there.
        That attempt was one of this try, or of a failed one that this try repeats: a container
        that its node kept running has published after its try was given up.
        """
        mine = () if self._context.attempt == 1 else (self._context.try_id,)
        return any(self._published_by(try_id) for try_id in (*mine, *self._context.retry_of))

    def _published_by(self, try_id: str) -> bool:
        """Tell whether one try has published all outputs; its references become the result's."""
        context = self._context.model_copy(update={"try_id": try_id})
        store = self._session.store
        found = [store.published(context, name) for name in self._context.outputs]
        refs = [ref for ref in found if ref is not None]
        if not refs or len(refs) < len(found):
            return False
        for ref in refs:
            self._session.report.add_output(ref)
        return True

    def publish(self) -> None:
        """Make everything staged visible, in the order it was written; for the runner.

        Raises:
            PartitionConflictError: Another run published a partition meanwhile.
            StaleAttemptError: A newer attempt of this run has published.
        """
        if self._context.retry_of and self.published_before():
            _log.info("An attempt of a try that was given up has published it meanwhile")
            self.discard()
            return
        self._tell_left()
        for dataset in list(self._staged):
            ref = self._session.store.publish(self._staged[dataset])
            del self._staged[dataset]
            self._session.report.add_output(ref)
            _log.info("Published %s %s: %d rows", dataset, ref.business_date, ref.rows)
        for dataset in list(self._files):
            ref = self._files[dataset].publish()
            del self._files[dataset]
            self._session.report.add_output(ref)
            _log.info("Published %s %s: %d files", dataset, ref.business_date, ref.rows)
        for shares in self._taken:
            shares.drop()
        self._taken.clear()

    def _tell_left(self) -> None:
        """Report what is left to the shard that comes last, or what it has published already."""
        for dataset in self._left:
            staged = self._staged.pop(dataset, None)
            ref = self._session.store.published(self._context, dataset)
            if ref is not None and staged is not None:
                self._session.store.discard(staged)
            self._session.report.add_output(ref or self._waiting(dataset, staged))
            _log.info("Left %s to the shard that comes last", dataset)
        self._left.clear()

    def _waiting(self, dataset: str, staged: Staged | None) -> OutputRef:
        day = self._context.business_date
        if staged is None:
            return OutputRef(dataset=dataset, business_date=day, staged=True)
        return OutputRef(
            dataset=dataset,
            business_date=day,
            snapshot_id=staged.snapshot_id,
            rows=staged.rows,
            bytes=staged.bytes,
            quarantined_rows=staged.quarantined_rows,
            quarantined_by_rule=staged.quarantined_by_rule,
            staged=True,
        )

    def discard(self) -> None:
        """Drop what is staged and not published; for the runner."""
        for dataset, staged in self._staged.items():
            try:
                self._session.store.discard(staged)
            except Exception:  # noqa: BLE001 (a failed clean-up must not hide why the step failed)
                _log.warning("Staged rows of %s stay behind unseen", dataset, exc_info=True)
        for files in self._files.values():
            files.discard()
        self._staged.clear()
        self._files.clear()

    def missing(self) -> list[str]:
        """Return declared outputs that were not written."""
        written = {*self._staged, *self._files, *self._left}
        return [name for name in self._context.outputs if name not in written]

    def _expect(self, dataset: str) -> None:
        declared = self._context.outputs
        if declared and dataset not in declared:
            raise undeclared(dataset, declared)
