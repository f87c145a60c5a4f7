const run = data;

// ---- curves ------------------------------------------------------------------------------------

const view = { steps: null, smoothing: 0.025, log: false, charts: [] };

function points(key) {
  return run.history
    .filter(entry => Number.isFinite(entry[key]))
    .map(entry => [entry.step, entry[key]]);
}

// The value of the line through a share of all points around each; within the curve their mean.
function smoothed(all, reach) {
  const width = Math.min(all.length, 2 * Math.max(1, Math.round(all.length * reach)) + 1);
  const centre = (width - 1) / 2;
  const squares = width * (width * width - 1) / 12;
  return all.map(([x], i) => {
    const from = Math.min(Math.max(0, i - Math.floor(centre)), all.length - width);
    let sum = 0, tilt = 0;
    for (let k = 0; k < width; k++) {
      sum += all[from + k][1];
      tilt += (k - centre) * all[from + k][1];
    }
    return [x, sum / width + (i - from - centre) * tilt / squares];
  });
}

// Of many points the lowest and highest of each pixel.
function thinned(all, left, right, pixels) {
  const inside = all.filter(([x], i) =>
    (all[Math.min(i + 1, all.length - 1)][0] >= left) && (all[Math.max(i - 1, 0)][0] <= right));
  if (inside.length <= 3 * pixels) return inside;
  const kept = [];
  const size = inside.length / pixels;
  for (let p = 0; p < pixels; p++) {
    const bucket = inside.slice(Math.floor(p * size), Math.floor((p + 1) * size));
    const low = bucket.reduce((a, b) => b[1] < a[1] ? b : a);
    const high = bucket.reduce((a, b) => b[1] > a[1] ? b : a);
    kept.push(...(low[0] < high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

function logTicks(low, high) {
  const result = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const m of [1, 2, 5]) {
      const tick = Number((m * 10 ** power).toPrecision(3));
      if (tick >= low && tick <= high) result.push(tick);
    }
  }
  return result.length >= 2 ? result : ticks(low, high, 4);
}

const spikes = () => run.history.filter(entry => 'spike' in entry);

const lastStep = Math.max(1, ...run.history.map(entry => entry.step));

function chart(title, series, options = {}) {
  const shown = series.filter(one => one.points.length > 0);
  if (shown.length === 0) return null;
  const hidden = new Set();
  const legend = make('div', { class: 'legend' });
  const holder = make('div', { class: 'chart' });
  const card = make('section', { class: 'card' + (options.wide ? ' wide' : ''), 'data-chart': title },
    make('h3', {}, title), legend, holder);
  shown.forEach((one, i) => {
    const entry = make('span', {
      title: 'show or hide',
      onclick: () => {
        hidden.has(i) ? hidden.delete(i) : hidden.add(i);
        entry.classList.toggle('off', hidden.has(i));
        redraw();
      },
    }, make('i', { style: `background:var(--c${i % 6})` }), one.name);
    if (shown.length > 1) legend.append(entry);
  });

  function redraw() {
    const width = Math.max(280, holder.clientWidth || (options.wide ? 1150 : 560));
    const height = options.wide ? 340 : 230;
    const box = { left: 62, right: width - 14, top: 10, bottom: height - 26 };
    const [from, to] = view.steps || [0, lastStep];
    const curves = shown.map((one, i) => ({ one, i })).filter(({ i }) => !hidden.has(i)).map(({ one, i }) => {
      const smooth = one.smooth && view.smoothing > 0 && one.points.length >= 8;
      return { i, one, raw: one.points, smooth: smooth ? smoothed(one.points, view.smoothing) : null };
    });
    const seen = curves.flatMap(curve => curve.raw).filter(([x]) => x >= from && x <= to).map(([, y]) => y);
    let low = seen.length ? seen.reduce((a, b) => Math.min(a, b)) : 0;
    let high = seen.length ? seen.reduce((a, b) => Math.max(a, b)) : 1;
    const log = options.log && view.log && low > 0;
    if (options.zero) low = Math.min(0, low);
    if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
    const [bottom, top] = log
      ? [low / (high / low) ** 0.05, high * (high / low) ** 0.05]
      : [options.zero ? low : low - (high - low) * 0.06, high + (high - low) * 0.06];
    const scale = log ? Math.log : y => y;
    const px = x => box.left + (x - from) / (to - from || 1) * (box.right - box.left);
    const py = y => box.bottom - (scale(y) - scale(bottom)) / (scale(top) - scale(bottom)) * (box.bottom - box.top);

    const clip = `clip-${view.charts.findIndex(c => c.card === card)}`;
    const svg = draw('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': title },
      draw('clipPath', { id: clip }, draw('rect', { x: box.left, y: 0, width: box.right - box.left, height })));
    for (const y of log ? logTicks(bottom, top) : ticks(bottom, top, options.wide ? 7 : 5)) {
      svg.append(
        draw('line', { class: 'grid', x1: box.left, x2: box.right, y1: py(y), y2: py(y) }),
        draw('text', { x: box.left - 8, y: py(y) + 4, 'text-anchor': 'end' }, short(y)));
    }
    for (const x of ticks(from, to, Math.max(3, Math.floor(width / 85))).filter(Number.isInteger)) {
      svg.append(draw('text', { x: px(x), y: height - 8, 'text-anchor': 'middle', 'data-tick': x }, x >= 1e6 ? si(x, '') : String(x)));
    }
    svg.append(draw('line', { class: 'axis', x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
    const lines = draw('g', { 'clip-path': `url(#${clip})`, fill: 'none', 'stroke-linejoin': 'round' });
    const path = all => 'M' + thinned(all, from, to, width).map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join('L');
    for (const { i, raw, smooth } of curves) {
      const stroke = `var(--c${i % 6})`;
      lines.append(draw('path', { d: path(raw), style: `stroke:${stroke}`, 'stroke-width': smooth ? 1 : 1.8, opacity: smooth ? 0.38 : 1 }));
      if (smooth) lines.append(draw('path', { d: path(smooth), style: `stroke:${stroke}`, 'stroke-width': 2.2 }));
      if (raw.length <= 60 && !smooth) {
        raw.filter(([x]) => x >= from && x <= to).forEach(([x, y]) =>
          lines.append(draw('circle', { cx: px(x), cy: py(y), r: 2.6, style: `fill:${stroke}` })));
      }
    }
    for (const { spike_step: at, spike } of options.spikes ? spikes() : []) {
      if (at >= from && at <= to) lines.append(draw('line', { class: 'spike', x1: px(at), x2: px(at), y1: box.top, y2: box.bottom },
        draw('title', {}, `step ${whole(at)}: spike of the ${spike}`)));
    }
    svg.append(lines);
    listen(svg, box, [from, to], curves, width);
    holder.replaceChildren(svg);
  }

  function listen(svg, box, [from, to], curves, width) {
    const cross = draw('line', { class: 'cross', y1: box.top, y2: box.bottom, visibility: 'hidden' });
    const shade = draw('rect', { class: 'shade', y: box.top, height: box.bottom - box.top, visibility: 'hidden' });
    const tip = make('div', { class: 'tip', hidden: true });
    svg.append(cross, shade);
    let start = null;
    const place = event => {
      const area = svg.getBoundingClientRect();
      return Math.min(box.right, Math.max(box.left, (event.clientX - area.left) * width / area.width));
    };
    const step = x => from + (x - box.left) / (box.right - box.left) * (to - from);
    svg.addEventListener('pointerdown', event => { start = place(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener('pointermove', event => {
      const x = place(event);
      if (start !== null) {
        fill(shade, { x: Math.min(x, start), width: Math.abs(x - start), visibility: 'visible' }, []);
      }
      tipAt(step(x), x);
    });
    svg.addEventListener('pointerup', event => {
      const x = place(event);
      const moved = start !== null && Math.abs(x - start) > 6;
      const chosen = moved ? [step(Math.min(x, start)), step(Math.max(x, start))] : null;
      start = null;
      if (chosen) zoom(chosen);
    });
    svg.addEventListener('pointerleave', () => { tip.hidden = true; cross.setAttribute('visibility', 'hidden'); });
    svg.addEventListener('dblclick', () => zoom(null));

    function tipAt(at, x) {
      const rows = curves.map(({ one, i, raw, smooth }) => {
        let best = 0;
        raw.forEach(([s], k) => { if (Math.abs(s - at) < Math.abs(raw[best][0] - at)) best = k; });
        const value = short(raw[best][1]) + (smooth ? ` (smoothed ${short(smooth[best][1])})` : '');
        return { i, name: one.name, step: raw[best][0], value };
      });
      if (rows.length === 0) return;
      const nearest = rows.reduce((a, b) => Math.abs(b.step - at) < Math.abs(a.step - at) ? b : a).step;
      const places = box.left + (nearest - from) / (to - from || 1) * (box.right - box.left);
      fill(cross, { x1: places, x2: places, visibility: 'visible' }, []);
      tip.replaceChildren(make('b', {}, `step ${whole(nearest)}`), ...rows.map(row =>
        make('div', { style: `color:var(--c${row.i % 6})` }, `${row.name} ${row.value}`,
          row.step === nearest ? '' : ` at ${row.step}`)));
      if (!tip.isConnected) holder.append(tip);
      tip.hidden = false;
      const scaled = x * svg.getBoundingClientRect().width / width;
      tip.style.top = '12px';
      tip.style.left = scaled > holder.clientWidth / 2 ? 'auto' : `${scaled + 14}px`;
      tip.style.right = scaled > holder.clientWidth / 2 ? `${holder.clientWidth - scaled + 14}px` : 'auto';
    }
  }

  view.charts.push({ card, redraw });
  return card;
}

const redrawAll = () => view.charts.forEach(one => one.redraw());
const resetButton = make('button', { disabled: true, onclick: () => zoom(null) }, 'Reset zoom');

function zoom(steps) {
  view.steps = steps && steps[1] > steps[0] ? steps : null;
  resetButton.disabled = view.steps === null;
  history.replaceState(null, '', view.steps ? `#steps=${view.steps.map(Math.round).join('-')}` : '#');
  redrawAll();
}

function charts() {
  const evaluations = run.evaluations.map(key => ({
    name: key === 'eval_loss' ? 'held-out data' : key.replace(/^eval_(.*)_loss$/, '$1'), points: points(key),
  }));
  const sources = [...new Set(run.history.flatMap(Object.keys))].filter(key => key.startsWith('loss_')).sort();
  const speed = run.history.some(entry => 'tokens_per_second' in entry) ? 'tokens_per_second' : 'throughput';
  const all = [
    chart('Training loss', [{ name: 'loss', points: points('loss'), smooth: true }], { wide: true, log: true, spikes: true }),
    chart('Loss on held-out data', evaluations, { log: true, wide: sources.length < 2 }),
    chart('Training loss by source', (sources.length < 2 ? [] : sources).map(key =>
      ({ name: key.slice('loss_'.length), points: points(key), smooth: true })), { log: true }),
    chart('Learning rate', [{ name: 'learning rate', points: points('learning_rate') }], { zero: true, wide: points('grad_norm').length === 0 }),
    chart('Gradient norm, before clipping', [{ name: 'norm', points: points('grad_norm'), smooth: true }], { log: true, spikes: true }),
    chart('Tokens per second', [{ name: 'tokens/s', points: points(speed).filter(([, y]) => y > 0), smooth: true }], { zero: true, wide: true }),
  ].filter(one => one !== null);
  if (all.length === 0) return [];
  return [
    make('h2', {}, 'Curves'),
    make('div', { class: 'tools' },
      make('label', {}, 'Smoothing', make('input', {
        type: 'range', min: 0, max: 0.2, step: 0.005, value: view.smoothing,
        oninput: event => { view.smoothing = Number(event.target.value); redrawAll(); },
      })),
      make('label', {}, make('input', {
        type: 'checkbox', onchange: event => { view.log = event.target.checked; redrawAll(); },
      }), 'Logarithmic'),
      resetButton,
      make('span', {}, 'Drag over a curve to zoom in, double-click to zoom out.')),
    make('div', { class: 'charts' }, all),
  ];
}

// ---- key figures -------------------------------------------------------------------------------

function tiles() {
  const r = run.results;
  const losses = points('loss');
  const all = [];
  if ('train_loss' in r) all.push(tile('Mean training loss', r.train_loss.toFixed(4), losses.length ? `last logged ${losses.at(-1)[1].toFixed(4)}` : ''));
  else if (losses.length) all.push(tile('Training loss', losses.at(-1)[1].toFixed(4), 'last logged'));
  for (const key of run.evaluations) {
    const of = points(key);
    const name = key === 'eval_loss' ? 'Held-out loss' : `Held-out loss, ${key.replace(/^eval_(.*)_loss$/, '$1')}`;
    all.push(tile(name, of.at(-1)[1].toFixed(4),
      of.length > 1 ? `from ${of[0][1].toFixed(4)}; perplexity ${short(Math.exp(of.at(-1)[1]))}` : `perplexity ${short(Math.exp(of.at(-1)[1]))}`));
  }
  const last = run.history.at(-1) || {};
  all.push(tile('Steps', whole(run.step), run.totalSteps > run.step ? `of ${whole(run.totalSteps)}` : `epochs: ${short(r.epoch ?? last.epoch ?? 0)}`));
  const tokens = r.num_input_tokens_seen ?? last.total_tokens;
  if (tokens) all.push(tile('Tokens', si(tokens, ''), whole(tokens)));
  if (r.train_runtime) all.push(tile('Time', duration(r.train_runtime), run.facts.processes?.length > 1 ? `last of ${run.facts.processes.length} processes` : ''));
  if (r.train_step_seconds && tokens) all.push(tile('Tokens per second', whole(tokens / r.train_step_seconds), 'in optimizer steps'));
  if (r.model_flops) all.push(tile('Compute', si(r.model_flops, 'FLOP'), `transformers counts ${si(r.total_flos, '')}`));
  if (r.mfu) all.push(tile('Utilisation', `${(100 * r.mfu).toFixed(1)} %`, `of ${si(r.peak_flops_per_second, 'FLOP/s')} measured`));
  if (r.peak_rss_bytes) all.push(tile('Peak memory', bytes(r.peak_rss_bytes), r.memory_forecast_bytes ? `forecast ${bytes(r.memory_forecast_bytes)}` : ''));
  return make('div', { class: 'tiles' }, all);
}

// ---- tables ------------------------------------------------------------------------------------

function datasets() {
  const rows = [];
  for (const [key, use] of [['datasets', 'training'], ['eval_datasets', 'held out']]) {
    for (const set of run.facts[key] || []) {
      rows.push(make('tr', {}, make('td', { title: set.entry }, set.name), make('td', { class: 'soft' }, use),
        number(whole(set.documents)), number(whole(set.tokens))));
    }
  }
  const split = run.ledger.excess && run.ledger.excess.split_pieces;
  return rows.length ? [make('h2', {}, 'Data'), make('div', { class: 'card' },
    table(['dataset', '', split ? 'documents and pieces' : 'documents', 'tokens'], rows))] : [];
}

function ledger() {
  const { read, selected = {}, excess, packed } = run.ledger;
  if (!read) return [];
  const documents = read.texts + read.given;
  const tokens = read.text_tokens + read.bos_tokens + read.eos_tokens + read.given_tokens;
  const lines = [
    [0, 'Records read', read.records, null],
    [1, 'bad', read.bad, null],
    [1, 'empty', read.empty, null],
    [1, 'texts', read.texts, read.text_tokens],
    [2, 'BOS added', null, read.bos_tokens],
    [2, 'EOS added', null, read.eos_tokens],
    [1, 'lists of ids', read.given, read.given_tokens],
    [0, 'Documents', documents, tokens],
    [1, 'not taken: beyond max_samples', selected.beyond_documents, selected.beyond_tokens],
    [1, 'held out by val_size', selected.other_documents, selected.other_tokens],
    [1, 'dropped: too long', excess.dropped_documents, excess.dropped_tokens],
    [1, `split: too long, into ${whole(excess.split_pieces)} pieces`, excess.split_documents, excess.split_tokens],
    [1, 'kept whole', excess.kept_documents, excess.kept_tokens],
    [0, `Packed (${packed.packing}) into ${whole(packed.rows)} rows`, packed.documents, packed.tokens],
    [1, 'last of a sequence: nothing to predict', null, packed.last_tokens],
    [1, 'taken out by labels', null, packed.ignored_labels],
    [1, 'targets of the loss, an epoch', null, packed.targets],
  ].filter(([level, , d, t]) => level === 0 || d || t);
  const rows = lines.map(([level, name, d, t]) => make('tr', { class: level === 0 ? 'total' : false },
    make('td', { style: `padding-left:${10 + 20 * level}px` }, name),
    number(d === null ? '' : whole(d)), number(t === null ? '' : whole(t)),
    make('td', { class: 'barcell' }, t ? make('div', { class: 'bar', style: `width:${(100 * share(t, tokens)).toFixed(2)}%` }) : '')));
  return [make('h2', {}, 'Where every document and token went'),
    make('div', { class: 'card', id: 'ledger' }, table(['', 'documents', 'tokens', 'share of tokens'], rows))];
}

// The forecast before the start, row by row, and what the process came to.
function memory() {
  const peak = run.results.peak_rss_bytes;
  const rows = (run.facts.memory_forecast || []).map(({ name, bytes: size, remark }) =>
    make('tr', { class: name === 'tensors' || name === 'process' ? 'total' : '' },
      make('td', {}, name === 'process' ? 'process, forecast' : name), number(bytes(size)), make('td', {}, remark)));
  if (peak) rows.push(make('tr', { class: 'total' }, make('td', {}, 'process, measured'), number(bytes(peak)), make('td', {}, 'peak of its resident memory')));
  return rows.length === 0 ? [] : [make('h2', {}, 'Memory'), make('div', { class: 'card', id: 'memory' }, table(['', 'bytes', ''], rows))];
}

// What the guard found, and what was done about it.
function spikeTable() {
  const done = { skip: 'step left out', stop: 'run stopped before it', warn: 'trained on' };
  const rows = spikes().map(one => make('tr', {}, number(whole(one.spike_step)), make('td', {}, one.spike),
    number(short(one.spike_value)), number(short(one.spike_mean)), number(one.spike_z_score.toFixed(1)), make('td', {}, done[one.spike_action])));
  return rows.length === 0 ? [] : [make('h2', {}, 'Spikes'),
    make('div', { class: 'card', id: 'spikes' }, table(['step', 'of', 'value', 'mean before', 'deviations', ''], rows))];
}

// ---- samples -----------------------------------------------------------------------------------

function samples() {
  if (run.samples.length === 0) return [];
  const steps = [...new Set(run.samples.map(sample => sample.step))];
  const prompts = [...new Set(run.samples.map(sample => sample.prompt))];
  const of = (prompt, step) => run.samples.findLast(sample => sample.prompt === prompt && sample.step === step)?.completion ?? '';
  // line breaks alone would be a row of nothing
  const text = completion => /\S/.test(completion) ? completion.replace(/\n{3,}/g, '\n\n') : completion.replace(/\n+/g, all => `⏎ × ${all.length}`);
  const body = make('tbody', { class: 'sample' });
  const label = make('b', {});
  const show = index => {
    label.textContent = `step ${whole(steps[index])}`;
    body.replaceChildren(...prompts.map(prompt => make('tr', {},
      make('td', {}, prompt), make('td', { class: 'soft', 'data-label': `step ${steps[0]}` }, text(of(prompt, steps[0]))),
      make('td', { 'data-label': 'chosen step' }, text(of(prompt, steps[index]))))));
  };
  show(steps.length - 1);
  const slider = make('input', {
    type: 'range', min: 0, max: steps.length - 1, step: 1, value: steps.length - 1, style: 'width:280px',
    oninput: event => show(Number(event.target.value)),
  });
  return [
    make('h2', {}, 'Samples'),
    make('div', { class: 'card', id: 'samples' },
      make('div', { class: 'tools' }, make('label', {}, 'After', slider, label), make('span', {}, 'the most probable token each time')),
      make('table', { class: 'compared' }, make('thead', {}, make('tr', {}, make('th', {}, 'prompt'), make('th', {}, `step ${steps[0]}`), make('th', {}, 'chosen step'))), body),
      make('details', {}, make('summary', {}, `All ${run.samples.length} samples`),
        make('table', {}, make('tbody', { class: 'sample' }, prompts.flatMap(prompt => steps.map(step =>
          make('tr', {}, make('td', {}, prompt), number(whole(step)), make('td', {}, text(of(prompt, step)))))))))),
  ];
}

// ---- configuration and environment -------------------------------------------------------------

function configuration() {
  if (run.config.length === 0) return [];
  const body = make('tbody', {});
  const isDefault = setting => setting.origin.startsWith('default');
  const show = all => body.replaceChildren(...run.config.filter(setting => all || !isDefault(setting)).map(setting =>
    make('tr', { class: isDefault(setting) ? 'soft' : false }, make('td', {}, make('code', {}, setting.key)),
      make('td', {}, make('code', {}, setting.value)), make('td', { class: 'soft' }, setting.origin))));
  show(false);
  return [
    make('h2', {}, 'Configuration'),
    make('div', { class: 'card', id: 'config' },
      make('div', { class: 'tools' }, make('label', {}, make('input', { type: 'checkbox', onchange: event => show(event.target.checked) }),
        `Defaults too (${run.config.filter(isDefault).length} of ${run.config.length} keys)`)),
      make('table', {}, make('thead', {}, make('tr', {}, ['key', 'value', 'set by'].map(text => make('th', {}, text)))), body)),
  ];
}

function environment() {
  const { model = {}, machine = {}, software = {}, base = {}, tokenizer = {}, processes = [] } = run.facts;
  const cards = [
    facts('Model', [
      ['base', base.id || base.name], ['start', base.train_from_scratch ? 'fresh weights' : 'weights of the base'],
      ['architecture', model.architecture], ['parameters', model.parameters && whole(model.parameters)],
      ['layers', model.num_hidden_layers], ['hidden size', model.hidden_size], ['feed-forward size', model.intermediate_size],
      ['heads', model.num_attention_heads && `${model.num_attention_heads}, ${model.num_key_value_heads} for keys and values`],
      ['vocabulary', model.vocab_size && whole(model.vocab_size)], ['tokenizer', tokenizer.path],
    ]),
    facts('Machine', [
      ['processor', machine.cpu], ['threads', machine.processors], ['memory', machine.memory_bytes && bytes(machine.memory_bytes)],
      ['backend', machine.backend && `${machine.backend}: ${machine.backend_description}`],
      ['Yushan', software.yushan], ['Java', software.java && `${software.java} (${software.java_vendor})`], ['system', software.os],
      ...processes.map(p => ['process', `${p.started}${p.ended ? ` to ${p.ended}` : ', not ended in order'}, from step ${p.from_step}${p.ended ? ` to ${p.to_step}` : ''}${p.stopped_by ? `, stopped by ${p.stopped_by}` : ''}`]),
    ]),
  ].filter(one => one !== null);
  return cards.length ? [make('h2', {}, 'Model and machine'), make('div', { class: 'two' }, cards)] : [];
}

// ---- the page ----------------------------------------------------------------------------------

const reached = `step ${whole(run.step)}` + (run.totalSteps > run.step ? ` of ${whole(run.totalSteps)}` : '');
const status = run.finished ? ['good', 'finished'] : ['warn', run.stoppedBy ? `stopped by ${run.stoppedBy} at ${reached}` : `at ${reached}`];

page.append(
  make('header', {},
    make('h1', {}, run.title), make('span', { class: `pill ${status[0]}` }, status[1]), make('span', { class: 'space' }),
    darkButton(),
    make('div', { class: 'lead' }, run.lead)),
  tiles(), ...charts(), ...spikeTable(), ...samples(), ...datasets(), ...ledger(), ...memory(), ...configuration(), ...environment(),
  make('footer', {}, 'Made by yushan from the files of this run; make it again with ', make('code', {}, 'yushan report'), '.'));

const asked = /steps=(\d+)-(\d+)/.exec(location.hash);
if (asked) zoom([Number(asked[1]), Number(asked[2])]);
else redrawAll();
window.addEventListener('resize', redrawAll);
document.body.dataset.ready = 'true';
