"""Fetch prices from AWS: on-demand by its price list, spot by the last day's history."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.cost.prices import InstancePrice
from stationmaster.step.errors import UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["fetch", "on_demand_price", "spot_means", "write"]

PRICING_REGION: Final = "us-east-1"
"""The price list of all regions is served here (docs.aws.amazon.com, Price List Query API)."""

FILTERS: Final = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}
COLUMNS: Final = (
    *("region", "instance_type", "vcpu", "memory_mib", "usd_per_hour", "spot_usd_per_hour"),
)


def fetch(
    region: str,
    *,
    with_spot: bool,
    pricing: Any = None,  # noqa: ANN401 (a client)
    ec2: Any = None,  # noqa: ANN401 (a client)
) -> list[InstancePrice]:
    """Return today's prices of a region, by instance type.

    Args:
        region: Such as eu-west-1.
        with_spot: Ask for the mean of the last day's spot prices of all zones as well.
        pricing: A boto3 client of `pricing`; one with the usual credentials by default.
        ec2: A boto3 client of `ec2`, likewise.

    Raises:
        UpstreamUnavailableError: No boto3, no credentials, no right, or no answer.
    """
    try:
        import boto3  # noqa: PLC0415 (heavy)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (as above)
    except ImportError as error:
        raise _away(error) from error
    try:
        pricing = pricing or boto3.Session().client("pricing", region_name=PRICING_REGION)
        found = [each for each in _products(pricing, region) if each is not None]
        if not with_spot:
            return found
        ec2 = ec2 or boto3.Session().client("ec2", region_name=region)
        means = spot_means(_history(ec2))
    except (BotoCoreError, ClientError) as error:
        raise _away(error) from error
    return [_with_spot(each, means.get(each.instance_type)) for each in found]


def on_demand_price(product: Mapping[str, Any], region: str) -> InstancePrice | None:
    """Return the price of one product of the list; None for what is no instance by the hour."""
    attributes = product.get("product", {}).get("attributes", {})
    size = str(attributes.get("memory", "")).replace(",", "").removesuffix(" GiB")
    amounts = [
        float(dimension["pricePerUnit"]["USD"])
        for term in product.get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if dimension.get("unit") == "Hrs" and "USD" in dimension["pricePerUnit"]
    ]
    try:
        cpu, memory = float(attributes["vcpu"]), float(size)
    except (KeyError, ValueError):
        return None
    if not amounts or max(amounts) <= 0:
        return None
    return InstancePrice(
        region=region,
        instance_type=attributes["instanceType"],
        cpu_millicores=round(cpu * 1000),
        memory_bytes=round(memory * 2**30),
        usd_per_hour=max(amounts),
        spot_usd_per_hour=None,
        source="AWS's price list",
    )


def spot_means(history: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean spot price of each instance type, over zones and times alike."""
    told: dict[str, list[float]] = defaultdict(list)
    for each in history:
        told[each["InstanceType"]].append(float(each["SpotPrice"]))
    return {name: fmean(prices) for name, prices in told.items()}


def write(rows: Iterable[InstancePrice], path: Path) -> None:
    """Write prices as `stationmaster.ledger.cost.prices` reads them; the file appears whole."""
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8", newline="") as stream:
        stream.write(
            "# Written by `stationmaster cost prices refresh`; USD an hour, Linux, shared.\n"
        )
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for row in sorted(rows, key=lambda each: (each.region, each.instance_type)):
            spot = "" if row.spot_usd_per_hour is None else f"{row.spot_usd_per_hour:.6f}"
            size = (f"{row.cpu_millicores / 1000:g}", row.memory_bytes // 2**20)
            writer.writerow((row.region, row.instance_type, *size, row.usd_per_hour, spot))
    unfinished.replace(path)


def _products(pricing: Any, region: str) -> Iterator[InstancePrice | None]:  # noqa: ANN401 (a client)
    filters = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value}
        for name, value in {**FILTERS, "regionCode": region}.items()
    ]
    pages = pricing.get_paginator("get_products")
    for page in pages.paginate(ServiceCode="AmazonEC2", Filters=filters):
        for text in page["PriceList"]:
            yield on_demand_price(json.loads(text), region)


def _history(ec2: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 (a client)
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    pages = ec2.get_paginator("describe_spot_price_history")
    for page in pages.paginate(ProductDescriptions=["Linux/UNIX"], StartTime=since):
        yield from page["SpotPriceHistory"]


def _with_spot(row: InstancePrice, spot: float | None) -> InstancePrice:
    return InstancePrice(**{**vars(row), "spot_usd_per_hour": spot})


def _away(error: Exception) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(
        where="AWS's prices",
        expected="an answer of pricing:GetProducts and ec2:DescribeSpotPriceHistory",
        got=" ".join(str(error).split()),
        hint="Run it where AWS credentials with these two rights are; until then the table that "
        "comes along is used, of August 2026.",
    )
