"use strict";
/** What is written to /health, and the metrics as a graph; and the beginning of it all. */
const STATES = ["ready", "loading", "draining", "failed"];
const rates = [];
let lastStats = null, timer = 0, polls = 0, refusedKey = null;

/** The sum of a metric over its labels, if it is there. */
function gauge(text, name) {
  const found = [...text.matchAll(new RegExp("^vllm:" + name + "(?:\\{[^}]*\\})? ([0-9.eE+-]+)", "gm"))];
  return found.length ? found.reduce((sum, m) => sum + Number(m[1]), 0) : null;
}

async function poll() {
  const mine = ++polls;
  let next = { state: "gone" }, metrics = "";
  try {
    const answer = await fetch("/health"), health = await answer.json();
    if (STATES.includes(health.status)) next = { ...health, state: health.status };
    if (next.state === "ready") {
      if (!model) await describe();
      const numbers = await fetch("/metrics", { headers: headers() });
      if (numbers.ok) metrics = await numbers.text();
    }
  } catch { next = { state: "gone" }; }
  if (next.state !== "ready") model = ""; // it may be another when the server is back
  if (mine !== polls) return; // another was begun with a new key, and knows more
  engine = next;
  stats(metrics);
  sayEngine();
  clearTimeout(timer);
  timer = setTimeout(poll, document.hidden ? 15000 : 2500);
}

function sayEngine() {
  const { state, done, progress } = engine;
  let more = "";
  if (state === "loading" && done !== undefined) more = " " + Math.floor(done * 100) + " %";
  if (state === "failed" && progress) more = " · " + progress.replace(/^failed: /, "");
  $("dot").className = "dot " + state;
  $("state").textContent = t(state) + more;
  $("rate").textContent = t("rate", { r: rate === null ? "–" : rate.toFixed(1) });
}

/** Without metrics nothing is known: old numbers would look like new ones. */
function stats(text) {
  $("running").textContent = gauge(text, "num_requests_running") ?? "–";
  $("waiting").textContent = gauge(text, "num_requests_waiting") ?? "–";
  const kv = gauge(text, "kv_cache_usage_perc"), tokens = gauge(text, "generation_tokens_total");
  $("kv").textContent = kv === null ? "–" : (kv * 100).toFixed(kv < .1 ? 1 : 0) + " %";
  const now = tokens === null ? null : { at: performance.now(), tokens };
  if (now && lastStats) rates.push(Math.max(0, (now.tokens - lastStats.tokens) * 1000 / (now.at - lastStats.at)));
  else rates.length = 0;
  if (rates.length > 60) rates.shift();
  rate = rates.at(-1) ?? null;
  lastStats = now;
  draw();
}

function draw() {
  const top = Math.max(...rates, 1);
  const points = rates.map((r, i) => (100 - (rates.length - 1 - i) * 100 / 59).toFixed(1) + " " + (42 - r / top * 39).toFixed(1));
  const line = "M" + points.join("L");
  $("spark").innerHTML = points.length ? '<path class="under" d="' + line + "L100 44L" + points[0].split(" ")[0] + ' 44Z"/><path d="' + line + '"/>' : "";
}

async function describe() {
  const key = $("key").value, answer = await fetch("/v1/models", { headers: headers() });
  // once for each key: the focus must not be taken from a visitor again and again
  if (answer.status === 401 && key !== refusedKey) askForKey(key ? "wrongKey" : "needKey");
  refusedKey = answer.status === 401 ? key : null;
  if (!answer.ok) return;
  const name = (await answer.json()).data[0].id;
  const messages = [{ role: "user", content: "?" }];
  const probe = await fetch("/tokenize", { method: "POST", headers: headers(), body: JSON.stringify({ model: name, messages }) });
  model = name;
  $("model").textContent = model;
  document.title = model + " · Yushan";
  $("tabChat").disabled = !probe.ok;
  $("noChat").hidden = probe.ok;
  if (chat && !probe.ok) mode(false);
  document.body.dataset.model = model;
}

fields();
$("out").lang = GLYPHS;
$("prompt").value = local("prompt") || "";
$("key").value = store(sessionStorage, "key") || "";
$("shade").checked = local("shade") !== "off";
document.body.classList.toggle("shaded", $("shade").checked);
if (matchMedia("(max-width: 820px)").matches) $("controls").open = false;
$("prompt").addEventListener("input", () => local("prompt", $("prompt").value));
$("key").addEventListener("change", () => {
  store(sessionStorage, "key", $("key").value);
  $("keyCard").classList.remove("needed");
  model = "";
  error = null;
  sayError();
  poll();
});
$("shade").addEventListener("change", () => { local("shade", $("shade").checked ? "on" : "off"); document.body.classList.toggle("shaded", $("shade").checked); });
$("theme").addEventListener("click", () => { dark = !dark; local("theme", dark ? "dark" : "light"); words(); });
$("lang").addEventListener("click", () => { lang = lang === "en" ? "zh-TW" : "en"; local("lang", lang); words(); });
$("tabText").addEventListener("click", () => mode(false));
$("tabChat").addEventListener("click", () => mode(true));
$("go").addEventListener("click", go);
$("clear").addEventListener("click", clear);
addEventListener("keydown", keydown);
addEventListener("focusin", focused);
addEventListener("focusout", () => tip(null));
addEventListener("pointerover", e => tip(e.target));
// what has the focus keeps its tooltip: the arrow keys may have scrolled the page
addEventListener("scroll", () => tip(document.activeElement.tokens ? document.activeElement : null), true);
mode(false);
poll();
