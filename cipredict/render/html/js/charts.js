"use strict";
// Line charts by uPlot, each with its key, the values under the pointer and a table for whoever sees no chart.

const DASHES = [[], [6, 4], [2, 3], [8, 3, 2, 3], [], [6, 4], [2, 3]];
const STEPS_S = [1e-6, 1e-5, 1e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 172800, 604800];
const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// series: [{title, values, kind, dots?}] over x; band: {title, low, high} is shaded; marks: [{x, isBad}] are vertical lines;
// extra: columns of the table alone.
function chart({ title, x, xTitle = "time", isTime = true, isLog = false, series, band, kind, note, marks = [], range, extra = [] }) {
  const lines = band ? [...series, { title: `${band.title}, upper end`, values: band.high, isEdge: true }, { title: `${band.title}, lower end`, values: band.low, isEdge: true }] : series;
  const place = el("div", { class: "chart", role: "img", "aria-label": `${title}: ${summary(x, series, kind, isTime)} The table below holds the values.` });
  const values = el("p", { class: "values", "aria-hidden": "true" }, "\u00a0");
  const keys = el("ul", { class: "keys" }, series.map((one, number) =>
    el("li", { class: one.dots ? "dot" : null, style: `--key: var(--c${1 + (number % 7)}); --dash: ${one.dots || !DASHES[number % 7].length ? "solid" : "dashed"}` }, one.title)),
  band ? el("li", { class: "band" }, band.title) : null);
  const spellX = (value) => (isTime ? spell(value, "date") : spell(value, "percent"));
  const fallback = el("details", {}, el("summary", {}, "Show as a table"));
  fallback.addEventListener("toggle", () => {
    if (fallback.open && fallback.children.length === 1) {
      const columns = [{ title: xTitle, values: x, kind: isTime ? "date" : "percent" }, ...lines.map((one) => ({ title: one.title, values: one.values, kind: one.kind || kind })), ...extra];
      fallback.append(table({ caption: `${title}, as a table`, columns, page: 50 }));
    }
  });
  const figure = el("figure", {}, el("figcaption", {}, title), note ? el("p", { class: "note" }, note) : null, keys, place, values, fallback);
  const drawn = { place, options: () => options({ x, series: lines, kind, isTime, isLog, marks, range, values, spellX }), data: [x, ...lines.map((one) => one.values)], plot: null };
  charts.push(drawn);
  return figure;
}

function summary(x, series, kind, isTime) {
  const said = series.map((one) => {
    const known = one.values.map((value, number) => [number, value]).filter(([, value]) => value !== null && value !== undefined);
    if (!known.length) return `${one.title} has no values.`;
    const [number, last] = known[known.length - 1];
    return `${one.title} is ${spell(last, one.kind || kind)} at ${isTime ? spell(x[number], "date") : spell(x[number], "percent")}.`;
  });
  return said.slice(0, 4).join(" ");
}

function options({ x, series, kind, isTime, isLog, marks, range, values, spellX }) {
  const upper = series.findIndex((one) => one.isEdge);
  const paint = (one, number) => colour(one.isEdge ? "edge" : `c${1 + (number % 7)}`);
  const linear = range || ((_, low, high) => (low === null ? [0, 1] : [Math.min(0, low), high > 0 ? 1.08 * high : 1]));
  const axis = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    height: 240,
    padding: [10, 14, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC"),
    scales: isLog ? { x: { time: false, distr: 3 }, y: { distr: 3 } } : { x: { time: isTime }, y: { range: linear } },
    bands: upper < 0 ? [] : [{ series: [upper + 1, upper + 2], fill: colour("shade") }],
    axes: [
      { ...axis, size: 34, space: isTime ? 90 : 50, values: (_, ticks) => ticks.map((tick) => (isTime ? spell(tick, ticks[1] - ticks[0] < 86400 ? "time" : "date") : spellTick(tick, "percent"))) },
      { ...axis, size: 74, ...(kind === "seconds" ? { incrs: STEPS_S } : {}), values: (_, ticks) => ticks.map((tick) => spellTick(tick, kind)) },
    ],
    series: [{}, ...series.map((one, number) => ({
      label: one.title,
      stroke: paint(one, number),
      width: one.dots ? 0 : one.isEdge ? 1 : 2,
      dash: one.isEdge ? [] : DASHES[number % 7],
      spanGaps: true,
      paths: one.dots ? () => null : undefined,
      points: { show: !one.isEdge && (one.dots || x.length < 40), size: one.dots ? 6 : 5, fill: paint(one, number) },
    }))],
    hooks: {
      setCursor: [(plot) => {
        const at = plot.cursor.idx;
        values.textContent = at === null || at === undefined || plot.cursor.left < 0 ? "\u00a0"
          : `${spellX(x[at])}: ${series.filter((one) => one.values[at] !== null).map((one) => `${one.title} ${spell(one.values[at], one.kind || kind)}`).join(" · ") || "nothing"}`;
      }],
      draw: [(plot) => marks.forEach((mark) => drawMark(plot, mark))],
    },
  };
}

// A logarithmic axis leaves out most of its ticks, as null.
function spellTick(tick, kind) {
  if (tick === null) return "";
  return kind === "percent" ? `${Number((100 * tick).toPrecision(3))}%` : spell(tick, kind);
}

function drawMark(plot, { x, isBad }) {
  const { ctx, bbox } = plot;
  const left = Math.round(plot.valToPos(x, "x", true));
  ctx.save();
  ctx.strokeStyle = colour(isBad ? "bad" : "good");
  ctx.lineWidth = 2;
  ctx.setLineDash(isBad ? [] : [6, 4]);
  ctx.beginPath();
  ctx.moveTo(left, bbox.top);
  ctx.lineTo(left, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

// Draws a chart once its place is seen, so that a page of twenty charts is there at once.
function draw(one) {
  if (one.plot) one.plot.destroy();
  one.plot = new uPlot({ ...one.options(), width: Math.max(200, one.place.clientWidth) }, one.data, one.place);
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((item) => item.isIntersecting)) {
    seen.unobserve(entry.target);
    const one = charts.find((item) => item.place === entry.target);
    draw(one);
    new ResizeObserver(() => one.plot.setSize({ width: Math.max(200, one.place.clientWidth), height: 240 })).observe(one.place);
  }
}, { rootMargin: "600px" });

function watchCharts() {
  charts.forEach((one) => { if (!one.plot) seen.observe(one.place); });
}

document.addEventListener("theme", () => charts.filter((one) => one.plot && one.place.isConnected).forEach(draw));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));

// The way of a case's time, small enough for a cell; the table beside it has the last values in words.
function trend(values) {
  const known = values.map((value, number) => [number, value]).filter(([, value]) => value !== null);
  if (!known.length) return "–";
  const most = Math.max(...known.map(([, value]) => value)) || 1;
  const points = known.map(([number, value]) => `${(100 * (number + 0.5)) / values.length},${22 - (20 * value) / most}`);
  const change = known.length > 1 && known[0][1] ? known[known.length - 1][1] / known[0][1] - 1 : 0;
  const words = `from ${spellSeconds(known[0][1])} to ${spellSeconds(known[known.length - 1][1])}`;
  const shape = known.length > 1 ? svg("polyline", { points: points.join(" ") }) : svg("circle", { cx: points[0].split(",")[0], cy: points[0].split(",")[1], r: 1.5 });
  return el("span", { title: `${words} (${change >= 0 ? "+" : ""}${Math.round(100 * change)}%)` },
    svg("svg", { class: "trend", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" }, shape), el("span", { class: "sr" }, words));
}
