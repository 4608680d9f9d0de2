// Opens a report in a real browser and says what it saw, as JSON: node look.mjs PAGE CHROMIUM [FOLDER FOR SCREENSHOTS]
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [page, executablePath, folder] = process.argv.slice(2);
const address = pathToFileURL(page).href;
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const seen = { problems: [], requests: [], dialogs: [], looks: [] };
try {
  for (const scheme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(SIZES)) seen.looks.push(await look(size, viewport, scheme));
  }
  Object.assign(seen, await use());
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

async function open(viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme, bypassCSP: false, reducedMotion: "reduce" });
  const tab = await context.newPage();
  tab.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.problems.push(message.text()));
  tab.on("pageerror", (error) => seen.problems.push(String(error)));
  tab.on("dialog", (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  tab.on("request", (request) => request.url() !== address && seen.requests.push(request.url()));
  await tab.goto(address);
  await tab.waitForSelector("html[data-ready]", { state: "attached", timeout: 30000 });
  return tab;
}

async function look(size, viewport, scheme) {
  const tab = await open(viewport, scheme);
  for (const place of await tab.$$(".chart")) {
    await place.scrollIntoViewIfNeeded();
    await tab.waitForTimeout(60);
  }
  const charts = await tab.$$eval(".chart", (places) => places.map((place) => {
    const canvas = place.querySelector("canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let at = 3; at < data.length; at += 4) inked += data[at] > 0;
    return inked;
  }));
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await tab.evaluate(() => scrollTo(0, 0));
  if (folder) await tab.screenshot({ path: `${folder}/${size}-${scheme}.png`, fullPage: true });
  const violations = await accessibility(tab);
  await tab.context().close();
  return { size, scheme, charts, wide, violations };
}

async function textOf(tab, selector) {
  const found = tab.locator(selector).first();
  return (await found.count()) ? found.textContent() : "";
}

// Takes the last entry of every choice outside tables, and counts the charts that have ink then.
async function choose(tab) {
  const chosen = [];
  for (const part of await tab.$$("main section")) {
    const select = await part.$(".bar > label > select:not([aria-label])");
    if (!select) continue;
    const options = await select.$$eval("option", (all) => all.length);
    await select.selectOption({ index: options - 1 });
    await select.scrollIntoViewIfNeeded();
    await tab.waitForTimeout(100);
    const charts = await part.$$eval(".chart canvas", (all) => all.length);
    chosen.push({ part: await part.getAttribute("id"), options, charts });
  }
  return chosen;
}

async function accessibility(tab) {
  await tab.evaluate(axe); // by the debugger, which the page's own policy does not bind
  const found = await tab.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => ({ id: one.id, impact: one.impact, nodes: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)) }));
}

// What a reader does: search, sort, turn the page, open a chart's table, change the theme, with the keyboard where it counts.
async function use() {
  const begun = Date.now();
  const tab = await open(SIZES.desktop, "light");
  const ready_ms = Date.now() - begun;
  const tests = tab.locator("#tests .table").first();
  const rows = () => tests.locator("tbody th").allTextContents();
  const used = { ready_ms, first: await rows(), headings: await tab.locator("h2").allTextContents() };
  const input = tests.locator("input[type=search]");
  if (await input.count()) {
    const word = process.env.SEARCH || "test";
    const asked = Date.now();
    await input.fill(word);
    await tab.waitForTimeout(90);
    used.search_ms = Date.now() - asked;
    used.found = await rows();
    used.said = await tests.locator("output").textContent();
    await input.fill("no test has such a name");
    await tab.waitForTimeout(120);
    used.none = await rows();
    await input.fill("");
    await tab.waitForTimeout(120);
    const heading = tests.locator("thead button").first();
    await heading.focus();
    const sorted = Date.now();
    await tab.keyboard.press("Enter");
    used.by_name = await rows();
    used.sort_ms = Date.now() - sorted;
    used.sorted = await tests.locator("thead th").first().getAttribute("aria-sort");
    await tests.locator(".pager button").last().click();
    used.page = await tests.locator(".pager span").textContent();
  }
  const fold = tab.locator("figure details summary").first();
  if (await fold.count()) {
    await fold.click();
    await tab.waitForSelector("figure details tbody tr");
    used.fallback_rows = await tab.locator("figure details tbody tr").count();
  }
  used.path = await textOf(tab, "#runs .path");
  used.gates = await tab.locator("#gates .table tbody th").allTextContents();
  used.caches = await tab.locator("#caches .table tbody th").allTextContents();
  used.chosen = await choose(tab);
  await tab.locator("#theme").click();
  await tab.locator("#theme").click();
  used.theme = await tab.evaluate(() => document.documentElement.dataset.theme);
  used.injected = await tab.evaluate(() => window.injected === true);
  await tab.context().close();
  return used;
}
