// A card for each picture: its preview, and the readings of it or of its rectangles.

import { element } from "./elements.js";
import { failure, text } from "./language.js";
import { colourName, drawPlate } from "./plate.js";

const PREVIEW = 640; // pixels; crops are drawn at most this wide
const PHOTOGRAPH = 600; // pixels; a picture wider than this may be a whole photograph

/** An entry is `{file, name, url, image, boxes, readings, problem, reading}`. */
export function drawCard(entry, minimum, actions) {
  const card = element("article", { className: "card", "aria-label": entry.name });
  card.append(drawHead(entry, actions));
  if (entry.reading) {
    card.append(element("p", { className: "quiet pulse", textContent: text("reading") }));
  } else if (entry.problem) {
    card.append(drawProblem(failureText(entry.problem)));
  } else {
    entry.readings.forEach((reading, place) => {
      card.append(drawReading(entry, reading, place, actions));
    });
    if (mayBeAPhotograph(entry)) {
      card.append(element("p", { className: "hint photograph", textContent: text("hint") }));
    }
  }
  judge(card, minimum);
  return card;
}

/** Shows what a threshold accepts on a card that is drawn already: the slider moves quickly. */
export function judge(card, minimum) {
  for (const block of card.querySelectorAll(".reading[data-confidence]")) {
    const accepted = Number(block.dataset.confidence) >= minimum;
    block.classList.toggle("accepted", accepted);
    block.classList.toggle("refused", !accepted);
    block.querySelector(".verdict").textContent = text(accepted ? "accepted" : "refused");
    for (const character of block.querySelectorAll("[data-share]")) {
      character.classList.toggle("low", Number(character.dataset.share) < minimum);
    }
  }
  const hint = card.querySelector(".photograph");
  if (hint) hint.hidden = card.querySelector(".reading.accepted") !== null;
}

export function failureText({ status, sentence }) {
  return status === 0 ? text("offline") : failure(status, sentence || text("failed"));
}

function drawHead(entry, actions) {
  const mark = element("button", {
    type: "button", className: "plain mark-plates",
    textContent: text(entry.boxes.length ? "markAgain" : "mark"), disabled: !entry.image,
    onclick: () => actions.mark(entry),
  });
  const remove = element("button", {
    type: "button", className: "plain remove", textContent: "×",
    "aria-label": text("remove", { name: entry.name }), onclick: () => actions.remove(entry),
  });
  return element(
    "header", {},
    element("h3", { textContent: entry.name, title: entry.name }), mark, remove,
  );
}

function drawReading(entry, reading, place, actions) {
  if (reading.error) return drawProblem(reading.error, place, entry);
  const block = element("section", {
    className: "reading", "data-confidence": reading.confidence,
  });
  block.append(
    element("figure", {}, drawPreview(entry, reading, place)),
    element("div", { className: "what" }, drawPlate(reading), drawFacts(reading, actions)),
    drawCharacters(reading),
  );
  if (reading.raw_valid === false) {
    block.append(element("p", { className: "hint", textContent: text("uncertain") }));
  }
  return block;
}

function drawFacts(reading, actions) {
  const rows = reading.rows === 2 ? ` · ${text("rows2")}` : "";
  return element(
    "div", { className: "facts" },
    element("strong", { className: "text", textContent: reading.text }),
    element("button", {
      type: "button", className: "plain copy",
      "aria-label": text("copyOne", { text: reading.text }), onclick: () => actions.copy(reading.text),
    }),
    element("span", { className: "verdict" }),
    element("span", {
      className: "quiet", textContent: percent(reading.confidence),
      title: text("confidence", { value: percent(reading.confidence) }),
    }),
    element("span", { className: "quiet", textContent: colourName(reading.colour) + rows }),
  );
}

function drawCharacters(reading) {
  const list = element("ol", { className: "characters", "aria-label": text("characters") });
  for (const [character, confidence] of reading.characters) {
    const bar = element("i", { "aria-hidden": "true" });
    bar.style.setProperty("--share", confidence);
    list.append(element(
      "li", { "data-share": confidence },
      element("b", { textContent: character }), bar,
      element("span", { textContent: percent(confidence) }),
    ));
  }
  return list;
}

function drawPreview(entry, reading, place) {
  if (!entry.image) return element("span", { className: "quiet", textContent: text("noPreview") });
  if (!reading.rect) return element("img", { src: entry.url, alt: entry.name, loading: "lazy" });
  const [x1, y1, x2, y2] = reading.rect;
  const scale = Math.min(1, PREVIEW / (x2 - x1));
  const canvas = element("canvas", {
    width: Math.max(1, Math.round((x2 - x1) * scale)),
    height: Math.max(1, Math.round((y2 - y1) * scale)),
    role: "img", "aria-label": text("region", { number: place + 1 }),
  });
  const pen = canvas.getContext("2d");
  pen.drawImage(entry.image, x1, y1, x2 - x1, y2 - y1, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function drawProblem(sentence, place, entry) {
  const where = entry && entry.boxes.length ? `${text("region", { number: place + 1 })}: ` : "";
  return element(
    "section", { className: "reading problem" },
    element("span", { className: "verdict", textContent: text("unreadable") }),
    element("p", { textContent: where + sentence }),
  );
}

function mayBeAPhotograph(entry) {
  return !entry.boxes.length && entry.image && entry.image.naturalWidth >= PHOTOGRAPH;
}

function percent(value) {
  // 100 % is only what was 1: rounding up would promise too much.
  return `${(Math.floor(value * 1000) / 10).toFixed(1)} %`;
}
