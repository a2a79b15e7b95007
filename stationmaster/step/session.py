"""What inputs, outputs and runner of one step share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from stationmaster.step.errors import ContractUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from stationmaster.step.contracts import Contract
    from stationmaster.step.datasets import Store
    from stationmaster.step.meter import Meter
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.report import StepReport
    from stationmaster.step.settings import Settings

__all__ = ["Session"]


@dataclass
class Session:
    """Hold a step's context, settings, meter and report; open the store when it is first used."""

    context: StepContext
    settings: Settings
    meter: Meter
    report: StepReport
    contracts: tuple[Path, ...]
    """Folders with `<dataset>.odcs.yaml` files, first match wins."""

    @cached_property
    def store(self) -> Store:
        """Return the door to the datasets; a job that uses none never loads it."""
        from stationmaster.step.datasets import Store  # noqa: PLC0415 (heavy: polars, pyiceberg)

        return Store.open(self.settings)

    def contract(self, dataset: str) -> Contract:
        """Return the contract of a dataset.

        Raises:
            ContractUnreadableError: There is none beside the job, or it cannot be used.
        """
        from stationmaster.step.contracts import Contract  # noqa: PLC0415 (heavy: polars)

        for folder in self.contracts:
            path = folder / f"{dataset}.odcs.yaml"
            if path.is_file():
                return Contract.load(path)
        folders = " or ".join(str(folder) for folder in self.contracts)
        raise ContractUnreadableError(
            where=f"contract of {dataset}",
            expected=f"a file {dataset}.odcs.yaml in {folders}",
            got="no such file",
            hint="Write the dataset's contract there, and list it in the package's data files.",
        )

    def empty(self, dataset: str) -> pl.DataFrame:
        """Return no rows with a dataset's columns: as another day has them, or by its contract.

        Raises:
            ContractUnreadableError: Nothing was ever published, and the job has no contract of it.
        """
        published = self.store.business_dates(dataset)
        if published:
            return self.store.read(dataset, published[0]).frame.head(0).collect()
        return self.contract(dataset).empty_frame()
