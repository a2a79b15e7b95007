"""The day as one picture: orders, containers, machines, and money against a fleet of fixed size.

`python -m tests.bench.cluster.day_picture docs/proofs/day.jsonl docs/proofs/day.csv OUT.svg`
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import vl_convert

from tests.bench.cluster.day_curve import HOURS
from tests.bench.cluster.day_samples import read_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.cluster.day_samples import Sample

__all__ = ["FLEET", "main", "picture", "rows_of"]

FLEET: Final = "m6a.xlarge"
LAST_HOUR: Final = HOURS + 1
EVERY: Final = 2
WIDTH: Final = 880
HEIGHT: Final = 130
LEGEND_START: Final = 150
LETTER: Final = 6.3
"""About how wide a letter of the legend is."""

INK, MUTED, GRID = "#1f2933", "#66727f", "#e3e8ed"
GREY, BLUE, TEAL, PALE, AMBER, RED = (
    *("#94a1b0", "#2467b3", "#2a8c82", "#a9d8d1", "#f0a63c", "#c2413b"),
)


def rows_of(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return what the panels draw: a row a sample, up to an hour after the day.

    Of the samples every second one: a pixel is three seconds.
    Areas stand on one another, so each has a column for where it ends: `running`, above it
    `containers`; `busy` machines, above them `ready`, above them `machines`.
    """
    return [
        {
            "hour": each.hour,
            "orders": each.orders,
            "running": each.running,
            "containers": each.containers,
            "busy": each.nodes - each.empty,
            "ready": each.nodes,
            "machines": each.nodes + each.booting,
            "usd": each.usd_per_hour,
        }
        for each in samples[::EVERY]
        if each.hour <= LAST_HOUR
    ]


def picture(
    samples: Sequence[Sample], figures: Mapping[str, Any], fleet: str = FLEET
) -> dict[str, Any]:
    """Return the picture, as Vega-Lite has it (vega.github.io/vega-lite/docs).

    Args:
        samples: Of the day.
        figures: The line that the measurement printed.
        fleet: Instance type of the fixed fleet to compare with.
    """
    fixed = figures["money_usd"]["fixed_fleet"][fleet]
    containers = [("running", BLUE), ("waiting for room", AMBER)]
    machines = [("with steps", TEAL), ("without a step", PALE), ("booting", AMBER)]
    paid = [("bought by Karpenter", BLUE), (f"fixed fleet of {fleet}, on-demand", RED)]
    limit = _limit(fixed["usd_per_hour"])
    panels = [
        _panel("Orders an hour", [], [_area("orders", GREY)]),
        _panel("Containers", containers, [_area("containers", AMBER), _area("running", BLUE)]),
        _panel(
            "Machines",
            machines,
            [_area("machines", AMBER), _area("ready", PALE), _area("busy", TEAL)],
        ),
        _panel("USD an hour", paid, [_area("usd", BLUE), limit], last=True),
    ]
    axis = {"gridColor": GRID, "domain": False, "ticks": False, "labelColor": MUTED}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows_of(samples)},
        "title": _title(figures, fixed["bill"]),
        "padding": {"left": 20, "right": 24, "top": 18, "bottom": 14},
        "spacing": 34,
        "vconcat": panels,
        "config": {
            "font": "Helvetica, Arial, sans-serif",
            "background": "white",
            "view": {"stroke": None},
            "axis": {**axis, "labelFontSize": 12},
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Draw it as SVG or PNG, by the file's name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster.day_picture")
    parser.add_argument(
        "figures", type=Path, help="what measurements printed; the longest day is drawn"
    )
    parser.add_argument("samples", type=Path, help="CSV of its samples")
    parser.add_argument("out", type=Path, help="a .svg or .png")
    given = parser.parse_args(arguments)
    lines = given.figures.read_text(encoding="utf-8").splitlines()
    found = [each for line in lines if (each := json.loads(line))["what"] == "day"]
    longest = max(found, key=lambda each: float(each["seconds"]))
    drawn = picture(read_samples(given.samples), longest)
    if given.out.suffix == ".png":
        given.out.write_bytes(vl_convert.vegalite_to_png(drawn, scale=2))
        return 0
    svg = vl_convert.vegalite_to_svg(drawn)
    # A tenth of a pixel is enough, and half of the file.
    given.out.write_text(re.sub(r"(\d\.\d)\d+", r"\1", svg) + "\n", encoding="utf-8")
    return 0


def _title(figures: Mapping[str, Any], fixed: float) -> dict[str, Any]:
    money, noon = figures["money_usd"], figures["containers"]["most"]
    bill, minutes = money["nodeclaims_bill"], HOURS * figures["hour_seconds"] / 60
    pressed = (
        f"24 hours in {minutes:.0f} minutes; nodes boot in their own 34 s. "
        f"2 to {noon} containers, 0 to {figures['nodes']['most']} nodes."
    )
    paid = (
        f"Its nodes cost {bill:.2f} USD in these minutes, a fixed fleet for the peak {fixed:.2f}: "
        f"{1 - bill / fixed:.0%} less; {1 - money['all_on-demand'] / fixed:.0%} less without spot."
    )
    return {
        "text": "A day of 10,000 to 500,000 orders an hour, on nodes that Karpenter buys",
        "subtitle": [pressed, paid],
        "anchor": "start",
        "offset": 22,
        "fontSize": 20,
        "color": INK,
        "subtitleFontSize": 14,
        "subtitleColor": MUTED,
        "subtitlePadding": 6,
        "subtitleLineHeight": 20,
    }


def _panel(
    name: str,
    legend: Sequence[tuple[str, str]],
    layers: list[dict[str, Any]],
    *,
    last: bool = False,
) -> dict[str, Any]:
    texts, at = [_text(name, 0, INK, bold=True)], float(LEGEND_START)
    for words, color in legend:
        texts += [_square(at, color), _text(words, at + 18, MUTED)]
        at += 18 + len(words) * LETTER + 22
    hours = {
        "field": "hour",
        "type": "quantitative",
        "scale": {"domain": [0, LAST_HOUR], "nice": False},
        "axis": {
            "title": None,
            "values": list(range(0, HOURS + 1, 3)),
            "labels": last,
            "labelExpr": "datum.value + ':00'",
            "labelPadding": 8,
        },
    }
    for layer in layers:
        if layer["mark"]["type"] == "area":
            layer["encoding"]["x"] = hours
    return {"width": WIDTH, "height": HEIGHT, "layer": [*layers, *texts]}


def _area(column: str, color: str) -> dict[str, Any]:
    axis = {"title": None, "tickCount": 4, "format": ",~r"}
    return {
        "mark": {"type": "area", "color": color, "interpolate": "step-after"},
        "encoding": {"y": {"field": column, "type": "quantitative", "axis": axis}},
    }


def _limit(usd: float) -> dict[str, Any]:
    return {
        "data": {"values": [{"usd": usd}]},
        "mark": {"type": "rule", "color": RED, "strokeWidth": 2, "strokeDash": [7, 4]},
        "encoding": {"y": {"field": "usd", "type": "quantitative"}},
    }


def _text(words: str, x: float, color: str, *, bold: bool = False) -> dict[str, Any]:
    mark = {
        "type": "text",
        "text": words,
        "align": "left",
        "baseline": "middle",
        "color": color,
        "fontSize": 14 if bold else 12,
        "fontWeight": "bold" if bold else "normal",
    }
    return _above(mark, x)


def _square(x: float, color: str) -> dict[str, Any]:
    return _above({"type": "square", "color": color, "size": 110, "opacity": 1}, x + 6)


def _above(mark: dict[str, Any], x: float) -> dict[str, Any]:
    """Return a mark above its panel."""
    encoding = {"x": {"value": x}, "y": {"value": -14}}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": encoding}


if __name__ == "__main__":
    sys.exit(main())
