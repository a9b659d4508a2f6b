// The parts of the webhook form. Each has its element and gives its value for the document.
import { button, check, el, field, newID, select } from './dom.js';

// All, or those that are ticked; others can be typed.
export function chooser(key, noun, known, chosen) {
  const group = newID();
  const all = el('input', { type: 'radio', name: group, checked: !chosen });
  const some = el('input', { type: 'radio', name: group, checked: Boolean(chosen) });
  const list = el('div', { class: 'checks' });
  const boxes = new Map();
  const typed = el('input', { autocomplete: 'off', placeholder: `${noun} id` });
  const add = (id, checked) => {
    if (boxes.has(id)) { boxes.get(id).input.checked = true; return; }
    boxes.set(id, check(id, { checked }));
    list.append(boxes.get(id));
  };
  for (const id of new Set([...known, ...(chosen || [])])) add(id, chosen?.includes(id));
  const addTyped = () => { const id = typed.value.trim(); if (id) add(id, true); typed.value = ''; typed.focus(); };
  typed.addEventListener('keydown', event => { if (event.key === 'Enter') { event.preventDefault(); addTyped(); } });
  const picking = el('div', { class: 'field' }, list,
    el('div', { class: 'with-button' }, field(`Another ${noun}`, typed), button('Add', addTyped, '', { 'aria-label': `Add ${noun}` })));
  const show = () => { picking.hidden = all.checked; };
  all.addEventListener('change', show);
  some.addEventListener('change', show);
  show();
  const error = el('span', { class: 'error', role: 'alert' });
  const element = el('fieldset', { 'data-key': key }, el('legend', { class: 'hint' }, `Which ${noun}s' events to receive (optional)`),
    el('label', { class: 'check' }, all, el('span', {}, `Select all: events of every ${noun}`)),
    el('label', { class: 'check' }, some, el('span', {}, `Specific ${noun}s`)), picking, error);
  element.setError = text => { error.textContent = text || ''; };
  return { element, value: () => (all.checked ? null : [...boxes].filter(([, box]) => box.input.checked).map(([id]) => id)) };
}

// Values that are stored never come to the page: their rows stay as they are until somebody writes a new value.
export function headerRows(names) {
  const rows = el('div', { class: 'field' });
  const error = el('span', { class: 'error', role: 'alert' });
  function add(name = '', isStored = false) {
    const key = el('input', { 'aria-label': 'Header key', placeholder: 'Authorization', value: name, autocomplete: 'off', readonly: isStored });
    const value = el('input', { 'aria-label': `Header value${name ? ` of ${name}` : ''}`, autocomplete: 'off', spellcheck: 'false',
      placeholder: isStored ? '•••••• kept as it is' : 'Bearer your-token-here' });
    const row = el('div', { class: 'header-row' }, key, value,
      button('Remove', () => row.remove(), 'small', { 'aria-label': `Remove header ${name}`.trim() }));
    row.value = () => ({ name: key.value.trim(), value: isStored && value.value === '' ? null : value.value });
    rows.append(row);
    return key;
  }
  for (const name of names) add(name, true);
  const element = el('fieldset', { 'data-key': 'headers' },
    el('legend', { class: 'hint' }, 'For authentication or metadata, sent with each request (optional)'), rows, error,
    el('div', {}, button('+ Add', () => add().focus(), 'small', { 'aria-label': '+ Add header' })));
  element.setError = text => { error.textContent = text || ''; };
  return { element, value: () => [...rows.children].map(row => row.value()).filter(row => row.name || row.value) };
}

// One group for each category, each with "Select all".
export function eventChooser(types, chosen) {
  const categories = new Map();
  for (const type of types) {
    if (!categories.has(type.category)) categories.set(type.category, []);
    categories.get(type.category).push(type);
  }
  const error = el('span', { class: 'error', role: 'alert' });
  const groups = [...categories].map(([category, members]) => {
    const covered = chosen.includes('*') || chosen.includes(`${category}.*`);
    const boxes = members.map(type => {
      const box = check(type.title, { checked: covered || chosen.includes(type.name), value: type.name });
      box.title = `${type.name}: ${type.description}`;
      return box;
    });
    const every = check('Select all', { checked: covered, 'aria-label': `Select all ${category} events` });
    const follow = () => {
      const number = boxes.filter(box => box.input.checked).length;
      every.input.checked = number === boxes.length;
      every.input.indeterminate = number > 0 && number < boxes.length;
    };
    every.input.addEventListener('change', () => boxes.forEach(box => { box.input.checked = every.input.checked; }));
    boxes.forEach(box => box.input.addEventListener('change', follow));
    follow();
    const name = category ? category[0].toUpperCase() + category.slice(1) : 'Other';
    return {
      element: el('fieldset', {}, el('legend', {}, `${name} events`), every, el('div', { class: 'checks' }, boxes)),
      // All of a category is the category: also types that are added to it later.
      value: () => (every.input.checked && category ? [`${category}.*`] : boxes.filter(box => box.input.checked).map(box => box.input.value)),
    };
  });
  const element = el('div', { class: 'field', 'data-key': 'events' }, groups.map(group => group.element), error);
  element.setError = text => { error.textContent = text || ''; };
  return { element, value: () => groups.flatMap(group => group.value()) };
}

// What is left empty is the engine's default.
export function advanced(webhook) {
  const number = (value, attributes) => el('input', { type: 'number', value: value ?? '', placeholder: 'default', ...attributes });
  const delays = el('input', { value: (webhook?.retry?.delaysSeconds?.length === 0 ? 'none' : webhook?.retry?.delaysSeconds?.join(', ')) ?? '', placeholder: '1, 5, 25', autocomplete: 'off' });
  const timeout = number(webhook?.timeoutMs, { min: '100', max: '300000', placeholder: '5000' });
  const rate = number(webhook?.rateLimit?.perSecond, { min: '0', step: 'any', placeholder: 'no limit' });
  const burst = number(webhook?.rateLimit?.burst, { min: '1', placeholder: '10' });
  const ordering = select([['', 'Default (none)'], ['none', 'None: as fast as possible'], ['key', 'By key: one after the other'], ['strict', 'Strict: all in order']], webhook?.ordering ?? '');
  const format = select([['', 'Default (SubVerse)'], ['subverse', 'SubVerse: eventType, createdAt, data'], ['standard', 'Standard: type, timestamp, data'], ['raw', 'Raw: the data alone']], webhook?.payloadFormat ?? '');
  const read = control => (control.value === '' ? null : Number(control.value));
  const list = text => (text.trim() === '' ? null : text.split(/[,\s]+/).filter(Boolean).map(Number));
  // Keys that the form does not show are kept as they are.
  const merged = (present, change) => {
    const object = Object.fromEntries(Object.entries({ ...present, ...change }).filter(([, value]) => value !== null));
    return Object.keys(object).length ? object : null;
  };
  const element = el('details', {}, el('summary', {}, 'Retry, timeout, rate, ordering, payload format'), el('div', { class: 'columns' },
    field('Retry after seconds', delays, { key: 'retry', hint: 'One number for each retry; 0 retries: write "none".' }),
    field('Timeout in ms', timeout, { key: 'timeoutMs', hint: '100 to 300000' }),
    field('Attempts a second', rate, { key: 'rateLimit', hint: '0 for no limit' }), field('Burst', burst, { hint: 'Attempts at once after a pause' }),
    field('Ordering', ordering, { key: 'ordering' }), field('Payload format', format, { key: 'payloadFormat' })));
  if (webhook && (webhook.retry || webhook.timeoutMs || webhook.rateLimit || webhook.ordering || webhook.payloadFormat)) element.open = true;
  return { element, value: () => ({
    timeoutMs: read(timeout), ordering: ordering.value || null, payloadFormat: format.value || null,
    retry: merged(webhook?.retry, { delaysSeconds: delays.value.trim() === 'none' ? [] : list(delays.value) }),
    rateLimit: merged(webhook?.rateLimit, { perSecond: read(rate), burst: read(burst) }),
  }) };
}
