// Draw the charts of a page in its own colours; beside each stands a table with its numbers.
"use strict";
(() => {
  const drawn = new WeakMap();
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const ROLES = { main: "accent", second: "second", good: "good", bad: "bad", quiet: "quiet-bar" };

  const round = (value) => (Math.abs(value) >= 1000 || Number.isInteger(value) ? Math.round(value).toLocaleString("en") : value.toPrecision(3).replace(/\.?0+$/, ""));
  function bytes(value) {
    for (const [size, name] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) if (value >= size) return `${round(value / size)} ${name}`;
    return `${round(value)} B`;
  }
  function seconds(value) {
    if (value >= 3600) return `${round(value / 3600)} h`;
    if (value >= 120) return `${round(value / 60)} min`;
    return `${round(value)} s`;
  }
  const UNITS = {
    bytes,
    seconds,
    dollars: (value) => `$${value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2)}`,
    share: (value) => `${round(value * 100)} %`,
    count: round,
  };

  // Steps that people count in: 1, 2, 4 GiB; 5, 10, 15 minutes.
  const STEPS = {
    bytes: Array.from({ length: 60 }, (_, n) => 2 ** n),
    seconds: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400],
  };
  function interval(told) {
    const sums = told.places.map((_, at) => told.lines.reduce((sum, line) => (line.stack ? sum + (line.values[at] || 0) : Math.max(sum, line.values[at] || 0)), 0));
    const most = Math.max(0, ...sums);
    return STEPS[told.unit]?.find((step) => most / step <= 5);
  }

  function series(line) {
    const shade = line.role === "none" ? "transparent" : color(ROLES[line.role] || "accent");
    const limit = line.kind === "limit";
    return {
      name: line.name,
      type: line.kind === "bar" ? "bar" : "line",
      stack: line.stack || undefined,
      data: line.values,
      silent: line.role === "none",
      symbol: limit ? "none" : "circle",
      symbolSize: 4,
      showSymbol: line.values.length < 20,
      barMaxWidth: 22,
      itemStyle: { color: shade },
      lineStyle: { color: shade, width: 2, type: limit ? "dashed" : "solid" },
    };
  }

  function option(told) {
    const text = UNITS[told.unit] || round;
    const soft = color("soft");
    const names = told.lines.filter((line) => line.role !== "none").map((line) => line.name);
    const places = { type: "category", data: told.places, inverse: !told.upright, axisLine: { lineStyle: { color: color("line") } }, axisTick: { show: false }, axisLabel: { color: soft, hideOverlap: true, fontSize: 12, width: told.upright ? undefined : 150, overflow: "truncate" } };
    const values = { type: "value", min: 0, splitNumber: 3, interval: interval(told), minInterval: told.unit === "count" ? 1 : undefined, splitLine: { lineStyle: { color: color("line") } }, axisLabel: { color: soft, formatter: text, fontSize: 12, hideOverlap: true } };
    return {
      animation: false,
      aria: { enabled: true, label: { general: { withoutTitle: `${told.title}. The numbers stand in the table below.` } } },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      legend: { show: names.length > 1, data: names, top: 0, left: 0, itemWidth: 14, itemHeight: 9, textStyle: { color: color("ink") } },
      grid: { left: 4, right: 14, top: names.length > 1 ? 34 : 14, bottom: 4, containLabel: true },
      // Drawn, not made of HTML: that would bring styles of its own, which the page's policy forbids.
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "shadow" }, valueFormatter: (value) => (value == null ? "–" : text(value)), backgroundColor: color("card"), borderColor: color("line"), textStyle: { color: color("ink"), fontSize: 13 } },
      xAxis: told.upright ? places : values,
      yAxis: told.upright ? values : places,
      series: told.lines.map(series),
    };
  }

  function draw(figure) {
    const plot = figure.querySelector(".plot");
    const told = figure.dataset.chart;
    let known = drawn.get(plot);
    if (known && known.told === told && known.dark === dark.matches) return;
    const document_ = JSON.parse(told);
    if (!document_.upright) plot.style.height = `${Math.max(120, 44 + document_.places.length * 26)}px`;
    if (!known) {
      const chart = echarts.init(plot, null, { renderer: "canvas" });
      new ResizeObserver(() => chart.resize()).observe(plot);
      known = { chart };
      drawn.set(plot, known);
    }
    known.told = told;
    known.dark = dark.matches;
    known.chart.setOption(option(document_), true);
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `${document_.title}. The numbers stand in the table below.`);
  }

  window.drawCharts = (within = document) => within.querySelectorAll("[data-chart]").forEach(draw);
  dark.addEventListener("change", () => window.drawCharts());
  window.drawCharts();
})();
