"""What the pages tell people to type is understood: each command, option and kind of value."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from stationmaster.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("alerts", "dashboard", "metrics", "monitoring")
PATHS = sorted([*(DOCS / f"{page}.md" for page in PAGES), *(DOCS / "runbooks").glob("*.md")])

FENCED = re.compile(r"^(?:\$ )?(?:.* -- )?(stationmaster [^#|\n]*?)\s*(?:[#|].*)?$", re.MULTILINE)
SPAN = re.compile(r"`(stationmaster [^`]+)`")
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?!x$)[a-z][a-z-]*")

PLACES = {
    "<number>": "1",
    "<due>": "06:35",
    "<business date>": "2011-11-21",
    "<day>": "2011-11-21",
    "<cap>": "64",
    "<check>": "source-late",
    "MOMENT": "2011-11-22T06:40+00:00",
    "CHECK": "source-late",
}


def commands(text: str) -> Iterator[str]:
    """Return what a page tells people to type."""
    for block in FENCE.findall(text):
        yield from FENCED.findall(block)
    yield from SPAN.findall(FENCE.sub("", text))


def words_of(command: str) -> list[str]:
    """Return a command's words, with something in each place that people fill in."""
    for place, value in PLACES.items():
        command = command.replace(place, value)
    plain = re.sub(r"<[^<>]*>|…", "x", command)
    plain = re.sub(r"\[([^\[\]]*)\]", r"\1", plain)
    return shlex.split(plain)[1:]


def understood(words: list[str]) -> None:
    """Let the command line read words; a command's name alone is only a name."""
    command: Any = get_command(app)
    while hasattr(command, "get_command") and re.fullmatch(NAMED, " ".join(words[:1])):
        name, *words = words
        found = command.get_command(command.make_context("stationmaster", [name]), name)
        assert found is not None, name
        command = found
    if words and words != ["x"]:  # else it is only named
        command.make_context("command", list(words))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_a_page_tells_to_type_is_understood(path: Path) -> None:
    """At three in the morning nobody wants to learn that an option has another name."""
    for command in commands(path.read_text(encoding="utf-8")):
        try:
            understood(words_of(command))
        except Exception as error:  # noqa: BLE001 (whichever the command line raises)
            said = getattr(error, "message", str(error))
            pytest.fail(f"{path.name}: {command}: {type(error).__name__}: {said}")
