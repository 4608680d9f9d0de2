"use strict";
// Shard plans: what each shard was to take, and what it took.

const longest = (values) => (known(values) ? Math.max(...values.map((value) => value ?? 0)) : null);

// 1 where all shards take the same.
function balanceOf(values) {
  const most = longest(values);
  return most ? sum(values) / values.length / most : null;
}

function shardsPart(facts) {
  const { shards } = facts;
  if (!shards.plan_id.length) return [empty(facts, "shards")];
  const plans = [...grouped(shards.event_id).values()].map((rows) => planOf(shards, rows));
  const measured = plans.filter((plan) => plan.actual !== null);
  const column = (key) => plans.map((plan) => plan[key]);
  const latest = [...plans].reverse();
  return [
    tiles([
      ["Shard plans", spell(plans.length, "count"), `${measured.length.toLocaleString("en")} whose run told seconds`],
      ["Balance planned, median", spell(quantile(column("planned"), 0.5), "percent"), "mean shard of the longest one"],
      ["Balance measured, median", spell(quantile(column("actual"), 0.5), "percent"), measured.length ? "by seconds of tests" : "no run told seconds"],
      ["Longest job against plan", spell(quantile(column("ratio"), 0.5), "percent"), "median; 100 % is as planned"],
    ]),
    measured.length ? chart({ title: "Balance of shards, plan by plan", x: column("made_at"), kind: "percent", range: [0, 1.02], series: [
      { title: "planned", values: column("planned") }, { title: "measured", values: column("actual"), dots: true }] })
      : el("p", { class: "empty" }, "No run of these plans told how long its tests took: ingest the reports of its jobs under the id of the run: ", el("code", {}, "cipredict ingest reports --help")),
    chooser("Plan", latest.map((plan) => `${spell(plan.made_at, "time")} · run ${plan.run_id || "unknown"} · ${plan.rows.length} shards`), (number) => shardBars(shards, latest[number])),
    el("h3", {}, "Shard plans"),
    table({ caption: "Shard plans", sort: [1, true], searched: column("run_id"), columns: [
      { title: "Run", values: column("run_id"), kind: "text", cell: (value) => nameOf(value || "unknown") },
      { title: "Made (UTC)", values: column("made_at"), kind: "time" },
      { title: "Shards", values: plans.map((plan) => plan.rows.length), kind: "count", minor: true },
      { title: "Longest, planned", values: column("planned_s"), kind: "seconds" },
      { title: "Longest job", values: column("job_s"), kind: "seconds" },
      { title: "Balance planned", values: column("planned"), kind: "percent", minor: true },
      { title: "Measured", values: column("actual"), kind: "percent" },
      { title: "Strategy", values: plans.map((plan) => plan.strategy + (plan.has_tail ? ", with a queue" : "")), kind: "name", minor: true },
    ] }),
  ];
}

function planOf(shards, rows) {
  const pick = (key) => rows.map((row) => shards[key][row]);
  const [planned_s, job_s] = [longest(pick("planned_s")), longest(pick("job_s"))];
  const tests = rows.map((row) => (shards.planned_s[row] === null ? null : Math.max(0, shards.planned_s[row] - (shards.cases[row] ? shards.overhead_s[row] : 0))));
  const [first] = rows;
  return {
    rows, planned_s, job_s, planned: balanceOf(tests), actual: balanceOf(pick("test_s")), tests, ratio: planned_s && job_s ? job_s / planned_s : null,
    made_at: shards.made_at[first], run_id: shards.run_id[first], strategy: shards.strategy[first], has_tail: shards.has_tail[first],
  };
}

// Two bars a shard: as planned, as measured; a list, so that it reads without seeing it.
function shardBars(shards, plan) {
  const most = Math.max(...plan.rows.map((row, at) => Math.max(plan.tests[at] || 0, shards.test_s[row] || 0))) || 1;
  const bar = (seconds, kind) => el("span", { class: "lane", "aria-hidden": "true" }, seconds ? el("span", { class: `span ${kind}`, style: across(0, seconds, most) }) : null);
  const lanes = plan.rows.map((row, at) => el("li", {},
    el("span", { class: "of" }, `Shard ${shards.shard_id[row]}`, el("small", {}, ` ${shards.cases[row].toLocaleString("en")} tests`)),
    el("span", { class: "lanes" }, bar(plan.tests[at], "planned"), bar(shards.test_s[row], "")),
    el("span", { class: "took" }, `${spell(plan.tests[at], "seconds")} → ${spell(shards.test_s[row], "seconds")}`)));
  const note = `Seconds of tests: planned (light) → measured (dark), without the fixed cost of a job, ${spell(shards.overhead_s[plan.rows[0]], "seconds")}.`;
  return el("figure", {}, el("figcaption", {}, "Seconds by shard"), el("ul", { class: "waterfall shards", "aria-label": "Seconds by shard" }, lanes),
    el("p", { class: "note" }, note, plan.has_tail ? " The shards shared a queue: whoever was free took the tail, so a test may have run in another shard than planned." : ""));
}
