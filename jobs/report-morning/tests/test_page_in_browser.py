"""The page in a real browser: Debian's chromium, driven by its command line."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from report_morning.build import build
from report_morning.page import render
from report_morning.sample import month, morning_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

_PROBE = """<!DOCTYPE html><meta charset="utf-8"><title>probe</title>
<link rel="icon" href="data:,">
<iframe id="page" src="index.html" style="border:0;width:WIDTHpx;height:6000px"></iframe>
<pre id="found"></pre>
<script>
const frame = document.getElementById("page");
frame.onload = () => {
  const page = frame.contentDocument, view = frame.contentWindow;
  const seen = [...page.querySelectorAll("svg")].filter(e => e.getBoundingClientRect().width > 0);
  const box = page.querySelector("h1").getBoundingClientRect();
  const out = [...page.querySelectorAll("body *")].filter(e => {
    const b = e.getBoundingClientRect();
    return b.width > 1 && (b.right > WIDTH + 1 || b.left < -1);
  });
  const texts = seen.flatMap(s => [...s.querySelectorAll("text")]
    .map(t => t.getBoundingClientRect().height));
  document.getElementById("found").textContent = JSON.stringify({
    headline: page.querySelector("h1").innerText, top: box.top, height: box.height,
    verdict: page.querySelector(".verdict").getBoundingClientRect().bottom,
    scroll: page.documentElement.scrollWidth, out: out.map(e => e.outerHTML.slice(0, 80)),
    charts: seen.length, smallest: Math.min(...texts),
    background: view.getComputedStyle(page.body).backgroundColor,
    bar: view.getComputedStyle(seen[0].querySelector("[fill='var(--accent)']")).fill,
  });
};
</script>"""


class _Site(ThreadingHTTPServer):
    """Serve a folder on loopback and remember what was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))
        self.asked: list[str] = []


class _Handler(SimpleHTTPRequestHandler):
    def parse_request(self) -> bool:
        """Keep the request's path."""
        understood = super().parse_request()
        assert isinstance(self.server, _Site)
        self.server.asked.append(self.path)
        return understood


@pytest.fixture
def site(tmp_path: Path) -> Iterator[_Site]:
    """Serve the made-up month's page."""
    page = render(build(morning_of(month()), promise_days=2))
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    with _Site(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _look(site: _Site, folder: Path, width: int, *flags: str) -> tuple[dict[str, Any], str]:
    """Open the page at a width; return what the probe found, and the browser's own words."""
    browser = shutil.which("chromium")
    assert browser, "chromium is not installed: apt-get install chromium"
    probe = _PROBE.replace("WIDTH", str(width))
    (folder / "probe.html").write_text(probe, encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=5000"),
            f"--user-data-dir={folder / 'profile'}",
            *("--window-size=1400,900", "--dump-dom", *flags),
            f"http://127.0.0.1:{site.server_port}/probe.html",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-500:]
    result: dict[str, Any] = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">"))
    return result, done.stderr


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_overflows_and_the_headline_is_seen_first(
    site: _Site, tmp_path: Path, width: int
) -> None:
    """On phone and desktop the page is as wide as the screen; the answer needs no scrolling."""
    found, _ = _look(site, tmp_path, width)

    assert found["headline"] == "One customer count: 1,323 people"
    assert found["height"] > 20
    assert found["verdict"] < 450
    assert (found["scroll"], found["out"]) == (width, [])
    assert found["charts"] == 5


def test_chart_texts_can_be_read_on_a_phone(site: _Site, tmp_path: Path) -> None:
    """The smallest text of a chart is at least ten pixels high at 390 pixels."""
    found, _ = _look(site, tmp_path, 390)

    assert found["smallest"] >= 10


def test_the_browser_complains_of_nothing_and_asks_for_nothing_else(
    site: _Site, tmp_path: Path
) -> None:
    """No console message, and the only requests are the probe and the page."""
    _, said = _look(site, tmp_path, 390)

    assert "CONSOLE" not in said
    assert site.asked == ["/probe.html", "/index.html"]


def test_dark_mode_reaches_page_and_charts(site: _Site, tmp_path: Path) -> None:
    """Who prefers dark gets a dark page, with the charts in its colours."""
    light, _ = _look(site, tmp_path, 390, "--blink-settings=preferredColorScheme=1")
    dark, _ = _look(site, tmp_path, 390, "--blink-settings=preferredColorScheme=0")

    assert light["background"] == "rgb(244, 245, 247)"
    assert dark["background"] == "rgb(16, 21, 27)"
    assert light["bar"] != dark["bar"]
