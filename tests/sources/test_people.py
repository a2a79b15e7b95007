"""People are drawn as often as the rates say, and keep what is theirs."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.sources import app, people, typed, web
from stationmaster.sources.draw import below, chance, mix, unit
from stationmaster.sources.rates import Rates

if TYPE_CHECKING:
    from stationmaster.sources.world import World

RATES = Rates()
KEYS = pl.DataFrame({"key": range(200_000)}, schema={"key": pl.UInt64})
KEY = pl.col("key")


def share(flags: pl.Series) -> float:
    """Return the share of true values."""
    return flags.to_list().count(True) / len(flags)


def crowd(world: World, day: dt.date, replicas: int = 20) -> pl.DataFrame:
    """Return every base person, repeated, with what is true of them on a day."""
    at = dt.datetime.combine(day, dt.time(12), dt.UTC)
    base = world.people.with_columns(at=pl.lit(at).dt.cast_time_unit("us"))
    return people.truth_of(people.replicate(base, 0, replicas, replicas, 1), RATES)


def test_draws_are_even_and_do_not_depend_on_their_neighbours() -> None:
    """Draws fill [0, 1) evenly, two streams are independent, and a row's draw is its own."""
    drawn = KEYS.select("key", a=unit(KEY, "a"), b=unit(KEY, "b"))
    backwards = KEYS.reverse().select("key", a=unit(KEY, "a"), b=unit(KEY, "b")).reverse()
    tenths = drawn.group_by(pl.col("a") * 10 // 1).len()["len"]

    assert drawn.equals(backwards)
    assert len(tenths) == 10
    assert min(tenths.to_list()) > 19_500
    assert abs(drawn.select(pl.corr("a", "b")).item()) < 0.01


def test_mixing_is_splitmix() -> None:
    """The hash is the published one, modulo 2**64: plain integers give the same."""
    salt = int.from_bytes(hashlib.blake2b(b"x", digest_size=8).digest(), "little")
    keys = [0, 1, 2**63, 2**64 - 1]
    expected = []
    for key in keys:
        z = key ^ salt
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        expected.append(z ^ (z >> 31))

    drawn = pl.DataFrame({"key": keys}, schema={"key": pl.UInt64}).select(mix(KEY, "x"))

    assert drawn.to_series().to_list() == expected


def test_a_bounded_draw_reaches_all_of_its_bounds() -> None:
    """Seven options are all drawn, and a chance of 30 % is met that often."""
    options = KEYS.select(below(KEY, "x", 7)).to_series()

    assert options.unique().sort().to_list() == list(range(7))
    assert share(KEYS.select(chance(KEY, "x", 0.3)).to_series()) == pytest.approx(0.3, abs=0.005)


def test_a_tenth_of_the_people_moves_each_year(world: World) -> None:
    """Between two days a year apart about 10 % have another postcode, and the others the same."""
    then, now = crowd(world, dt.date(2010, 6, 1)), crowd(world, dt.date(2011, 6, 1))
    moved = share(then["postcode"] != now["postcode"])

    assert moved == pytest.approx(RATES.moves_a_year, abs=0.015)
    assert share(then["mail"] != now["mail"]) == pytest.approx(RATES.new_mail_a_year, abs=0.015)
    assert (then["last"] == now["last"]).all()


def test_households_share_what_families_share(world: World) -> None:
    """People of one home share its address; some a phone or a mail, and never by accident."""
    everyone = crowd(world, dt.date(2011, 6, 1), replicas=3)
    home = pl.concat_str("house_number", "street", "postcode")
    together = everyone.filter(home.is_duplicated())
    phones = everyone.filter(pl.col("phone_digits").is_duplicated())
    mails = everyone.filter(pl.col("mail").is_duplicated())

    assert 0.15 < together.height / everyone.height < 0.25
    assert 0.01 < phones.height / everyone.height < 0.05
    assert 0.002 < mails.height / everyone.height < 0.02
    assert share(mails["mail"].str.starts_with("family")) > 0.95


def test_account_numbers_and_logins_are_nobody_elses(world: World) -> None:
    """Two people never have the same account, login or work mail."""
    everyone = crowd(world, dt.date(2011, 6, 1), replicas=5)
    both = pl.concat([everyone.with_columns(second=pl.lit(second)) for second in (False, True)])

    assert both.select(web.account_id()).to_series().is_unique().all()
    assert everyone.select(app.login()).to_series().is_unique().all()
    assert everyone["person_id"].is_unique().all()


def test_guests_are_who_the_rates_say(world: World) -> None:
    """Of the orders without customer id a fifth is by customers, and 15 % by returning guests."""
    customers = world.people["customer"].drop_nulls().len()
    guests = world.orders.filter(pl.col("customer").is_null())
    times = guests.group_by("person").len()
    returning = times.filter((pl.col("person") >= customers) & (pl.col("len") > 1))["len"].sum()

    assert guests.height == 3_107
    assert share(guests["person"] < customers) == pytest.approx(RATES.guest_is_customer, abs=0.03)
    assert returning / guests.height == pytest.approx(RATES.guest_comes_back, abs=0.04)
    assert world.orders["person"].null_count() == 0


def test_a_slip_is_one_slip_and_as_rare_as_said() -> None:
    """A typo changes one place: left out, doubled, swapped or the neighbour's key."""
    text = pl.Series(["Jonathan"] * KEYS.height)
    made = typed.typo(text, KEYS["key"], "x", 0.02)
    wrong = made.filter(made != text)

    assert len(wrong) / KEYS.height == pytest.approx(0.02, abs=0.002)
    assert set(wrong.str.len_chars()) == {7, 8, 9}
    assert {"Jnathan", "Joonathan", "Jnoathan", "Jpnathan"} <= set(wrong)


def test_an_account_is_typed_once(world: World) -> None:
    """The same account gives the same name each time; guests type theirs anew."""
    someone = crowd(world, dt.date(2011, 6, 1), replicas=1).head(1)
    many = pl.concat([someone] * 5_000)
    account = pl.Series([7] * many.height, dtype=pl.UInt64)
    guest = KEYS["key"].head(many.height)

    assert typed.name(many, account, "web", RATES, RATES.name_typo).n_unique() == 1
    assert typed.name(many, guest, "web", RATES, RATES.name_typo).n_unique() > 10


def test_phones_come_in_the_ways_people_write_them(world: World) -> None:
    """British numbers come in six formats that are the same number, others with their code."""
    everyone = crowd(world, dt.date(2011, 6, 1), replicas=1)
    british = everyone.filter("british")
    written = typed.phone(british, british["h"], "web", RATES)
    national = written.str.replace(r"^(\+44|0044|0)", "").str.replace_all(" ", "")
    shapes = written.str.replace_all(r"\d", "9").value_counts()

    assert share(national == british["phone_digits"]) > 0.98
    assert shapes.filter(pl.col("count") > british.height / 20).height == 6
