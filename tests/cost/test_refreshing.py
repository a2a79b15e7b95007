"""Prices as AWS tells them; the client is boto3's own, its answers are recorded ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from stationmaster.ledger.cost.prices import PriceBook, read_prices
from stationmaster.ledger.cost.refreshing import fetch, on_demand_price, spot_means, write
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.step.errors import UpstreamUnavailableError

if TYPE_CHECKING:
    from pathlib import Path


def client(service: Any) -> Any:  # noqa: ANN401 (boto3 names its clients by text)
    """Return a client that would be let in nowhere."""
    keys: dict[str, Any] = dict.fromkeys(("aws_access_key_id", "aws_secret_access_key"), "x")
    return boto3.Session().client(service, region_name="eu-west-1", **keys)


def product(**attributes: str) -> dict[str, Any]:
    """Return a product as the price list has it."""
    told = {"instanceType": "m5.large", "vcpu": "2", "memory": "8 GiB", **attributes}
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": "0.1070000000"}}
    terms = {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}}
    return {"product": {"attributes": told}, "terms": terms}


def test_a_refreshed_file_is_read_back(tmp_path: Path) -> None:
    """On-demand and the mean of spot are fetched, written, and used from then on."""
    pricing, ec2 = client("pricing"), client("ec2")
    history = [{"InstanceType": "m5.large", "SpotPrice": text} for text in ("0.03", "0.05")]
    with Stubber(pricing) as list_of_prices, Stubber(ec2) as spot:
        list_of_prices.add_response(
            "get_products",
            {"PriceList": [json.dumps(product())]},
            {"ServiceCode": "AmazonEC2", "Filters": ANY},
        )
        spot.add_response(
            "describe_spot_price_history",
            {"SpotPriceHistory": history},
            {"ProductDescriptions": ["Linux/UNIX"], "StartTime": ANY},
        )
        rows = fetch("eu-west-1", with_spot=True, pricing=pricing, ec2=ec2)
    write(rows, tmp_path / "prices.csv")

    book = PriceBook.from_settings(CostSettings(prices=tmp_path / "prices.csv"))
    assert book.price_of("m5.large", "spot", "eu-west-1").per_hour == pytest.approx(0.04)
    assert book.price_of("m5.large", "", "eu-west-1").per_hour == 0.107
    assert len(list(read_prices(tmp_path / "prices.csv", "x"))) == 1


def test_a_refusal_is_said_with_what_is_needed() -> None:
    """Without the right the old table stays, and the rights are named."""
    pricing = client("pricing")
    with Stubber(pricing) as stub:
        stub.add_client_error("get_products", "AccessDeniedException", "not authorized")
        with pytest.raises(UpstreamUnavailableError, match=r"not authorized.*two rights"):
            fetch("eu-west-1", with_spot=False, pricing=pricing)


@pytest.mark.parametrize(
    "attributes", [{"memory": "NA"}, {"vcpu": "many"}], ids=["no memory", "no cpu"]
)
def test_what_is_no_machine_is_left_out(attributes: dict[str, str]) -> None:
    """The list has products without a size: they are no prices of nodes."""
    assert on_demand_price(product(**attributes), "eu-west-1") is None
    assert on_demand_price({}, "eu-west-1") is None


def test_memory_of_thousands_is_read() -> None:
    """The list writes 1,952 GiB with a comma."""
    found = on_demand_price(product(memory="1,952 GiB"), "r")

    assert found is not None
    assert found.memory_bytes == 1952 * 2**30


def test_spot_is_the_mean_of_zones_and_times() -> None:
    """Each type has the mean of all that was told of it."""
    told = [("a", "1.0"), ("a", "3.0"), ("b", "5.0")]

    means = spot_means({"InstanceType": name, "SpotPrice": price} for name, price in told)

    assert means == {"a": 2.0, "b": 5.0}
