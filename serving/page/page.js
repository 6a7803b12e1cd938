// The page's state and what its controls do.

import { drawCard, failureText, judge } from "./cards.js";
import { byId } from "./elements.js";
import { startLanguage, switchLanguage, text } from "./language.js";
import { markRegions } from "./regions.js";
import { fetchInfo, readPicture, useKey } from "./service.js";
import { copyText, download, toCsv } from "./table.js";

const KEPT_KEY = "chepai-key";

const entries = [];
const cards = new Map();
let info = { min_confidence: 0.83, samples: [], limits: { max_rects: 64 }, key_wanted: false };

const actions = {
  copy: (copied) => copy([copied]),
  remove: (entry) => {
    entries.splice(entries.indexOf(entry), 1);
    forget(entry);
    show();
  },
  mark: async (entry) => {
    const boxes = await markRegions(entry, info.limits.max_rects);
    if (boxes === null) return;
    entry.boxes = boxes;
    await read(entry);
  },
};

function minimum() {
  return Number(byId("threshold").value);
}

async function addFiles(files) {
  const added = [...files].map((file) => ({
    file, name: file.name, url: URL.createObjectURL(file), image: null,
    boxes: [], readings: [], problem: null, reading: true,
  }));
  entries.unshift(...added);
  show();
  await Promise.all(added.map((entry) => Promise.all([preview(entry), read(entry)])));
}

async function preview(entry) {
  const image = new Image();
  image.src = entry.url;
  try {
    await image.decode();
    entry.image = image;
  } catch {
    return; // no picture that browsers show; the service may read it all the same
  }
  refresh(entry);
}

async function read(entry) {
  entry.reading = true;
  entry.problem = null;
  refresh(entry);
  try {
    entry.readings = await readPicture(entry.file, entry.boxes);
  } catch (problem) {
    entry.readings = [];
    entry.problem = problem;
    if (problem.status === 401) askForKey();
  }
  entry.reading = false;
  refresh(entry);
}

function refresh(entry) {
  if (!entries.includes(entry)) return;
  const card = drawCard(entry, minimum(), actions);
  cards.get(entry)?.replaceWith(card);
  cards.set(entry, card);
  tell();
}

function show() {
  for (const entry of entries) {
    if (!cards.has(entry)) cards.set(entry, drawCard(entry, minimum(), actions));
  }
  byId("list").replaceChildren(...entries.map((entry) => cards.get(entry)));
  byId("bar").hidden = entries.length === 0;
  byId("drop").classList.toggle("small", entries.length > 0);
  tell();
}

function redraw() {
  cards.clear();
  show();
}

function forget(entry) {
  cards.delete(entry);
  URL.revokeObjectURL(entry.url);
}

/** Readings of all pictures; a picture that was refused counts as one with its reason. */
function allReadings() {
  return entries.filter((entry) => !entry.reading).flatMap((entry) => (
    entry.problem ? [unread(entry)] : entry.readings
  ));
}

function unread(entry) {
  return {
    file: entry.name, text: "", confidence: 0, characters: [], colour: null, rows: null,
    error: entry.problem.sentence || failureText(entry.problem),
  };
}

function accepts(reading) {
  return !reading.error && reading.confidence >= minimum();
}

function tell() {
  const readings = allReadings();
  const unreadable = readings.filter((reading) => reading.error).length;
  const accepted = readings.filter(accepts).length;
  const pending = entries.filter((entry) => entry.reading).length;
  let told = text("tally", { accepted, refused: readings.length - accepted - unreadable });
  if (unreadable) told += text("tallyUnread", { unread: unreadable });
  if (pending) told += text("tallyReading", { reading: pending });
  if (byId("tally").textContent !== told) byId("tally").textContent = told;
}

async function copy(texts) {
  if (!texts.length) {
    say(text("nothing"));
    return;
  }
  try {
    await copyText(texts.join("\n"));
    say(text("copied", { count: texts.length }));
  } catch {
    say(text("notCopied"));
  }
}

let silence = 0;
function say(news) {
  byId("news").textContent = news;
  clearTimeout(silence);
  silence = setTimeout(() => { byId("news").textContent = ""; }, 4000);
}

async function trySamples() {
  const files = info.samples.map(async (name) => {
    const answer = await fetch(`samples/${encodeURIComponent(name)}`);
    return new File([await answer.blob()], name, { type: "image/jpeg" });
  });
  await addFiles(await Promise.all(files));
}

function askForKey() {
  byId("key-field").hidden = false;
  if (document.activeElement !== byId("key")) byId("key").focus();
}

function setThreshold(value) {
  byId("threshold").value = value;
  byId("threshold-value").textContent = Number(value).toFixed(2);
  for (const card of cards.values()) judge(card, minimum());
  tell();
}

function listen() {
  byId("choose").onclick = () => byId("files").click();
  byId("files").onchange = (event) => { addFiles(event.target.files); event.target.value = ""; };
  byId("samples").onclick = trySamples;
  byId("threshold").oninput = (event) => setThreshold(event.target.value);
  byId("reset").onclick = () => setThreshold(info.min_confidence);
  byId("copy").onclick = () => copy(allReadings().filter(accepts).map(({ text: plate }) => plate));
  byId("csv").onclick = () => download("plates.csv", toCsv(allReadings(), accepts));
  byId("clear").onclick = () => { entries.splice(0).forEach(forget); show(); };
  byId("language").onclick = () => { switchLanguage(); tellModel(); redraw(); };
  byId("key").onchange = (event) => {
    keepKey(event.target.value);
    entries.filter((entry) => entry.problem?.status === 401).forEach(read);
  };
  listenForDrops();
  document.addEventListener("paste", (event) => addFiles(event.clipboardData?.files ?? []));
}

function listenForDrops() {
  const drop = byId("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    addFiles(event.dataTransfer.files);
  });
}

function keepKey(value) {
  useKey(value);
  try { sessionStorage.setItem(KEPT_KEY, value); } catch { /* storage is forbidden: kept in memory */ }
}

function startKey() {
  byId("key-field").hidden = !info.key_wanted;
  let kept = "";
  try { kept = sessionStorage.getItem(KEPT_KEY) ?? ""; } catch { /* as above */ }
  byId("key").value = kept;
  useKey(kept);
}

function tellModel() {
  byId("model").textContent = info.model ? text("model", info) : "";
}

async function start() {
  startLanguage();
  listen();
  try {
    info = await fetchInfo();
  } catch {
    say(text("offline"));
  }
  startKey();
  tellModel();
  setThreshold(info.min_confidence);
  document.body.dataset.ready = "true";
}

start();
