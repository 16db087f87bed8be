"use strict";
// Each row: [number, time in seconds or null, date, from, subject, attachments, has defects].
const rows = JSON.parse(document.getElementById("rows").textContent);
const byId = (id) => document.getElementById(id);
const columns = { date: 1, from: 3, subject: 4, files: 5 };
const batch = 200;
let order = { column: "date", descending: true };
let period = null;
let shown = [];
let drawn = 0;

const haystacks = rows.map((row) => (row[2] + "\n" + row[3] + "\n" + row[4] + "\n" + row[5].join("\n")).toLowerCase());

function compare(a, b) {
  const key = columns[order.column];
  const value = (row) => (key === 5 ? row[5].join(" ").toLowerCase() : key === 1 ? row[1] : row[key].toLowerCase());
  const [x, y] = [value(a), value(b)];
  // What is missing comes last in both directions.
  const empty = (z) => z === null || z === "";
  if (empty(x) !== empty(y)) return empty(x) ? 1 : -1;
  const less = x < y ? -1 : x > y ? 1 : 0;
  return (order.descending ? -less : less) || a[0] - b[0];
}

function apply() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = rows.filter((row, at) => words.every((word) => haystacks[at].includes(word)));
  drawChart(matching);
  shown = period ? matching.filter((row) => row[1] !== null && row[1] >= period[0] && row[1] < period[1]) : matching;
  shown.sort(compare);
  byId("list").replaceChildren();
  drawn = 0;
  drawMore();
  const all = rows.length;
  byId("count").textContent = shown.length === all ? `${all} ${all === 1 ? "message" : "messages"}` : `${shown.length} of ${all} messages`;
  byId("reset").hidden = !period && words.length === 0;
  for (const th of document.querySelectorAll("th[data-column]")) {
    const on = th.dataset.column === order.column;
    th.setAttribute("aria-sort", on ? (order.descending ? "descending" : "ascending") : "none");
  }
}

function cell(tr, name, text, href) {
  const td = tr.insertCell();
  td.className = name;
  if (href) {
    const a = document.createElement("a");
    a.href = href;
    a.textContent = text;
    td.append(a);
  } else {
    td.textContent = text;
  }
  return td;
}

// One line, whole where the mouse rests on it.
function line(td, text, name) {
  const div = document.createElement("div");
  div.textContent = div.title = text;
  if (name) div.className = name;
  td.append(div);
}

function drawFrom(td, from) {
  const [, name, address] = /^(.+) <([^<>]+)>$/.exec(from) || [from, from, ""];
  line(td, name);
  if (address && address !== name) line(td, address, "quiet");
}

function drawFiles(td, files) {
  const most = 4;
  const drawn = files.length > most ? files.slice(0, most - 1) : files;
  drawn.forEach((file) => line(td, file));
  if (drawn.length < files.length) {
    line(td, `and ${files.length - drawn.length} more`);
    td.lastChild.title = files.slice(drawn.length).join("\n");
  }
}

function drawMore() {
  const list = byId("list");
  for (const row of shown.slice(drawn, drawn + batch)) {
    const tr = list.insertRow();
    const page = `m/${String(row[0]).padStart(6, "0")}/index.html`;
    cell(tr, "date", row[2]);
    const from = cell(tr, "from", "");
    if (row[3]) drawFrom(from, row[3]);
    const subject = cell(tr, "subject", row[4] || "(no subject)", page);
    if (row[6]) {
      const mark = document.createElement("span");
      mark.className = "warn";
      mark.textContent = " damaged";
      subject.append(mark);
    }
    drawFiles(cell(tr, "files quiet", ""), row[5]);
  }
  drawn = Math.min(drawn + batch, shown.length);
}

// Messages over time: days, months or years, whichever gives a readable number of bars.
function drawChart(matching) {
  const svg = byId("chart");
  svg.replaceChildren();
  const times = matching.map((row) => row[1]).filter((time) => time !== null);
  svg.style.display = times.length ? "" : "none";
  if (!times.length) return;
  let first = Infinity, last = -Infinity;
  for (const time of times) { first = Math.min(first, time); last = Math.max(last, time); }
  const span = (last - first) / 86400;
  const unit = span <= 92 ? "day" : span <= 3700 ? "month" : "year";
  const begin = (time) => {
    const d = new Date(time * 1000);
    const [y, m, day] = [d.getUTCFullYear(), unit === "year" ? 0 : d.getUTCMonth(), unit === "day" ? d.getUTCDate() : 1];
    return Date.UTC(y, m, day) / 1000;
  };
  const next = (start) => {
    const d = new Date(start * 1000);
    if (unit === "day") return start + 86400;
    return (unit === "month" ? Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1) : Date.UTC(d.getUTCFullYear() + 1, 0)) / 1000;
  };
  const label = (start) => new Date(start * 1000).toISOString().slice(0, unit === "day" ? 10 : unit === "month" ? 7 : 4);
  const bins = [];
  for (let start = begin(first); start <= last && bins.length < 1200; start = next(start)) bins.push([start, next(start), 0]);
  let at = 0;
  for (const time of times.sort((a, b) => a - b)) {
    while (at < bins.length - 1 && time >= bins[at][1]) at += 1;
    bins[at][2] += 1;
  }
  const [width, height] = [Math.max(svg.clientWidth, 300), 88];
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const most = bins.reduce((most, bin) => Math.max(most, bin[2]), 1);
  const step = Math.min(width / bins.length, 64);
  const make = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  bins.forEach(([start, end, count], index) => {
    if (!count) return;
    const tall = Math.max(2, (count / most) * (height - 18));
    const bar = make("rect", {
      x: index * step + step * 0.08, y: height - 16 - tall, width: Math.max(1, step * 0.84), height: tall,
      tabindex: 0, role: "button", "data-start": start,
    });
    const name = `${label(start)}: ${count} ${count === 1 ? "message" : "messages"}`;
    bar.setAttribute("aria-label", name);
    bar.append(make("title", {}, name));
    if (period && period[0] === start && period[1] === end) bar.classList.add("on");
    const choose = () => {
      period = period && period[0] === start && period[1] === end ? null : [start, end];
      apply();
    };
    bar.addEventListener("click", choose);
    bar.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
    svg.append(bar);
  });
  svg.append(make("text", { x: 0, y: height - 3 }, label(bins[0][0])));
  if (bins.length > 1) {
    svg.append(make("text", { x: Math.max(step * bins.length, 120), y: height - 3, "text-anchor": "end" }, label(bins[bins.length - 1][0])));
  }
}

for (const th of document.querySelectorAll("th[data-column]")) {
  th.querySelector("button").addEventListener("click", () => {
    const column = th.dataset.column;
    order = { column, descending: order.column === column ? !order.descending : column === "date" };
    apply();
  });
}
let pending = 0;
byId("search").addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(apply, rows.length > 2000 ? 120 : 0);
});
byId("reset").addEventListener("click", () => {
  byId("search").value = "";
  period = null;
  apply();
});
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting) && drawn < shown.length) drawMore();
}, { rootMargin: "800px" }).observe(byId("end"));
addEventListener("resize", () => {
  clearTimeout(pending);
  pending = setTimeout(apply, 150);
});
apply();
