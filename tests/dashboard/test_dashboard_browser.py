"""The pages in a real Chromium: what is seen, at a desk and on a phone, by day and by night."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import incident, incident_event, watch_lease
from stationmaster.monitor.dashboard.sample.shop import NOW
from tests.dashboard.hostile import EVIL, EVIL_STEP, fill_with_hostility
from tests.dashboard.served import Served, serving
from tests.dashboard.test_dashboard_pages import address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

AXE = (Path(__file__).parent / "vendored" / "axe-core-4.14.1.min.js").read_text("utf-8")
SEEN = (
    *("/", "/engineering", "/incidents", "/incidents/8", "/engineering/findings"),
    *("/engineering/steps", "/engineering/step", "/engineering/run", "/engineering/pipeline"),
    *("/engineering/cost", "/engineering/checks", "/engineering/actions"),
)
PHONE, DESK = (390, 844), (1280, 900)
Scheme = Literal["light", "dark"]


class Visit:
    """Hold a page of a logged-in person, and what the browser complained of."""

    def __init__(self, page: Page, served: Served) -> None:
        self.page = page
        self.served = served
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(served.link)

    def open(self, path: str) -> Page:
        """Open a page and wait until it is live."""
        self.page.goto(self.served.url + path)
        self.page.locator("#live", has_text="Live").wait_for()
        return self.page


@pytest.fixture(
    params=[(DESK, "light"), (PHONE, "light"), (DESK, "dark"), (PHONE, "dark")], ids=str
)
def screen(request: pytest.FixtureRequest) -> tuple[tuple[int, int], Scheme]:
    """Return a size and a colour scheme."""
    chosen: tuple[tuple[int, int], Scheme] = request.param
    return chosen


def visit(browser: Browser, served: Served, size: tuple[int, int], scheme: Scheme) -> Visit:
    """Come in by the printed link."""
    view: Any = {"width": size[0], "height": size[1]}
    return Visit(browser.new_page(viewport=view, color_scheme=scheme), served)


@pytest.fixture
def desk(browser: Browser, served: Served) -> Iterator[Visit]:
    """Return a visit at a desk."""
    visiting = visit(browser, served, DESK, "light")
    yield visiting
    visiting.page.close()


def test_pages_fit_and_nothing_keeps_people_out(
    browser: Browser, served: Served, screen: tuple[tuple[int, int], Scheme]
) -> None:
    """No page is wider than its screen, none makes the browser complain, axe finds no fault."""
    visiting = visit(browser, served, *screen)
    for path in SEEN:
        page = visiting.open(address(path))
        page.evaluate(AXE)  # by the debugger: the page's policy lets no script of others in
        found = page.evaluate("axe.run(document).then(found => found.violations)")
        faults = [(each["id"], [n["html"][:120] for n in each["nodes"]][:3]) for each in found]
        assert (path, faults) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth") == screen[0][0], path
    assert visiting.complaints == []
    visiting.page.close()


def test_the_answer_is_seen_first(
    browser: Browser, served: Served, screen: tuple[tuple[int, int], Scheme]
) -> None:
    """On every screen the morning's answer is seen without scrolling, large enough to read."""
    visiting = visit(browser, served, *screen)
    answer = visiting.open("/").locator(".answer")
    box = answer.bounding_box()

    assert answer.inner_text() == "Not here yet: the finance figures."
    assert box is not None
    assert box["y"] + box["height"] < screen[0][1] * 0.6
    assert float(answer.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 20
    visiting.page.close()


def test_charts_are_drawn_with_their_numbers_beside(desk: Visit) -> None:
    """Each chart has pixels, a description for screen readers, and a table that opens."""
    page = desk.open(address("/engineering/step"))
    charts = page.locator(".chart")

    assert charts.count() == 4
    for n in range(charts.count()):
        canvas = charts.nth(n).locator("canvas").first
        drawn = canvas.evaluate(
            "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
        )
        assert drawn > 10
        assert "table below" in str(charts.nth(n).locator(".plot").get_attribute("aria-label"))
    charts.first.locator("summary").click()
    assert "GiB" in charts.first.locator("tbody").inner_text()


def test_dark_and_light_are_different(browser: Browser, served: Served) -> None:
    """Who prefers dark gets a dark page and dark charts, also when he changes his mind."""
    visiting = visit(browser, served, DESK, "light")
    page = visiting.open("/")
    page.locator("canvas").first.wait_for()
    look = (
        "() => [getComputedStyle(document.body).backgroundColor, "
        "document.querySelector('canvas').toDataURL()]"
    )
    light = page.evaluate(look)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    dark = page.evaluate(look)

    assert light[0] == "rgb(245, 246, 248)"
    assert dark[0] == "rgb(16, 20, 26)"
    assert light[1] != dark[1]
    page.close()


def test_a_change_is_seen_without_loading_the_page_again(desk: Visit) -> None:
    """What is written to the ledger appears by itself; what somebody types stays."""
    page = desk.open("/incidents/8")
    page.evaluate("window.same = true")
    page.locator("#note").fill("half a sentence")
    with transaction(desk.served.dashboard.source.engine, writes=True) as connection:
        happened = {"incident_id": 8, "at": NOW, "kind": "grew", "sentence": "It got worse."}
        connection.execute(sa.insert(incident_event).values(happened))
        changed = {"title": "The app lost 90 orders.", "updated_at": NOW}
        connection.execute(sa.update(incident).where(incident.c.id == 8).values(changed))
    page.get_by_text("It got worse.").wait_for(timeout=15_000)
    page.get_by_role("heading", name="The app lost 90 orders.").wait_for(timeout=15_000)

    assert page.evaluate("window.same") is True
    assert page.locator("#note").input_value() == "half a sentence"
    assert desk.complaints == []


def test_one_look_serves_all_pages(browser: Browser, served: Served) -> None:
    """Five open pages are one question to the ledger, and none when they are closed."""
    visits = [visit(browser, served, PHONE, "light") for _ in range(5)]
    for each in visits:
        each.open("/")
    live = served.dashboard.live
    assert live.listeners == 5
    before = live.looks
    visits[0].page.wait_for_timeout(1500)
    assert 2 <= live.looks - before <= 9  # every 0.2 s, whoever listens
    for each in visits:
        each.page.close()


def test_an_operator_acts_by_keyboard_alone(desk: Visit) -> None:
    """The button is reached by Tab, pressed by Enter, and the page says what happened."""
    page = desk.open("/incidents/8")
    page.locator("#note").focus()
    page.keyboard.type("Looking.")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Acknowledge")
    page.keyboard.press("Enter")
    page.get_by_text("Done, and written down.").wait_for()

    assert "owner of this machine looks after it. Looking." in page.locator("main").inner_text()


def test_the_first_tab_skips_to_the_content(desk: Visit) -> None:
    """Who uses a keyboard need not walk through the menu on each page."""
    page = desk.open("/engineering")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


def test_a_silent_watcher_is_seen_on_every_page(desk: Visit) -> None:
    """When nobody looks, each page says so in red, also one that was open before."""
    page = desk.open("/")
    with transaction(desk.served.dashboard.source.engine, writes=True) as connection:
        connection.execute(sa.delete(watch_lease))
    alert = page.get_by_role("alert")
    alert.get_by_text("Nobody is watching.").wait_for(timeout=15_000)

    for path in SEEN:
        assert "Nobody is watching." in desk.open(address(path)).get_by_role("alert").inner_text()


def test_a_page_that_lost_its_server_says_so(
    browser: Browser, sample_uri: str, tmp_path: Path
) -> None:
    """A page whose dashboard is gone does not go on looking current."""
    with serving(sample_uri, tmp_path) as running:
        visiting = visit(browser, running, DESK, "light")
        page = visiting.open("/")
    page.locator("#live", has_text="what you see may be old").wait_for(timeout=20_000)

    assert page.evaluate("getComputedStyle(document.querySelector('.inside')).opacity") != "1"
    page.close()


def test_hostile_texts_are_seen_as_texts(browser: Browser, sample_uri: str, tmp_path: Path) -> None:
    """Names that are scripts stand on the page as they are written, and run nowhere."""
    fill_with_hostility(sample_uri)
    about = {"pipeline": EVIL, "run": EVIL, "step": EVIL_STEP, "name": EVIL}
    with serving(sample_uri, tmp_path) as running:
        visiting = visit(browser, running, DESK, "light")
        for path in ("/incidents/666", *SEEN):
            page = visiting.open(address(path, about))
            page.wait_for_timeout(200)
            assert page.evaluate("window.evil") is None, path
            assert page.locator("img[src=x]").count() == 0, path
        said = visiting.open("/incidents/666").locator("main").inner_text()
        visiting.page.close()

    assert EVIL in said
    assert visiting.complaints == []
