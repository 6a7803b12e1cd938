// The readings as CSV, with the columns of `chepai predict`.

const COLUMNS = [
  "file", "text", "confidence", "accepted", "colour", "rows", "char_confidences", "error",
];

/** CSV of readings; `accepts` says which of them the threshold accepts. */
export function toCsv(readings, accepts) {
  const lines = readings.map((reading) => [
    reading.file ?? "",
    reading.text,
    reading.confidence.toFixed(6),
    accepts(reading) ? "true" : "false",
    reading.colour ?? "",
    reading.rows ?? "",
    reading.characters.map(([, value]) => value.toFixed(6)).join(" "),
    reading.error ?? "",
  ]);
  return [COLUMNS, ...lines].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
}

function quoted(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Browsers hide the clipboard from pages without TLS; this older way they allow.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not allowed");
}
