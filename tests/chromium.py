"""A real Chromium, for tests of what people see."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

__all__ = ["chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Those that `.ci/browser` looks for."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, and end it afterwards.

    While it runs, this thread has an event loop, and `asyncio.run` fails in any test that comes
    between. A fixture of it must therefore not outlive its module.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path, "Chromium is not installed: YES=1 ./.ci/browser does it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
