"use strict";
// Puts the parts into the page.

const PARTS = [
  ["overview", "Overview", overview],
  ["runs", "Runs", runsPart],
  ["tests", "Tests", testsPart],
  ["selection", "Selection", selectionPart],
  ["shards", "Shards", shardsPart],
  ["caches", "Caches", cachesPart],
  ["gates", "Gates", gatesPart],
  ["performance", "Performance", performancePart],
  ["deployments", "Deployments", deploymentsPart],
  ["models", "Models", modelsPart],
];

async function main() {
  setTheme(THEMES.includes(remembered("cipredict-theme")) ? remembered("cipredict-theme") : "auto");
  const loading = document.getElementById("loading");
  if (typeof DecompressionStream === "undefined") {
    loading.textContent = "This browser cannot unpack the figures: it needs DecompressionStream (any browser since May 2023).";
    return;
  }
  const facts = await unpack(document.getElementById("data"));
  for (const [id, title, part] of PARTS) {
    document.getElementById("parts").append(el("li", {}, el("a", { href: `#${id}` }, title)));
    document.getElementById("content").append(el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), part(facts)));
  }
  loading.remove();
  document.getElementById("data").remove();
  watchCharts();
  document.documentElement.dataset.ready = "yes";
}

main();
