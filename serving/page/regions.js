// The dialog in which plates of a whole photograph are marked: by pointer, or by numbers.

import { byId, element } from "./elements.js";
import { text } from "./language.js";

const SIDES = ["left", "top", "right", "bottom"];
const LEAST = 12; // pixels; a smaller rectangle is a slip of the pointer

/** The rectangles `[x1, y1, x2, y2]` that the user marked, or null where he gave up. */
export function markRegions(entry, most) {
  return new Promise((resolve) => new Marking(entry, most, resolve).open());
}

class Marking {
  constructor(entry, most, resolve) {
    this.width = entry.image.naturalWidth;
    this.height = entry.image.naturalHeight;
    this.boxes = entry.boxes.map((box) => [...box]);
    this.most = most;
    this.resolve = resolve;
    this.dialog = byId("regions");
    this.stage = byId("stage");
    this.chosen = null;
    this.url = entry.url;
  }

  open() {
    byId("photo").src = this.url;
    byId("add-box").onclick = () => this.add(this.middle());
    byId("read-boxes").onclick = () => this.finish();
    this.stage.onpointerdown = (event) => this.begin(event);
    this.dialog.onclose = () => this.resolve(this.chosen);
    this.draw();
    this.dialog.showModal();
  }

  finish() {
    const whole = this.boxes.filter(([x1, y1, x2, y2]) => x2 > x1 && y2 > y1);
    if (!whole.length) {
      byId("boxes").replaceChildren(element("li", { role: "alert", textContent: text("noBoxes") }));
      return;
    }
    this.chosen = whole;
    this.dialog.close();
  }

  middle() {
    const { width, height } = this;
    return [0.35 * width, 0.45 * height, 0.65 * width, 0.55 * height].map(Math.round);
  }

  add(box) {
    if (this.boxes.length >= this.most) return;
    this.boxes.push(box);
    this.draw();
    byId("boxes").lastElementChild.querySelector("input").focus();
  }

  begin(event) {
    if (event.button !== 0 || this.boxes.length >= this.most) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    const start = this.place(event);
    this.boxes.push([...start, ...start]);
    const box = this.boxes.at(-1);
    this.stage.onpointermove = (move) => {
      const end = this.place(move);
      box[0] = Math.min(start[0], end[0]);
      box[1] = Math.min(start[1], end[1]);
      box[2] = Math.max(start[0], end[0]);
      box[3] = Math.max(start[1], end[1]);
      this.drawFrames();
    };
    this.stage.onpointerup = this.stage.onpointercancel = () => this.end(box);
  }

  end(box) {
    this.stage.onpointermove = this.stage.onpointerup = this.stage.onpointercancel = null;
    if (box[2] - box[0] < LEAST || box[3] - box[1] < LEAST / 2) {
      this.boxes = this.boxes.filter((other) => other !== box);
    }
    this.draw();
  }

  /** The pixel of the photograph under the pointer. */
  place(event) {
    const seen = byId("photo").getBoundingClientRect();
    const x = ((event.clientX - seen.left) / seen.width) * this.width;
    const y = ((event.clientY - seen.top) / seen.height) * this.height;
    return [clamp(x, this.width), clamp(y, this.height)];
  }

  draw() {
    this.drawFrames();
    byId("boxes").replaceChildren(...this.boxes.map((box, place) => this.drawRow(box, place)));
    byId("add-box").disabled = this.boxes.length >= this.most;
  }

  drawFrames() {
    this.stage.querySelectorAll(".frame").forEach((frame) => frame.remove());
    this.boxes.forEach(([x1, y1, x2, y2], place) => {
      const frame = element("div", { className: "frame", textContent: String(place + 1) });
      frame.style.left = `${(100 * x1) / this.width}%`;
      frame.style.top = `${(100 * y1) / this.height}%`;
      frame.style.width = `${(100 * (x2 - x1)) / this.width}%`;
      frame.style.height = `${(100 * (y2 - y1)) / this.height}%`;
      this.stage.append(frame);
    });
  }

  drawRow(box, place) {
    const number = place + 1;
    const inputs = SIDES.map((side, i) => element(
      "label", {}, element("span", { textContent: text(side) }),
      element("input", {
        type: "number", min: 0, max: i % 2 ? this.height : this.width, step: 1, value: box[i],
        oninput: (event) => { box[i] = Number(event.target.value); this.drawFrames(); },
      }),
    ));
    const remove = element("button", {
      type: "button", className: "plain remove", textContent: "×",
      "aria-label": text("removeBox", { number }),
      onclick: () => { this.boxes.splice(place, 1); this.draw(); },
    });
    const legend = element("legend", { textContent: text("box", { number }) });
    return element("li", {}, element("fieldset", {}, legend, ...inputs, remove));
  }
}

function clamp(value, most) {
  return Math.round(Math.min(most, Math.max(0, value)));
}
