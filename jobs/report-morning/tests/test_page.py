"""The page: self-contained, escaped, the same bytes each time, and of one mind with its JSON."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from report_morning.build import build
from report_morning.model import Report
from report_morning.page import render
from report_morning.sample import month, morning_of
from report_morning.wording import count, money

if TYPE_CHECKING:
    from pathlib import Path

_VOID = {"meta", "link", "br", "path", "line"}


@pytest.fixture(scope="module")
def report() -> Report:
    """Build the report of the made-up month."""
    return build(morning_of(month()), promise_days=2)


class _Tags(HTMLParser):
    """Collect what a page holds, and fail on tags that do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _parsed(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    tags.close()
    return tags


def test_same_numbers_give_the_same_bytes(report: Report) -> None:
    """Nothing of the machine, the clock or an earlier page is in the page."""
    again = build(morning_of(month()), promise_days=2)

    assert again.model_dump_json() == report.model_dump_json()
    assert render(again) == render(report)


@pytest.mark.parametrize(("seed", "zone"), [("1", "Asia/Tokyo"), ("2", "America/New_York")])
def test_another_machine_writes_the_same_bytes(
    report: Report, tmp_path: Path, seed: str, zone: str
) -> None:
    """Hash seed, time zone and language of a process leave no trace on the page."""
    subprocess.run(
        [sys.executable, "-m", "report_morning.preview", str(tmp_path)],
        env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "de_DE.UTF-8", "PATH": ""},
        check=True,
    )

    assert (tmp_path / "index.html").read_text(encoding="utf-8") == render(report)


def test_page_needs_nothing_else(report: Report) -> None:
    """No script, no font, no style sheet, no picture and no address outside of the page."""
    page = render(report)
    linked = [v for _, a in _parsed(page).seen for k, v in a.items() if k in {"src", "href"}]

    assert linked == ["data:,", "report.json"]
    assert "<script" not in page
    assert not re.search(r"https?://|@import|@font-face|url\(", page)
    assert len(page.encode()) < 200_000


def test_page_is_well_formed_and_has_landmarks(report: Report) -> None:
    """Tags close in order; language, one main, one h1, and each chart is a picture with text."""
    tags = _parsed(render(report))
    names = [tag for tag, _ in tags.seen]

    assert tags.open == []
    assert tags.seen[0] == ("html", {"lang": "en-GB"})
    assert names.count("main") == names.count("h1") == names.count("header") == 1
    charts = [attrs for tag, attrs in tags.seen if tag == "svg"]
    assert len(charts) == 7
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)


def test_page_and_json_agree(report: Report) -> None:
    """Numbers of the JSON stand on the page as it writes them."""
    read = Report.model_validate_json(report.model_dump_json())
    page = render(read)

    assert read == report
    assert f"<h1>{read.headline}</h1>" in page
    assert money(read.sales.revenue.value) in page
    for own in read.customer_counts:
        assert f"<td>{count(own.own)}</td>" in page
    for country in read.countries:
        assert country.country in page


def test_names_from_the_data_are_escaped() -> None:
    """A country, a ticket kind, a reason and a rule that are markup stay text."""
    evil = "<script>alert(1)</script>"
    rows = month()
    rows["unified_customers"] = [{**c, "country": evil} for c in rows["unified_customers"]]
    rows["customer_counts"] = [{**c, "explanation": evil} for c in rows["customer_counts"]]
    rows["support_tickets"] = [{**t, "kind": evil} for t in rows["support_tickets"]]
    page = render(build(morning_of(rows), promise_days=2))

    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_charts_depend_on_no_font_and_follow_the_colours(report: Report) -> None:
    """Colours are the page's variables, so dark mode reaches charts; no font is named."""
    page = render(report)
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))

    assert set(re.findall(r'font-family="([^"]*)"', drawn)) == {"sans-serif"}
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) <= {
        "none",
        *(f"var(--{name})" for name in ("ink", "muted", "line", "accent", "accent-soft", "care")),
    }


def _lightness(colour: str) -> float:
    """Return WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_contrast(theme: int) -> None:
    """Each colour of text reaches WCAG's 4.5 to 1 on each ground it stands on."""
    style = files("report_morning").joinpath("style.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [(text, back) for text in ("ink", "muted") for back in ("page", "card")]
    pairs += [(text, "card") for text in ("accent", "care", "good", "bad")]
    pairs += [("ink", f"{state}-back") for state in ("good", "care", "bad")]

    for text, back in pairs:
        dim, bright = sorted((_lightness(colours[text]), _lightness(colours[back])))
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, (text, back)
