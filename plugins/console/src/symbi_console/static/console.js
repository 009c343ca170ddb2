"use strict";
// Every text that comes from the server is set as text, never as markup; the token lives in this tab's session storage.
const API = "/api/v1";
const $ = (id) => document.getElementById(id);
let token = sessionStorage.getItem("symbi-token") || "";
let current = "";
let stop = () => {};

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
  return node;
}

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(API + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 401) { leave("That credential is not valid here."); throw new Error("401"); }
  const found = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Error((found && (found.error.message || found.error)) || `status ${answer.status}`);
  return found;
}
const get = (path) => call("GET", path);

const TONE = { healthy: "good", completed: "good", ready: "good", active: "good", running: "good", approved: "good", allow: "good", ok: "good",
  degraded: "warn", waiting: "warn", queued: "warn", claimed: "warn", paused: "warn", pending: "warn", hold: "warn",
  unhealthy: "bad", failed: "bad", lost: "bad", broken: "bad", denied: "bad", deny: "bad", dead_letter: "bad", terminated: "warn", expired: "bad" };
const word = (text) => el("span", { class: TONE[text] || "" }, String(text));
const when = (text) => (text ? new Date(text).toLocaleString() : "");
const short = (value) => { const text = typeof value === "string" ? value : JSON.stringify(value); return text && text.length > 200 ? `${text.slice(0, 200)}…` : text || ""; };

function table(columns, rows, empty) {
  if (!rows.length) return el("p", { class: "hint" }, empty);
  return el("table", {}, el("thead", {}, el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => (typeof cell === "number" ? el("td", { class: "number" }, cell.toLocaleString()) : el("td", {}, cell)))))));
}

async function act(button, work) {
  button.disabled = true;
  try { await work(); await show(current); } catch (error) { if (error.message !== "401") window.alert(error.message); } finally { button.disabled = false; }
}
const button = (label, work) => { const node = el("button", { type: "button" }, label); node.addEventListener("click", () => act(node, work)); return node; };

const VIEWS = {
  async Overview() {
    const [status, metrics] = await Promise.all([get("/status"), get("/metrics")]);
    const parts = Object.entries(status.components || {}).map(([name, part]) => [name, word(part.state), part.reason || "", part.remedy || ""]);
    const blocks = Object.entries(metrics).filter(([, value]) => value && typeof value === "object" && !Array.isArray(value));
    const figures = blocks.flatMap(([block, values]) => Object.entries(values).filter(([, value]) => typeof value === "number").map(([name, value]) => [block, name, value]));
    return [el("p", {}, `Version ${status.version}: ${status.agent_count} agents, ${status.schedule_count} schedules, ${status.channel_count} channels.`),
      el("h2", {}, "Parts"), table(["part", "state", "why", "remedy"], parts, "no part tells of itself"), el("h2", {}, "Figures"), table(["block", "figure", "value"], figures, "no figures")];
  },
  async Agents() {
    const agents = await get("/agents?detail=true");
    return [table(["name", "state", "mode", "source", "changed", ""], agents.map((agent) => [agent.name, word(agent.state), agent.execution_mode, agent.source, when(agent.updated_at),
      el("div", { class: "actions" }, button("Run", () => call("POST", `/agents/${agent.id}/execute`, {})))]), "no agent is registered: symbi agents add FILE")];
  },
  async Runs() {
    const found = await get("/runs?limit=100");
    const live = ["queued", "claimed", "running", "waiting"];
    return [table(["agent", "status", "trigger", "started", "result", ""], found.runs.map((run) => [run.agent, word(run.status), run.trigger, when(run.started_at || run.created_at),
      short(run.error ? run.error.message : run.result), el("div", { class: "actions" },
        el("button", { type: "button", onclick: () => timeline(run) }, "Timeline"), live.includes(run.status) ? button("Cancel", () => call("POST", `/runs/${run.run_id}/cancel`, {})) : null)]), "nothing has run yet")];
  },
  async Approvals() {
    const held = await get("/approvals");
    const list = Array.isArray(held) ? held : held.approvals;
    return [table(["what", "why", "agent", "status", "until", ""], list.map((each) => [each.summary, each.reason || "", each.agent_id, word(each.status), when(each.expires_at),
      each.status === "pending" ? el("div", { class: "actions" }, button("Approve", () => call("POST", `/approvals/${each.id}/approve`, {})), button("Deny", () => call("POST", `/approvals/${each.id}/deny`, {}))) : null]), "nothing waits for a decision")];
  },
  async Schedules() {
    const jobs = await get("/schedules");
    return [table(["name", "cron", "zone", "status", "next", "runs", ""], jobs.map((job) => [job.name, job.cron_expression, job.timezone, word(job.status), when(job.next_run), job.run_count,
      el("div", { class: "actions" }, job.enabled ? button("Pause", () => call("POST", `/schedules/${job.job_id}/pause`)) : button("Resume", () => call("POST", `/schedules/${job.job_id}/resume`)),
        button("Run now", () => call("POST", `/schedules/${job.job_id}/trigger`)))]), "nothing is scheduled: symbi cron add")];
  },
  async Plugins() {
    const found = await get("/plugins");
    return [table(["plugin", "state", "distribution", "version", "fault"], found.plugins.map((each) => [each.name, word(each.state), each.distribution, each.version, each.error || ""]), "no plugin is installed")];
  },
};

async function timeline(run) {
  stop();
  const view = $("view");
  const lines = el("pre", { id: "timeline", tabindex: "0" });
  view.replaceChildren(el("button", { type: "button", onclick: () => show("Runs") }, "← Runs"), el("h2", {}, `${run.agent}: ${run.run_id}`), lines);
  const control = new AbortController();
  stop = () => control.abort();
  try {
    const answer = await fetch(`${API}/runs/${run.run_id}/events`, { headers: { Authorization: `Bearer ${token}`, Accept: "text/event-stream" }, signal: control.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const events = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
        if (data) lines.append(line(data));
      }
    }
  } catch (error) { if (error.name !== "AbortError") lines.append(`the stream ended: ${error.message}\n`); }
}

function line(text) {
  let event;
  try { event = JSON.parse(text); } catch { return `${text}\n`; }
  if (!event.kind) return "";  // the snapshot before the journal, and the end of the stream
  const data = event.data || {};
  const said = data.message || data.reason || data.text || (data.name ? `${data.kind || ""} ${data.name} ${data.status || ""}` : "") || short(data);
  const node = el("span", { class: TONE[data.decision || data.status || event.kind] || "" });
  node.textContent = `${(event.at || "").slice(11, 23)} ${String(event.kind || "").padEnd(10)} ${said}${data.line ? ` (line ${data.line})` : ""}\n`;
  return node;
}

async function show(name) {
  stop();
  current = name;
  location.hash = name;
  for (const tab of $("tabs").children) tab.setAttribute("aria-selected", String(tab.textContent === name));
  try { $("view").replaceChildren(...(await VIEWS[name]())); } catch (error) { if (error.message !== "401") $("view").replaceChildren(el("p", { class: "bad", role: "alert" }, error.message)); }
}

async function pulse() {
  try {
    const answer = await fetch(`${API}/health`);
    const found = await answer.json();
    $("health").textContent = found.status;
    $("health").className = TONE[found.status] || "";
  } catch { $("health").textContent = "not reachable"; $("health").className = "bad"; }
}

function leave(why) {
  token = "";
  sessionStorage.removeItem("symbi-token");
  $("refused").textContent = why || "";
  $("enter").hidden = false;
  $("view").hidden = $("leave").hidden = true;
  $("tabs").replaceChildren();
}

async function enter() {
  $("enter").hidden = true;
  $("view").hidden = $("leave").hidden = false;
  $("tabs").replaceChildren(...Object.keys(VIEWS).map((name) => el("button", { type: "button", role: "tab", onclick: () => show(name) }, name)));
  await show(VIEWS[location.hash.slice(1)] ? location.hash.slice(1) : "Overview");
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  try { await get("/status"); } catch (error) { if (error.message !== "401") $("refused").textContent = error.message; return; }
  sessionStorage.setItem("symbi-token", token);
  $("token").value = "";
  $("refused").textContent = "";
  await enter();
});
$("leave").addEventListener("click", () => leave());
pulse();
setInterval(pulse, 10000);
setInterval(() => { if (token && !document.hidden && current && !$("timeline")) show(current); }, 10000);
if (token) enter(); else leave();
