"use strict";
// The frame's own page: follows Airflow's light or dark, and lets Airflow fill what is missing.
const root = document.documentElement;
const base = root.dataset.base;
const api = `${base}/api/v2/dags/`;

function followAirflow() {
  let outer = null;
  try {
    outer = window.parent.document.documentElement;
  } catch {
    return; // shown somewhere else
  }
  const follow = () => root.classList.toggle("dark", outer.classList.contains("dark"));
  follow();
  new MutationObserver(follow).observe(outer, { attributes: true, attributeFilter: ["class"] });
}

// A frame may not change what is around it but by a click on a link there.
function lead(link, path) {
  link.href = `${base}${path}`;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    outer.click();
  });
  return link;
}

function linkTo(path, text) {
  const link = lead(document.createElement("a"), path);
  link.textContent = text;
  return link;
}

async function ask(path, options = {}) {
  const answer = await fetch(api + path, { credentials: "same-origin", ...options });
  if (answer.ok) return answer.json();
  const reasons = { 401: "log in again", 403: "you may not do that", 404: "there is no such DAG" };
  throw new Error(reasons[answer.status] || `Airflow answers with status ${answer.status}`);
}

const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function fill(button) {
  const { dag, first, last, collections } = button.dataset;
  const status = button.parentElement.querySelector("[role=status]");
  const tell = (...parts) => status.replaceChildren(...parts);
  button.disabled = true;
  try {
    tell("asking Airflow\u2026");
    if ((await ask(dag)).is_paused) {
      tell("The DAG is paused, and a run of it would wait for ever. Unpause it, then press again: ", linkTo(`/dags/${dag}`, dag));
      button.disabled = false;
      return;
    }
    const conf = { first_day: first, last_day: last, only_missing: true };
    if (collections) conf.collections = collections;
    const body = JSON.stringify({ logical_date: null, note: "Filled from the page Protime.", conf });
    const headers = { "Content-Type": "application/json" };
    const run = (await ask(`${dag}/dagRuns`, { method: "POST", headers, body })).dag_run_id;
    const link = linkTo(`/dags/${dag}/runs/${run}`, "its run");
    for (;;) {
      const { state } = await ask(`${dag}/dagRuns/${encodeURIComponent(run)}`);
      if (state === "success") break;
      if (state === "failed") {
        tell("failed; the log of the red task says why: ", link);
        button.disabled = false;
        return;
      }
      tell(`${state}\u2026 `, link);
      await rest(2000);
    }
    tell("done; loading the page again");
    window.location.reload();
  } catch (error) {
    tell(`${dag}: ${error.message}.`);
    button.disabled = false;
  }
}

followAirflow();
for (const link of document.querySelectorAll("a[data-path]")) lead(link, link.dataset.path);
for (const button of document.querySelectorAll("button[data-dag]")) {
  button.addEventListener("click", () => fill(button));
}
