"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const place = document.getElementById("operations");

function make(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function resolve(schema, components, depth = 0) {
  if (!schema || depth > 6) return {};
  if (schema.$ref) return resolve(components[schema.$ref.split("/").pop()], components, depth + 1);
  const plain = { ...schema };
  if (plain.properties) {
    plain.properties = Object.fromEntries(Object.entries(plain.properties).map(([name, each]) => [name, resolve(each, components, depth + 1)]));
  }
  if (plain.items) plain.items = resolve(plain.items, components, depth + 1);
  for (const key of ["oneOf", "anyOf", "allOf"]) {
    if (plain[key]) plain[key] = plain[key].map((each) => resolve(each, components, depth + 1));
  }
  return plain;
}

function firstSentence(operation) {
  const text = operation.description || operation.summary || "";
  return text.split(/[.:;\n]/, 1)[0];
}

function showSchema(parent, title, content, components) {
  for (const [media, each] of Object.entries(content || {})) {
    parent.append(make("h4", `${title} (${media})`));
    parent.append(make("pre", JSON.stringify(resolve(each.schema, components), null, 2)));
  }
}

function showParameters(parent, parameters) {
  if (!parameters || !parameters.length) return;
  const table = make("table");
  const head = make("tr");
  for (const name of ["Parameter", "In", "Type", "Required", "What it is"]) head.append(make("th", name));
  table.append(head);
  for (const each of parameters) {
    const row = make("tr");
    const type = (each.schema && (each.schema.type || each.schema.format)) || "";
    for (const text of [each.name, each.in, String(type), each.required ? "yes" : "no", each.description || ""]) row.append(make("td", text));
    table.append(row);
  }
  parent.append(table);
}

function showOperation(path, method, operation, components) {
  const block = make("details");
  const summary = make("summary");
  summary.append(make("span", method.toUpperCase(), "method"), make("code", path), make("span", `  ${firstSentence(operation)}`, "muted"));
  block.append(summary);
  const inner = make("div");
  if (operation.description) inner.append(make("p", operation.description));
  showParameters(inner, operation.parameters);
  if (operation.requestBody) showSchema(inner, "Body", operation.requestBody.content, components);
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    inner.append(make("h4", `${status} ${answer.description || ""}`));
    if (/^2/.test(status)) showSchema(inner, "Answer", answer.content, components);
  }
  block.append(inner);
  block.dataset.text = `${path} ${method} ${operation.summary || ""} ${operation.description || ""}`.toLowerCase();
  return block;
}

function show(description) {
  const components = (description.components && description.components.schemas) || {};
  document.getElementById("about").textContent = `Version ${description.info.version}. ${description.info.description || ""}`;
  const groups = new Map();
  for (const [path, item] of Object.entries(description.paths || {})) {
    for (const method of METHODS) {
      if (!item[method]) continue;
      const group = (item[method].tags || ["other"])[0];
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(showOperation(path, method, item[method], components));
    }
  }
  place.replaceChildren();
  for (const group of [...groups.keys()].sort()) place.append(make("h2", group), ...groups.get(group));
}

async function load() {
  const token = document.getElementById("token").value;
  const answer = await fetch("/openapi.json", { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  if (answer.ok) return show(await answer.json());
  const reason = await answer.json().catch(() => ({ error: answer.statusText }));
  place.replaceChildren(make("p", `The description could not be loaded: ${reason.error}`));
}

document.getElementById("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
document.getElementById("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const each of place.querySelectorAll("details")) each.hidden = !each.dataset.text.includes(wanted);
});
load();
