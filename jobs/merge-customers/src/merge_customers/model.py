"""Score pairs of contacts with splink, by parameters that were learnt before and are checked in.

No parameter and no frequency comes from the day's data: the score of a pair is a function of the
two contacts alone. That is what makes a merge of many days the same in any order.
"""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from splink import SettingsCreator

__all__ = [
    "COMPARISONS",
    "NAME_LEVELS",
    "Parameters",
    "names_differ",
    "read_parameters",
    "score",
    "scored",
    "scores_of",
    "settings_of",
]

Parameters = dict[str, Any]
"""`prior`, `threshold` (bits), `comparisons` (each: level -> [m, u]) and `ties` (bits)."""


def _edits(column: str, most: int) -> str:
    """Say that two values differ by so many typing errors; the lengths tell most pairs cheaply."""
    left, right = f"{column}_l", f"{column}_r"
    lengths = f"abs(strlen({left}) - strlen({right})) <= {most}"
    return f"({lengths} AND damerau_levenshtein({left}, {right}) <= {most})"


_SAME_GIVEN = "list_has_any(forms_l, forms_r)"
_NEAR_GIVEN = "jaro_winkler_similarity(given_l, given_r) >= 0.88"
_INITIAL = (
    "(length(given_l) = 1 OR length(given_r) = 1) AND substr(given_l, 1, 1) = substr(given_r, 1, 1)"
)
_SAME_SURNAME = "surname_l = surname_r"
_NEAR_SURNAME = (
    "(jaro_winkler_similarity(surname_l, surname_r) >= 0.9"
    " OR damerau_levenshtein(surname_l, surname_r) <= 1)"
)
_INITIALS = "coalesce(length(given_l) = 1 OR length(given_r) = 1, false)"
_LONE = "(given_l IS NULL OR given_r IS NULL)"
_NEAR_STREET = (
    "(house_l IS NOT DISTINCT FROM house_r AND (jaro_winkler_similarity(street_l, street_r) >= 0.9"
    " OR starts_with(street_l, street_r) OR starts_with(street_r, street_l)))"
)

_NEAR_PHONE = (
    "((left(phone_digits_l, 2) = left(phone_digits_r, 2)"
    f" OR right(phone_digits_l, 2) = right(phone_digits_r, 2)) AND {_edits('phone_digits', 1)})"
)
"""One error in six digits or more leaves the first two or the last two as they are."""

NAME_LEVELS = (
    ("same", "words_l = words_r"),
    ("same given name", f"{_SAME_GIVEN} AND {_SAME_SURNAME}"),
    ("near given name", f"{_NEAR_GIVEN} AND {_SAME_SURNAME}"),
    ("near surname", f"{_SAME_GIVEN} AND {_NEAR_SURNAME}"),
    ("initial", f"{_INITIAL} AND {_NEAR_SURNAME}"),
    ("both near", f"{_NEAR_GIVEN} AND {_NEAR_SURNAME}"),
    ("swapped", "given_l = surname_r AND surname_l = given_r"),
    ("lone word", f"{_LONE} AND {_NEAR_SURNAME}"),
    ("near in all", f"jaro_winkler_similarity(words_l, words_r) >= 0.9 AND NOT {_INITIALS}"),
    ("given name only", _SAME_GIVEN),
    ("surname only", _SAME_SURNAME),
)
"""From the best to the worst; the first that holds counts."""

AGREEING = 9
"""So many of the levels above mean that two names may well be one person's."""

_NAMES = ", ".join(
    f"{part}_{side}" for part in ("words", "given", "surname", "forms") for side in "lr"
)
_AGREE = " ".join(f"WHEN {sql} THEN false" for _, sql in NAME_LEVELS[:AGREEING])
DIFFER = f"names_differ({_NAMES})"
MACRO = (
    f"CREATE MACRO {DIFFER} AS"
    f" CASE WHEN words_l IS NULL OR words_r IS NULL THEN false {_AGREE} ELSE true END"
)
"""A CASE stops at the first level that holds, mostly "same"; a macro is parsed only once."""

THOUGH = " though names differ"


def _with_names(levels: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Split each level in two: a shared phone means little when the names differ (a family's)."""
    split = [((f"{label}{THOUGH}", f"({sql}) AND {DIFFER}"), (label, sql)) for label, sql in levels]
    return (*[level for both in split for level in both], (f"other{THOUGH}", DIFFER))


COMPARISONS: dict[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "name": ("words_l IS NULL OR words_r IS NULL", NAME_LEVELS),
    "mail": (
        "mail_l IS NULL OR mail_r IS NULL",
        _with_names(
            (
                ("same", "mail_l = mail_r"),
                ("same mailbox", "mailbox_l = mailbox_r"),
                ("near", _edits("mail", 2)),
            )
        ),
    ),
    "phone": (
        "phone_digits_l IS NULL OR phone_digits_r IS NULL",
        _with_names(
            (
                ("same", "phone_digits_l = phone_digits_r"),
                ("near", _NEAR_PHONE),
            )
        ),
    ),
    "home": (
        "(street_l IS NULL AND code_l IS NULL) OR (street_r IS NULL AND code_r IS NULL)",
        _with_names(
            (
                ("same", f"code_l = code_r AND {_NEAR_STREET}"),
                ("same street", f"{_NEAR_STREET} AND (code_l IS NULL OR code_r IS NULL)"),
                ("near postcode", f"{_NEAR_STREET} AND {_edits('code', 2)}"),
                ("same house", "code_l = code_r AND house_l = house_r"),
                ("same postcode", "code_l = code_r"),
                ("same street elsewhere", _NEAR_STREET),
            )
        ),
    ),
}
"""Comparison -> when it says nothing, and its levels from the best to the worst."""

NAME_ONLY = (len(NAME_LEVELS) - 3, len(NAME_LEVELS))
"""Values of `gamma_name` that mean the same name, or nearly: "near surname" and better."""


def names_differ() -> pl.Expr:
    """Tell, of a scored pair, whether both names are known and can hardly be one person's."""
    return pl.col("gamma_name").is_between(0, len(NAME_LEVELS) - AGREEING)


COLUMNS = ["words", "given", "surname", "forms", "mail", "mailbox", "phone_digits"]
COLUMNS += ["street", "code", "house"]


def read_parameters() -> Parameters:
    """Read the parameters that `tests/bench/identity_train.py` learnt."""
    text = files("merge_customers").joinpath("model.json").read_text(encoding="utf-8")
    parameters: Parameters = json.loads(text)
    return parameters


def settings_of(parameters: Parameters) -> dict[str, Any]:
    """Build splink's settings: the comparisons with their learnt m and u."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "contact",
        "probability_two_random_records_match": parameters["prior"],
        "blocking_rules_to_generate_predictions": ["l.contact = r.contact"],
        "retain_intermediate_calculation_columns": False,
        "comparisons": [
            {
                "output_column_name": name,
                "comparison_levels": _levels(null, levels, parameters["comparisons"][name]),
            }
            for name, (null, levels) in COMPARISONS.items()
        ],
    }


def _levels(
    null: str, levels: Sequence[tuple[str, str]], learnt: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:
    found = [
        {
            "sql_condition": sql,
            "label_for_charts": label,
            "m_probability": learnt[label][0],
            "u_probability": learnt[label][1],
        }
        for label, sql in (*levels, ("other", "ELSE"))
    ]
    nothing = {"sql_condition": null, "label_for_charts": "unknown", "is_null_level": True}
    return [nothing, *found]


PAIRS_AT_ONCE = 400_000
"""What bounds the memory of scoring; a pair's score does not depend on the others."""


def score(contacts: pl.DataFrame, pairs: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Add to each pair its `match_weight` (bits) and the level of each comparison (`gamma_…`)."""
    return scored(pairs, scores_of(contacts, pairs, parameters))


def scored(pairs: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Add to pairs what was found of them, in the order of pairs."""
    return pairs.join(scores, on=["left", "right"]).sort("left", "right")


def scores_of(contacts: pl.DataFrame, pairs: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Give `left`, `right`, `match_weight` and `gamma_…` of pairs, each by its contacts alone."""
    gammas = {f"gamma_{name}": pl.Int32 for name in COMPARISONS}
    schema = {"left": pl.UInt32, "right": pl.UInt32, "match_weight": pl.Float64, **gammas}
    compared = contacts.select("contact", *COLUMNS)
    parts = [
        _scored(compared, part, parameters).cast(pl.Schema(schema))
        for part in pairs.select("left", "right").iter_slices(PAIRS_AT_ONCE)
    ]
    return pl.concat([pl.DataFrame(schema=schema), *parts])


@lru_cache(maxsize=1)
def _parsed(parameters: str) -> SettingsCreator:
    """Build the settings of parameters (JSON); splink parses all the SQL of them, so only once."""
    from splink import SettingsCreator  # noqa: PLC0415 (heavy: only for who scores)

    creator = SettingsCreator.from_path_or_dict(settings_of(json.loads(parameters)))
    creator.get_settings = lru_cache(creator.get_settings)  # type: ignore[method-assign]
    return creator


def _scored(contacts: pl.DataFrame, pairs: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 (heavy: only for who scores)

    ids = pl.concat([pairs["left"], pairs["right"]]).unique()
    connection = duckdb.connect()
    connection.execute(MACRO)
    database = DuckDBAPI(connection)
    linker = Linker(
        database.register(
            contacts.filter(pl.col("contact").is_in(ids.implode())),
            dataset_display_name="contacts",
        ),
        _parsed(json.dumps(parameters)),
        log_level=logging.ERROR,
        validate_settings=False,
    )
    blocked = pairs.select(match_key=pl.lit("0"), join_key_l="left", join_key_r="right")
    linker.table_management.register_blocked_pairs_for_predict(database.register(blocked))
    scored = linker.inference.predict(warning_mode="never").as_duckdbpyrelation()
    columns = ", ".join(f"gamma_{name}" for name in COMPARISONS)
    named = f"contact_l AS left, contact_r AS right, match_weight, {columns}"
    found: pl.DataFrame = scored.project(named).pl()
    connection.close()
    return found
