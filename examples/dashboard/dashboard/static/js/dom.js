// Builds elements. What comes from outside becomes text nodes and attributes, never HTML.

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class') element.className = value;
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

export const button = (text, onclick, kind = '', attributes = {}) =>
  el('button', { type: 'button', class: `button ${kind}`, onclick, ...attributes }, text);

export const link = (text, href, kind = '') => el('a', { href, class: kind || null }, text);

export const tag = (text, kind = '') => el('span', { class: `tag ${kind}` }, text);

let count = 0;
export const newID = () => `f${++count}`;

// A labelled control with a hint and a place for what is wrong with it.
export function field(label, control, { hint = null, key = null } = {}) {
  control.id ||= newID();
  const error = el('span', { class: 'error', id: `${control.id}-error`, role: 'alert', hidden: true });
  control.setAttribute('aria-describedby', error.id);
  const whole = el('div', { class: 'field', 'data-key': key }, el('label', { for: control.id }, label), control,
    hint && el('span', { class: 'hint' }, hint), error);
  whole.setError = text => {
    error.hidden = !text;
    error.textContent = text || '';
    control.setAttribute('aria-invalid', text ? 'true' : 'false');
  };
  return whole;
}

export function check(label, attributes = {}) {
  const input = el('input', { type: 'checkbox', ...attributes });
  const whole = el('label', { class: 'check' }, input, el('span', {}, label));
  whole.input = input;
  return whole;
}

export function select(options, value, attributes = {}) {
  const control = el('select', attributes, options.map(([key, text]) => el('option', { value: key }, text)));
  control.value = value ?? options[0]?.[0] ?? '';
  return control;
}

export function table(heads, rows, kind = 'cards') {
  return el('table', { class: kind },
    el('thead', {}, el('tr', {}, heads.map(head => el('th', { scope: 'col' }, head)))),
    el('tbody', {}, rows));
}

export function note(text, isBad = false) {
  const place = document.getElementById('notes');
  const shown = el('div', { class: `note ${isBad ? 'bad' : ''}` }, text);
  place.append(shown);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => shown.remove(), isBad ? 9000 : 4000);
}

// A dialog that is gone once it is closed. `fillIn` gets a function that closes it.
export function dialog(label, fillIn) {
  const shown = el('dialog', { 'aria-label': label });
  const close = () => shown.close();
  shown.append(fillIn(close));
  shown.addEventListener('close', () => shown.remove());
  document.body.append(shown);
  shown.showModal();
  return shown;
}

export function confirm(title, text, action, run) {
  dialog(title, close => el('div', {}, el('h2', {}, title), el('p', {}, text), el('div', { class: 'bar' },
    button('Keep it', close),
    button(action, async () => { close(); await run(); }, 'main danger'))));
}
