"""What a machine costs, and what is said where that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "region,instance_type,vcpu,memory_mib,usd_per_hour,spot_usd_per_hour\n"


def book(path: Path | None = None, text: str = "") -> PriceBook:
    """Return the shipped prices, with a file of own ones over them."""
    if path is None:
        return PriceBook.from_settings(CostSettings())
    path.write_text(text, encoding="utf-8")
    return PriceBook.from_settings(CostSettings(prices=path))


def test_the_table_that_comes_along_has_prices() -> None:
    """Its 163 types have a price and a size above 0, and say where they are from."""
    rows = list(book())

    assert len(rows) == 163
    assert all(each.usd_per_hour > 0 and each.cpu_millicores and each.memory_bytes for each in rows)
    assert "August 2026" in book().price_of("m5.large", "on-demand").note
    assert book().price_of("m5.large", "on-demand").per_hour == 0.096


def test_spot_without_a_price_is_a_stated_share() -> None:
    """35 % of on-demand, and the note says that it is."""
    price = book().price_of("m5.large", "spot", "us-east-1")

    assert price.per_hour == pytest.approx(0.0336)
    assert "taken as 35% of on-demand" in price.note


def test_an_own_file_stands_over_the_table(tmp_path: Path) -> None:
    """A row of the team's own replaces the shipped one, with its spot price; others stay."""
    text = f"# ours\n{HEADER}us-east-1,m5.large,2,8192,0.05,0.01\nhere,big-iron,64,262144,1.5,\n"
    own = book(tmp_path / "own.csv", text)

    assert own.price_of("m5.large", "spot").per_hour == 0.01
    assert own.price_of("big-iron", "on-demand", "here").per_hour == 1.5
    assert own.price_of("c5.2xlarge", "").per_hour == 0.34
    assert "own.csv" in own.price_of("m5.large", "").note


@pytest.mark.parametrize(
    ("instance_type", "words"),
    [("", "does not say which type"), ("m5.lage", "like m5.large"), ("m5.lage", "prices refresh")],
)
def test_an_unknown_type_is_a_sentence_and_no_error(instance_type: str, words: str) -> None:
    """Whoever records goes on; whoever reads the row knows what to do."""
    price = book().price_of(instance_type, "on-demand")

    assert (price.per_hour, price.currency) == (None, "")
    assert words in price.note


def test_another_regions_price_is_said_to_be_one() -> None:
    """Where a region has no row the setting's region is taken, and named."""
    price = book().price_of("m5.large", "on-demand", "eu-west-1")

    assert price.per_hour == 0.096
    assert "of us-east-1: there is no price of eu-west-1" in price.note


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column region"),
        ("region,instance_type\n", "no column vcpu, memory_mib, usd_per_hour"),
        (f"{HEADER}r,t,2,1024,cheap,\n", "line 2"),
        (f"# a\n{HEADER}r,t,2,1024,1,\nr,u,2,1024,-1,\n", "line 4.*'-1' is no price"),
        (f"{HEADER}r,t,2,1024,nan,\n", "no price"),
        (f"{HEADER}r,t,2\n", "line 2"),
    ],
)
def test_a_broken_file_names_its_line(tmp_path: Path, text: str, says: str) -> None:
    """A missing column or a value that is no price is refused with its place."""
    with pytest.raises(MisconfiguredError, match=says):
        book(tmp_path / "own.csv", text)


def test_a_broken_file_stops_no_recorder(tmp_path: Path) -> None:
    """The launcher goes on with the table that comes along, and says why."""
    said: list[str] = []
    path = tmp_path / "gone.csv"

    found = PriceBook.for_recording(CostSettings(prices=path), said.append)

    assert found.price_of("m5.large", "").per_hour == 0.096
    assert "gone.csv" in said[0]
