"use strict";
// Whether forecasts of failure can be believed: promised against observed.

// rows: {low, high, cases, forecast, observed}, columns of bands of probability.
function reliability(title, rows, note) {
  const x = rows.forecast.map((value) => Math.max(value, 1e-5));
  return chart({
    title, x, xTitle: "forecast", isTime: false, isLog: true, kind: "percent", note,
    series: [
      { title: "observed share of failures", values: rows.observed.map((value) => value || null), dots: true },
      { title: "as forecast", values: x },
    ],
    extra: [
      { title: "observed", values: rows.observed, kind: "percent" },
      { title: "tests counted", values: rows.cases, kind: "count" },
      { title: "band from", values: rows.low, kind: "percent" },
      { title: "to", values: rows.high, kind: "percent" },
    ],
  });
}

function calibration(facts) {
  const { calibration: backtest, reliability: live, promises } = facts;
  const parts = [el("h3", {}, "Promised against observed")];
  const counted = (rows) => rows.cases.map((cases, row) => `${spell(rows.forecast[row], "percent")}: ${cases.toLocaleString("en")}`).join(", ");
  const words = (rows) => `On the line, forecasts come true. Tests behind the points: ${counted(rows)}. A band without a failure is in the table only.`;
  parts.push(el("div", { class: "pair" },
    backtest.cases.length ? reliability("Probability of failure in the backtest", backtest, words(backtest)) : card("Probability of failure in the backtest", empty(facts, "calibration")),
    live.cases.length ? reliability("Probability of failure in the plans", { ...live, observed: live.failed.map((failed, row) => failed / live.cases[row]) }, `${words(live)} Tests that a plan skipped do not tell.`) : card("Probability of failure in the plans", empty(facts, "reliability"))));
  if (promises.promised.length) parts.push(chart({
    title: "Confidence promised and kept in the backtest", x: promises.promised, xTitle: "promised", isTime: false, kind: "percent", range: [0, 1.02],
    series: [{ title: "failing runs caught", values: promises.runs.map((runs, row) => 1 - promises.missed[row] / runs) }, { title: "promised", values: promises.promised }],
    band: { title: "95 % interval", low: promises.high.map((value) => 1 - value), high: promises.low.map((value) => 1 - value) },
    extra: [{ title: "failing runs", values: promises.runs, kind: "count" }, { title: "missed", values: promises.missed, kind: "count" }, { title: "of expected time", values: promises.mean_share, kind: "percent" }],
    note: "Each failing run was held against the curve of those before it, as a plan of its day would have read it.",
  }));
  return parts;
}

const card = (title, ...content) => el("figure", {}, el("figcaption", {}, title), content);
