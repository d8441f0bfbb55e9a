// Draws a chart from the table beneath it. The table is the truth; where ECharts does not load, the table opens instead.
(() => {
  "use strict";
  const drawn = new Map();
  let library = null;

  const load = () => {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = document.body.dataset.echarts;
      script.onload = () => resolve(window.echarts);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  };

  const read = (figure) => {
    const table = document.getElementById(figure.dataset.chartTable);
    const rows = [...table.tBodies[0].rows];
    return {
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      series: [...table.tHead.rows[0].cells].slice(1).map((head, at) => ({
        name: head.textContent.trim(),
        token: head.dataset.colour,
        cells: rows.map((row) => {
          const cell = row.cells[at + 1];
          return {
            // An empty value is a gap, never zero.
            value: cell.dataset.value === "" ? null : Number(cell.dataset.value),
            text: cell.textContent.trim(),
            url: cell.querySelector("a")?.href,
          };
        }),
      })),
    };
  };

  const tokens = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--pd-${name}`).trim();
  };

  const mark = (one, kind, colour) => {
    const shape = {
      name: one.name,
      itemStyle: { color: colour(`chart-${one.token}`) },
      lineStyle: { color: colour(`chart-${one.token}`), width: 2 },
      data: one.cells.map((cell) => cell.value),
      emphasis: { focus: "series" },
    };
    if (kind === "lines") {
      // The name stands at the end of its line: a label before a legend.
      return { ...shape, type: "line", connectNulls: false, symbolSize: 5, endLabel: { show: true, formatter: "{a}", color: colour("text"), fontSize: 12 } };
    }
    return { ...shape, type: "bar", stack: kind === "stack" ? "all" : undefined, barMaxWidth: 28 };
  };

  const tooltip = (data, figure, colour) => ({
    renderMode: "richText", // the HTML tooltip writes inline styles, which the content security policy blocks
    trigger: "axis",
    axisPointer: { type: figure.dataset.chart === "lines" ? "line" : "shadow" },
    backgroundColor: colour("surface"),
    borderColor: colour("line-strong"),
    textStyle: { color: colour("text"), fontSize: 12 },
    formatter: (points) =>
      [points[0].axisValueLabel, ...points.map((point) => `${point.seriesName}: ${data.series[point.seriesIndex].cells[point.dataIndex].text}`)].join("\n"),
  });

  const options = (figure, data) => {
    const colour = tokens();
    const lines = figure.dataset.chart === "lines";
    const axis = { axisLine: { lineStyle: { color: colour("line-strong") } }, axisLabel: { color: colour("muted"), fontSize: 12, hideOverlap: true }, axisTick: { show: false } };
    return {
      animation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 200,
      aria: { enabled: true, decal: { show: !lines && data.series.length > 1 } },
      grid: { left: 8, right: lines ? 96 : 16, top: data.series.length > 1 && !lines ? 40 : 16, bottom: 8, containLabel: true },
      legend: { show: data.series.length > 1 && !lines, top: 6, left: 8, icon: "roundRect", itemWidth: 12, itemHeight: 10, type: "scroll", textStyle: { color: colour("text"), fontSize: 12 } },
      tooltip: tooltip(data, figure, colour),
      xAxis: { type: "category", data: data.labels, ...axis },
      yAxis: { type: "value", ...axis, splitLine: { lineStyle: { color: colour("line") } } },
      series: data.series.map((one) => mark(one, figure.dataset.chart, colour)),
    };
  };

  const draw = async (figure) => {
    const canvas = figure.querySelector(".pd-chart-canvas");
    const data = read(figure);
    if (!data.labels.length) return;
    try {
      const echarts = await load();
      canvas.dataset.drawn = "";
      const chart = drawn.get(canvas) ?? echarts.init(canvas, null, { renderer: "svg" });
      chart.setOption(options(figure, data), true);
      if (!drawn.has(canvas)) {
        drawn.set(canvas, chart);
        chart.on("click", (point) => {
          const url = data.series[point.seriesIndex]?.cells[point.dataIndex]?.url;
          if (url) window.location.assign(url);
        });
        new ResizeObserver(() => chart.resize()).observe(canvas);
      }
    } catch {
      figure.querySelector("details").open = true;
    }
  };

  const all = () => {
    for (const [canvas, chart] of drawn) {
      if (!canvas.isConnected) { chart.dispose(); drawn.delete(canvas); }
    }
    for (const figure of document.querySelectorAll("[data-chart]")) draw(figure);
  };

  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:afterSettle", all);
  document.addEventListener("paddock:theme", () => { if (drawn.size) all(); });
})();
