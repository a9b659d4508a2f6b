// The delivery log with its filters, as it grows.
import { ago, attempt, get, milliseconds, time } from './api.js';
import { button, el, field, fill, link, select, table, tag } from './dom.js';
import { follow, gently } from './live.js';
import { failure, state } from './states.js';
import { replayDialog } from './webhook.js';

const STATES = [['', 'Any state'], ['succeeded', 'Succeeded'], ['failed', 'Failed'], ['undelivered', 'Undelivered'], ['pending', 'Waiting'], ['inFlight', 'In flight'], ['expired', 'Expired'], ['canceled', 'Canceled']];

function result(delivery) {
  const { last } = delivery;
  if (!last) return delivery.state === 'failed' ? 'not tried' : '–';
  return [last.status ?? failure(last.errorClass), milliseconds(last.durationMs)].join(' · ');
}

export function deliveryTable(deliveries, withWebhook = true, more = null) {
  const heads = ['Event', withWebhook && 'Webhook', 'State', 'Last answer', 'Attempts', 'When', more && el('span', { class: 'hint' }, 'Actions')].filter(Boolean);
  return table(heads, deliveries.map(delivery => el('tr', { 'data-id': delivery.id },
    el('td', { class: 'event' }, el('div', { class: 'name' }, link(delivery.eventType, `#/deliveries/${delivery.id}`),
      (delivery.test || delivery.redeliveryOf) && el('span', {}, delivery.test && tag('test'), delivery.redeliveryOf && tag('redelivery')))),
    withWebhook && el('td', { 'data-label': 'Webhook' }, delivery.webhook ? link(delivery.webhook, `#/webhooks/${delivery.webhookId}`) : el('span', { class: 'hint' }, 'deleted')),
    el('td', { 'data-label': 'State' }, state(delivery.state)),
    el('td', { 'data-label': 'Last answer', class: 'number-cell' }, result(delivery)),
    el('td', { 'data-label': 'Attempts', class: 'number-cell' }, delivery.attemptCount),
    el('td', { 'data-label': delivery.nextAttemptAt ? 'Next attempt' : 'When' }, el('time', { datetime: delivery.createdAt, title: time(delivery.createdAt) },
      delivery.nextAttemptAt ? nextTime(delivery.nextAttemptAt) : ago(delivery.createdAt))),
    more && el('td', {}, el('div', { class: 'actions' }, more(delivery))))));
}

const nextTime = at => (ago(at).startsWith('in') ? `next ${ago(at)}` : 'due now');
const localTime = value => (value ? new Date(value).toISOString() : '');

export async function deliveriesPage(place, _match, query) {
  const [names, about] = await Promise.all([get('/api/webhooks/names'), get('/api/about')]);
  const controls = {
    webhookId: select([['', 'Any webhook'], ...names.map(each => [each.id, each.name])], query.get('webhookId')),
    state: select(STATES, query.get('state')),
    eventType: select([['', 'Any type'], ...about.eventTypes.map(each => [each.name, each.name])], query.get('eventType')),
    createdAfter: el('input', { type: 'datetime-local', step: '1' }),
    createdBefore: el('input', { type: 'datetime-local', step: '1' }),
  };
  const list = el('section', { class: 'card flush', 'aria-label': 'Deliveries' });
  let pages = 1;

  async function load() {
    const shown = [];
    let cursor = null;
    for (let page = 0; page < pages; page += 1) {
      const answer = await get('/api/deliveries', {
        webhookId: controls.webhookId.value, state: controls.state.value, eventType: controls.eventType.value,
        createdAfter: localTime(controls.createdAfter.value), createdBefore: localTime(controls.createdBefore.value), cursor,
      });
      shown.push(...answer.deliveries);
      ({ cursor } = answer);
      if (!cursor) break;
    }
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    fill(list, shown.length ? deliveryTable(shown) : el('div', { class: 'empty' }, el('p', {}, 'No deliveries fit.'), el('p', {}, 'Push an event on the ', link('Simulate page', '#/simulate'), '.')),
      cursor && el('div', { class: 'more' }, button('Show older', () => { pages += 1; refresh(); })));
    if (focused) [...list.querySelectorAll('a')].find(anchor => anchor.getAttribute('href') === focused)?.focus({ preventScroll: true });
  }

  const refresh = gently(() => attempt(load));
  for (const control of Object.values(controls)) control.addEventListener('change', () => { pages = 1; refresh(); });
  fill(place, el('div', { class: 'head' }, el('div', {}, el('h1', {}, 'Deliveries'), el('p', {}, 'Each is one event to one webhook, the newest first.')),
    button('Replay failed', () => replayDialog(controls.webhookId.value))),
  el('section', { class: 'card filters', 'aria-label': 'Filters' }, field('Webhook', controls.webhookId), field('State', controls.state),
    field('Event type', controls.eventType), field('From', controls.createdAfter), field('Until', controls.createdBefore)), list);
  return follow(['change'], refresh, load);
}
