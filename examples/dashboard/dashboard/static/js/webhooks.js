// The list of webhooks.
import { ago, attempt, call, get, percent, whole } from './api.js';
import { button, confirm, el, fill, link, table, tag } from './dom.js';
import { follow, gently } from './live.js';
import { breaker, disabledReason, failure, state } from './states.js';
import { testDialog } from './test.js';

export const nameOf = webhook => webhook.description || webhook.url;

export function onOff(webhook, changed) {
  const input = el('input', {
    type: 'checkbox', role: 'switch', checked: webhook.enabled, 'aria-label': `Enabled: ${nameOf(webhook)}`,
    onchange: async () => {
      const done = await attempt(() => call('POST', `/api/webhooks/${webhook.id}/enabled`, { enabled: input.checked }));
      if (done) changed(done); else input.checked = !input.checked;
    },
  });
  return el('label', { class: 'switch' }, input);
}

export function deleteWebhook(webhook, done) {
  confirm('Delete this webhook?', `${webhook.url} gets no more events at once, and what waits for it is canceled.`, 'Delete webhook',
    () => attempt(async () => {
      await call('DELETE', `/api/webhooks/${webhook.id}`);
      done();
    }));
}

export function status(webhook) {
  if (!webhook.enabled) return tag(`Off: ${disabledReason(webhook)}`);
  if (webhook.health?.pausedUntil) return tag('Paused by receiver', 'warn');
  if (webhook.health?.failingSince) return tag('Failing', 'bad');
  return tag('Active', 'good');
}

export function lastResult(webhook) {
  if (!webhook.lastAt) return el('span', { class: 'hint' }, 'none yet');
  const why = webhook.lastState === 'succeeded' ? webhook.lastStatus : webhook.lastStatus || failure(webhook.lastFailure);
  return el('div', { class: 'name' }, el('span', {}, state(webhook.lastState)),
    el('span', { class: 'hint' }, [why, ago(webhook.lastAt)].filter(Boolean).join(' · ')));
}

export async function webhooksPage(place, _match, query) {
  const search = el('input', { type: 'search', placeholder: 'Search by URL or description', 'aria-label': 'Search webhooks', value: query.get('text') || '' });
  const list = el('section', { class: 'card flush', 'aria-label': 'Webhooks' });
  const subtitle = el('p', {}, '');
  let pages = 1;
  let shown = [];

  function row(webhook) {
    return el('tr', { 'data-id': webhook.id },
      el('td', {}, el('div', { class: 'name' }, link(nameOf(webhook), `#/webhooks/${webhook.id}`),
        webhook.description && el('span', { class: 'hint' }, webhook.url),
        el('span', { class: 'hint' }, events(webhook)))),
      el('td', { 'data-label': 'State' }, el('div', { class: 'row' }, status(webhook), webhook.enabled && webhook.health && breaker(webhook.health.breaker))),
      el('td', { 'data-label': 'Success', class: 'number-cell' }, percent(webhook.successRate)),
      el('td', { 'data-label': 'Last result' }, lastResult(webhook)),
      el('td', { 'data-label': 'Waiting', class: 'number-cell' }, whole(webhook.health?.pending)),
      el('td', { 'data-label': 'Enabled' }, onOff(webhook, refresh)),
      el('td', {}, el('div', { class: 'actions' },
        button('Test', () => testDialog(webhook), 'small', { 'aria-label': `Test ${nameOf(webhook)}` }),
        el('a', { class: 'button small', href: `#/webhooks/${webhook.id}/edit`, 'aria-label': `Edit ${nameOf(webhook)}` }, 'Edit'),
        button('Delete', () => deleteWebhook(webhook, refresh), 'small danger', { 'aria-label': `Delete ${nameOf(webhook)}` }))));
  }

  async function load() {
    shown = [];
    let cursor = null;
    let total = 0;
    for (let page = 0; page < pages; page += 1) {
      const answer = await get('/api/webhooks', { text: search.value, cursor });
      shown.push(...answer.webhooks);
      ({ cursor, total } = answer);
      if (!cursor) break;
    }
    subtitle.textContent = `${whole(total)} registered. Each gets the events it subscribed to.`;
    draw(cursor);
  }

  function draw(cursor) {
    // A row that somebody works in keeps the focus: the control with the same name gets it again.
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
    if (!shown.length) {
      fill(list, el('div', { class: 'empty' }, el('p', {}, search.value ? 'No webhook fits the search.' : 'No webhooks yet.'),
        !search.value && el('a', { class: 'button main', href: '#/webhooks/new' }, '+ Add Webhook'),
        !search.value && el('p', {}, 'Or switch on the demo receivers on the ', link('Simulate page', '#/simulate'), '.')));
    } else {
      fill(list, table(['Webhook', 'State', 'Success', 'Last result', 'Waiting', 'Enabled', el('span', { class: 'hint' }, 'Actions')], shown.map(row)),
        cursor && el('div', { class: 'more' }, button('Show more', () => { pages += 1; refresh(); })));
    }
    if (focused) list.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  }

  const refresh = gently(() => attempt(load));
  search.addEventListener('input', () => { pages = 1; refresh(); });
  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Webhooks'), subtitle),
    el('a', { class: 'button main', href: '#/webhooks/new' }, '+ Add Webhook')), search, list);
  return follow(['webhooks', 'change'], refresh, load);
}

const some = (ids, noun) => ids && `${ids.length} ${noun}${ids.length === 1 ? '' : 's'}`;

export function events(webhook) {
  const names = webhook.events.includes('*') ? 'All events' : webhook.events.join(', ');
  const only = [some(webhook.agents, 'agent'), some(webhook.workflows, 'workflow')].filter(Boolean);
  return only.length ? `${names} (${only.join(', ')})` : names;
}
