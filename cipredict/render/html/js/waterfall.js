"use strict";
// Jobs and steps of one run as bars over its time; a list, so that it reads in order without seeing it.

function waterfalls(runs) {
  return el("div", { class: "card" }, chooser("Run", runs.map((run) => `${spell(run.started, "time")} · ${run.title}`), (number) => waterfall(runs[number])));
}

function waterfall(run) {
  const from = Math.min(...run.bars.map((bar) => bar.from - (bar.queued || 0)));
  const length = Math.max(...run.bars.map((bar) => bar.to)) - from || 1;
  const lanes = run.bars.map((bar) => {
    const isBad = ["failure", "error", "timeout"].includes(bar.result);
    const spans = [el("span", { class: isBad ? "span bad" : "span", style: across(bar.from - from, bar.to - bar.from, length) })];
    if (bar.queued) spans.unshift(el("span", { class: "span wait", style: across(bar.from - bar.queued - from, bar.queued, length) }));
    const words = [bar.result || "unknown", bar.queued ? `waited ${spellSeconds(bar.queued)}` : "", bar.critical ? "on the critical path" : ""].filter(Boolean).join(", ");
    return el("li", { class: bar.depth ? "step" : bar.critical ? "critical" : null }, el("span", { class: "of" }, nameOf(bar.name), el("span", { class: "sr" }, `: ${words}`)),
      el("span", { class: "lane", title: words, "aria-hidden": "true" }, spans), el("span", { class: isBad ? "took bad" : "took" }, spellSeconds(bar.to - bar.from)));
  });
  return el("div", {}, el("ul", { class: "waterfall", "aria-label": "Jobs and steps of the run" }, lanes),
    el("p", { class: "note" }, `${spellSeconds(length)} from the first wait to the end. Hatched: waiting for a runner. Red: went wrong.`), criticalPath(run));
}

function criticalPath(run) {
  const path = run.bars.filter((bar) => bar.critical);
  if (!path.length) return null;
  const whole = path[path.length - 1].to - path[0].from;
  const between = Math.max(0, whole - sum(path.map((bar) => bar.to - bar.from)));
  return el("p", { class: "note path" }, el("strong", {}, "Critical path: "), path.flatMap((bar, number) => [number ? " → " : null, nameOf(bar.name)]),
    `: ${spellSeconds(whole)}, ${spellSeconds(between)} of it between jobs. `,
    run.needs_known ? "By what the jobs need, as past runs show it." : "By the order of ends alone: before each job, the one that ended last before it began. What jobs need is not known.");
}

function across(start, width, length) {
  return `left:${(100 * start) / length}%;width:${(100 * width) / length}%`;
}
