'use strict';
window.addEventListener('error', event => { document.body.dataset.error = event.message; });

const data = JSON.parse(document.getElementById('data').textContent);
const page = document.getElementById('page');
const root = document.documentElement;
root.classList.toggle('dark', matchMedia('(prefers-color-scheme: dark)').matches);
if (location.hash.includes('dark')) root.classList.add('dark');
const darkButton = () => make('button', { onclick: () => root.classList.toggle('dark') }, 'Dark / light');

// ---- making elements ---------------------------------------------------------------------------

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return element;
}
const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// ---- numbers -----------------------------------------------------------------------------------

const whole = value => Math.round(value).toLocaleString('en-US');
function short(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e6 || size < 1e-2) return value.toExponential(2).replace(/\.?0+e/, 'e').replace('e+', 'e');
  return String(Number(value.toPrecision(size >= 1e3 ? 6 : 4)));
}
function si(value, unit) {
  const units = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
  let power = 0;
  while (Math.abs(value) >= 1000 && power < units.length - 1) { value /= 1000; power++; }
  return `${Number(value.toPrecision(3))} ${units[power]}${unit}`.trim();
}
const bytes = value => value >= 2 ** 30 ? `${(value / 2 ** 30).toFixed(2)} GiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;
function duration(seconds) {
  if (seconds < 100) return `${Number(seconds.toPrecision(3))} s`;
  const s = Math.round(seconds);
  const two = value => String(value).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
const share = (part, all) => all > 0 ? part / all : 0;

function ticks(low, high, count) {
  const span = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(span));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= span * 0.999);
  const result = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) result.push(Number((i * step).toPrecision(12)));
  return result;
}

// ---- tiles and tables --------------------------------------------------------------------------

function tile(name, value, note = '') {
  return make('div', { class: 'card tile', 'data-tile': name },
    make('div', { class: 'name' }, name), make('div', { class: 'value' }, value), make('div', { class: 'note' }, note));
}

const number = text => make('td', { class: 'number' }, text);

function table(headings, rows) {
  return make('table', {},
    make('thead', {}, make('tr', {}, headings.map((text, i) =>
      make('th', { class: i > 0 && rows.length && rows[0].children[i]?.className === 'number' ? 'number' : false }, text)))),
    make('tbody', {}, rows));
}

function facts(title, lines) {
  const rows = lines.filter(([, value]) => value !== undefined && value !== '').map(([name, value]) =>
    make('tr', {}, make('td', { class: 'soft' }, name), make('td', {}, String(value))));
  return rows.length ? make('div', { class: 'card' }, make('h3', {}, title), make('table', {}, make('tbody', {}, rows))) : null;
}
