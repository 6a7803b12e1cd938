// A plate as it looks: its colour, its rows, its dot, its red characters.

import { element } from "./elements.js";
import { text } from "./language.js";

const COLOURS = new Set(["blue", "yellow", "green", "white", "black"]);
const PLACE_LETTER = /^[^A-Z0-9][A-Z航]/;

/** The plate of a reading; for the eye only, its text stands beside it. */
export function drawPlate(reading) {
  const characters = [...reading.text];
  const colour = COLOURS.has(reading.colour) ? reading.colour : "other";
  const kinds = ["plate", colour, reading.rows === 2 ? "two" : "one"];
  if (reading.text.startsWith("民航")) kinds.push("aviation");
  if (characters.length === 8) kinds.push("long");
  const plate = element("div", { className: kinds.join(" "), "aria-hidden": "true" });
  if (reading.rows === 2) {
    const upper = upperRow(characters);
    plate.append(row(characters.slice(0, upper), reading), row(characters.slice(upper), reading));
  } else {
    const all = row(characters, reading);
    // The dot stands after the place's letter of plates that begin with a province.
    if (PLACE_LETTER.test(reading.text) && characters.length > 2) {
      all.children[1].after(element("span", { className: "dot", textContent: "·" }));
    }
    plate.append(all);
  }
  return plate;
}

export function colourName(colour) {
  return colour === null ? "" : text(COLOURS.has(colour) ? colour : "colourOther");
}

function upperRow(characters) {
  return characters.slice(0, 2).join("") === "WJ" ? 3 : 2;
}

function row(characters, reading) {
  const made = element("div", { className: "row" });
  for (const [place, character] of characters.entries()) {
    const red = isRed(character, place, reading);
    made.append(element("span", { className: red ? "red" : "", textContent: character }));
  }
  return made;
}

/** White plates: 警 of the police is red, and the letters that army plates begin with. */
function isRed(character, place, reading) {
  if (reading.colour !== "white") return false;
  if (reading.text.endsWith("警")) return character === "警";
  return place < 2 && !/[0-9]/.test(character);
}
