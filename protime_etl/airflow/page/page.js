"use strict";
// The frame's own page: follows Airflow's light or dark, and lets Airflow fill what is missing.
const root = document.documentElement;
const base = root.dataset.base;
const api = `${base}/api/v2/dags/`;
const JSON_BODY = { "Content-Type": "application/json" };

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
    if (event.ctrlKey || event.metaKey || event.shiftKey) outer.target = "_blank";
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
  const detail = await answer.json().then((body) => body.detail, () => null);
  const reasons = { 401: "log in again", 403: "you may not do that", 404: "Airflow has no such DAG" };
  const said = reasons[answer.status] || (typeof detail === "string" ? detail : `status ${answer.status}`);
  const error = new Error(said);
  error.passes = answer.status >= 500;
  throw error;
}

const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Follows a run to its end, also while the API server restarts; answers its last state.
async function follow(dag, run, show) {
  for (let wait = 2000; ; wait = Math.min(wait * 1.1, 15000)) {
    try {
      const { state } = await ask(`${dag}/dagRuns/${encodeURIComponent(run)}`);
      if (state === "success" || state === "failed") return state;
      show(`${state}\u2026 `);
    } catch (error) {
      // Where a login has ended there may be a page instead of an answer.
      if (error.passes === false || error instanceof SyntaxError) throw error;
      show("Airflow does not answer; asking again\u2026 ");
    }
    await rest(wait);
  }
}

async function fill(button) {
  const { dag, first, last, collections } = button.dataset;
  const status = button.parentElement.querySelector("[role=status]");
  const show = (...parts) => status.replaceChildren(...parts);
  let link = "";
  button.disabled = true;
  try {
    show("asking Airflow\u2026");
    // A run of a paused DAG would wait for ever.
    if ((await ask(dag)).is_paused) {
      if (!("paused" in button.dataset)) {
        button.dataset.paused = "";
        button.textContent = "Unpause and fill";
        show("The DAG has been paused: press again to unpause it and fill. ", linkTo(`/dags/${dag}`, dag));
        button.disabled = false;
        return;
      }
      show("unpausing\u2026");
      await ask(dag, { method: "PATCH", headers: JSON_BODY, body: JSON.stringify({ is_paused: false }) });
    }
    // What is under way may fill it already: by another press, in another window, by another user.
    let run = (await ask(`${dag}/dagRuns?state=queued&state=running&limit=1`)).dag_runs[0]?.dag_run_id;
    const mine = run === undefined;
    if (mine) {
      const conf = { first_day: first, last_day: last, only_missing: true };
      if (collections) conf.collections = collections;
      const body = JSON.stringify({ logical_date: null, note: "Filled from the page Protime.", conf });
      run = (await ask(`${dag}/dagRuns`, { method: "POST", headers: JSON_BODY, body })).dag_run_id;
    }
    const whose = mine ? "its run" : "a run that was under way already";
    link = linkTo(`/dags/${dag}/runs/${encodeURIComponent(run)}`, whose);
    const state = await follow(dag, run, (text) => show(text, link));
    if (state === "failed") {
      show("failed; the log of the red task says why: ", link);
      button.disabled = false;
      return;
    }
    sessionStorage.setItem(ENDED, `${mine ? "Filled" : "Ended"}: ${dag}, ${first} to ${last}. What is still missing is shown below.`);
    window.location.reload();
  } catch (error) {
    show(`${dag}: ${error.message}. `, link);
    button.disabled = !!link;
  }
}

const ENDED = "protime-ended";
const ended = sessionStorage.getItem(ENDED);
if (ended !== null) {
  sessionStorage.removeItem(ENDED);
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  line.className = "ended";
  line.textContent = ended;
  document.querySelector("main").prepend(line);
}
followAirflow();
// Where the calendar is wider than the window, the newest week is what is seen first.
for (const box of document.querySelectorAll(".scroll.newest")) box.scrollLeft = box.scrollWidth;
for (const link of document.querySelectorAll("a[data-path]")) lead(link, link.dataset.path);
for (const button of document.querySelectorAll("button[data-dag]")) {
  button.addEventListener("click", () => fill(button));
}
