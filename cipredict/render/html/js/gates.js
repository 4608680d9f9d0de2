"use strict";
// What gates found over time, decision by decision.

const OUTCOMES = ["pass", "warn", "fail", "missing", "inconclusive", "exempt"];
const VERDICT = { passed: "good", blocked: "bad", inconclusive: "warn", approval_needed: "warn", warned: "warn" };
const OUTCOME = { pass: "good", fail: "bad", missing: "bad", inconclusive: "warn", warn: "warn", exempt: "warn" };
const GATE_KINDS = { seconds: "seconds", share: "percent", bytes: "bytes" };
const toned = (tones) => (value) => el("span", { class: tones[value] || null }, value.replaceAll("_", " "));

function gatesPart(facts) {
  const { gates } = facts;
  if (!gates.name.length) return [empty(facts, "gates")];
  const decisions = [...grouped(gates.event_id).values()];
  const verdicts = decisions.map(([row]) => gates.verdict[row]);
  const blocked = verdicts.filter((verdict) => verdict === "blocked").length;
  const names = [...grouped(gates.name)].sort((a, b) => failures(gates, b[1]) - failures(gates, a[1]));
  const last = (rows) => rows[rows.length - 1];
  return [
    tiles([
      ["Decisions", spell(decisions.length, "count"), `${names.length} gates`],
      ["Blocked", spell(blocked / decisions.length, "percent"), `${blocked} of ${decisions.length}`],
      ["Passed at once", spell(verdicts.filter((verdict) => verdict === "passed").length / decisions.length, "percent"), "without a warning or an approval"],
      ["Latest", verdicts[verdicts.length - 1].replaceAll("_", " "), spell(gates.happened_at[last(decisions)[0]], "time")],
    ]),
    chooser("Gate", ["all gates", ...names.map(([name]) => name)], (number) => gateCharts(facts, number ? names[number - 1][1] : null)),
    el("h3", {}, "Gates"),
    table({ caption: "Gates", searched: names.map(([name, rows]) => `${name} ${gates.metric[last(rows)]}`), columns: [
      { title: "Gate", values: names.map(([name]) => name), kind: "name" },
      { title: "Decisions", values: names.map(([, rows]) => rows.length), kind: "count" },
      { title: "Not passed", values: names.map(([, rows]) => failures(gates, rows) / rows.length), kind: "percent" },
      { title: "Latest", values: names.map(([, rows]) => gates.outcome[last(rows)]), kind: "text", cell: toned(OUTCOME) },
      { title: "Measured", values: names.map(([, rows]) => gates.measured[last(rows)]), kind: "name", minor: true },
      { title: "Demanded", values: names.map(([, rows]) => gates.demand[last(rows)]), kind: "name", minor: true },
    ] }),
    el("h3", {}, "Decisions"),
    table({ caption: "Decisions of gates", sort: [1, true], searched: decisions.map((rows) => `${gates.run_id[rows[0]]} ${gates.branch[rows[0]]} ${gates.verdict[rows[0]]} ${rows.map((row) => gates.name[row]).join(" ")}`),
      filters: [["all decisions", null], ["those that did not pass", (row) => verdicts[row] !== "passed"]], columns: [
        { title: "Run", values: decisions.map(([row]) => gates.run_id[row] || "unknown"), kind: "text", cell: nameOf },
        { title: "Made (UTC)", values: decisions.map(([row]) => gates.happened_at[row]), kind: "time" },
        { title: "Verdict", values: verdicts, kind: "text", cell: toned(VERDICT) },
        { title: "Branch", values: decisions.map(([row]) => gates.branch[row]), kind: "name", minor: true },
        { title: "Why", values: decisions.map((rows) => rows.filter((row) => gates.outcome[row] !== "pass").map((row) => `${gates.name[row]}: ${gates.reason[row]}`).join("; ")), kind: "name" },
      ] }),
  ];
}

const failures = (gates, rows) => rows.filter((row) => gates.outcome[row] !== "pass").length;

function gateCharts(facts, chosen) {
  const { gates } = facts;
  const rows = chosen || gates.name.map((_, row) => row);
  const periods = [...grouped(rows.map((row) => periodOf(gates.happened_at[row], facts.unit)))].sort((a, b) => a[0] - b[0]);
  const counts = (outcome) => periods.map(([, places]) => places.filter((place) => gates.outcome[rows[place]] === outcome).length);
  const outcomes = chart({
    title: `Outcomes per ${facts.unit}`, x: periods.map(([period]) => period), xTitle: facts.unit, kind: "count",
    series: OUTCOMES.map((outcome) => ({ title: outcome, values: counts(outcome) })).filter((one) => sum(one.values)),
  });
  const measured = rows.filter((row) => gates.value[row] !== null);
  if (!chosen || !measured.length) return [outcomes];
  const marks = measured.filter((row) => gates.outcome[row] === "fail").map((row) => ({ x: gates.happened_at[row], isBad: true }));
  const kind = GATE_KINDS[gates.dimension[measured[0]]] || "number";
  return [el("div", { class: "pair" }, outcomes, chart({
    title: `Measured, demanded ${shown(gates.demand[measured[measured.length - 1]]).slice(0, 80) || "nothing"}`, x: measured.map((row) => gates.happened_at[row]), kind, marks,
    series: [{ title: "measured", values: measured.map((row) => gates.value[row]), dots: true }], note: marks.length ? "Lines: the gate failed." : null,
  }))];
}
