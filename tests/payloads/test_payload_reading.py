"""Files as they come: bad lines are counted and kept, and never stop the others."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.payloads import Change, Checker
from stationmaster.step.payloads.reading import BadLine, Line, lines_of
from tests.payloads.samples import learned, orders

if TYPE_CHECKING:
    from pathlib import Path

GOOD = json.dumps(orders(1)[0]).encode()


def read(path: Path, data: bytes) -> list[Line | BadLine]:
    """Return what a file of these bytes gives."""
    path.write_bytes(data)
    return list(lines_of(path))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"a": NaN}', "no JSON: NaN"),
        (b'{"a": -Infinity}', "no JSON: -Infinity"),
        (b'{"a": 1, "a": 2}', "the key 'a' comes twice in one object"),
        (b'{"a": [{"b": 1, "b": 1}]}', "the key 'b' comes twice in one object"),
        (b'{"a": 1', "no JSON"),
        (b'{"name": "Jos\xe9"}', "not UTF-8, seems to be Latin-1 or Windows-1252"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8, seems to be UTF-16"),
        ('{"a": 1}'.encode("utf-16-le"), "not UTF-8, seems to be UTF-16"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON: Exceeds the limit"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_a_bad_line_is_set_aside_with_its_reason(tmp_path: Path, line: bytes, why: str) -> None:
    """The line is kept as it came, and the lines around it are read."""
    before, bad, after = read(tmp_path / "p", GOOD + b"\n" + line + b"\n" + GOOD)

    assert isinstance(bad, BadLine)
    assert bad.raw == line + b"\n"
    assert why in bad.why
    assert (before.number, bad.number, after.number) == (1, 2, 3)


def test_a_byte_order_mark_and_blank_lines_are_no_payloads(tmp_path: Path) -> None:
    """A mark before the first line is dropped; line numbers are those of the file."""
    found = read(tmp_path / "p", b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD)

    assert [line.number for line in found if isinstance(line, Line)] == [1, 3]


def test_a_gzipped_file_reads_as_a_plain_one(tmp_path: Path) -> None:
    """The bytes tell, not the name."""
    assert len(read(tmp_path / "p", gzip.compress(GOOD + b"\n" + GOOD))) == 2


def test_half_a_gzip_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """A file that ends early is bad input, not a short file."""
    with pytest.raises(MisconfiguredError, match="fetch the file again"):
        read(tmp_path / "p", gzip.compress(GOOD * 100)[:-9])


def test_lines_in_another_encoding_are_a_finding(tmp_path: Path) -> None:
    """When a source begins to write Latin-1, that is a change that breaks, counted in lines."""
    (tmp_path / "p").write_bytes(GOOD + b"\n" + b'{"name": "Jos\xe9"}\n' * 3)
    checker = Checker(learned(orders()))

    aside = list(checker.add_all(lines_of(tmp_path / "p")))

    (finding,) = checker.findings()
    assert (len(aside), checker.records, checker.bad_lines) == (3, 1, 3)
    assert (finding.path, finding.change, finding.expected) == ("$", Change.ENCODING, "UTF-8")
    assert (finding.count, finding.of, finding.first_line) == (3, 4, 2)


def test_an_empty_file_has_no_payloads_and_no_findings(tmp_path: Path) -> None:
    """Nothing is not a change."""
    checker = Checker(learned(orders()))

    assert read(tmp_path / "p", b"") == []
    assert checker.findings() == []
