// One delivery with every attempt.
import { ago, attempt, call, get, milliseconds, time } from './api.js';
import { button, el, fill, link, tag } from './dom.js';
import { follow, gently } from './live.js';
import { failure, state } from './states.js';

const SETTLED = ['succeeded', 'failed', 'expired', 'canceled'];

export async function deliveryPage(place, id) {
  const shown = el('div', { class: 'page' });
  let isSettled = false;

  async function load() {
    const delivery = await get(`/api/deliveries/${id}`);
    isSettled = SETTLED.includes(delivery.state);
    fill(shown, head(delivery), el('div', { class: 'grid' }, facts(delivery), headers(delivery)), attempts(delivery), payload(delivery));
  }

  fill(place, shown);
  // What is settled does not change any more, and somebody may be reading or marking text.
  return follow(['change'], gently(() => isSettled || attempt(load), 400), load);

  function head(delivery) {
    return el('div', { class: 'head' },
      el('div', {}, el('h1', {}, delivery.eventType), el('div', { class: 'row' }, state(delivery.state), delivery.test && tag('test'), delivery.redeliveryOf && tag('redelivery'))),
      el('div', { class: 'row' },
        isSettled && !delivery.test && button('Redeliver', () => attempt(async () => {
          const done = await call('POST', `/api/deliveries/${id}/redeliver`);
          location.hash = `#/deliveries/${done.deliveryId}`;
        }), 'main'),
        !isSettled && button('Cancel delivery', () => attempt(async () => { await call('POST', `/api/deliveries/${id}/cancel`); await load(); }), 'danger')));
  }
}

function facts(delivery) {
  const rows = [
    ['Webhook', delivery.webhook ? link(delivery.webhook, `#/webhooks/${delivery.webhookId}`) : 'deleted'],
    ['URL', delivery.url], ['Event', el('code', {}, delivery.eventId)], ['Delivery', el('code', {}, delivery.id)],
    delivery.redeliveryOf && ['Repeats', link(delivery.redeliveryOf, `#/deliveries/${delivery.redeliveryOf}`)],
    ['Accepted', time(delivery.createdAt)],
    delivery.settledAt ? ['Settled', time(delivery.settledAt)] : ['Next attempt', delivery.nextAttemptAt ? ago(delivery.nextAttemptAt) : 'as soon as it may'],
  ].filter(Boolean);
  return el('section', { class: 'card' }, el('h2', {}, 'Delivery'), el('dl', { class: 'facts' },
    rows.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
}

function headers(delivery) {
  return el('section', { class: 'card' }, el('h2', {}, 'Request headers'), el('dl', { class: 'facts' },
    delivery.headers.map(header => [el('dt', {}, el('code', {}, header.name)),
      el('dd', {}, header.value === null ? el('span', { class: 'hint' }, '•••••• hidden') : el('code', {}, header.value))])),
  el('p', { class: 'hint' }, 'As the webhook is set now. Signatures, the webhook\'s own values and what looks like a secret are never shown.'));
}

function attempts(delivery) {
  const list = delivery.attempts.map(each => {
    const isGood = each.errorClass === null;
    return el('div', { class: `attempt ${isGood ? 'good' : 'bad'}`, 'data-attempt': each.number },
      el('div', { class: 'row' }, el('strong', {}, `Attempt ${each.number}`), tag(each.status ?? failure(each.errorClass), isGood ? 'good' : 'bad'),
        el('span', { class: 'hint' }, `${time(each.startedAt)} · ${milliseconds(each.durationMs)}`)),
      each.error && el('p', { class: 'error' }, each.error),
      each.response && el('pre', { class: 'text', 'aria-label': `What the receiver answered to attempt ${each.number}` }, each.response));
  });
  return el('section', { class: 'card', 'aria-label': 'Attempts' }, el('h2', {}, 'Attempts'), list.length ? list
    : el('p', { class: 'hint' }, delivery.attemptCount ? 'Older than the log keeps.' : 'None yet.'));
}

function payload(delivery) {
  return el('section', { class: 'card' }, el('h2', {}, 'Payload'), delivery.payloadPretty === null
    ? el('p', { class: 'hint' }, 'No longer kept.') : el('pre', { class: 'text', 'aria-label': 'Payload', tabindex: '0' }, delivery.payloadPretty));
}
