"use strict";
// Elements and words. Text enters the page as text nodes only: a hostile name is a name, whatever is in it.

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const LONG = 160;

// What has no shape of its own, or turns the direction of what follows, is written out: a name must not lie.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const shown = (text) => text.replace(UNSEEN, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

// A name of any length and script; its direction stays its own, and a monster folds.
function nameOf(name) {
  const text = shown(name);
  if (text.length <= LONG) return el("bdi", {}, text);
  const start = `${text.slice(0, 80)}… (${text.length.toLocaleString("en")} characters)`;
  const whole = el("bdi", {});
  const fold = el("details", {}, el("summary", {}, el("bdi", {}, start)), whole);
  fold.addEventListener("toggle", () => { whole.textContent = fold.open ? text : ""; });
  return fold;
}

function spell(value, kind) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return SPELLINGS[kind](value);
}

const SPELLINGS = {
  text: (value) => String(value),
  count: (value) => value.toLocaleString("en"),
  number: (value) => Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 }),
  percent: (value) => (value > 0 && value < 0.001 ? "<0.1%" : value > 0.999 && value < 1 ? ">99.9%" : `${(100 * value).toFixed(1)}%`),
  seconds: spellSeconds,
  bytes: spellBytes,
  date: (value) => new Date(1000 * value).toISOString().slice(0, 10),
  time: (value) => new Date(1000 * value).toISOString().slice(0, 16).replace("T", " "),
};

function spellSeconds(value) {
  if (value === 0) return "0 s";
  if (value < 0.001) return `${Number((1e6 * value).toPrecision(3))} µs`;
  if (value < 1) return `${Number((1000 * value).toPrecision(3))} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}m`;
  return `${(whole / 86400).toFixed(1)} days`;
}

function spellBytes(value) {
  const step = value >= 1 ? Math.min(4, Math.floor(Math.log10(value) / 3)) : 0;
  return `${Number((value / 1000 ** step).toPrecision(3))} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}

// The first moment of the day, week (Monday) or month, all in seconds UTC.
function periodOf(seconds, unit) {
  const at = new Date(1000 * seconds);
  const day = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), unit === "month" ? 1 : at.getUTCDate());
  return day / 1000 - (unit === "week" ? 86400 * ((at.getUTCDay() + 6) % 7) : 0);
}

// Row numbers by the value that they have in a column, in the order of first meeting.
function grouped(values) {
  const groups = new Map();
  values.forEach((value, row) => (groups.has(value) ? groups.get(value).push(row) : groups.set(value, [row])));
  return groups;
}

// A choice of one of many, and what it shows; nothing to choose where there is one.
function chooser(label, titles, show) {
  const place = el("div", { class: "chosen" });
  const select = el("select", {}, titles.map((title, number) => el("option", { value: number }, shown(title).slice(0, 120))));
  const change = () => {
    place.replaceChildren(...[show(Number(select.value))].flat());
    watchCharts();
  };
  select.addEventListener("change", change);
  change();
  return el("div", {}, titles.length > 1 ? el("div", { class: "bar" }, el("label", {}, label, select)) : null, place);
}

function quantile(values, share) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length ? known[Math.min(known.length - 1, Math.floor(share * known.length))] : null;
}

async function unpack(element) {
  const packed = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

const THEMES = ["auto", "light", "dark"];

// The choice is remembered where the browser lets a page remember: some forbid it to files.
function remembered(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.textContent = `Theme: ${theme}`;
  button.hidden = false;
  button.onclick = () => {
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remembered("cipredict-theme", next);
    setTheme(next);
  };
  document.dispatchEvent(new Event("theme"));
}
