// Sends a test to a webhook and shows what the receiver answered.
import { attempt, call, get, milliseconds } from './api.js';
import { button, dialog, el, field, fill, link, select } from './dom.js';
import { on } from './live.js';
import { failure, state } from './states.js';

export async function testDialog(webhook) {
  const about = await attempt(() => get('/api/about'));
  if (!about) return;
  const type = select(about.eventTypes.map(each => [each.name, `${each.title} (${each.name})`]));
  const result = el('div', { class: 'result', role: 'status' });
  let sent = null;
  let end = null;

  async function look() {
    if (!sent) return;
    const delivery = await attempt(() => get(`/api/deliveries/${sent}`));
    if (!delivery || !['succeeded', 'failed', 'expired', 'canceled'].includes(delivery.state)) return;
    sent = null;
    const last = delivery.attempts.at(-1);
    fill(result, el('dl', { class: 'facts', 'data-test-result': delivery.state },
      el('dt', {}, 'Result'), el('dd', {}, state(delivery.state)),
      last && [el('dt', {}, 'Status'), el('dd', {}, last.status ?? failure(last.errorClass)),
        el('dt', {}, 'Took'), el('dd', {}, milliseconds(last.durationMs))],
      last?.error && [el('dt', {}, 'Error'), el('dd', {}, last.error)]),
    last?.response && el('pre', { class: 'text' }, last.response),
    link('All of this delivery', `#/deliveries/${delivery.id}`));
  }

  const shown = dialog('Test webhook', close => el('div', {}, el('h2', {}, 'Test webhook'),
    el('p', { class: 'hint' }, `Sends the sample of an event type to ${webhook.url} once, also while the webhook is off.`),
    field('Event type', type), result,
    el('div', { class: 'bar' }, button('Close', close), button('Send test', async () => {
      const done = await attempt(() => call('POST', `/api/webhooks/${webhook.id}/test`, { eventType: type.value }));
      if (!done) return;
      fill(result, el('p', { class: 'hint' }, 'Sent; waiting for the answer.'));
      sent = done.deliveryId;
      await look();
    }, 'main'))));
  end = on('change', look);
  shown.addEventListener('close', () => end());
}
