"""A dataset's contract, as much of it as the runner checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["Contract"]


@dataclass(frozen=True)
class Contract:
    """Hold what a dataset promises."""

    dataset: str
    """Name of the dataset: the contract's `schema[0].name`."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an ODCS file.

        Raises:
            ContractUnreadableError: The file is missing, no YAML, or no contract of one dataset.
        """
        raise NotImplementedError

    def empty_frame(self) -> pl.DataFrame:
        """Return a frame without rows that has the contract's columns and types."""
        raise NotImplementedError
