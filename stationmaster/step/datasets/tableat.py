"""Where one table is: catalog, name, and what polars needs to read its files."""

from __future__ import annotations

import contextlib
import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyiceberg.exceptions import NoSuchTableError

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this machine's other writers, where the catalog is a file on it.

        Thirty writers that only race load and lose thirty times as often as needed. The lock
        goes with its process; a writer that cannot take it races like those of other catalogs.
        """
        database = self.catalog.engine.url.database
        if self.catalog.engine.name != "sqlite" or not database or database == ":memory:":
            yield
            return
        with contextlib.ExitStack() as stack:
            # Where it cannot be had (a full disk, a read-only folder) the commit itself tells.
            with contextlib.suppress(OSError):
                lock = stack.enter_context(Path(f"{database}.{self.name}.lock").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def find(self) -> Table | None:
        """Return the table as it is now, or None where there is none."""
        try:
            return self.load()
        except NoSuchTableError:
            return None
