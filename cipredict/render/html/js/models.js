"use strict";
// Registered versions and what they measured beside the baselines of the same window.

const MODEL = "cipredict";
const MEASURES = { caught_20: ["failing runs caught at 20 % of the time", "percent", false], apfdc: ["APFDc", "number", false], wape: ["error of seconds (WAPE)", "percent", true] };

function modelsPart(facts) {
  const { versions, served } = facts;
  const parts = [el("h3", {}, "Versions and their backtests")];
  if (facts.backtests.value.length) parts.push(...backtests(facts.backtests));
  parts.push(versions.number.length ? table({ caption: "Model versions", page: 50, sort: [1, true], columns: [
    { title: "Version", values: versions.number, kind: "text" },
    { title: "Registered (UTC)", values: versions.created_at, kind: "time" },
    { title: "Aliases", values: versions.aliases, kind: "text" },
    { title: "Verdict", values: versions.tags, kind: "name" },
  ] }) : empty(facts, "versions"));
  parts.push(el("h3", {}, "What the published forecast serves"));
  parts.push(served.length ? table({ caption: "Served forecasts", searched: served.map((one) => `${one.forecast} ${one.policy} ${one.measure}`), columns: [
    { title: "Forecast", values: served.map((one) => one.forecast), kind: "text" },
    { title: "Policy", values: served.map((one) => one.policy), kind: "name", cell: (value, row) => (served[row].serves ? el("strong", {}, nameOf(value), " (serves)") : nameOf(value)) },
    { title: "Measure", values: served.map((one) => one.measure), kind: "name" },
    { title: "On the holdout", values: served.map((one) => one.value), kind: "number" },
  ] }) : empty(facts, "backtest"));
  return parts;
}

function backtests(rows) {
  const keys = [...grouped(rows.forecast.map((forecast, row) => `${forecast}: ${rows.measure[row]}`))];
  const held = keys.flatMap(([key, places]) => versionsOf(rows, places).map((one) => ({ key, ...one })));
  const column = (name) => held.map((one) => one[name]);
  const several = new Set(rows.version).size > 1; // one version is a point, which the table holds
  return [
    several ? chooser("Measure", keys.map(([, [place]]) => `${rows.forecast[place]}: ${MEASURES[rows.measure[place]][0]}`), (number) => backtestChart(rows, keys[number][1])) : el("p", { class: "note" }, "Judged on the part of the history that nothing was fitted on. From the second version on a chart compares them."),
    table({ caption: "Versions beside baselines", searched: held.map((one) => `${one.version} ${one.key} ${one.rival}`), sort: [1, true], columns: [
      { title: "Version", values: column("version"), kind: "text" },
      { title: "Registered (UTC)", values: column("at"), kind: "time", minor: true },
      { title: "Measure", values: column("key"), kind: "name" },
      { title: "Ensemble", values: column("own"), kind: "number" },
      { title: "Best baseline", values: column("best"), kind: "number", cell: (value, row) => el("span", {}, spell(value, "number"), el("small", {}, " ", shown(held[row].rival))) },
      { title: "Ensemble is", values: held.map((one) => (one.own === null ? "not fitted" : one.isBetter ? "better" : "not better")), kind: "text", cell: (value) => el("span", { class: value === "better" ? "good" : "warn" }, value) },
    ] }),
  ];
}

// Per version: the ensemble, and the best of the others; an oracle knows the future and does not count.
function versionsOf(rows, places) {
  const isLow = MEASURES[rows.measure[places[0]]][2];
  return [...grouped(places.map((place) => rows.version[place]))].map(([version, of]) => {
    const mine = of.map((at) => places[at]);
    const own = mine.find((place) => rows.policy[place] === MODEL);
    const others = mine.filter((place) => rows.policy[place] !== MODEL && rows.policy[place] !== "oracle");
    const best = others.sort((a, b) => (isLow ? 1 : -1) * (rows.value[a] - rows.value[b]))[0];
    const value = (place) => (place === undefined ? null : rows.value[place]);
    const isBetter = own !== undefined && best !== undefined && (isLow ? value(own) < value(best) : value(own) > value(best));
    return { version, at: rows.created_at[mine[0]], own: value(own), best: value(best), rival: best === undefined ? "" : rows.policy[best], isBetter };
  });
}

function backtestChart(rows, places) {
  const [words, kind, isLow] = MEASURES[rows.measure[places[0]]];
  const versions = [...grouped(places.map((place) => rows.version[place])).values()].map((of) => of.map((at) => places[at])).sort((a, b) => rows.created_at[a[0]] - rows.created_at[b[0]]);
  const value = (of, policy) => { const place = of.find((one) => rows.policy[one] === policy); return place === undefined ? null : rows.value[place]; };
  const rivals = [...new Set(places.map((place) => rows.policy[place]))].filter((policy) => policy !== MODEL && policy !== "oracle")
    .sort((a, b) => (isLow ? 1 : -1) * ((value(versions[versions.length - 1], a) ?? 0) - (value(versions[versions.length - 1], b) ?? 0)));
  return chart({
    title: `Backtest of each version: ${words}`, x: versions.map(([place]) => rows.created_at[place]), kind, note: `${isLow ? "Lower" : "Higher"} is better. Each version was judged on the window that was its future, so curves of one policy differ from version to version.`,
    series: [MODEL, ...rivals.slice(0, 5)].map((policy) => ({ title: shown(policy), values: versions.map((of) => value(of, policy)) })),
  });
}
