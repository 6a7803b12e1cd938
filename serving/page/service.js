// Talking to the service: one picture a request, so that each is shown when it is read; the service
// reads what comes at once as one batch.

const AT_ONCE = 4;
const TRIES = 6;

let key = "";
let running = 0;
const waiting = [];

export function useKey(value) {
  key = value;
}

export async function fetchInfo() {
  const answer = await fetch("api/v1/info");
  return answer.json();
}

/** The readings of a picture or of its rectangles; a failure is `{status, sentence}` thrown. */
export async function readPicture(file, boxes) {
  await turn();
  try {
    return await ask(file, boxes);
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function turn() {
  if (running >= AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  running += 1;
}

async function ask(file, boxes) {
  const form = new FormData();
  form.append("img", file, file.name);
  if (boxes.length) form.append("rect", boxes.flat().join(","));
  const headers = key ? { "X-API-Key": key } : {};
  for (let tries = 1; ; tries += 1) {
    const answer = await post(form, headers);
    if (answer.ok) return answer.json();
    if (answer.status !== 503 || tries === TRIES) throw await failureOf(answer);
    const seconds = Number(answer.headers.get("Retry-After")) || 1;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000 * (1 + Math.random())));
  }
}

async function post(form, headers) {
  try {
    return await fetch("api/v1/read", { method: "POST", body: form, headers });
  } catch {
    throw { status: 0, sentence: "" };
  }
}

async function failureOf(answer) {
  try {
    return { status: answer.status, sentence: (await answer.json()).error };
  } catch {
    return { status: answer.status, sentence: answer.statusText };
  }
}
