"""`stationmaster anomalies replay`, as people and programs call it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.monitor_series.made import MONDAY, made

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.series.points import Series


def replayed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what the command printed."""
    program = "from stationmaster.cli import main; main()"
    command = [sys.executable, "-c", program, "anomalies", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def file_of(series: Series, path: Path) -> Path:
    """Write a series as CSV and return its file."""
    rows = [f"{point.at.isoformat()},{point.value!r}" for point in series.by_period.values()]
    path.write_text("\n".join(["timestamp,value", *rows]) + "\n", encoding="utf-8")
    return path


def test_the_document_has_each_flag_with_reason_and_expected_range(tmp_path: Path) -> None:
    """With --json a program gets the flagged values, why, and what was expected of them."""
    path = file_of(made(90, noise=0.03, changes={84: 0.4}), tmp_path / "orders.csv")

    document = json.loads(replayed(str(path), "--json").stdout)

    (flag,) = document["flagged"]
    assert (document["rhythm"], document["points"], document["history"]) == ("daily", 90, "enough")
    assert (flag["timestamp"], flag["kind"]) == ("2011-03-28", "drop")
    assert flag["value"] < flag["expected_low"] < flag["expected"] < flag["expected_high"]
    assert "below what is expected of Mondays now" in flag["reason"]


def test_people_read_a_line_a_flag(tmp_path: Path) -> None:
    """Without --json it is a head, a line for each flag, and what would be found at once."""
    path = file_of(made(90, noise=0.03, changes={84: 0.4}), tmp_path / "orders.csv")

    lines = replayed(str(path)).stdout.splitlines()

    assert lines[0].endswith("90 daily values, 2011-01-03 to 2011-04-02; 62 judged, 1 flagged")
    assert lines[1].startswith("  2011-03-28  drop")
    assert lines[2].startswith("  A drop of ")


def test_a_short_series_says_so(tmp_path: Path) -> None:
    """Twelve values are no history, and the document says how many would be."""
    path = file_of(made(12), tmp_path / "young.csv")

    document = json.loads(replayed(str(path), "--json").stdout)

    assert document["history"] == "not enough history: 12 of 28"
    assert document["flagged"] == []
    assert document["least_drop_found"] is None


def test_options_reach_the_replay(tmp_path: Path) -> None:
    """A calendar takes a day out, --until asks for what is due, --acknowledge takes a level."""
    path = file_of(made(90, changes={84: 0.0}), tmp_path / "orders.csv")
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("date,kind\n2011-03-28,holiday\n", encoding="utf-8")
    options = ("--calendar", str(calendar), "--until", "2011-04-04", "--acknowledge", "2011-04-03")

    document = json.loads(replayed(str(path), "--json", *options).stdout)

    assert [(flag["timestamp"], flag["kind"]) for flag in document["flagged"]] == [
        ("2011-04-03", "missing")
    ]


def test_rows_set_aside_are_told_and_counted(tmp_path: Path) -> None:
    """A bad row is a line on the error stream and an entry of the document."""
    path = file_of(made(40), tmp_path / "orders.csv")
    path.write_text(path.read_text(encoding="utf-8") + "2011-05-01,many\n", encoding="utf-8")

    done = replayed(str(path), "--json")

    told = "rows set aside: 1, the value is no number, such as 2011-05-01,many (line 42)"
    assert told in done.stderr
    assert json.loads(done.stdout)["set_aside"][0]["rows"] == 1


def test_a_wrong_option_is_refused_with_what_to_write(tmp_path: Path) -> None:
    """An exit code for misconfiguration, and a sentence."""
    path = file_of(made(40), tmp_path / "orders.csv")

    done = replayed(str(path), "--until", f"after {MONDAY:%B}")

    assert done.returncode == 78
    assert "next:     Write it in ISO 8601." in done.stderr
