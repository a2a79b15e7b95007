"""The audit looks at what lies on storage, not at what was meant to be written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stationmaster.step.datasets.auditing import audit_files
from stationmaster.step.datasets.reading import files_of_day
from stationmaster.step.errors import ContractBrokenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.datasets.conftest import Desk

DAY = dt.date(2011, 11, 21)


def cut(file: Path) -> None:
    """Lose the second half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def blank_the_end(file: Path) -> None:
    """Keep a file's size and lose its end, as a crash of the machine may."""
    file.write_bytes(file.read_bytes()[:-64] + bytes(64))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "bytes in "),
        (blank_the_end, "expected a whole Parquet file"),
        (Path.unlink, "expected a whole Parquet file"),
    ],
)
def test_a_torn_or_lost_file_is_not_published(
    desk: Desk, damage: Callable[[Path], None], said: str
) -> None:
    """A staged file that is not whole any more is named, with what to do."""
    staged = desk.stage(desk.orders(50))
    table = desk.table()
    head = table.refs()[staged.part.branch].snapshot_id
    files = files_of_day(table, DAY, head)
    audit_files(desk.contract, table, files, DAY, rows=50)
    damage(Path(files[0].file_path.removeprefix("file://")))

    with pytest.raises(ContractBrokenError) as caught:
        audit_files(desk.contract, table, files, DAY, rows=50)

    assert said in str(caught.value)
    assert "look at the warehouse before the retry" in str(caught.value)
