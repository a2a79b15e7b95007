"""Charts as inline SVG that follow the page's colours and need no font of the machine.

Every position is fixed (`autosize` none, no legend, no axis title, no label dropped for lack of
room), since otherwise Vega lays out by the fonts it finds, and the same numbers would give other
bytes on another machine.
"""

from __future__ import annotations

import html
import io
import math
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import altair as alt

from report_morning.wording import count, money, money_short, percent

if TYPE_CHECKING:
    from report_morning.model import Channel, CustomerCount, DeliveryDays, TrendDay

__all__ = ["count_bars", "delivery_bars", "funnel_bars", "trend_bars"]

_INK: Final = "var(--ink)"
_MUTED: Final = "var(--muted)"
_LINE: Final = "var(--line)"
_ACCENT: Final = "var(--accent)"
_SOFT: Final = "var(--accent-soft)"
_CARE: Final = "var(--care)"

_FONT_SIZE: Final = 12
_LABEL: Final = 130
"""Width of the longest label."""
_FORTNIGHT: Final = 14
_TOP: Final = 26
"""Room above the bars for the number that matters."""
_CARD_WIDTH: Final = 340
_ROW: Final = 40

_Rows: TypeAlias = list[dict[str, Any]]


def trend_bars(days: tuple[TrendDay, ...], alt_text: str, *, narrow: bool) -> str:
    """Draw revenue by day, the last day in full colour, its weekday before half."""
    width, height, left, bottom = (340, 190, 40, 22) if narrow else (960, 230, 48, 24)
    plot_width, plot_height = width - left - 4, height - bottom - _TOP
    step = plot_width / len(days)
    top = _round_up(max(day.revenue for day in days))
    last = len(days) - 1
    rows = [
        {
            "x": left + i * step + step * 0.12,
            "x2": left + (i + 1) * step - step * 0.12,
            "y": _TOP + plot_height * (1 - day.revenue / top),
            "y2": _TOP + plot_height,
            "fill": _ACCENT if i == last else _SOFT,
        }
        for i, day in enumerate(days)
    ]
    gaps = [
        _text(left + (i + 0.5) * step, 20 + plot_height, "?", _MUTED)
        for i, day in enumerate(days)
        if not day.published and any(earlier.published for earlier in days[:i])
    ]
    every = 7 if len(days) > _FORTNIGHT else 2
    dates = [
        _text(left + (i + 0.5) * step, height - 6, f"{day.date.day} {day.date:%b}", _MUTED)
        for i, day in enumerate(days)
        if (last - i) % every == 0
    ]
    dates[-1]["align"] = "right"
    dates[-1]["x"] = width - 4
    grid = [_TOP + plot_height * (1 - part) for part in (0, 0.5, 1)]
    scale = [
        _text(left - 6, y + 4, money_short(top * part), _MUTED, "right")
        for y, part in zip(grid, (0, 0.5, 1), strict=True)
    ]
    lines = [{"x": left, "x2": width - 4, "y": y, "y2": y, "fill": _LINE} for y in grid]
    now = _text(width - 4, 13, money(days[-1].revenue), _INK, "right")
    now["weight"] = "bold"
    texts = [*scale, *gaps, *dates, now]
    return _svg((width, height), alt_text, ("rule", lines), ("rect", rows), ("text", texts))


def count_bars(counts: tuple[CustomerCount, ...], alt_text: str, *, narrow: bool) -> str:
    """Draw each team's own count as a bar against the line of the one count."""
    unified = counts[0].unified
    top = max([unified, *(c.own for c in counts), 1])
    width = _CARD_WIDTH if narrow else 2 * _CARD_WIDTH
    height = _ROW * len(counts) + _TOP
    bars, lines, texts = [], [], []
    x = round(width * unified / top, 1)
    for i, one in enumerate(counts):
        y = _TOP + i * _ROW
        bars.append(_bar(0, width * max(one.own, 0) / top, y + 17, 14, _SOFT))
        lines.append({"x": x, "x2": x, "y": y + 14, "y2": y + 34, "fill": _ACCENT})
        texts.append(_text(0, y + 12, f"{one.title}  {count(one.own)}", _INK, "left"))
    label = _text(x, 13, f"one count  {count(unified)}", _ACCENT, "right" if x > _LABEL else "left")
    label["weight"] = "bold"
    size = (width, height)
    return _svg(size, alt_text, ("rect", bars), ("rule", lines), ("text", [*texts, label]))


def funnel_bars(channel: Channel, alt_text: str) -> str:
    """Draw sessions, basket, checkout and order as bars of falling length."""
    stages = (
        ("Sessions", channel.sessions),
        ("Put in basket", channel.basket),
        ("Went to checkout", channel.checkout),
        ("Ordered", channel.order),
    )
    bars, texts = [], []
    for i, (name, value) in enumerate(stages):
        y = i * _ROW
        share = value / channel.sessions if channel.sessions else 0
        fill = _ACCENT if name == "Ordered" else _SOFT
        bars.append(_bar(0, max(2, _CARD_WIDTH * share) if value else 0, y + 19, 14, fill))
        texts.append(_text(0, y + 13, name, _INK, "left"))
        told = count(value) + (f"  ·  {percent(share * 100, 1)}" if i and channel.sessions else "")
        texts.append(_text(_CARD_WIDTH, y + 13, told, _INK, "right"))
    return _svg((_CARD_WIDTH, _ROW * len(stages)), alt_text, ("rect", bars), ("text", texts))


def delivery_bars(days: tuple[DeliveryDays, ...], alt_text: str) -> str:
    """Draw parcels by days under way; late ones in the colour of care."""
    height = 170
    step = _CARD_WIDTH / len(days)
    top = max(*(day.shipments for day in days), 1)
    plot = height - 22 - 20
    bars, texts = [], []
    for i, day in enumerate(days):
        tall = plot * day.shipments / top
        fill = _SOFT if day.on_time else _CARE
        bar = _bar(i * step + 3, (i + 1) * step - 3, 20 + plot - tall, tall, fill)
        bars.append(bar)
        middle = (i + 0.5) * step
        texts.append(_text(middle, 14 + plot - tall, count(day.shipments), _INK))
        texts.append(_text(middle, height - 6, day.days, _MUTED))
    base = [{"x": 0, "x2": _CARD_WIDTH, "y": 20 + plot, "y2": 20 + plot, "fill": _LINE}]
    size = (_CARD_WIDTH, height)
    return _svg(size, alt_text, ("rect", bars), ("rule", base), ("text", texts))


def _bar(x: float, x2: float, y: float, height: float, fill: str) -> dict[str, Any]:
    return {"x": x, "x2": x2, "y": y, "y2": y + height, "fill": fill}


def _text(x: float, y: float, text: str, fill: str, align: str = "center") -> dict[str, Any]:
    return {"x": x, "y": y, "text": text, "fill": fill, "align": align, "weight": "normal"}


def _round_up(value: float) -> float:
    """Return the next round number: an axis ends on it."""
    if value <= 0:
        return 100.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(
        size * step for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * step >= value
    )


def _svg(size: tuple[int, int], alt_text: str, *layers: tuple[str, _Rows]) -> str:
    """Draw layers of ("rule" | "rect" | "text", rows), the first one lowest."""
    width, height = size
    chart = (
        alt.layer(*(_marks(kind, rows) for kind, rows in layers if rows))
        .properties(width=width, height=height, padding=0, background="transparent")
        .properties(autosize=alt.AutoSizeParams(type="none"))
        .configure(aria=False, font="sans-serif")
        .configure_view(stroke=None)
    )
    drawn = io.StringIO()
    chart.save(drawn, format="svg")
    return _inline(drawn.getvalue(), alt_text)


def _marks(kind: str, rows: _Rows) -> alt.Chart:
    drawn: alt.Chart
    base = alt.Chart(alt.InlineData(values=[_rounded(row) for row in rows]))
    x, y = (axis(f"{axis.__name__.lower()}:Q", scale=None, axis=None) for axis in (alt.X, alt.Y))
    colour = alt.Color("fill:N", scale=None, legend=None)
    if kind == "text":
        drawn = base.mark_text(
            fontSize=_FONT_SIZE,
            baseline="alphabetic",
            align=alt.ExprRef("datum.align"),
            fontWeight=alt.ExprRef("datum.weight"),
        ).encode(x=x, y=y, text="text:N", color=colour)
        return drawn
    marked = base.mark_rule(strokeWidth=1.5) if kind == "rule" else base.mark_rect()
    drawn = marked.encode(x=x, x2="x2:Q", y=y, y2="y2:Q", color=colour)
    return drawn


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 1) if isinstance(v, float) else v for key, v in row.items()}


def _inline(svg: str, alt_text: str) -> str:
    """Make a drawn SVG one picture to a screen reader, and let CSS give it its size."""
    svg = re.sub(r' (role|aria-[a-z]+|class|xmlns(:xlink)?|version)="[^"]*"', "", svg)
    svg = re.sub(r'^<svg width="\d+" height="\d+"', "<svg", svg)
    name = html.escape(alt_text, quote=True)
    return svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
