"""What programs read is what docs/anomalies.md says that they read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from stationmaster.monitor.series import anomaly_commands, forecast_commands
from tests.monitor_series.made import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

PAGE = Path(__file__).parents[2] / "docs" / "anomalies.md"


def keys_of(document: Any) -> Iterator[str]:  # noqa: ANN401 (any JSON)
    """Return the keys of a document and of all in it."""
    if isinstance(document, dict):
        yield from document
    parts = document.values() if isinstance(document, dict) else document
    for part in parts if isinstance(document, dict | list) else ():
        yield from keys_of(part)


def printed(app: typer.Typer, path: Path, *options: str) -> Any:  # noqa: ANN401 (any JSON)
    """Return the document that `replay --json` of a series prints."""
    series = made(60, growth=0.02, changes={50: 0.1})
    rows = [f"{point.at.date()},{point.value}" for point in series.by_period.values()]
    path.write_text("\n".join(["timestamp,value", *rows, "never,1", ""]), encoding="utf-8")
    words = ["replay", str(path), "--json", *options]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return json.loads(done.stdout)


def test_every_key_that_is_printed_stands_in_the_docs(tmp_path: Path) -> None:
    """Whoever reads the JSON finds each of its names on the page."""
    path = tmp_path / "made.csv"
    found = printed(anomaly_commands.app, path)
    foretold = printed(forecast_commands.app, path, "--limit", "3500")

    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))

    assert found["flagged"]
    assert foretold["announcements"]
    assert set(keys_of([found, foretold])) - named == set()
