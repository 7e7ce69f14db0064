"use strict";
// Everything a log holds is somebody else's text: it is only ever set as text, never as markup.
(() => {
  const PAGE = 60, ROWS = 200, DEPTH = 6, KEPT = 8;
  const at = (id) => document.getElementById(id);
  const meta = JSON.parse(at("meta").textContent);
  const form = at("filters"), list = at("list"), sheet = at("episode");
  const SELECTS = [...form.querySelectorAll("select")].map((select) => select.name);
  let rows = [], shown = [], drawn = 0, state = {}, asked = 0;

  // Elements

  function make(name, options, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(options || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "on") element.addEventListener("click", value);
      else if (key === "class") element.className = value;
      else element.setAttribute(key, value);
    }
    for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
    return element;
  }

  const spoken = (word) => String(word).replaceAll("_", " ");
  const chip = (outcome, reason) =>
    make("span", { class: "chip " + outcome }, spoken(outcome) + (reason ? ": " + spoken(reason) : ""));

  // Data: base64 of deflated JSON, read when needed

  async function unpack(id) {
    const letters = atob(at(id).textContent);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  const blocks = new Map();

  async function details(place) {
    const number = Math.floor(place / meta.block);
    if (!blocks.has(number)) {
      if (blocks.size >= KEPT) blocks.delete(blocks.keys().next().value);
      blocks.set(number, unpack("block" + number));
    }
    return (await blocks.get(number))[place % meta.block];
  }

  function rowOf(cells, place) {
    const row = { place };
    meta.columns.forEach((name, number) => { row[name] = cells[number]; });
    row.hay = [row.task, row.family, row.request, row.more].join(" ").toLowerCase();
    return row;
  }

  // The state of the filters stands in the address after #

  function readState() {
    const text = location.hash.slice(1);
    if (text && !text.includes("=")) return null;
    return Object.fromEntries([...new URLSearchParams(text)].filter(([, value]) => value !== ""));
  }

  function address(changes) {
    const said = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...state, ...changes })) {
      if (value !== undefined && value !== null && value !== "") said.set(key, value);
    }
    return "#" + said.toString();
  }

  const idOf = (row) => row.run + "." + row.index;
  const matches = (row, words) =>
    SELECTS.every((name) => state[name] === undefined || String(row[name]) === state[name]) &&
    words.every((word) => row.hay.includes(word));

  // Filters and list

  function fillSelects() {
    for (const select of form.querySelectorAll("select")) {
      const counts = new Map();
      for (const row of rows) if (row[select.name] !== null) counts.set(row[select.name], (counts.get(row[select.name]) || 0) + 1);
      const values = [...counts.keys()].sort((a, b) => typeof a === "number" ? a - b : a < b ? -1 : 1);
      select.append(make("option", { value: "" }, "all"));
      for (const value of values) {
        const name = select.name === "run" ? meta.runs[value].label : spoken(value);
        select.append(make("option", { value }, name + " (" + counts.get(value) + ")"));
      }
      const same = select.name === "family" && rows.every((row) => row.family === row.tool);
      select.parentElement.hidden = same || (values.length < 2 && select.name !== "outcome");
    }
  }

  function apply() {
    const words = (state.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter((row) => matches(row, words));
    drawn = 0;
    list.replaceChildren();
    at("found").textContent = shown.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " episodes";
    drawMore();
  }

  function drawMore() {
    const next = shown.slice(drawn, drawn + PAGE);
    list.append(...next.map(entry));
    drawn += next.length;
    const left = shown.length - drawn;
    at("more").replaceChildren(...(left ? [make("button", { type: "button", on: drawMore }, "Show more (" + left + " left)")] : []));
  }

  function entry(row) {
    const steps = row.steps + (row.steps === 1 ? " step" : " steps");
    const about = [spoken(row.family), "level " + row.level, steps].join(" \u00b7 ");
    const run = meta.runs.length > 1 ? make("span", { class: "swatch s" + (row.run % 6), title: meta.runs[row.run].label }) : null;
    return make("li", {}, make("a", { href: address({ open: idOf(row) }), "data-id": idOf(row) },
      make("span", { class: "line" }, run, chip(row.outcome, row.reason), make("span", { class: "quiet" }, about)),
      make("span", { class: "ask" }, row.request),
      make("code", { class: "quiet" }, row.task)));
  }

  function markOpen() {
    for (const link of list.querySelectorAll("a")) {
      if (link.dataset.id === state.open) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      link.href = address({ open: link.dataset.id });
    }
  }

  // Values

  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const plain = (value) => value === null || typeof value !== "object";

  function short(value) {
    if (value === null || value === undefined) return make("span", { class: "quiet" }, "\u2013");
    if (typeof value === "string" && UUID.test(value)) return make("code", { title: value }, value.slice(0, 8));
    if (plain(value)) return make("span", { class: "text" }, String(value));
    return make("code", {}, JSON.stringify(value));
  }

  function show(value, depth = 0) {
    if (plain(value)) return make("span", { class: "text" }, value === null ? "null" : String(value));
    if (depth > DEPTH) return make("pre", {}, JSON.stringify(value));
    if (Array.isArray(value)) {
      if (!value.length) return make("span", { class: "quiet" }, "none");
      if (value.every((item) => item && !plain(item) && !Array.isArray(item))) return grid(value);
      return make("ul", { class: "values" }, value.slice(0, ROWS).map((item) => make("li", {}, show(item, depth + 1))), rest(value));
    }
    const pairs = Object.entries(value);
    if (!pairs.length) return make("span", { class: "quiet" }, "no arguments");
    return make("dl", { class: "pairs" }, pairs.slice(0, ROWS).map(([key, item]) =>
      make("div", {}, make("dt", {}, key), make("dd", {}, show(item, depth + 1)))), rest(pairs));
  }

  const rest = (items) => items.length > ROWS ? make("p", { class: "quiet" }, "and " + (items.length - ROWS) + " more") : null;

  function grid(items) {
    const names = [...new Set(items.slice(0, ROWS).flatMap(Object.keys))];
    return make("div", {}, make("div", { class: "wide" }, make("table", {},
      make("thead", {}, make("tr", {}, names.map((name) => make("th", {}, spoken(name))))),
      make("tbody", {}, items.slice(0, ROWS).map((item) => make("tr", {}, names.map((name) => make("td", {}, short(item[name])))))))),
      rest(items));
  }

  function result(step) {
    if (step.error) {
      return make("p", { class: "refusal" }, make("strong", {}, step.error.code), step.error.field ? " \u00b7 " + step.error.field : "",
        make("br"), step.error.message);
    }
    let value;
    try {
      value = JSON.parse(step.result);
    } catch {
      return folded("result", make("pre", {}, step.result), step.result.length > 600);
    }
    if (value && Array.isArray(value.rows) && typeof value.total === "number") {
      const says = value.rows.length + " of " + value.total + (value.total === 1 ? " record" : " records");
      return value.rows.length ? folded(says, grid(value.rows), value.rows.length > 5) : make("p", { class: "quiet" }, "nothing found");
    }
    if (value && plain(value.ended) && Object.keys(value).length === 1) return null;
    return folded("result", show(value), step.result.length > 600 || step.diff.length > 0);
  }

  const folded = (title, content, closed) => make("details", closed ? {} : { open: "" }, make("summary", {}, title), content);

  function changes(items, title) {
    if (!items || !items.length) return null;
    return make("div", { class: "changes" }, make("h4", {}, title), items.map((item) => {
      const how = item.before === null ? "new" : item.after === null ? "deleted" : "changed";
      const before = item.before || {}, after = item.after || {};
      const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .filter((name) => JSON.stringify(before[name] ?? null) !== JSON.stringify(after[name] ?? null));
      const cells = (name) => [
        item.before && make("td", { class: "old" }, short(before[name])), item.after && make("td", { class: "new" }, short(after[name]))];
      return make("div", { class: "change " + how }, make("p", {}, make("strong", {}, item.table + " "), make("code", {}, item.id), " " + how),
        make("div", { class: "wide" }, make("table", {}, make("tbody", {}, names.map((name) =>
          make("tr", {}, make("th", { scope: "row" }, spoken(name)), cells(name)))))));
    }));
  }

  // An episode

  const bubble = (who, text) => text ? make("div", { class: "bubble " + who }, make("span", { class: "who" }, who), make("p", { class: "text" }, text)) : null;

  function answer(step) {
    try {
      const said = JSON.parse(step.result);
      return typeof said.user === "string" ? said.user : null;
    } catch {
      return null;
    }
  }

  function asking(step) {
    const said = answer(step);
    if (step.tool !== "ask_user" || step.error || said === null) return null;
    const question = step.arguments && step.arguments.question || "(asks about " + (step.arguments && step.arguments.about) + ")";
    return [bubble("agent", String(question)), bubble("user", said)];
  }

  function stepOf(step, number) {
    const terms = Object.entries(step.reward || {}).map(([name, value]) => spoken(name) + " " + (value > 0 ? "+" : "") + Number(value.toFixed(4)));
    const foot = [terms.length ? "reward: " + terms.join(", ") : null, "state " + step.hash].filter(Boolean).join(" \u00b7 ");
    const call = typeof step.arguments === "object" ? show(step.arguments) : make("pre", {}, String(step.arguments));
    const cut = step.cut ? make("p", { class: "quiet" }, "Cut to its beginning here; the log has all " + step.cut.toLocaleString("en") + " characters.") : null;
    return [bubble("agent", step.said), make("section", { class: "step" + (step.error ? " refused" : "") },
      make("h3", {}, make("span", { class: "number" }, number + 1), make("code", {}, step.tool || "unreadable call")),
      asking(step) || [call, result(step)], cut, changes(step.diff, "Changed by this step"), make("p", { class: "foot" }, foot))];
  }

  function numbers(row, data) {
    const tokens = data.tokens ? Object.entries(data.tokens).map(([kind, count]) => count.toLocaleString("en") + " " + spoken(kind)).join(", ") : null;
    const pairs = [
      ["run", meta.runs[row.run].label], ["family", spoken(row.family)], ["level", row.level], ["to be", row.polarity],
      ["seed", row.seed], ["trial", row.trial], ["CRM's day", data.today], ["reward", Number(data.total.toFixed(4))],
      ["model calls", data.calls || null], ["tokens", tokens, "broad"],
      ["cost", data.tokens ? data.cost === null ? "unknown" : "$" + data.cost.toFixed(4) : null],
      ["waited", data.latency === null ? null : data.latency.toFixed(2) + " s"],
      ["attempt", data.attempt > 1 ? data.attempt : null],
    ];
    return make("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value, broad]) => make("div", { class: broad }, make("dt", {}, name), make("dd", {}, String(value)))));
  }

  function verdict(row, data) {
    const parts = Object.entries(data.verdict || {}).map(([name, value]) => spoken(name) + ": " + (typeof value === "number" ? Number(value.toFixed(3)) : value));
    const ended = data.terminated ? "The episode came to its own end." : "The episode was cut short.";
    const slips = (data.slips || []).map((slip) => make("li", {}, spoken(slip.kind) + " after step " + slip.step));
    return make("section", { class: "verdict " + row.outcome }, make("h3", {}, "Verdict ", chip(row.outcome, row.reason)),
      make("p", {}, parts.join(" \u00b7 ")), make("p", { class: "quiet" }, ended), data.note ? make("p", { class: "text" }, data.note) : null,
      slips.length ? [make("h4", {}, "What was wrong with replies"), make("ul", {}, slips)] : null,
      changes(data.diff, "What the episode changed in all"), opinions(data.opinions));
  }

  function opinions(items) {
    if (!items) return null;
    return make("div", { class: "changes" }, make("h4", {}, "Second opinion on what was said"), items.map((item) =>
      make("p", {}, make("strong", {}, spoken(item.grade) + ": "), make("span", { class: "text" }, item.reason || item.why || ""),
        make("span", { class: "quiet" }, [item.model, item.calibrated === false ? "not calibrated" : null].filter(Boolean).map((word) => " (" + word + ")").join("")))));
  }

  function leaf(row) {
    const place = shown.indexOf(row);
    const go = (to, text, title) => make("a", to ? { class: "button", href: address({ open: idOf(to) }), title } : { class: "button off", "aria-hidden": "true" }, text);
    return make("nav", { class: "leaf", "aria-label": "Episodes" }, make("a", { class: "button back", href: address({ open: undefined }) + "&at=episodes" }, "Back"), chip(row.outcome, row.reason),
      go(place > 0 ? shown[place - 1] : null, "\u2190", "the one before (k)"), go(place >= 0 ? shown[place + 1] : null, "\u2192", "the next (j)"));
  }

  async function open(row) {
    const mine = ++asked;
    document.body.classList.toggle("reading", Boolean(row));
    if (!row) {
      sheet.replaceChildren(make("p", { class: "quiet empty" }, "Choose an episode to see its request, calls, changes and verdict."));
      return;
    }
    const data = await details(row.place);
    if (mine !== asked) return;
    sheet.replaceChildren(leaf(row), make("h2", {}, make("code", {}, row.task)), numbers(row, data),
      ...[bubble("user", row.request), ...data.steps.map(stepOf).flat(), bubble("agent", data.said)].filter(Boolean), verdict(row, data));
    sheet.scrollTop = 0;
    sheet.dataset.id = idOf(row);
  }

  // Putting it together

  async function follow(first) {
    const next = readState();
    if (next === null) return document.body.classList.remove("reading");
    const filters = (of) => JSON.stringify([...SELECTS, "q"].map((name) => of[name]));
    const same = !first && filters(next) === filters(state);
    state = next;
    delete state.at;
    if (!same) {
      for (const field of form.querySelectorAll("select, input")) if (field !== document.activeElement) field.value = state[field.name] || "";
      apply();
    }
    markOpen();
    await open(rows.find((row) => idOf(row) === state.open));
    if (location.hash.includes("=") && form !== document.activeElement?.form) at("episodes").scrollIntoView();
  }

  function change(value) {
    state = { ...state, ...value, open: undefined };
    history.replaceState(null, "", address({}));
    apply();
    open(undefined);
  }

  function step(by) {
    const to = shown[shown.findIndex((row) => idOf(row) === state.open) + by];
    if (to) location.hash = address({ open: idOf(to) });
  }

  form.addEventListener("input", (event) => change({ [event.target.name]: event.target.value || undefined }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => change(Object.fromEntries([...SELECTS, "q"].map((name) => [name, undefined]))));
  window.addEventListener("hashchange", () => follow(false));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey || !state.open) return;
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
  });
  at("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  unpack("index").then((cells) => {
    rows = cells.map(rowOf);
    fillSelects();
    return follow(true);
  }).then(() => { document.documentElement.dataset.ready = "true"; });
})();
