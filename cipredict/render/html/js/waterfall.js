"use strict";
// Jobs and steps of one run as bars over its time; a list, so that it reads in order without seeing it.

function waterfalls(runs) {
  const place = el("div");
  const select = el("select", { "aria-label": "Run" }, runs.map((run, number) => el("option", { value: number }, `${spell(run.started, "time")} · ${shown(run.title).slice(0, 80)}`)));
  const show = () => place.replaceChildren(waterfall(runs[Number(select.value)]));
  select.addEventListener("change", show);
  show();
  return el("div", { class: "card" }, el("div", { class: "bar" }, el("label", {}, "Run", select)), place);
}

function waterfall(run) {
  const from = Math.min(...run.bars.map((bar) => bar.from - (bar.queued || 0)));
  const length = Math.max(...run.bars.map((bar) => bar.to)) - from || 1;
  const longest = Math.max(...run.bars.filter((bar) => !bar.depth).map((bar) => bar.to));
  const last = run.bars.find((bar) => !bar.depth && bar.to === longest);
  const lanes = run.bars.map((bar) => {
    const isBad = ["failure", "error", "timeout"].includes(bar.result);
    const spans = [el("span", { class: isBad ? "span bad" : "span", style: across(bar.from - from, bar.to - bar.from, length) })];
    if (bar.queued) spans.unshift(el("span", { class: "span wait", style: across(bar.from - bar.queued - from, bar.queued, length) }));
    const words = [bar.result || "unknown", bar.queued ? `waited ${spellSeconds(bar.queued)}` : ""].filter(Boolean).join(", ");
    return el("li", { class: bar.depth ? "step" : null }, el("span", { class: "of" }, nameOf(bar.name), el("span", { class: "sr" }, `: ${words}`)),
      el("span", { class: "lane", title: words, "aria-hidden": "true" }, spans), el("span", { class: isBad ? "took bad" : "took" }, spellSeconds(bar.to - bar.from)));
  });
  return el("div", {}, el("ul", { class: "waterfall", "aria-label": "Jobs and steps of the run" }, lanes),
    el("p", { class: "note" }, `${spellSeconds(length)} from the first wait to the end; the run ended with `, nameOf(last.name), ". Hatched: waiting for a runner. Red: went wrong."));
}

function across(start, width, length) {
  return `left:${(100 * start) / length}%;width:${(100 * width) / length}%`;
}
