// Opens a released identity in the page. Key, passphrase and name never leave it.
"use strict";
import { Holder } from "./holder.js";

const SHOWN_MS = 5 * 60_000;
const box = document.getElementById("opening"), form = document.getElementById("open");
const element = (id) => document.getElementById(id);
const say = (words) => { element("progress").textContent = words; };
let record = null, unproved = false;

function send(path, fields) {
  return fetch(path, { method: "POST", headers: { "X-CSRF-Token": box.dataset.csrf }, body: new URLSearchParams(fields) });
}

const readJson = async (input, what) => {
  try { return JSON.parse(await input.files[0].text()); } catch { throw new Error(`${what} cannot be read.`); }
};

// The ticket is spent only once the key is open: a wrong passphrase costs nothing.
async function fetched() {
  if (!box.dataset.identity) return readJson(element("half"), "The file of the first key-holder");
  const answer = await send(box.dataset.identity, { ticket: form.elements.ticket.value });
  if (!answer.ok) throw new Error("Nothing was given out: the ticket does not work any more, or what is kept was changed. See the page of the request.");
  if (answer.headers.get("X-Seal") !== "seal-genuine") unproved = true;
  return answer.json();
}

function clear() {
  for (const id of ["user", "realm"]) element(id).textContent = "";
  element("name").hidden = true;
}

// Direction marks and the like could make a name look like another.
const harmless = (name) => name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");

function show({ user, realm, cut }) {
  element("user").textContent = harmless(user);
  element("realm").textContent = harmless(realm) || "(your own)";
  element("cut").hidden = !cut;
  element("name").hidden = false;
  element("name").focus();
  setTimeout(clear, SHOWN_MS);
}

function handOn(half) {
  const link = element("hand");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(half)], { type: "application/json" }));
  link.download = `${half.pseudonym}-half.json`;
  element("handing").hidden = false;
  link.focus();
}

async function open() {
  say("Unlocking your key; this takes some seconds …");
  const holder = await Holder.unlock(await readJson(element("key"), "The key file"), element("passphrase").value);
  element("passphrase").value = "";
  record ??= await fetched();
  const asked = box.dataset.account;
  if (asked && record.pseudonym !== asked) throw new Error("What came is sealed for another account than you asked for. Tell the data protection officer.");
  const opened = await holder.open(record);
  form.hidden = true;
  element("command")?.remove();  // the ticket is spent
  if (opened.half) { say("Half of it is open."); handOn(opened.half); return; }
  say(`Shown once, for account ${record.pseudonym}.${unproved ? " Whether the ingest host sealed it could not be checked: ask again before you act on it alone." : ""}`);
  show(JSON.parse(new TextDecoder().decode(opened.name)));
  await send("/reveals/opened", { account: record.pseudonym });
}

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  open().catch((error) => say(error.message));
});
element("hide").addEventListener("click", clear);
addEventListener("pagehide", clear);
