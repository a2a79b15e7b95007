"""Every check is named once, is in the docs, has a page; one's own come along."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stationmaster.monitor.checks.commands import app
from stationmaster.monitor.checks.every import EVERY_CHECK, all_checks
from stationmaster.monitor.checks.finding import Severity
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
OWN = '''
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Layer, Severity

@check("{name}", layer=Layer.BUSINESS, severity=Severity.WARNING, owner="logistics")
def mine(facts):
    """Hardly any parcel was sent back."""
    return []
'''

KEPT = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Kept:
    number: int
"""


def test_each_check_has_a_name_of_its_own_and_a_sentence() -> None:
    """Incidents are told apart by the name; the summary ends as a sentence does."""
    names = [each.name for each in EVERY_CHECK]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(-[a-z]+)*", name)] == []
    assert [each.name for each in EVERY_CHECK if not each.summary.endswith(".")] == []


def test_the_docs_list_every_check_as_it_is() -> None:
    """docs/monitoring.md has a row a check, with its layer, severity and summary."""
    rows = (DOCS / "monitoring.md").read_text(encoding="utf-8").splitlines()

    wanted = [
        f"| {each.layer} | [{each.name}](runbooks/{each.name}.md) | {each.severity} | "
        f"{each.summary} |"
        for each in EVERY_CHECK
    ]
    assert [row for row in wanted if row not in rows] == []
    assert len([row for row in rows if "](runbooks/" in row]) == len(wanted)


@pytest.mark.parametrize("name", [each.name for each in EVERY_CHECK])
def test_every_check_has_a_page(name: str) -> None:
    """Whoever is woken by it reads what to look at first."""
    page = (DOCS / "runbooks" / f"{name}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {name}\n")
    assert "ook first" in page


def test_ones_own_checks_come_from_a_folder(tmp_path: Path) -> None:
    """A file in a folder that the setting names is enough."""
    (tmp_path / "returns.py").write_text(OWN.format(name="few-returns"), encoding="utf-8")

    found = all_checks(Settings(checks=str(tmp_path)))

    (mine,) = set(found) - set(EVERY_CHECK)
    assert (mine.name, mine.severity, mine.owner) == ("few-returns", Severity.WARNING, "logistics")
    assert mine.summary == "Hardly any parcel was sent back."


def test_ones_own_checks_may_have_their_tests_beside_them(tmp_path: Path) -> None:
    """Tests need what is not there where the watcher runs; and one file alone can be named."""
    text = f"{KEPT}{OWN.format(name='few-returns')}"
    (tmp_path / "returns.py").write_text(text, encoding="utf-8")
    (tmp_path / "test_returns.py").write_text("import nothing_of_this_name", encoding="utf-8")
    for named in (tmp_path, tmp_path / "returns.py"):
        (mine,) = set(all_checks(Settings(checks=str(named)))) - set(EVERY_CHECK)
        assert mine.name == "few-returns"


@pytest.mark.parametrize(
    ("text", "got"),
    [(OWN.format(name="run-late"), "a second one"), ("import nothing_of_this_name\n", "No module")],
)
def test_ones_own_check_that_cannot_be_used_is_named(tmp_path: Path, text: str, got: str) -> None:
    """A name that is taken, and a module that does not load, say what to do."""
    (tmp_path / "own.py").write_text(text, encoding="utf-8")

    with pytest.raises(MisconfiguredError, match=got):
        all_checks(Settings(checks=str(tmp_path)))


def test_the_commands_list_show_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger sees which checks there are, what one means, and that nothing is wrong here."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    listed = json.loads(runner.invoke(app, ["list", "--json"]).output)
    shown = runner.invoke(app, ["show", "run-late"]).output
    ran = json.loads(runner.invoke(app, ["run", "--check", "run-late", "--json"]).output)

    assert {each["name"] for each in listed} >= {each.name for each in EVERY_CHECK}
    assert "not done by the time its readers expect it" in shown
    assert ran["findings"] == []
    assert [each["name"] for each in ran["checks"]] == ["run-late"]


def test_an_unknown_check_is_refused() -> None:
    """The error says where the names are."""
    done = CliRunner().invoke(app, ["show", "run-lat"])

    assert isinstance(done.exception, MisconfiguredError)
    assert "checks list" in done.exception.hint
