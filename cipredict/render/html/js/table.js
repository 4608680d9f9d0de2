"use strict";
// A table over columns of any length: it keeps an order of row numbers and shows a page of them.

const PAGE = 25;
const NUMERIC = new Set(["count", "number", "percent", "seconds", "bytes", "date", "time"]);

// columns: [{title, values, kind, cell?, minor?, first?}]; the first one names the row.
function table({ caption, columns, sort, filters, searched, page = PAGE }) {
  const count = columns[0].values.length;
  const state = { shown: [], at: 0, column: sort ? sort[0] : null, falling: sort ? sort[1] : false, words: [], filter: null };
  const body = el("tbody");
  const heads = columns.map((column, number) => head(column, () => sortBy(number)));
  const output = el("output", { "aria-live": "polite" });
  const back = el("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  const forth = el("button", { type: "button", onclick: () => turn(1) }, "Next");
  const where = el("span");
  const haystack = searched && count > page ? searched.map((text) => text.toLowerCase()) : null;

  function turn(by) {
    state.at += by * page;
    show();
  }

  function sortBy(number) {
    state.falling = state.column === number ? !state.falling : NUMERIC.has(columns[number].kind);
    state.column = number;
    refresh();
  }

  function refresh() {
    const rows = [];
    for (let row = 0; row < count; row++) {
      if (state.filter && !state.filter(row)) continue;
      if (haystack && !state.words.every((word) => haystack[row].includes(word))) continue;
      rows.push(row);
    }
    if (state.column !== null) order(rows, columns[state.column], state.falling);
    state.shown = rows;
    state.at = 0;
    show();
  }

  function show() {
    const rows = state.shown.slice(state.at, state.at + page);
    body.replaceChildren(...rows.map((row) => el("tr", {}, columns.map((column, number) => cell(column, row, number === 0)))));
    const pages = Math.max(1, Math.ceil(state.shown.length / page));
    where.textContent = `Page ${Math.floor(state.at / page) + 1} of ${pages.toLocaleString("en")}`;
    back.disabled = state.at === 0;
    forth.disabled = state.at + page >= state.shown.length;
    output.textContent = `${state.shown.length.toLocaleString("en")} of ${count.toLocaleString("en")} rows`;
    heads.forEach((item, number) => {
      if (!columns[number].fixed) item.setAttribute("aria-sort", number !== state.column ? "none" : state.falling ? "descending" : "ascending");
    });
  }

  const bar = count > page ? el("div", { class: "bar" }, haystack ? searchBox(caption, state, refresh) : null, filters ? filterBox(caption, filters, state, refresh) : null, output) : null;
  const region = el("div", { class: "scroll", role: "region", "aria-label": `Table: ${caption}`, tabindex: 0 },
    el("table", {}, el("caption", { class: "sr" }, caption), el("thead", {}, el("tr", {}, heads)), body));
  const pager = count > page ? el("nav", { class: "pager", "aria-label": `Pages of: ${caption}` }, back, where, forth) : null;
  refresh();
  return el("div", { class: "table" }, bar, region, pager);
}

function head(column, onclick) {
  const classes = [NUMERIC.has(column.kind) ? "number" : "", column.minor ? "minor" : "", column.fixed ? "" : "sorts"].join(" ").trim();
  return el("th", { scope: "col", class: classes || null }, column.fixed ? column.title : el("button", { type: "button", onclick }, column.title));
}

function cell(column, row, isFirst) {
  const value = column.values[row];
  const content = column.cell ? column.cell(value, row) : column.kind === "name" ? nameOf(value) : spell(value, column.kind);
  const classes = [NUMERIC.has(column.kind) ? "number" : column.kind === "name" ? "name" : "", column.minor ? "minor" : ""].join(" ").trim();
  return el(isFirst ? "th" : "td", { scope: isFirst ? "row" : null, class: classes || null }, content);
}

// Sorts row numbers in place; what is unknown comes last either way.
function order(rows, column, falling) {
  const { values } = column;
  const sign = falling ? -1 : 1;
  const known = rows.filter((row) => values[row] !== null && values[row] !== undefined);
  const unknown = rows.filter((row) => values[row] === null || values[row] === undefined);
  known.sort((a, b) => (values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b));
  [...known, ...unknown].forEach((row, number) => { rows[number] = row; });
}

function searchBox(caption, state, refresh) {
  let waiting = 0;
  const input = el("input", { type: "search", autocomplete: "off", spellcheck: "false", "aria-label": `Search: ${caption}` });
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      state.words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      refresh();
    }, 80);
  });
  return el("label", {}, "Search (all words)", input);
}

function filterBox(caption, filters, state, refresh) {
  const select = el("select", { "aria-label": `Which rows: ${caption}` }, filters.map(([title], number) => el("option", { value: number }, title)));
  select.addEventListener("change", () => {
    const [, keep, sort] = filters[Number(select.value)];
    state.filter = keep;
    if (sort) [state.column, state.falling] = sort;
    refresh();
  });
  [, state.filter] = filters[0];
  return el("label", {}, "Show", select);
}
