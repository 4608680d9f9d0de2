"use strict";
// How long runs take, beside what was forecast of each before it began.

function durations(facts) {
  const { periods, bands } = facts;
  const title = `Duration of runs per ${facts.unit}`;
  const percentiles = (of, rows) => ["p50", "p90", "p95"].map((name) => ({ title: `${name.slice(1)} % take at most`, values: rows.map((row) => of[`${name}_s`][row]) }));
  const all = () => chart({ title, x: periods.period, xTitle: facts.unit, kind: "seconds", series: percentiles(periods, periods.period.map((_, row) => row)) });
  const workflows = [...grouped(bands.workflow)].filter(([, rows]) => rows.some((row) => bands.forecasts[row]));
  if (!workflows.length) return [all(), known(periods.p50_s) ? el("p", { class: "note" }, empty(facts, "bands")) : null];
  const show = (number) => {
    if (number === workflows.length) return [all(), el("p", { class: "note" }, "Runs of several workflows have no common forecast: choose one to see its band.")];
    const [name, rows] = workflows[number];
    const pick = (column) => rows.map((row) => bands[column][row]);
    const [forecasts, inside] = [sum(pick("forecasts")), sum(pick("inside"))];
    return [chart({
      title: `${title}, ${shown(name).slice(0, 80)}`, x: pick("period"), xTitle: facts.unit, kind: "seconds",
      series: [...percentiles(bands, rows), { title: "forecast", values: pick("expected_s") }],
      band: { title: "forecast interval", low: pick("low_s"), high: pick("high_s") },
    }), el("p", { class: "note" }, `Each run was forecast from the runs that had ended before it began; the chart shows medians of a ${facts.unit}. ${spell(inside / forecasts, "percent")} of ${forecasts.toLocaleString("en")} runs took as long as their interval said, which promises ${spell(facts.band_coverage, "percent")}.`)];
  };
  const titles = workflows.map(([name]) => name);
  return [chooser("Workflow", titles.length > 1 ? [...titles, "all workflows"] : titles, show)];
}
