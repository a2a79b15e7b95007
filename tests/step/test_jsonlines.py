"""Reading JSON lines: fast where they are sound, exact where they are not."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step.errors import ContractBrokenError
from stationmaster.step.extraction.jsonlines import read_json_lines
from stationmaster.step.extraction.shapes import Kind, Shape

if TYPE_CHECKING:
    from stationmaster.step.extraction.rows import Records

SHAPE: Shape = {
    "id": Kind.TEXT,
    "mail": Kind.TEXT_OR_NULL,
    "lines": [{"n": Kind.WHOLE, "title": Kind.UNREAD}],
    "paid": Kind.FLAG,
}
COLUMNS = {"id": pl.col("id"), "mail": pl.col("mail"), "lines": pl.col("lines").list.len()}


def line(number: int, **changes: object) -> str:
    """Return a record of the promised shape as JSON."""
    record = {"id": f"{number}", "mail": "m@example.com", "paid": True}
    return json.dumps({**record, "lines": [{"n": 1, "title": "x"}], **changes})


def read(*lines: str, share: float = 0.5) -> Records:
    """Read lines as a gzipped file."""
    data = gzip.compress("\n".join(lines).encode("utf-8", errors="surrogateescape"))
    return read_json_lines(
        data, COLUMNS, shape=SHAPE, where="a file", max_bad_share=share, hint="Do this."
    )


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("{", "not_json"),
        ("[1, 2]", "not_json"),
        ("null", "not_json"),
        (line(1)[:20], "not_json"),
        (line(1) + line(2), "not_json"),
        (line(1, paid=float("nan")), "not_json"),
        ('{"id": "\udcff"}', "not_json"),
        (line(1).replace('"id"', '"key"'), "missing_field"),
        (line(1, id=None), "wrong_type"),
        (line(1, lines=None), "wrong_type"),
        (line(1, lines=[{"n": None, "title": ""}]), "wrong_type"),
        (line(1, lines=[{"n": 2**70, "title": ""}]), "wrong_type"),
        (line(1, lines=[3]), "wrong_type"),
        (line(1, paid="yes"), "wrong_type"),
    ],
)
def test_a_bad_line_costs_only_itself(bad: str, rule: str) -> None:
    """Wherever it stands, the other lines are rows and the bad one is kept with its rule."""
    sound = [line(n) for n in range(400)]

    records = read(*sound[:300], bad, *sound[300:])

    assert records.rows["id"].to_list() == [str(n) for n in range(400)]
    assert records.rejected["rule"].to_list() == [rule]
    assert records.count == 401


def test_records_as_they_came_stand_in_the_order_of_the_rows() -> None:
    """What is kept aside later on is the record that the row was made of."""
    records = read(*(line(n) for n in range(2_000)), "{")

    assert records.raw()["id"].to_list() == records.rows["id"].to_list()


def test_blank_lines_are_no_records() -> None:
    """Empty lines, also with carriage returns, count nowhere."""
    assert read("", line(1) + "\r", "", " ", line(2), "").count == 2


def test_a_line_that_python_reads_and_polars_does_not_stands_alone() -> None:
    """Half of a surrogate pair is JSON to Python: the file's other lines are still read."""
    records = read(*(line(n) for n in range(50)), line(50).replace("m@", "\\ud800"), "{")

    assert records.count == 52
    assert records.rows.height >= 50


def test_within_a_file_numbers_and_objects_in_place_of_text_are_kept_as_text() -> None:
    """No value is lost; a file that begins so is refused, since its shape has changed."""
    changed = [line(n, mail={"work": n}) for n in range(5)]

    assert read(*(line(n) for n in range(400)), *changed).rows["mail"][-1] == '{"work": 4}'
    with pytest.raises(ContractBrokenError, match=r"`mail` is an object in 5 of 5 records"):
        read(*changed)


def test_a_field_that_may_be_null_may_be_null_everywhere() -> None:
    """A column of nulls is read as such: being null is not being gone."""
    assert read(*(line(n, mail=None) for n in range(300))).rows["mail"].null_count() == 300


def test_a_change_in_few_records_is_no_new_shape() -> None:
    """Up to the allowed share they are kept aside one by one; beyond, the file is refused."""
    gone = line(9).replace('"mail"', '"e_mail"')
    sound = [line(n) for n in range(95)]

    assert read(*sound, *[gone] * 5, share=0.05).rejected["rule"].to_list() == ["missing_field"] * 5
    with pytest.raises(ContractBrokenError, match=r"`mail` is gone from 6 of 101 records"):
        read(*sound, *[gone] * 6, share=0.05)
