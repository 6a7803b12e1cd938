// The endpoints as openapi.json tells them, with a line of curl for each.

import { byId, element } from "./elements.js";

const FORM = "multipart/form-data";

function drawEndpoint(path, method, endpoint) {
  const card = element("article", { className: "endpoint" });
  card.append(
    element("h2", {}, element("span", { className: "method", textContent: method.toUpperCase() }),
      element("code", { textContent: path }),
      element("span", { className: "quiet", textContent: endpoint.summary ?? "" })),
  );
  if (endpoint.description) card.append(element("p", { textContent: paragraphs(endpoint.description) }));
  card.append(element("pre", { textContent: curl(path, method, endpoint), tabIndex: 0 }));
  card.append(...drawFields(endpoint), ...drawAnswers(endpoint));
  return card;
}

/** Lines that were broken for an editor run on; empty lines part paragraphs. */
function paragraphs(text) {
  return text.replace(/([^\n])\n(?!\n)/g, "$1 ");
}

function curl(path, method, endpoint) {
  const address = new URL(`.${path}`, document.baseURI).href;
  const form = method === "post" ? " -F img=@plate.jpg" : "";
  const key = endpoint.security ? " -H 'X-API-Key: KEY'" : "";
  return `curl${form} ${address}${key}`;
}

function drawFields(endpoint) {
  const schema = endpoint.requestBody?.content?.[FORM]?.schema;
  if (!schema) return [];
  const list = element("dl");
  for (const [name, field] of Object.entries(schema.properties)) {
    const wanted = schema.required?.includes(name) ? "" : " (optional)";
    const told = field.items?.description ?? field.description ?? "";
    list.append(element("dt", { textContent: name }), element("dd", { textContent: told + wanted }));
  }
  return [element("h3", { textContent: `Form fields (${FORM})` }), list];
}

function drawAnswers(endpoint) {
  const list = element("dl");
  for (const [status, answer] of Object.entries(endpoint.responses)) {
    const about = element("dd", { textContent: answer.description });
    const example = answer.content?.["application/json"]?.example;
    if (example !== undefined) {
      about.append(element("details", {}, element("summary", { textContent: "example" }),
        element("pre", { textContent: JSON.stringify(example, null, 1), tabIndex: 0 })));
    }
    list.append(element("dt", { textContent: status }), about);
  }
  return [element("h3", { textContent: "Answers" }), list];
}

async function start() {
  try {
    const described = await (await fetch("openapi.json")).json();
    byId("about").textContent = `${described.info.description} Version ${described.info.version}.`;
    for (const [path, methods] of Object.entries(described.paths)) {
      for (const [method, endpoint] of Object.entries(methods)) {
        byId("endpoints").append(drawEndpoint(path, method, endpoint));
      }
    }
  } catch {
    byId("news").textContent = "openapi.json cannot be had from the service.";
  }
  document.body.dataset.ready = "true";
}

start();
