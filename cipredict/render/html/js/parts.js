"use strict";
// The parts of the page, in order of reading. Each gives its elements, or says how to come to have something to show.

function empty(facts, part) {
  const [why, how] = facts.empty[part] || ["Nothing is known.", ""];
  return el("p", { class: "empty" }, why, how ? " " : null, how ? el("code", {}, how) : null);
}

function tiles(items) {
  return el("dl", { class: "tiles" }, items.map(([title, value, small]) => el("div", {}, el("dt", {}, title), el("dd", {}, value, small ? el("small", {}, small) : null))));
}

const sum = (values) => values.reduce((total, value) => total + (value || 0), 0);
const known = (values) => values.some((value) => value !== null);

function overview(facts) {
  const { periods, runs } = facts;
  if (!periods.period.length) return [empty(facts, "runs")];
  const judged = sum(periods.judged);
  const charted = (title, values, more = {}) => chart({ title: `${title} per ${facts.unit}`, x: periods.period, xTitle: facts.unit, ...values, ...more });
  const rate = periods.judged.map((count, number) => (count ? periods.succeeded[number] / count : null));
  const waits = [["queued_p50_s", "half of the runs wait at most"], ["queued_p95_s", "95 % of the runs wait at most"]].map(([key, title]) => ({ title, values: periods[key] }));
  const listed = `last ${runs.run_id.length.toLocaleString("en")} runs`;
  return [
    tiles([
      ["Runs", spell(sum(periods.runs), "count"), `${spell(periods.period[0], "date")} to ${spell(periods.period[periods.period.length - 1], "date")}`],
      ["Success rate", judged ? spell(sum(periods.succeeded) / judged, "percent") : "–", "of runs that ended by themselves"],
      ["Duration, median", spell(quantile(runs.duration_s, 0.5), "seconds"), listed],
      ["Duration, 95 %", spell(quantile(runs.duration_s, 0.95), "seconds"), listed],
      ["Wait, 95 %", spell(quantile(runs.queued_s, 0.95), "seconds"), known(runs.queued_s) ? "for the first job" : "not known of any run"],
      ["Tests", spell(facts.cases.case_id.length, "count"), `in the last ${facts.case_runs.toLocaleString("en")} runs`],
      ["Flaky tests", facts.flaky === null ? "–" : spell(facts.flaky, "count"), "fail without a reason"],
    ]),
    ...durations(facts),
    el("div", { class: "pair" },
      charted("Success rate", { series: [{ title: "runs that succeeded", values: rate }], kind: "percent" }, { range: [0, 1] }),
      known(periods.queued_p50_s) ? charted("Wait of the first job", { series: waits, kind: "seconds" }) : card("Wait of the first job", empty(facts, "queue"))),
    el("h3", {}, "Delivery"),
    facts.deployments.happened_at.length ? dora(facts) : empty(facts, "deployments"),
  ];
}

const RESULT = { success: "good", failure: "bad", error: "bad", timeout: "bad" };
const resultCell = (value) => el("span", { class: RESULT[value] || null }, value || "unknown");

function runsPart(facts) {
  const { runs, jobs } = facts;
  if (!runs.run_id.length) return [empty(facts, "runs")];
  const columns = [
    { title: "Run", values: runs.run_id, kind: "text", cell: (value, row) => nameOf(runs.attempt[row] > 1 ? `${value} (attempt ${runs.attempt[row]})` : value) },
    { title: "Ended (UTC)", values: runs.ended, kind: "time" },
    { title: "Result", values: runs.result, kind: "text", cell: resultCell },
    { title: "Duration", values: runs.duration_s, kind: "seconds" },
    { title: "Wait", values: runs.queued_s, kind: "seconds", minor: true },
    { title: "Failures", values: runs.failures, kind: "count" },
    { title: "Results", values: runs.results, kind: "count", minor: true },
    { title: "Branch", values: runs.branch, kind: "name", minor: true },
    { title: "Event", values: runs.event, kind: "text", minor: true },
  ];
  const searched = runs.run_id.map((id, row) => `${id} ${runs.branch[row]} ${runs.sha[row]} ${runs.workflow[row]} ${runs.event[row]} ${runs.result[row]}`);
  const bad = (row) => RESULT[runs.result[row]] === "bad";
  const jobColumns = [
    { title: "Job", values: jobs.name, kind: "name" },
    { title: "Runs", values: jobs.runs, kind: "count" },
    { title: "Failed", values: jobs.failures, kind: "count" },
    { title: "Median", values: jobs.p50_s, kind: "seconds" },
    { title: "95 %", values: jobs.p95_s, kind: "seconds" },
    { title: "In sum", values: jobs.total_s, kind: "seconds", minor: true },
    { title: "Wait, 95 %", values: jobs.queued_p95_s, kind: "seconds", minor: true },
  ];
  return [
    el("h3", {}, "Where the time of a run goes"),
    facts.waterfalls.length ? waterfalls(facts.waterfalls) : empty(facts, "jobs"),
    el("h3", {}, "Jobs"),
    jobs.name.length ? table({ caption: "Jobs by time", columns: jobColumns, searched: jobs.name, sort: [5, true] }) : empty(facts, "jobs"),
    el("h3", {}, "Runs"),
    table({ caption: "Runs", columns, searched, sort: [1, true], filters: [["all runs", null], ["runs that went wrong", bad]] }),
  ];
}

function testsPart(facts) {
  const { cases } = facts;
  if (!cases.case_id.length) return [empty(facts, "cases")];
  const share = cases.failures.map((count, row) => count / cases.results[row]);
  const change = cases.trend.map(changeOf);
  const columns = [
    { title: "Test", values: cases.case_id, kind: "name" },
    { title: "Median", values: cases.p50_s, kind: "seconds" },
    { title: "95 %", values: cases.p95_s, kind: "seconds", minor: true },
    { title: "In sum", values: cases.total_s, kind: "seconds", minor: true },
    { title: "Trend", values: change, kind: "text", minor: true, cell: (_, row) => trend(cases.trend[row]) },
    { title: "Fails", values: share, kind: "percent", cell: (value, row) => el("span", { title: `${cases.failures[row]} of ${cases.results[row]} results` }, spell(value, "percent")) },
    { title: "Flaky ≥", values: cases.flaky_low, kind: "percent" },
    { title: "Last failed", values: cases.failed_at, kind: "date", minor: true },
    { title: "Standing", values: cases.standing, kind: "text", minor: true },
  ];
  const filters = [
    ["all tests, slowest first", null, [3, true]],
    ["flaky tests, surest first", (row) => cases.standing[row] === "flaky", [6, true]],
    ["tests that failed", (row) => cases.failures[row] > 0, [5, true]],
    ["tests that got slower", (row) => change[row] > 0.2, [4, true]],
  ];
  return [
    el("p", { class: "note" }, `Of the last ${facts.case_runs.toLocaleString("en")} runs with results. The trend shows the mean time in twelve equal stretches of them. A flaky test failed and passed on the same code; the share is the lower end of its 95 % interval.`),
    table({ caption: "Tests", columns, searched: cases.case_id, sort: [3, true], filters }),
  ];
}

function changeOf(values) {
  const timed = values.filter((value) => value !== null);
  return timed.length > 1 && timed[0] > 0 ? timed[timed.length - 1] / timed[0] - 1 : null;
}

function selectionPart(facts) {
  const { ledger, backtest } = facts;
  const parts = [];
  if (backtest) {
    parts.push(el("p", { class: "note" }, "What each way to choose tests would have caught of the runs that nothing was fitted on. ", `Failure forecasts are served by ${backtest.served_by}.`),
      chart({ title: "Failing runs caught, by the share of test time that is run", x: backtest.budgets, xTitle: "share of test time", isTime: false, kind: "percent", range: [0, 1.02], series: backtest.policies.map((one) => ({ title: shown(one.name), values: one.caught })) }));
    if (backtest.confidence_x.length) parts.push(chart({ title: "Failing runs that the plan's own rules catch, by the share of expected time that they need", x: backtest.confidence_x, xTitle: "share of expected time", isTime: false, kind: "percent", range: [0, 1.02], series: [{ title: "caught", values: backtest.confidence_y }] }));
  } else parts.push(empty(facts, "backtest"));
  parts.push(...calibration(facts), el("h3", {}, "Plans against what happened"));
  if (!ledger.plan_id.length) return [...parts, empty(facts, "ledger")];
  const judged = ledger.is_judged.map(Boolean);
  const failing = ledger.failing.filter((count, row) => judged[row] && count).length;
  const missed = ledger.missed.filter((count, row) => judged[row] && count && !ledger.caught[row]).length;
  const promised = ledger.p_miss.filter((value, row) => value !== null && judged[row] && ledger.failing[row]);
  const saved = ledger.decided_s.map((all, row) => (all === null ? null : all - (ledger.selected_s[row] || 0)));
  parts.push(tiles([
    ["Plans", spell(ledger.plan_id.length, "count"), `${spell(judged.filter(Boolean).length, "count")} with a known outcome`],
    ["Failing runs missed", failing ? `${missed} of ${failing}` : "–", failing ? spell(missed / failing, "percent") : "no plan was followed by a failure"],
    ["Misses promised", promised.length ? spell(sum(promised) / promised.length, "percent") : "–", promised.length ? "at most, mean of the failing runs" : "no such plan promised anything"],
    ["Expected time saved", spell(sum(saved), "seconds"), "over all plans"],
  ]), table({ caption: "Selection plans", searched: ledger.plan_id.map((id, row) => `${id} ${ledger.run_id[row]}`), sort: [1, true], columns: [
    { title: "Plan", values: ledger.plan_id, kind: "name" },
    { title: "Made (UTC)", values: ledger.made_at, kind: "time" },
    { title: "Run", values: ledger.run_id, kind: "name", minor: true },
    { title: "Selected", values: ledger.selected, kind: "count", cell: (value, row) => `${spell(value, "count")} of ${spell(ledger.decided[row], "count")}` },
    { title: "Time saved", values: saved, kind: "seconds" },
    { title: "Failed", values: ledger.failing.map((count, row) => (judged[row] ? count : null)), kind: "count" },
    { title: "Missed", values: ledger.missed.map((count, row) => (judged[row] ? count : null)), kind: "count" },
  ] }));
  const names = ledger.missed_cases.flatMap((cases, row) => (judged[row] ? cases.map((name) => [name, row]) : []));
  parts.push(el("h3", {}, "Failing tests that a plan skipped"));
  parts.push(names.length ? table({ caption: "Missed tests by name", searched: names.map(([name]) => name), columns: [
    { title: "Test", values: names.map(([name]) => name), kind: "name" },
    { title: "Plan", values: names.map(([, row]) => ledger.plan_id[row]), kind: "name" },
    { title: "Made (UTC)", values: names.map(([, row]) => ledger.made_at[row]), kind: "time" },
  ] }) : el("p", { class: "empty" }, "None is known."));
  return parts;
}

function performancePart(facts) {
  const { series } = facts;
  if (!series.length) return [empty(facts, "performance")];
  const show = (number) => {
    const one = series[number];
    const marks = one.turns.map((turn) => ({ x: turn.at, isBad: turn.is_worse }));
    const note = one.turns.length ? one.turns.map((turn) => `${spell(turn.at, "date")}: ${turn.change > 0 ? "+" : ""}${(100 * turn.change).toFixed(1)} %`).join("; ") + " (solid lines: for the worse)." : "No change point.";
    return chart({ title: `${shown(one.name).slice(0, 200)}${one.unit ? ` (${one.unit})` : ""}`, x: one.at, kind: one.unit === "s" ? "seconds" : "number", marks, note, series: [{ title: "measured", values: one.values, dots: true }] });
  };
  const turns = series.flatMap((one) => one.turns.map((turn) => [one, turn]));
  return [chooser("Benchmark", series.map((one) => `${one.turns.some((turn) => turn.is_worse) ? "slower: " : ""}${one.name}`), show), el("h3", {}, "Change points"),
    turns.length ? table({ caption: "Change points of benchmarks", searched: turns.map(([one]) => one.name), sort: [1, true], columns: [
      { title: "Benchmark", values: turns.map(([one]) => one.name), kind: "name" },
      { title: "Since", values: turns.map(([, turn]) => turn.at), kind: "date" },
      { title: "Change", values: turns.map(([, turn]) => turn.change), kind: "percent" },
      { title: "For the", values: turns.map(([, turn]) => (turn.is_worse ? "worse" : "better")), kind: "text", cell: (value) => el("span", { class: value === "worse" ? "bad" : "good" }, value) },
      { title: "First bad or better", values: turns.map(([, turn]) => turn.first), kind: "name", minor: true },
    ] }) : el("p", { class: "empty" }, "None was found.")];
}

// The four figures of DORA.
function dora(facts) {
  const { deployments } = facts;
  const count = deployments.happened_at.length;
  const days = Math.max(1, (facts.made_at - deployments.happened_at[0]) / 86400);
  const live = deployments.is_live.filter(Boolean).length;
  const perWeek = (7 * live) / days;
  return tiles([
    ["Deployment frequency", `${spell(perWeek, "number")} a week`, `${live} that serve or served, in ${spell(Math.round(days), "count")} days`],
    ["Lead time, median", spell(quantile(deployments.lead_s, 0.5), "seconds"), known(deployments.lead_s) ? "commit to everybody" : "releases are not named after known commits"],
    ["Change failure rate", spell((count - live) / count, "percent"), `${count - live} of ${count} were taken back`],
    ["Recovery, median", spell(quantile(deployments.recovery_s, 0.5), "seconds"), known(deployments.recovery_s) ? "trouble to good service" : "nothing to recover from"],
  ]);
}

function deploymentsPart(facts) {
  const { deployments } = facts;
  const count = deployments.happened_at.length;
  if (!count) return [empty(facts, "deployments")];
  const periods = [...grouped(deployments.happened_at.map((at) => periodOf(at, facts.unit)))];
  const counts = (isLive) => periods.map(([, rows]) => rows.filter((row) => Boolean(deployments.is_live[row]) === isLive).length);
  return [
    dora(facts),
    chart({ title: `Deployments per ${facts.unit}`, x: periods.map(([period]) => period), xTitle: facts.unit, kind: "count", series: [{ title: "live", values: counts(true) }, { title: "taken back", values: counts(false) }] }),
    table({ caption: "Deployments", searched: deployments.release, sort: [1, true], columns: [
      { title: "Release", values: deployments.release, kind: "name" },
      { title: "Ended (UTC)", values: deployments.happened_at, kind: "time" },
      { title: "Environment", values: deployments.environment, kind: "name" },
      { title: "Outcome", values: deployments.is_live.map((isLive) => (isLive ? "live" : "taken back")), kind: "text", cell: (value) => el("span", { class: value === "live" ? "good" : "bad" }, value) },
      { title: "Took", values: deployments.duration_s, kind: "seconds" },
      { title: "Lead", values: deployments.lead_s, kind: "seconds", minor: true },
      { title: "Recovery", values: deployments.recovery_s, kind: "seconds", minor: true },
      { title: "Why", values: deployments.reason, kind: "name", minor: true },
    ] }),
  ];
}
