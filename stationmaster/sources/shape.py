"""Shape the real lines into orders (invoices) and cancellations; nothing is invented here."""

from __future__ import annotations

from typing import Final

import polars as pl

__all__ = ["ZONE", "cancellations", "is_order", "lines", "orders"]

ZONE: Final = "Europe/London"
"""The shop is British: its times are London's."""


def lines(raw: pl.DataFrame) -> pl.DataFrame:
    """Type the published text columns; prices become whole thousandths of a pound."""
    stamp = pl.col("InvoiceDate").str.to_datetime("%m/%d/%Y %H:%M", time_unit="us")
    mills = (pl.col("Price").cast(pl.Float64) * 1000).round().cast(pl.Int64)
    return raw.select(
        invoice=pl.col("Invoice"),
        sku=pl.col("StockCode"),
        description=pl.col("Description").str.strip_chars(),
        quantity=pl.col("Quantity").cast(pl.Int64),
        at=stamp.dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC"),
        mills=mills,
        customer=pl.col("Customer ID").str.strip_suffix(".0"),
        country=pl.col("Country"),
    )


def is_order() -> pl.Expr:
    """Return whether an invoice is an order, by its lines.

    Not orders: cancellations (C...), bad-debt bookings (A...), and stock bookings, which have
    neither a customer nor a price ("damages", "lost", "found").
    """
    numbered = pl.col("invoice").str.contains(r"^\d+$")
    return numbered & (pl.col("customer").is_not_null() | (pl.col("revenue_mills") > 0))


def orders(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row an order, with its lines as the web shop and the app would write them."""
    unit = pl.col("mills")
    pounds = pl.format(
        "{}.{}", unit // 1000, (unit % 1000).cast(pl.String).str.zfill(3).str.replace("0$", "")
    )
    pence = (unit / 10).round().cast(pl.Int64)
    text = lines.with_columns(
        pence=pence,
        web=pl.struct("sku", "description", "quantity", unit_price=pounds).struct.json_encode(),
        app=pl.struct(
            id="sku", title="description", qty="quantity", pence=pence
        ).struct.json_encode(),
    )
    return (
        text.group_by("invoice", maintain_order=True)
        .agg(
            pl.col("at").min(),
            pl.col("customer").first(),
            pl.col("country").first(),
            lines=pl.len(),
            items=pl.col("quantity").sum(),
            revenue_mills=(pl.col("quantity") * pl.col("mills")).sum(),
            total_pence=(pl.col("quantity") * pl.col("pence")).sum(),
            web_lines=pl.format("[{}]", pl.col("web").str.join(",")),
            app_items=pl.format("[{}]", pl.col("app").str.join(",")),
        )
        .filter(is_order())
        .sort("at", "invoice")
    )


def cancellations(lines: pl.DataFrame) -> pl.DataFrame:
    """Return one row a cancellation, with the order it most likely cancels.

    That is the latest earlier order of the same customer with the same article (without a
    customer: of any guest), taken for the cancellation's dearest line that has one.
    """
    # A stock booking, which has neither customer nor price, is nothing to cancel.
    bought = pl.col("customer").is_not_null() | (pl.col("mills") > 0)
    known = lines.with_columns(customer=pl.col("customer").fill_null("guest"), bought=bought)
    sold = known.filter(
        pl.col("invoice").str.contains(r"^\d+$") & (pl.col("quantity") > 0) & pl.col("bought")
    )
    back = known.filter(pl.col("invoice").str.starts_with("C"))
    matched = back.sort("at", "invoice", "sku").join_asof(
        sold.sort("at", "invoice").select("at", "sku", "customer", order="invoice"),
        on="at",
        by=["customer", "sku"],
        strategy="backward",
        check_sortedness=False,
    )
    value = -pl.col("quantity") * pl.col("mills")
    best = pl.col("order").sort_by(value, "sku", descending=True).drop_nulls().first()
    return (
        matched.group_by("invoice")
        .agg(
            pl.col("at").min(),
            customer=pl.col("customer").first().replace("guest", None),
            country=pl.col("country").first(),
            amount_mills=value.sum(),
            lines=pl.len(),
            order=best,
        )
        .sort("at", "invoice")
    )
