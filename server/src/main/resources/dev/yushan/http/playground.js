"use strict";
const $ = id => document.getElementById(id);
/** Name, least, most and step of what a visitor may set, and what it is at first; without a step it is a text. */
const FIELDS = [
  ["temperature", 0, 2, .1, "0.7"], ["top_p", 0, 1, .05, ""], ["top_k", -1, null, 1, ""], ["min_p", 0, 1, .01, ""],
  ["max_tokens", 1, null, 1, "256"], ["seed", null, null, 1, ""], ["stop_", null, null, null, ""],
];
/** How Chinese characters look depends on the language: what is generated is not in that of the page. */
const GLYPHS = "zh-Hant-TW";
const store = (area, key, value) => {
  try { if (value === undefined) return area.getItem("yushan." + key); area.setItem("yushan." + key, value); } catch { return null; }
};
const local = (key, value) => store(localStorage, key, value);
let lang = local("lang") || (/^zh/i.test(navigator.language) ? "zh-TW" : "en");
let dark = (local("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
let chat = false, model = "", turns = [];
/** The stream under way, and a promise that is kept when it has ended. */
let running = null, ended = Promise.resolve();
/** What is shown in words, as the words of another language may take their place at any time. */
let error = null, speed = null, engine = { state: "connecting" }, rate = null;

const t = (key, values = {}) => WORDS[lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Puts all that is said into words again. */
function words() {
  document.documentElement.lang = lang;
  document.documentElement.classList.toggle("dark", dark);
  document.querySelectorAll("[data-t]").forEach(e => { e.textContent = t(e.dataset.t); });
  for (const id of ["prompt", "message"]) { $(id).placeholder = t(id); $(id).setAttribute("aria-label", t(id)); }
  document.querySelectorAll("#fields input[type=number]").forEach(e => { e.placeholder = t("unset"); });
  $("tabs").setAttribute("aria-label", t("modes"));
  $("theme").textContent = t(dark ? "light" : "dark");
  $("lang").textContent = t("other");
  $("go").textContent = t(running ? "stop" : chat ? "send" : "go");
  if (!$("out").querySelector(".given")) blank();
  sayError();
  saySpeed();
  sayEngine();
}

function blank() {
  const key = matchMedia("(pointer: coarse)").matches ? "emptyTouch" : "empty";
  $("out").replaceChildren(element("span", { className: "empty", lang, textContent: t(key) }));
}

function sayError() {
  $("error").hidden = !error;
  $("error").textContent = error ? t(error.key, error.values) : "";
}

function saySpeed() {
  $("speed").textContent = speed ? t("speed", speed) + (speed.why ? t("ended", { why: why(speed.why) }) : "") : "";
}

const why = reason => WORDS[lang]["by_" + reason] || reason;

function fail(key, values) { error = { key, values }; sayError(); }

/** Shows where the key goes. */
function askForKey(key) {
  fail(key);
  $("keyCard").classList.add("needed");
  $("keyCard").scrollIntoView({ block: "center" });
  $("key").focus({ preventScroll: true });
}

function fields() {
  for (const [name, min, max, step, value] of FIELDS) {
    const input = element("input", { id: "f_" + name, value: local(name) ?? value });
    if (step !== null) Object.assign(input, { type: "number", step, min: min ?? "", max: max ?? "" });
    input.addEventListener("input", () => local(name, input.value));
    const text = element("span");
    text.dataset.t = name;
    $("fields").append(element("label", { className: step === null ? "wide" : "" }, text, input));
  }
}

const headers = () => ({ "Content-Type": "application/json", ...($("key").value ? { Authorization: "Bearer " + $("key").value } : {}) });

function settings() {
  const body = { stream: true, stream_options: { include_usage: true }, ...(model ? { model } : {}) };
  for (const [name, , , step] of FIELDS) {
    if (step !== null && $("f_" + name).value !== "") body[name] = Number($("f_" + name).value);
  }
  const stop = $("f_stop_").value.split("|").filter(s => s).map(s => s.replaceAll("\\n", "\n"));
  return stop.length ? { ...body, stop } : body;
}

/** The tokens of a piece: [{token, p, top: [[token, p]]}], of either protocol. */
function scores(choice) {
  const l = choice.logprobs;
  if (!l) return [];
  const p = v => Math.exp(v);
  if (l.content) return l.content.map(c => ({ token: c.token, p: p(c.logprob), top: c.top_logprobs.map(o => [o.token, p(o.logprob)]) }));
  return (l.tokens || []).map((token, i) => ({ token, p: p(l.token_logprobs[i]), top: Object.entries(l.top_logprobs[i] || {}).map(([k, v]) => [k, p(v)]) }));
}

function piece(text, tokens) {
  const span = element("span", { className: "t", textContent: text });
  if (tokens.length) {
    span.tokens = tokens;
    span.tabIndex = -1;
    span.style.setProperty("--d", (1 - Math.min(...tokens.map(s => s.p))).toFixed(3));
  }
  return span;
}

/** A piece for each token, where the text of an event is that of its tokens. */
function pieces(text, tokens) {
  return tokens.map(s => s.token).join("") === text ? tokens.map(s => piece(s.token, [s])) : [piece(text, tokens)];
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "";;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter(l => l.startsWith("data:")).map(l => l.slice(5).trimStart()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

/** The server's own words; what else answers in its place (a proxy) is named by its status. */
async function message(response) {
  const status = (response.status + " " + response.statusText).trim();
  try { const body = await response.json(); return (body.error && body.error.message) || body.message || status; } catch { return status; }
}

const problem = (key, values) => ({ name: "Problem", key, values });

async function post(path, body, signal) {
  const request = { method: "POST", headers: headers(), signal, body: JSON.stringify(body) };
  const response = await fetch(path, request).catch(e => { throw e.name === "AbortError" ? e : problem("network"); });
  if (response.status === 401) throw problem($("key").value ? "wrongKey" : "needKey");
  if (!response.ok) throw problem("refused", { e: await message(response) });
  return response;
}

/** Shows the text of a stream in `target` as it comes, and returns it once it has ended, in whatever way. */
async function receive(path, body, target) {
  const began = performance.now();
  let first = 0, count = 0, text = "", reason = "";
  running = new AbortController();
  error = speed = null;
  target.classList.add("live");
  words();
  const measure = ended => {
    const seconds = (performance.now() - first) / 1000;
    const r = seconds > 0 && count > 1 ? ((count - 1) / seconds).toFixed(1) : "–";
    speed = first ? { n: count, r, f: Math.round(first - began), why: ended } : null;
    saySpeed();
  };
  try {
    for await (const event of events(await post(path, body, running.signal))) {
      if (event.error) throw problem("cut", { e: event.error.message });
      if (event.usage) count = event.usage.completion_tokens;
      const choice = event.choices && event.choices[0];
      if (!choice) continue;
      const part = (choice.delta ? choice.delta.content : choice.text) || "", tokens = scores(choice);
      if (part || tokens.length) { first ||= performance.now(); if (!event.usage) count += tokens.length || 1; }
      if (part) { text += part; add(target, pieces(part, tokens)); }
      reason = choice.finish_reason || reason;
      measure("");
    }
    if (!reason) throw problem("broken");
  } catch (e) {
    reason = e.name === "AbortError" ? "you" : "error";
    if (reason === "error") (/Key$/.test(e.key) ? askForKey : fail)(e.key || "broken", e.values);
  }
  target.classList.remove("live");
  measure(reason);
  running = null;
  words();
  $("heard").replaceChildren(element("span", { lang: GLYPHS, textContent: text }), " " + $("speed").textContent);
  document.body.dataset.ended = reason;
  return text;
}

/** One token of a text is a stop of Tab: the arrow keys go on from there. */
function add(target, spans) {
  if (!target.querySelector("[tabindex='0']")) spans[0].tabIndex = spans[0].tokens ? 0 : -1;
  target.append(...spans);
}

async function complete(prompt) {
  $("out").replaceChildren(element("span", { className: "given", textContent: prompt }));
  if (!await receive("/v1/completions", { ...settings(), prompt, logprobs: 5 }, $("out")) && error) blank();
}

async function converse(content) {
  const asked = turn("user", content), answer = turn("assistant", "");
  $("message").value = "";
  turns.push({ role: "user", content });
  const body = { ...settings(), messages: turns, logprobs: true, top_logprobs: 5 };
  const text = await receive("/v1/chat/completions", body, answer.firstChild);
  if (text) {
    turns.push({ role: "assistant", content: text });
  } else {
    turns.pop();
    asked.remove();
    answer.remove();
    $("message").value ||= content;
  }
}

function turn(role, content) {
  const box = element("div", { className: "turn " + role }, element("div", { className: "text", lang: GLYPHS, textContent: content }));
  $("turns").append(box);
  return box;
}

function go() {
  const content = $(chat ? "message" : "prompt").value;
  if (running) running.abort();
  else if (content) ended = chat ? converse(content) : complete(content);
}

/** First the stream ends, and what is to be done at its end; else that would follow upon the clearing. */
async function clear() {
  if (running) running.abort();
  await ended;
  if (chat) { turns = []; $("turns").replaceChildren(); $("message").value = ""; } else { $("prompt").value = ""; local("prompt", ""); blank(); }
  error = speed = null;
  $("heard").textContent = "";
  words();
}

function mode(next) {
  chat = next;
  for (const [tab, pane, on] of [["tabText", "paneText", !chat], ["tabChat", "paneChat", chat]]) {
    $(tab).setAttribute("aria-selected", on);
    $(tab).tabIndex = on ? 0 : -1;
    $(pane).hidden = !on;
  }
  $("result").hidden = chat;
  words();
}

/** White space and what has no shape of its own, made visible. */
function visible(token) {
  const named = run => "U+" + run.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + (run.length > 1 ? "×" + run.length : "");
  return token.replaceAll("\n", "↵").replaceAll("\t", "⇥").replace(/^ +| +$/g, run => "␣".repeat(run.length))
    .replace(/([\x00-\x1f\x7f-\xa0\u2000-\u200f\u2028-\u202f\u3000\ufeff])\1*/g, named);
}

/** Two digits that count at least: what is improbable differs too. */
const percent = p => (p >= .1 ? (p * 100).toFixed(1) : (p * 100).toPrecision(2)) + " %";

function tip(span) {
  const tokens = span && span.tokens, before = document.querySelector("[aria-describedby=tip]");
  if (before) before.removeAttribute("aria-describedby");
  $("tip").hidden = !tokens;
  if (!tokens) return;
  $("tip").replaceChildren(...tokens.flatMap(s => {
    const rows = s.top.some(([token]) => token === s.token) ? s.top : [[s.token, s.p], ...s.top];
    return rows.sort((a, b) => b[1] - a[1]).slice(0, 6).map(([token, p]) => {
      const bar = element("i");
      bar.style.width = Math.max(2, p * 62) + "px";
      const code = element("code", { lang: GLYPHS, textContent: visible(token) });
      return element("div", { className: token === s.token ? "chosen" : "" }, code, bar, element("span", { textContent: percent(p) }));
    });
  }));
  span.setAttribute("aria-describedby", "tip");
  const at = span.getClientRects()[0], box = $("tip").getBoundingClientRect();
  $("tip").style.left = Math.max(8, Math.min(at.left, innerWidth - box.width - 8)) + "px";
  $("tip").style.top = (at.bottom + box.height + 10 > innerHeight ? at.top - box.height - 6 : at.bottom + 6) + "px";
}

/** Where an arrow key, Home or End leads to from one of several. */
function neighbour(all, one, key) {
  const i = all.indexOf(one);
  return { ArrowLeft: all[i - 1], ArrowRight: all[i + 1], Home: all[0], End: all.at(-1) }[key];
}

function arrows(e) {
  const tab = e.target.closest("[role=tab]"), token = e.target.closest(".t");
  if (!tab && !token || e.ctrlKey || e.metaKey || e.altKey) return;
  const all = tab ? [$("tabText"), $("tabChat")].filter(b => !b.disabled) : [...token.parentNode.querySelectorAll("[tabindex]")];
  const next = neighbour(all, tab || token, e.key);
  if (!next) return;
  e.preventDefault();
  if (tab) mode(next === $("tabChat"));
  next.focus();
}

/** The token with the focus is the one that Tab comes back to. */
function focused(e) {
  if (!e.target.tokens) return;
  e.target.parentNode.querySelectorAll("[tabindex='0']").forEach(s => { s.tabIndex = -1; });
  e.target.tabIndex = 0;
  tip(e.target);
}

function keydown(e) {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
    e.preventDefault();
    go();
  } else if (e.key === "Escape") {
    tip(null);
    if (running) running.abort();
  } else {
    arrows(e);
  }
}
