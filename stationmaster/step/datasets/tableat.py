"""Where one table is: catalog, name, and what polars needs to read its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.exceptions import NoSuchTableError

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

__all__ = ["TableAt"]


@dataclass(frozen=True)
class TableAt:
    """Name a table that may or may not be there; each load gives it as it is then."""

    catalog: SqlCatalog
    identifier: tuple[str, str]
    storage: dict[str, str]

    @property
    def name(self) -> str:
        """Return namespace and dataset, as people write them."""
        return ".".join(self.identifier)

    def load(self) -> Table:
        """Return the table as it is now.

        Raises:
            NoSuchTableError: There is none.
        """
        return self.catalog.load_table(self.identifier)

    def find(self) -> Table | None:
        """Return the table as it is now, or None where there is none."""
        try:
            return self.load()
        except NoSuchTableError:
            return None
