"""The day as one picture: orders, containers, machines, and money against a fleet of fixed size.

`python -m tests.bench.cluster.day_picture docs/proofs/day.jsonl docs/proofs/day.csv OUT.svg`
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import altair as alt

from tests.bench.cluster.day_curve import HOURS
from tests.bench.cluster.day_samples import read_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.cluster.day_samples import Sample

__all__ = ["FLEET", "main", "picture", "rows_of"]

FLEET: Final = "m6a.xlarge"
LAST_HOUR: Final = HOURS + 1
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
        for each in samples
        if each.hour <= LAST_HOUR
    ]


def picture(
    samples: Sequence[Sample], figures: dict[str, Any], fleet: str = FLEET
) -> alt.VConcatChart:
    """Return the picture.

    Args:
        samples: Of the day.
        figures: The line that the measurement printed.
        fleet: Instance type of the fixed fleet to compare with.
    """
    rows, money = rows_of(samples), figures["money_usd"]
    fixed = money["fixed_fleet"][fleet]
    data = alt.Data(values=rows)
    containers = [("running", BLUE), ("waiting for room", AMBER)]
    machines = [("with steps", TEAL), ("without a step", PALE), ("booting", AMBER)]
    paid = [("Karpenter's nodes", BLUE), (f"fixed fleet of {fleet}", RED)]
    limit = alt.Chart(alt.Data(values=[{"usd": fixed["usd_per_hour"]}])).mark_rule(
        color=RED, strokeWidth=2, strokeDash=[7, 4]
    )
    panels = [
        _panel("Orders an hour", [], [_area(data, "orders", GREY)]),
        _panel(
            "Containers",
            containers,
            [_area(data, "containers", AMBER), _area(data, "running", BLUE)],
        ),
        _panel(
            "Machines",
            machines,
            [
                _area(data, "machines", AMBER),
                _area(data, "ready", PALE),
                _area(data, "busy", TEAL),
            ],
        ),
        _panel("USD an hour", paid, [_area(data, "usd", BLUE), limit.encode(y="usd:Q")], last=True),
    ]
    return (
        alt.vconcat(*panels, spacing=34)
        .properties(
            title=_title(figures, fixed["bill"]),
            padding={"left": 20, "right": 24, "top": 18, "bottom": 14},
        )
        .configure(font="Helvetica, Arial, sans-serif", background="white")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GRID, domain=False, ticks=False, labelColor=MUTED, labelFontSize=12
        )
    )


def main(arguments: list[str] | None = None) -> int:
    """Draw it as SVG or PNG, by the file's name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cluster.day_picture")
    parser.add_argument("figures", type=Path, help="what the measurement printed")
    parser.add_argument("samples", type=Path, help="CSV of its samples")
    parser.add_argument("out", type=Path, help="a .svg or .png")
    given = parser.parse_args(arguments)
    lines = given.figures.read_text(encoding="utf-8").splitlines()
    found = [each for line in lines if (each := json.loads(line))["what"] == "day"]
    chart = picture(read_samples(given.samples), found[-1])
    chart.save(str(given.out), **({"scale_factor": 2} if given.out.suffix == ".png" else {}))
    return 0


def _title(figures: dict[str, Any], fixed: float) -> alt.TitleParams:
    money, noon = figures["money_usd"], figures["containers"]["most"]
    bill, minutes = money["nodeclaims_bill"], HOURS * figures["hour_seconds"] / 60
    pressed = (
        f"24 hours in {minutes:.0f} minutes; nodes boot in their own 34 s. "
        f"2 to {noon} containers, 0 to {figures['nodes']['most']} nodes."
    )
    paid = (
        f"Nodes cost {bill:.2f} USD in these minutes, a fixed fleet for the peak {fixed:.2f} USD: "
        f"{1 - bill / fixed:.0%} less."
    )
    return alt.TitleParams(
        text="A day of 10,000 to 500,000 orders an hour, on nodes that Karpenter buys",
        subtitle=[pressed, paid],
        anchor="start",
        offset=22,
        fontSize=20,
        color=INK,
        subtitleFontSize=14,
        subtitleColor=MUTED,
        subtitlePadding=6,
        subtitleLineHeight=20,
    )


def _panel(
    name: str, legend: Sequence[tuple[str, str]], layers: list[alt.Chart], *, last: bool = False
) -> alt.LayerChart:
    hours = alt.X(
        "hour:Q",
        scale=alt.Scale(domain=[0, LAST_HOUR], nice=False),
        axis=alt.Axis(
            title=None,
            values=list(range(0, HOURS + 1, 3)),
            labels=last,
            labelExpr="datum.value + ':00'",
            labelPadding=8,
        ),
    )
    drawn = [layer.encode(x=hours) if _is_area(layer) else layer for layer in layers]
    texts = [_text(name, 0, INK, bold=True)]
    at = float(LEGEND_START)
    for words, color in legend:
        texts += [_square(at, color), _text(words, at + 16, MUTED)]
        at += 16 + len(words) * LETTER + 22
    return alt.layer(*drawn, *texts).properties(width=WIDTH, height=HEIGHT)


def _area(data: alt.Data, column: str, color: str) -> alt.Chart:
    counts = alt.Y(f"{column}:Q", axis=alt.Axis(title=None, tickCount=4, format="~s"))
    return alt.Chart(data).mark_area(color=color, interpolate="step-after").encode(y=counts)


def _is_area(layer: alt.Chart) -> bool:
    return bool(layer.mark.type == "area")


def _text(words: str, x: float, color: str, *, bold: bool = False) -> alt.Chart:
    mark = alt.Chart(alt.Data(values=[{}])).mark_text(
        text=words,
        align="left",
        baseline="middle",
        color=color,
        fontSize=14 if bold else 12,
        fontWeight="bold" if bold else "normal",
    )
    return mark.encode(x=alt.value(x), y=alt.value(-14))


def _square(x: float, color: str) -> alt.Chart:
    mark = alt.Chart(alt.Data(values=[{}])).mark_square(color=color, size=110, opacity=1)
    return mark.encode(x=alt.value(x + 6), y=alt.value(-14))


if __name__ == "__main__":
    sys.exit(main())
