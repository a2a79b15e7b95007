"""Draw at random from a hash: the same row always draws the same, in any order and batch.

Polars' own hash may change between its versions, so this is splitmix64
(https://prng.di.unimi.it/splitmix64.c), written as polars expressions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FIRST_DAY",
    "below",
    "chance",
    "changed",
    "hex_digits",
    "mix",
    "pick",
    "seeded",
    "taken",
    "unit",
]

FIRST_DAY: Final = dt.date(2009, 12, 1)
"""First day of the real data: people's changes are dated from here."""

LAST_DAY: Final = dt.date(2011, 12, 9)
"""Last day of the real data."""

_MULTIPLIER_1: Final = 0xBF58476D1CE4E5B9
_MULTIPLIER_2: Final = 0x94D049BB133111EB


def _stream(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def _mixed(values: pl.Series, salt: int) -> pl.Series:
    z = values.cast(pl.UInt64) ^ salt
    z = (z ^ (z // (1 << 30))) * _MULTIPLIER_1
    z = (z ^ (z // (1 << 27))) * _MULTIPLIER_2
    return z ^ (z // (1 << 31))


def mix(value: pl.Expr, stream: str) -> pl.Expr:
    """Return 64 well-mixed bits of an unsigned value; each stream's bits are independent."""
    salt = _stream(stream)
    # Evaluated as one step: as an expression it doubles with each use of z, and draws nest.
    return value.map_batches(
        lambda values: _mixed(values, salt), return_dtype=pl.UInt64, is_elementwise=True
    )


def seeded(value: pl.Expr, stream: str, seed: int) -> pl.Expr:
    """Return `mix` of a value under a seed."""
    return mix(value, f"{stream}/{seed}")


def unit(value: pl.Expr, stream: str) -> pl.Expr:
    """Return a number in [0, 1)."""
    return (mix(value, stream) // (1 << 11)).cast(pl.Float64) * 2.0**-53


def chance(value: pl.Expr, stream: str, share: float) -> pl.Expr:
    """Return true for the given share of rows."""
    return unit(value, stream) < share


def below(value: pl.Expr, stream: str, bound: int) -> pl.Expr:
    """Return an integer in [0, bound)."""
    return (mix(value, stream) % bound).cast(pl.Int64)


def taken(options: pl.Series, index: pl.Expr) -> pl.Expr:
    """Return the option at each index."""
    return index.map_batches(options.gather, return_dtype=options.dtype, is_elementwise=True)


def pick(value: pl.Expr, stream: str, options: Sequence[str]) -> pl.Expr:
    """Return one of the options, each equally likely."""
    return taken(pl.Series(options), below(value, stream, len(options)))


def hex_digits(value: pl.Expr, stream: str, digits: int) -> pl.Expr:
    """Return that many hexadecimal digits as text."""
    words = [
        taken(_words(), below(value, f"{stream}/hex{word}", 1 << 16))
        for word in range(-(-digits // 4))
    ]
    return pl.concat_str(words).str.slice(0, digits)


@cache
def _words() -> pl.Series:
    return pl.Series([f"{number:04x}" for number in range(1 << 16)])


def changed(value: pl.Expr, stream: str, rate: float, at: pl.Expr) -> pl.Expr:
    """Return whether a thing that changes `rate` times a year has changed by `at`."""
    days = (at.dt.date() - pl.lit(FIRST_DAY)).dt.total_days().cast(pl.Float64)
    return days >= unit(value, stream) * (365.25 / rate)
