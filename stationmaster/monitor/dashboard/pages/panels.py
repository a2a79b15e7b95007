"""Panels: the parts of pages, each fetched anew by itself when something of its topics changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["MissingError", "Page", "Panel"]


class MissingError(Exception):
    """What a page is asked for is not there; the text says what."""


@dataclass(frozen=True)
class Panel:
    """Hold one part of a page.

    Args:
        name: Of its address, and of its template in `templates/panels`.
        title: Its heading; "" where the panel says it itself.
        topics: What changes it: topics of `stationmaster.monitor.dashboard.reading.marks`.
        view: Reads what the template shows, given the page's parameters.
        wide: It takes the whole width of a wide screen.
    """

    name: str
    title: str
    topics: tuple[str, ...]
    view: Callable[[Dashboard, Mapping[str, str]], dict[str, Any]]
    wide: bool = True

    @property
    def template(self) -> str:
        """Return the template's path."""
        return f"panels/{self.name}.html"


@dataclass(frozen=True)
class Page:
    """Hold one page.

    Args:
        path: Its address; parameters in braces.
        title: Its heading; parameters in braces.
        panels: Its parts, in order.
        parameters: Which parameters it takes from its query.
        section: Which entry of the menu it belongs to.
        intro: One sentence below the heading.
        forms: Template of what an operator can do here, never fetched anew; "" for nothing.
    """

    path: str
    title: str
    panels: tuple[Panel, ...]
    parameters: tuple[str, ...] = ()
    section: str = "engineering"
    intro: str = ""
    forms: str = ""
