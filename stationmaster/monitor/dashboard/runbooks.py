"""Runbooks: a page a check, written in Markdown, that came along with the program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

__all__ = ["Runbooks"]

LINK: Final = re.compile(r"\[([^\]]+)\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)")
"""A link of Markdown to another file."""

NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PACKAGED: Final = Path(__file__).parents[1] / "runbooks"
"""Where the wheel has them."""

CHECKOUT: Final = Path(__file__).parents[3] / "docs" / "runbooks"


class Runbooks:
    """Find and show runbook pages.

    Args:
        folder: Of one's own, which go before those that came along; an empty path: none.
    """

    def __init__(self, folder: Path = Path()) -> None:
        along = next((each for each in (PACKAGED, CHECKOUT) if each.is_dir()), PACKAGED)
        self._folders = [along] if folder == Path() else [folder, along]
        self._known: frozenset[str] | None = None
        # No HTML of the page's own: what is not Markdown is text.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def names(self) -> list[str]:
        """Return the checks that have a page."""
        files = (each for folder in self._folders for each in folder.glob("*.md"))
        return sorted({each.stem for each in files if NAME.fullmatch(each.stem)})

    @property
    def known(self) -> frozenset[str]:
        """Return the same as a set, looked up once: pages come with the program."""
        if self._known is None:
            self._known = frozenset(self.names())
        return self._known

    def page(self, name: str) -> str | None:
        """Return a check's page as HTML; None: there is none."""
        if not NAME.fullmatch(name):
            return None
        files = [folder / f"{name}.md" for folder in self._folders]
        file = next((each for each in files if each.is_file()), None)
        if file is None:
            return None
        return str(self._markdown.render(LINK.sub(self._link, file.read_text(encoding="utf-8"))))

    def _link(self, found: re.Match[str]) -> str:
        """Return a link to a page that is here; of others, such as ../alerts.md, the words."""
        name = found[2].removesuffix(".md")
        return f"[{found[1]}]({name})" if name in self.known else found[1]
