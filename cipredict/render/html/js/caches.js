"use strict";
// What caches gave, what they hold, and what the git history says that they will give.

function cachesPart(facts) {
  const { caches, cache_stages: stages } = facts;
  return [
    caches.period.length ? cacheHistory(facts) : empty(facts, "caches"),
    el("h3", {}, "Coverage, from the git history"),
    stages.stage.length ? [
      el("p", { class: "note" }, "The last commits of the default branch, replayed with the keys that are described: how often the next run hits exactly, and how much of what it needs it finds restored."),
      table({ caption: "Described caches", columns: [
        { title: "Stage", values: stages.stage, kind: "name" },
        { title: "Runs", values: stages.runs, kind: "count" },
        { title: "Next run hits", values: stages.predicted, kind: "percent" },
        { title: "Hit so far", values: stages.historical, kind: "percent" },
        { title: "Coverage", values: stages.coverage, kind: "percent" },
        { title: "Saves a run", values: stages.saved_s, kind: "seconds", cell: (value) => (value < 0 ? `-${spell(-value, "seconds")}` : spell(value, "seconds")) },
        { title: "Advice", values: stages.recommendation, kind: "text", cell: (value, row) => el("span", { title: stages.reason[row] }, value.replaceAll("_", " ")) },
      ] }),
    ] : empty(facts, "cache_stages"),
  ].flat(2);
}

function cacheHistory(facts) {
  const { caches, cache_room: room } = facts;
  const names = [...grouped(caches.cache)].sort((a, b) => b[1].length - a[1].length);
  const total = (key, rows) => sum(rows.map((row) => caches[key][row]));
  const every = caches.cache.map((_, row) => row);
  const restores = (rows) => total("exact", rows) + total("prefixed", rows) + total("missed", rows);
  const found = (rows) => (restores(rows) ? 1 - total("missed", rows) / restores(rows) : null);
  const exact = (rows) => (restores(rows) ? total("exact", rows) / restores(rows) : null);
  const last = room.held_bytes.length - 1;
  const held = last < 0 ? null : room.held_bytes[last];
  const show = (number) => {
    const rows = number ? names[number - 1][1] : every;
    const periods = [...grouped(rows.map((row) => caches.period[row]))].map(([period, places]) => [period, places.map((place) => rows[place])]).sort((a, b) => a[0] - b[0]);
    const share = (key) => periods.map(([, of]) => (restores(of) ? total(key, of) / restores(of) : null));
    return chart({
      title: `What restores found per ${facts.unit}`, x: periods.map(([period]) => period), xTitle: facts.unit, kind: "percent", range: [0, 1.02],
      series: [{ title: "exact hit", values: share("exact") }, { title: "hit by prefix", values: share("prefixed") }, { title: "miss", values: share("missed") }],
      extra: [{ title: "restores", values: periods.map(([, of]) => restores(of)), kind: "count" }],
    });
  };
  return [
    tiles([
      ["Restores", spell(restores(every), "count"), `${names.length} ${names.length === 1 ? "cache" : "caches"}`],
      ["Found anything", spell(found(every), "percent"), "exact or by prefix"],
      ["Exact hits", spell(exact(every), "percent"), "of all restores"],
      ["In use", held === null ? "–" : spell(held, "bytes"), held === null ? "no event tells sizes" : `${spell(held / facts.quota_bytes, "percent")} of ${spell(facts.quota_bytes, "bytes")}`],
    ]),
    chooser("Cache", names.length > 1 ? ["all caches", ...names.map(([name]) => name)] : ["all caches"], show),
    known(room.held_bytes) ? chart({
      title: "Bytes of entries saved or restored within 7 days", x: room.period, xTitle: facts.unit, kind: "bytes",
      series: [{ title: "in use", values: room.held_bytes }, { title: "quota", values: room.period.map(() => facts.quota_bytes) }],
      extra: [{ title: "entries", values: room.entries, kind: "count" }, { title: "of unknown size", values: room.unsized, kind: "count" }],
      note: sum(room.unsized) ? `${room.unsized[last]} of the ${room.entries[last]} entries in use tell no size and are not in the sum.` : null,
    }) : null,
    table({ caption: "Caches", searched: names.map(([name]) => name), sort: [1, true], columns: [
      { title: "Cache", values: names.map(([name]) => name), kind: "name" },
      { title: "Restores", values: names.map(([, rows]) => restores(rows)), kind: "count" },
      { title: "Exact", values: names.map(([, rows]) => exact(rows)), kind: "percent" },
      { title: "Found", values: names.map(([, rows]) => found(rows)), kind: "percent" },
      { title: "Restore, median", values: names.map(([, rows]) => quantile(rows.map((row) => caches.restore_s[row]), 0.5)), kind: "seconds", minor: true },
      { title: "Saved", values: names.map(([, rows]) => total("saved", rows)), kind: "count", minor: true },
      { title: "Bytes saved", values: names.map(([, rows]) => total("saved_bytes", rows)), kind: "bytes", minor: true },
    ] }),
  ];
}
