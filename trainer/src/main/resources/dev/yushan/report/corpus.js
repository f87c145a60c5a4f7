const config = data.config;
const units = ['documents', 'characters', 'tokens'];
const roles = { train: 'trained on', eval: 'held out', forget: 'forgetting set' };
const words = name => name.replaceAll('_', ' ');
const spoken = {
  bad: 'cannot be read', empty: 'empty', ids: 'token ids, no text', length: 'too short', broken: 'broken characters',
  han: 'too little Han', symbol: 'too many symbols', digit: 'too many digits', bullet_lines: 'mostly lists',
  ellipsis_lines: 'lines cut off by …', unpunctuated_lines: 'lines without punctuation', boilerplate_lines: 'boilerplate',
  duplicate_lines: 'repeated lines', top_ngram: 'one phrase repeated', duplicate_ngrams: 'repeated passages',
};
const reason = name => spoken[name] ?? words(name);
const documents = count => `${whole(count)} document${count === 1 ? '' : 's'}`;
// what is there is not nothing, what is missing not all
const percent = part => part > 0 && part < .0005 ? '< 0.1 %' : part < 1 && part >= .9995 ? '> 99.9 %' : `${(100 * part).toFixed(1)} %`;
const trained = source => source.role === 'train';

// ---- sums --------------------------------------------------------------------------------------

const add = (a, b) => Object.fromEntries(units.map(unit => [unit, (a?.[unit] ?? 0) + (b?.[unit] ?? 0)]));
const total = amounts => amounts.reduce(add, add());

// The steps of several sources as those of one.
function together(sources) {
  return data.steps.map((name, s) => {
    const steps = sources.map(source => source.steps[s]);
    const removed = {}, notes = {};
    for (const step of steps) {
      for (const [why, amount] of Object.entries(step.removed)) removed[why] = add(removed[why], amount);
      for (const [note, count] of Object.entries(step.notes)) notes[note] = (notes[note] ?? 0) + count;
    }
    const changed = steps.reduce((sum, step) => sum + step.changed, 0);
    return { name, in: total(steps.map(step => step.in)), out: total(steps.map(step => step.out)), changed, removed, notes };
  });
}

// Of each source what a step noted, those that noted nothing left out.
const noted = name => data.sources
  .map(source => ({ name: source.name, notes: source.steps[data.steps.indexOf(name)]?.notes ?? {} }))
  .filter(({ notes }) => Object.keys(notes).length > 0);

const section = (title, id, ...content) => [make('h2', {}, title), make('div', { id }, content)];

// ---- key figures -------------------------------------------------------------------------------

const read = total(data.sources.map(source => source.read));
const written = total(data.sources.map(source => source.written));

// What was written of a source, documents that were cut into pieces counted once.
function uncut(source) {
  const { split = 0, pieces = 0 } = source.steps.at(-1).notes;
  return { ...source.written, documents: source.written.documents - pieces + split };
}

function tiles() {
  const cut = total(data.sources.map(uncut)).documents !== written.documents;
  const flow = unit => tile(unit.replace(/^./, c => c.toUpperCase()), `${si(read[unit], '')} → ${si(written[unit], '')}`,
    `${whole(read[unit])} → ${whole(written[unit])}${cut && unit === 'documents' ? ' pieces' : ''}`);
  const pass = data.sources.filter(trained).reduce((sum, source) => sum + source.written.tokens * source.epochs, 0);
  const removed = together(data.sources).flatMap(step => Object.values(step.removed));
  const of = role => data.sources.filter(source => source.role === role).length;
  return [make('div', { class: 'tiles flow' }, units.map(flow)), make('div', { class: 'tiles flow' },
    tile('Removed', `${percent(share(total(removed).documents, read.documents))}`, documents(total(removed).documents)),
    tile('Sources', whole(data.sources.length),
      Object.keys(roles).filter(of).map(role => `${of(role)} ${roles[role]}`).join(', ')),
    tile('Cutoff', `${whole(config.cutoff_len)}`, `tokens; longer ones: ${config.on_excess}`),
    tile('A pass of training', si(pass, ''), `${whole(pass)} tokens`))];
}

// ---- sources and their mix ---------------------------------------------------------------------

function sources() {
  const pass = source => trained(source) ? source.written.tokens * source.epochs : 0;
  const all = data.sources.reduce((sum, source) => sum + pass(source), 0);
  const way = config.sources.some(source => source.weight > 0) ? 'by weight'
    : config.temperature !== 1 ? `by temperature ${config.temperature}` : 'by epochs';
  const rows = data.sources.map(source => make('tr', { 'data-source': source.name },
    make('td', {}, source.name), make('td', { class: 'soft' }, roles[source.role]),
    number(whole(source.read.documents)), number(whole(source.written.documents)), number(whole(source.written.tokens)),
    number(trained(source) ? short(source.epochs) : ''), number(trained(source) ? whole(pass(source)) : ''),
    number(trained(source) ? percent(share(pass(source), all)) : ''),
    make('td', { class: 'mix' }, trained(source)
      ? make('div', { class: 'track' }, make('i', { style: `width:${100 * share(pass(source), all)}%;background:var(--c0)` })) : '')));
  return section('Sources and their mix', 'sources', make('div', { class: 'card scroll' },
    table(['source', '', 'documents read', 'written', 'tokens', 'epochs', 'tokens a pass', `share, ${way}`, ''], rows)));
}

// ---- the funnel --------------------------------------------------------------------------------

function steps(all, unit) {
  const most = Math.max(1, ...all.map(step => Math.max(step.in[unit], step.out[unit])));
  return make('div', { class: 'funnel' }, all.map(step => {
    const gone = total(Object.values(step.removed))[unit];
    const grown = step.out[unit] + gone - step.in[unit];
    const sign = grown < 0 ? '−' : '+';
    const why = Object.entries(step.removed).map(([id, amount]) =>
      make('span', { class: 'gone', title: id }, `− ${whole(amount[unit])} ${reason(id)}`));
    if (step.changed) {
      why.push(make('span', { class: 'soft' }, unit === 'documents' ? `${whole(step.changed)} changed`
        : grown ? `${sign} ${whole(Math.abs(grown))} by changes` : ''));
    }
    if (step.notes.split) why.push(make('span', { class: 'soft' }, `${whole(step.notes.split)} split into ${whole(step.notes.pieces)}`));
    return make('div', { class: 'step', 'data-step': step.name },
      make('span', { class: 'name' }, step.name),
      make('span', { class: 'track' },
        make('i', { style: `width:${100 * step.out[unit] / most}%;background:var(--c0)` }),
        make('i', { style: `width:${100 * gone / most}%;background:var(--c1)` })),
      make('span', { class: 'out' }, whole(step.out[unit]) + (step.notes.pieces && unit === 'documents' ? ' pieces' : '')),
      make('span', { class: 'why' }, why));
  }));
}

function funnel() {
  const few = data.sources.length <= 4;
  const open = new Map(data.sources.map(source => [source.name, few]));
  const holder = make('div', { class: 'stack' });
  const buttons = units.map(unit => make('button', { 'data-unit': unit, onclick: () => show(unit) }, unit));
  function one(source, unit) {
    const kept = uncut(source)[unit];
    const pieces = kept === source.written[unit] ? '' : `, in ${whole(source.written[unit])} pieces`;
    return make('details', {
      class: 'card', 'data-funnel': source.name, open: open.get(source.name),
      ontoggle: event => open.set(source.name, event.target.open),
    }, make('summary', {}, make('b', {}, source.name), ' ', make('span', { class: 'pill' }, roles[source.role]), ' ',
      make('span', { class: 'soft' }, `${whole(kept)} of ${whole(source.read[unit])} ${unit}, ${percent(share(kept, source.read[unit]))}${pieces}`)),
    steps(together([source]), unit));
  }
  function show(unit) {
    buttons.forEach(button => button.setAttribute('aria-pressed', button.dataset.unit === unit));
    holder.replaceChildren(
      ...data.sources.length > 1 ? [make('div', { class: 'card', 'data-funnel': '' }, make('h3', {}, 'All sources'), steps(together(data.sources), unit))] : [],
      ...data.sources.map(source => one(source, unit)));
  }
  show('documents');
  return section('What was kept, step by step', 'funnel',
    make('div', { class: 'tools' }, make('span', { class: 'switch', role: 'group' }, buttons),
      make('span', {}, make('i', { class: 'key', style: 'background:var(--c0)' }), 'kept after the step'),
      make('span', {}, make('i', { class: 'key', style: 'background:var(--c1)' }), 'removed in it')),
    holder);
}

function reasons() {
  const rows = together(data.sources).flatMap((step, s) =>
    Object.entries(step.removed).map(([id, amount]) => {
      const where = data.sources.filter(source => source.steps[s].removed[id])
        .map(source => `${source.name} ${whole(source.steps[s].removed[id].documents)}`).join(', ');
      return make('tr', { 'data-reason': id }, make('td', { class: 'soft' }, step.name), make('td', {}, reason(id)), make('td', {}, make('code', { class: 'soft' }, id)),
        units.map(unit => number(whole(amount[unit]))), number(percent(share(amount.documents, read.documents))),
        make('td', { class: 'soft where' }, where));
    }));
  return rows.length === 0 ? [] : section('Why documents were removed', 'reasons', make('div', { class: 'card scroll' },
    table(['step', 'reason', '', ...units, 'of those read', 'where'], rows)));
}

// ---- lengths -----------------------------------------------------------------------------------

const redraws = [];

function lengths() {
  const filled = data.sources.filter(source => Object.keys(source.lengths ?? {}).length > 0);
  if (filled.length === 0) return [];
  const bins = filled.flatMap(source => Object.keys(source.lengths).map(Number));
  const cut = 4 * Math.log2(config.cutoff_len);
  const first = Math.min(...bins), last = Math.max(...bins, Math.ceil(cut)) + 1;
  const cards = filled.map(source => histogram(source, first, last, cut));
  return section('Tokens of a document, before the cutoff', 'lengths', make('div', { class: filled.length > 1 ? 'charts' : 'stack' }, cards));
}

function histogram(source, first, last, cut) {
  const counts = Object.entries(source.lengths).map(([bin, count]) => [Number(bin), count]);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  const median = counts.find(([, count]) => (seen += count) >= all / 2)[0];
  const step = source.steps.at(-1);
  const long = (step.removed.too_long?.documents ?? 0) + (step.notes.split ?? 0);
  const holder = make('div', { class: 'chart histogram' });
  const edge = bin => Math.ceil(2 ** (bin / 4) - 1e-6);
  const most = Math.max(...counts.map(([, count]) => count));
  function redraw() {
    const width = Math.max(280, holder.clientWidth || 560), height = 200;
    const box = { left: 50, right: width - 10, top: 20, bottom: height - 24 };
    const px = bin => box.left + (bin - first) / (last - first) * (box.right - box.left);
    const py = count => box.bottom - count / most * (box.bottom - box.top);
    const svg = draw('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': `lengths of ${source.name}` });
    for (const y of ticks(0, most, 4).filter(Number.isInteger)) {
      svg.append(draw('line', { class: 'grid', x1: box.left, x2: box.right, y1: py(y), y2: py(y) }),
        draw('text', { x: box.left - 7, y: py(y) + 4, 'text-anchor': 'end' }, whole(y)));
    }
    const every = 4 * Math.ceil((last - first) / 4 / Math.max(2, Math.floor(width / 62)));
    for (let bin = Math.ceil(first / every) * every; bin <= last; bin += every) {
      svg.append(draw('text', { x: px(bin), y: height - 7, 'text-anchor': 'middle' }, whole(2 ** (bin / 4))));
    }
    for (const [bin, count] of counts) {
      const parts = bin + 1 <= cut ? [['kept', bin, bin + 1]] : bin >= cut ? [['long', bin, bin + 1]] : [['kept', bin, cut], ['long', cut, bin + 1]];
      svg.append(...parts.map(([name, from, to]) => draw('rect', {
        class: name, x: px(from) + (from === bin ? 0.5 : 0), width: Math.max(0.5, px(to) - px(from) - (from === bin ? 0.5 : 0)),
        y: py(count), height: box.bottom - py(count), 'data-bin': bin,
      }, draw('title', {}, `${whole(edge(bin))} to ${whole(Math.max(edge(bin), edge(bin + 1) - 1))} tokens: ${documents(count)}`))));
    }
    const left = px(cut) > width / 2;
    svg.append(draw('line', { class: 'axis', x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      draw('line', { class: 'cutoff', x1: px(cut), x2: px(cut), y1: 4, y2: box.bottom }),
      draw('text', { class: 'cutoff', x: px(cut) + (left ? -5 : 5), y: 13, 'text-anchor': left ? 'end' : 'start' }, `cutoff ${whole(config.cutoff_len)}`));
    holder.replaceChildren(svg);
  }
  redraws.push(redraw);
  return make('section', { class: 'card', 'data-lengths': source.name }, make('h3', {}, source.name),
    make('div', { class: 'from' }, `${documents(all)}, median ${whole(edge(median))} to ${whole(Math.max(edge(median), edge(median + 1) - 1))} tokens; `
      + `${whole(long)} longer than the cutoff (${percent(share(long, all))})`), holder);
}

// ---- script, personal data, words --------------------------------------------------------------

function script() {
  const kinds = ['traditional', 'simplified', 'mixed', 'unknown'];
  const colour = i => `background:var(--c${[0, 1, 3, 4][i]})`;
  const found = noted('script');
  if (found.length === 0) return [];
  const rows = found.map(({ name, notes }) => {
    const all = kinds.reduce((sum, kind) => sum + (notes[kind] ?? 0), 0);
    return make('tr', { 'data-script': name }, make('td', {}, name),
      make('td', { class: 'mix', style: 'width:34%' }, make('div', { class: 'track' }, kinds.map((kind, i) =>
        make('i', { title: `${kind} ${percent(share(notes[kind] ?? 0, all))}`, style: `width:${100 * share(notes[kind] ?? 0, all)}%;${colour(i)}` })))),
      kinds.map(kind => number(whole(notes[kind] ?? 0))), number(whole(notes.mainland_words ?? 0)));
  });
  const head = kinds.map((kind, i) => [make('i', { class: 'key', style: colour(i) }), kind]);
  return section('Script and vocabulary', 'script', make('div', { class: 'card scroll' },
    table(['source', '', ...head, 'mainland words'], rows)));
}

// What other stages counted, personal data among it.
function counted() {
  return data.steps.filter(name => name !== 'script' && name !== 'tokens').flatMap(name => {
    const found = noted(name);
    const rows = [...new Set(found.flatMap(({ notes }) => Object.keys(notes)))].sort().map(note =>
      make('tr', { 'data-note': note }, make('td', {}, words(note)),
        number(whole(found.reduce((sum, { notes }) => sum + (notes[note] ?? 0), 0))),
        make('td', { class: 'soft' }, settings(name)[note] ?? ''),
        make('td', { class: 'soft where' }, found.filter(({ notes }) => notes[note]).map(one => `${one.name} ${whole(one.notes[note])}`).join(', '))));
    return rows.length === 0 ? [] : section(name === 'pii' ? 'Personal data' : `What ${name} counted`, `counted-${name}`,
      make('div', { class: 'card scroll' }, table(['', 'found', 'action', 'where'], rows)));
  });
}

const settings = stage => config.stages.find(one => stage in one)?.[stage] ?? {};

// ---- texts -------------------------------------------------------------------------------------

const signs = { ' ': '·', '\n': '⏎\n', '\r': '␍', '\t': '⇥' };

// A text whose spaces, line breaks and invisible characters can be seen.
function visible(text) {
  const nodes = [];
  let end = 0;
  for (const run of text.matchAll(/([\p{Cc}\p{Cf}\p{Z}])\1*/gu)) {
    const [all, one] = run;
    nodes.push(text.slice(end, run.index), one in signs
      ? [make('span', { class: 'sign' }, signs[one].repeat(all.length)), make('wbr')]
      : make('span', { class: 'code' }, `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`
        + (all.length > one.length ? `×${all.length / one.length}` : '')));
    end = run.index + all.length;
  }
  return [...nodes, text.slice(end)];
}

// Pieces in order, each ['=', '-' or '+', text]: a longest common subsequence of characters.
function compared(before, after) {
  const a = [...before], b = [...after];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const pieces = [];
  const put = (kind, char) => pieces.at(-1)?.[0] === kind ? pieces.at(-1)[1] += char : pieces.push([kind, char]);
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { put('=', a[i]); i++; j++; }
    else if (i < a.length && (j === b.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) put('-', a[i++]);
    else put('+', b[j++]);
  }
  return pieces;
}

// Pieces of excerpts; where one of them is cut off, what the other goes on with is no change.
function changes(before, after) {
  const cut = [before, after].some(text => text.endsWith('…'));
  const pieces = compared(before.replace(/…$/, ''), after.replace(/…$/, ''));
  const last = pieces.findLastIndex(([kind]) => kind === '=');
  return cut && last >= 0 ? [...pieces.slice(0, last + 1), ['=', '…']] : pieces;
}

const marked = pieces => pieces.map(([kind, text]) =>
  kind === '=' ? visible(text) : [make(kind === '-' ? 'del' : 'ins', {}, visible(text))]).flat();
const text = (...nodes) => make('div', { class: 'text', lang: 'zh-Hant' }, nodes);
const from = one => make('div', { class: 'from' }, `${one.source} · ${one.id}`);

// The first ones, and the others on demand; of several sources in turn.
function shown(lists, count, draw) {
  const longest = Math.max(0, ...lists.map(list => list.length));
  const all = Array.from({ length: longest }, (_, i) => lists.map(list => list[i]).filter(Boolean)).flat().map(draw);
  const rest = all.slice(count);
  return [make('div', { class: 'examples' }, all.slice(0, count)), rest.length === 0 ? null
    : make('details', { class: 'more' }, make('summary', {}, `${rest.length} more`), make('div', { class: 'examples' }, rest))];
}

function changed() {
  const groups = together(data.sources).flatMap((step, s) => step.changed === 0 ? [] : [
    make('div', { class: 'group' }, make('h3', {}, `${step.name}: ${documents(step.changed)} changed`)),
    ...shown(data.sources.map(source => source.steps[s].examples.changed), 4, one =>
      make('div', { class: 'card', 'data-change': step.name }, from(one),
        text('before' in one ? marked(changes(one.before, one.after)) : visible(one.after)))),
  ]);
  return groups.length === 0 ? [] : section('Examples of changes', 'changed',
    make('div', { class: 'tools' }, make('span', {}, make('del', {}, 'taken out')), make('span', {}, make('ins', {}, 'put in')),
      make('span', {}, '· space, ⏎ line break, ⇥ tab; others by their number')), groups);
}

function removed() {
  const groups = together(data.sources).flatMap((step, s) => Object.keys(step.removed).flatMap(id => {
    const lists = data.sources.map(source => source.steps[s].examples.removed[id] ?? []);
    return [
      make('div', { class: 'group' }, make('h3', {}, `${step.name}: ${reason(id)}, ${documents(step.removed[id].documents)}`)),
      ...shown(lists, 2, one => make('div', { class: 'card', 'data-removed': id }, from(one),
        make('div', { class: 'detail gone' }, one.detail), one.text ? text(visible(one.text)) : null)),
    ];
  }));
  return groups.length === 0 ? [] : section('Examples of what was removed', 'removed', groups);
}

// ---- duplicates --------------------------------------------------------------------------------

function duplicates() {
  if (!data.duplicates) return [];
  const { counts, clusters } = data.duplicates;
  const row = (name, one, jaccard, nodes) => make('tr', {}, make('td', {}, name, from(one)), number(jaccard), make('td', {}, text(nodes)));
  const cards = clusters.map((cluster, i) => {
    const { kept } = cluster;
    const gone = cluster.removed.map(one => row('removed', one, one.exact ? 'exact' : one.jaccard.toFixed(3),
      marked(changes(kept.text, one.text).filter(([kind]) => kind !== '-'))));
    const more = cluster.size - 1 - cluster.removed.length;
    return make('details', { class: 'card', open: i === 0, 'data-cluster': kept.id },
      make('summary', {}, make('b', {}, `${whole(cluster.size)} documents`), ' ', make('span', { class: 'soft' }, kept.text.slice(0, 40).replace(/\s+/g, ' '))),
      make('div', { class: 'cluster scroll' }, table(['', 'Jaccard', 'what differs from the kept one is marked'],
        [row(make('b', {}, 'kept'), kept, '', visible(kept.text)), ...gone])),
      more > 0 ? make('div', { class: 'soft' }, `and ${whole(more)} more`) : null);
  });
  return section('Duplicates', 'duplicates',
    make('p', { class: 'soft' }, `Of ${whole(counts.documents)} documents ${whole(counts.exact)} were exact and ${whole(counts.near)} near duplicates of one that was kept. `
      + (clusters.length > 0 ? 'The largest groups:' : '')),
    make('div', { class: 'stack' }, cards));
}

// ---- configuration -----------------------------------------------------------------------------

function lines(object, prefix = '') {
  return Object.entries(object).flatMap(([key, value]) => value !== null && typeof value === 'object' && !Array.isArray(value)
    ? lines(value, `${prefix}${key}.`)
    : [[prefix + key, Array.isArray(value) ? value.map(String).join(', ') || 'none' : value === '' ? '–' : String(value)]]);
}

function configuration() {
  const { sources: _, stages, ...rest } = config;
  return section('Configuration', 'config', make('div', { class: 'two' },
    facts('corpus', lines(rest)),
    config.sources.map(({ name, ...source }) => facts(`source ${name}`, lines(source))),
    stages.map(stage => Object.entries(stage).map(([name, settings]) => facts(`stage ${name}`, lines(settings))))
      .flat()));
}

// ---- the page ----------------------------------------------------------------------------------

page.append(
  make('header', {},
    make('h1', {}, data.title), make('span', { class: 'space' }), darkButton(),
    make('div', { class: 'lead' }, `${data.steps.join(' → ')}; tokenizer ${config.tokenizer}`)),
  ...tiles(), ...sources(), ...funnel(), ...reasons(), ...lengths(), ...script(), ...counted(), ...changed(), ...removed(),
  ...duplicates(), ...configuration(),
  make('footer', {}, 'Made by yushan prepare from report.json of this corpus.'));

const redrawAll = () => redraws.forEach(redraw => redraw());
redrawAll();
window.addEventListener('resize', redrawAll);
document.body.dataset.ready = 'true';
