"""A mail as people see it: on a phone's screen without scrolling, in light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.monitor.alerts.rendering import rendered
from tests.chromium import chromium
from tests.monitor_alerts.offices import LONDON
from tests.monitor_alerts.test_wording import HOME, a_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LONG = a_message(
    what="`placed_at` is gone from 55 of 55 records of the web shop, `placedAt` is new and looks "
    "the same in 100 % of them; the source web broke its contract for Mon 21 Nov.",
    affected=("management", "marketing", "finance", "support", "report morning_report"),
    next_action="Map the field in payloads/, shapes.py and columns.py of the job extract-web, or "
    "ask the web shop's team to bring it back; then clear the step.",
    more=8,
    links=(("Run", f"{HOME}/run"), ("Log", f"{HOME}/log"), ("Contract", f"{HOME}/contract")),
)
LUMINANCE = """() => {
  const of = (color) => {
    const [r, g, b] = color.match(/[0-9.]+/g).map(Number).map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const card = of(getComputedStyle(document.querySelector(".card")).backgroundColor);
  return [...document.querySelectorAll("h1, .label, .text, .foot, .button")].map((each) => {
    const style = getComputedStyle(each);
    const own = style.backgroundColor;
    const back = own === "rgba(0, 0, 0, 0)" ? card : of(own);
    const text = of(style.color);
    return (Math.max(back, text) + 0.05) / (Math.min(back, text) + 0.05);
  });
}"""
"""Contrast of each text with what is behind it (WCAG 2.2, relative luminance)."""


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def shown(browser: Browser, scheme: Any, width: int = 390) -> Any:  # noqa: ANN401 (playwright's literals)
    """Return a page that shows a long alert."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(rendered([LONG], "html", LONDON).body)
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_alert_fits_the_screen(browser: Browser, width: int) -> None:
    """What to do is seen without scrolling, and nothing is cut at the side."""
    page = shown(browser, "light", width)
    height, wide = page.evaluate(
        "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    )
    assert (height <= 844, wide <= width) == (True, True)
    assert page.get_by_text("then clear the step").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, scheme: str) -> None:
    """Contrast of at least 4.5 to 1, in light and dark."""
    assert min(shown(browser, scheme).evaluate(LUMINANCE)) >= 4.5


def test_what_is_pressed_goes_where_it_says(browser: Browser) -> None:
    """The first button is the incident, the second acknowledges it."""
    page = shown(browser, "light")
    names = page.get_by_role("link").all_inner_texts()
    assert names[:2] == ["Incident #12", "Acknowledge"]
    target = page.get_by_role("link", name="Acknowledge").get_attribute("href")
    assert target == f"{HOME}/incidents/12#acknowledge"
