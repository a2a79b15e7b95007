"""The dashboard goes by the file of expectations as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dashboard.served import serving

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EXPECTED = 'pipelines:\n  finance_close: {{due: "07:30", product: {product}}}\n'


def test_a_changed_file_shows_at_the_next_look_and_a_broken_one_changes_nothing(
    sample_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new product is there without a restart; a mistake in the file takes none away."""
    file = tmp_path / "monitoring.yaml"
    file.write_text(EXPECTED.format(product="ledger close"), "utf-8")
    monkeypatch.setenv("STATIONMASTER_MONITORING_FILE", str(file))
    with serving(sample_uri, tmp_path, sample=False) as running:
        client = running.visitor()
        first = client.get("/").text
        file.write_text(EXPECTED.format(product="quarterly figures"), "utf-8")
        second = client.get("/").text
        file.write_text("pipelines: [", "utf-8")
        third = client.get("/").text

    assert "ledger close" in first
    assert "quarterly figures" in second
    assert "ledger close" not in second
    assert "quarterly figures" in third
