// Views of a trace: a part of its time, some of its levels, its critical path alone. The page is whole without this; here rows
// are hidden and bars redrawn, and nothing is made of what the network brought. The address says what is seen.

const waterfall = document.querySelector(".waterfall");
const minimap = document.querySelector(".minimap");
const axis = document.querySelector(".axis");
const tools = document.querySelector(".tools");
const status = document.querySelector("[role=status]");
const bars = document.querySelectorAll(".bar");
const length = Number(waterfall.dataset.length);

const rows = [...waterfall.querySelectorAll(".row")].map((element) => ({
  element,
  depth: Number(element.dataset.depth),
  fold: element.querySelector(".fold"),
  id: element.querySelector(".detail").id,
  critical: element.classList.contains("critical"),
}));
const deepest = rows.reduce((depth, row) => Math.max(depth, row.depth), 0);

// What is seen.
let from = 0;
let to = length;
let levels = deepest + 1; // so many, but for rows that were folded or unfolded by hand
let byHand = false;
const folded = new Set();
let marks = true;
let only = false;

// --- the time axis

function zoom(newFrom, newTo) {
  const width = Math.min(Math.max(newTo - newFrom, Math.min(10, length)), length);
  from = Math.round(Math.min(Math.max(newFrom, 0), length - width));
  to = Math.round(from + width);
  drawTime();
  remember();
}

function drawTime() {
  const view = `${from} 0 ${to - from} 10`;
  for (const bar of bars) bar.setAttribute("viewBox", view);
  [...axis.querySelectorAll("span")].forEach((label, quarter) => {
    label.textContent = duration(from + ((to - from) * quarter) / 4);
  });
  place(before, 0, from / length);
  place(after, to / length, 1);
  before.hidden = from === 0;
  after.hidden = to === length;
  say();
}

function place(element, left, right) {
  element.style.left = `${left * 100}%`;
  element.style.width = `${(right - left) * 100}%`;
}

// As the server writes it.
function duration(micros) {
  const significant = (value) => value.toFixed(value < 9.995 ? 2 : 1);
  if (micros < 1e3) return `${Math.floor(micros)}us`;
  if (micros < 999_950) return `${significant(micros / 1e3)}ms`;
  if (micros < 59_950_000) return `${significant(micros / 1e6)}s`;
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor((micros + 5e5) / 1e6);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  if (minutes < 60_000) return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
  return minutes < 144e8 ? `${Math.floor(minutes / 1_440)}d` : ">27000y";
}

// Drawing a range with the pointer: on the minimap of the whole trace, on the axis of what is seen.
function choose(strip, whole) {
  const range = strip.appendChild(document.createElement("div"));
  range.className = "range";
  range.hidden = true;
  let start = null;
  const at = (event) => {
    const box = strip.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  const end = () => {
    start = null;
    range.hidden = true;
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = at(event);
    strip.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  strip.addEventListener("pointermove", (event) => {
    if (start === null) return;
    range.hidden = false;
    place(range, Math.min(start, at(event)), Math.max(start, at(event)));
  });
  strip.addEventListener("pointercancel", end);
  strip.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [left, right] = [start, at(event)].sort((a, b) => a - b);
    const [base, width] = whole ? [0, length] : [from, to - from];
    end();
    if ((right - left) * strip.clientWidth > 3) zoom(base + left * width, base + right * width);
    else if (whole) zoom(left * width - (to - from) / 2, left * width + (to - from) / 2);
  });
  strip.addEventListener("dblclick", () => zoom(0, length));
}

// --- rows

function drawRows() {
  let foldedAt = Infinity; // the depth of the folded row this one may lie below
  for (const row of rows) {
    if (row.depth <= foldedAt) foldedAt = Infinity;
    row.element.hidden = row.depth > foldedAt || (only && !row.critical);
    if (!row.fold) continue;
    const isFolded = folded.has(row);
    row.fold.setAttribute("aria-expanded", String(!isFolded));
    if (isFolded) foldedAt = Math.min(foldedAt, row.depth);
  }
  waterfall.classList.toggle("unmarked", !marks);
  button("marks").setAttribute("aria-pressed", String(marks));
  button("only").setAttribute("aria-pressed", String(only));
  say();
}

function showLevels(count) {
  levels = Math.min(Math.max(count, 1), deepest + 1);
  byHand = false;
  folded.clear();
  for (const row of rows) if (row.fold && row.depth + 1 >= levels) folded.add(row);
}

function toggle(row) {
  byHand = true;
  if (!folded.delete(row)) folded.add(row);
}

// Makes a row seen and opens it, as a link to a span in it asks for.
function reveal(id) {
  const index = rows.findIndex((row) => row.id !== "" && row.id === id);
  if (index < 0) return;
  let depth = rows[index].depth;
  for (let above = index; above >= 0 && depth > 0; above--) {
    if (rows[above].depth >= depth) continue;
    depth = rows[above].depth;
    if (folded.delete(rows[above])) byHand = true;
  }
  if (!rows[index].critical) only = false;
  drawRows();
  const details = rows[index].element.querySelector("details");
  details.open = true;
  details.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const seen = rows.filter((row) => !row.element.hidden);
  const now = seen.findIndex((row) => row.element.contains(document.activeElement));
  const next = seen[now < 0 ? 0 : Math.min(Math.max(now + by, 0), seen.length - 1)];
  next?.element.querySelector("summary").focus();
}

// --- what can be done

const actions = {
  in: () => zoom(from + (to - from) / 4, to - (to - from) / 4),
  out: () => zoom(from - (to - from) / 2, to + (to - from) / 2),
  earlier: () => zoom(from - (to - from) / 4, to - (to - from) / 4),
  later: () => zoom(from + (to - from) / 4, to + (to - from) / 4),
  whole: () => zoom(0, length),
  less: () => showLevels(levels - 1),
  more: () => showLevels(levels + 1),
  none: () => showLevels(1),
  all: () => showLevels(deepest + 1),
  marks: () => (marks = !marks),
  only: () => (only = !only),
  previous: () => step(-1),
  next: () => step(1),
};

function act(action) {
  actions[action]();
  drawRows();
  remember();
}

function button(action) {
  return tools.querySelector(`[data-do="${action}"]`);
}

tools.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) act(button.dataset.do);
});

waterfall.addEventListener("click", (event) => {
  if (!event.target.matches(".fold")) return;
  toggle(rows.find((row) => row.fold === event.target));
  drawRows();
  remember();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const key = { "=": "+", _: "-" }[event.key] ?? event.key;
  const button = [...tools.querySelectorAll("[data-key]")].find((button) => button.dataset.key === key);
  if (!button) return;
  event.preventDefault();
  act(button.dataset.do);
});

window.addEventListener("hashchange", () => reveal(location.hash.slice(1)));

// --- what is said: to the address, for links and for coming back, and to those who do not see the bars

function remember() {
  const query = new URLSearchParams(location.search);
  const set = (name, value, isDefault) => (isDefault ? query.delete(name) : query.set(name, value));
  set("zoom", `${from}-${to}`, from === 0 && to === length);
  set("levels", levels, levels > deepest);
  set("path", only ? "only" : "unmarked", marks && !only);
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text && `?${text}`) + location.hash);
  // The other pages of a long trace show the same part of it.
  for (const link of document.querySelectorAll("a[data-from]")) {
    query.set("from", link.dataset.from);
    link.search = query.toString();
  }
}

function recall() {
  const query = new URLSearchParams(location.search);
  const range = /^(\d+)-(\d+)$/.exec(query.get("zoom"));
  if (range) zoom(Number(range[1]), Number(range[2]));
  const wanted = Number(query.get("levels"));
  showLevels(wanted >= 1 ? wanted : deepest + 1);
  only = query.get("path") === "only";
  marks = query.get("path") !== "unmarked";
}

function say() {
  const seen = rows.filter((row) => !row.element.hidden).length;
  const parts = [];
  if (to - from < length) parts.push(`from ${duration(from)} to ${duration(to)}`);
  if (seen < rows.length) parts.push(`${seen} of ${rows.length} spans`);
  const text = parts.length > 0 ? `Showing ${parts.join(", ")}.` : "";
  if (status.textContent !== text) status.textContent = text;
}

const [before, after] = ["before", "after"].map((name) => {
  const shade = minimap.appendChild(document.createElement("div"));
  shade.className = `shade ${name}`;
  return shade;
});
tools.hidden = false;
for (const row of rows) if (row.fold) row.fold.hidden = false;
waterfall.classList.add("foldable");
choose(minimap, true);
choose(axis, false);
recall();
drawTime();
drawRows();
remember();
reveal(location.hash.slice(1));
