// Everything here is a comfort: the pages read and judge without it.
"use strict";
const KEYS = "journalguard.keys", BACK = "journalguard.queue", POLL_MS = 10_000;

// The reader's own time on hover.
function localTimes(root) {
  for (const time of root.querySelectorAll("time")) time.title = new Date(time.dateTime).toLocaleString() + " here";
}

// Rows of the queue by j and k; one open alert to the next by j.
function move(step) {
  const rows = [...document.querySelectorAll("#queue a.row")];
  if (!rows.length) { if (step > 0) document.getElementById("next")?.click(); return; }
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))].focus();
}

const ACTIONS = {
  j: () => move(1), k: () => move(-1), u: () => document.getElementById("back")?.click(),
  "/": () => document.getElementById("filter")?.focus(), "?": () => location.assign("/help"),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && /[1-5]/.test(event.key)) return;
  if (event.target.closest("input, textarea, select") || localStorage.getItem(KEYS) === "off") return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  const action = button ? () => button.click() : Object.hasOwn(ACTIONS, event.key) && ACTIONS[event.key];
  if (action) { event.preventDefault(); action(); }
}

// New alerts: say how many, and put them in when asked, with the focus where it was.
async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const id of ["queue", "news"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  document.querySelector(".feed")?.replaceWith(fresh.querySelector(".feed"));
  localTimes(document);
  (document.getElementById(focused) ?? document.querySelector("#queue a.row"))?.focus();
}

async function poll() {
  const news = document.getElementById("news"), query = new URLSearchParams(location.search);
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  query.set("after", news.dataset.after); query.set("size", "1"); query.delete("page");
  const answer = await fetch("/api/v1/alerts?" + query).catch(() => null);
  if (answer?.status === 401) location.reload();  // the session has ended: to the sign-in, and back here
  if (!answer?.ok) return;
  const { total } = await answer.json();
  if (!total || news.dataset.said === String(total)) return;
  const button = document.createElement("button");
  button.textContent = total === 1 ? "1 new alert: show it" : `${total} new alerts: show them`;
  button.addEventListener("click", refresh);
  news.replaceChildren(button);
  news.dataset.said = total;
}

function start() {
  localTimes(document);
  document.addEventListener("keydown", pressed);
  // After a verdict: a browser may scroll there without moving the focus.
  if (location.hash === "#standing") document.getElementById("standing")?.focus();
  const news = document.getElementById("news"), back = document.getElementById("back"), keys = document.getElementById("keys");
  if (news) { sessionStorage.setItem(BACK, location.search); setInterval(() => document.hidden || poll(), POLL_MS); }
  if (back) back.href = "/" + (sessionStorage.getItem(BACK) ?? "");
  if (keys) {
    keys.checked = localStorage.getItem(KEYS) !== "off";
    keys.addEventListener("change", () => localStorage.setItem(KEYS, keys.checked ? "on" : "off"));
  }
}
start();
